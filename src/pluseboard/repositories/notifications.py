"""Notifications and read marks: each user's own ordered log."""

from collections.abc import Sequence
from typing import NamedTuple

from pluseboard.database import Connection, Executor, load_queries
from pluseboard.schemas import Notification

_q = load_queries("notifications")


class NewRow(NamedTuple):
    user_id: int
    seq: int
    kind: str
    actor_id: int
    workspace_id: int
    channel_id: int
    message_id: int
    message_seq: int
    line: str
    created_at: str


class Change(NamedTuple):
    """A read mark at `seq`: notifications_read (of one, or 0 for all) or channel_read."""

    seq: int
    type: str
    ref_id: int


async def take_seqs(tx: Connection, user_ids: Sequence[int]) -> dict[int, int]:
    """user id -> the next number of their log; the rows stay locked until the transaction ends."""
    await tx.run(_q.advance, tuple(user_ids))
    return await last_seqs(tx, user_ids)


async def last_seqs(db: Executor, user_ids: Sequence[int]) -> dict[int, int]:
    return dict(await db.all(_q.seqs, tuple(user_ids)))


async def next_seq(tx: Connection, user_id: int) -> int:
    return await tx.insert(_q.next_seq, user_id)


async def insert_many(tx: Connection, rows: Sequence[NewRow]) -> dict[int, int]:
    """user id -> the id that the database gave (a user occurs once)."""
    await tx.many(_q.insert_many, rows)
    return dict(await tx.all(_q.ids, tuple((row.user_id, row.seq) for row in rows)))


async def page_before(db: Executor, user_id: int, seq: int, limit: int, unread_only: bool) -> list[Notification]:
    query = _q.unread_before if unread_only else _q.page_before
    return [Notification(*row) for row in await db.all(query, user_id, seq, limit)]


async def page_after(db: Executor, user_id: int, seq: int, limit: int) -> list[Notification]:
    return [Notification(*row) for row in await db.all(_q.page_after, user_id, seq, limit)]


async def changes_after(db: Executor, user_id: int, seq: int, limit: int) -> list[Change]:
    return [Change(*row) for row in await db.all(_q.changes_after, user_id, seq, limit)]


async def insert_change(tx: Connection, user_id: int, seq: int, type_: str, ref_id: int) -> None:
    await tx.run(_q.insert_change, user_id, seq, type_, ref_id)


async def seq_of(db: Executor, user_id: int, notification_id: int) -> int | None:
    row = await db.one(_q.seq_of, notification_id, user_id)
    return row[0] if row else None


async def mark_read(tx: Connection, user_id: int, seq: int) -> bool:
    return bool(await tx.run(_q.mark_read, user_id, seq))


async def mark_all_read(tx: Connection, user_id: int) -> bool:
    return bool(await tx.run(_q.mark_all_read, user_id))


async def mark_channel_read(tx: Connection, user_id: int, channel_id: int, up_to_seq: int) -> None:
    await tx.run(_q.mark_channel_read, user_id, channel_id, up_to_seq)


async def unread_count(db: Executor, user_id: int) -> int:
    row = await db.one(_q.unread_count, user_id)
    return row[0] if row else 0


async def mention_counts(db: Executor, user_id: int) -> dict[int, int]:
    """channel id -> unread mentions."""
    return dict(await db.all(_q.mention_counts, user_id))
