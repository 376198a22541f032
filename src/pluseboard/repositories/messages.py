"""Messages, and the edits and deletions that share their channel's order."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec import Raw

from pluseboard.database import Answer, Connection, Executor, load_queries

_q = load_queries("messages")


class NewRow(NamedTuple):
    channel_id: int
    seq: int
    number: int
    sender_id: int
    client_msg_id: str
    body: str
    created_at: str


class SentBefore(NamedTuple):
    id: int
    seq: int
    created_at: str


class Place(NamedTuple):
    channel_id: int
    seq: int
    sender_id: int
    is_deleted: int


class Sent(NamedTuple):
    seq: int
    created_at: str


class Written(NamedTuple):
    """A message and its seq. `json` is a schemas.Message that the database has written as JSON: a msgspec.Raw, which goes into
    an answer or a frame as it is."""

    seq: int
    json: Any


class Change(NamedTuple):
    """An edit or deletion at `seq`, with the message as it is now."""

    seq: int
    type: str
    json: Any


def insert_many(tx: Connection, rows: Sequence[NewRow]) -> Answer[list[int]]:
    """The ids that the database gave, in the order of the rows; none when they have to be read (`ids`)."""
    return tx.later_with_ids(_q.insert_many, rows, _q.last_id, rows[-1].channel_id, rows[-1].seq)


async def ids(db: Executor, rows: Sequence[NewRow]) -> list[int]:
    places = [(row.channel_id, row.seq) for row in rows]
    found = {(row[0], row[1]): row[2] for row in await db.all(_q.ids, tuple(places))}
    return [found[place] for place in places]


def sent_before(tx: Connection, keys: Sequence[tuple[int, int, str]]) -> Answer[dict[tuple[int, int, str], SentBefore]]:
    """(channel id, sender id, client_msg_id) -> the message, for those that exist."""
    return tx.later(
        _q.sent_before, tuple(keys), read=lambda rows: {(row[0], row[1], row[2]): SentBefore(*row[3:]) for row in rows}
    )


async def page_before(db: Executor, channel_id: int, seq: int, limit: int) -> list[Written]:
    """Going back from `seq`, the newest first."""
    return [Written(row[0], Raw(row[1].encode())) for row in await db.all(_q.page_before, channel_id, seq, limit)]


async def page_after(db: Executor, channel_id: int, seq: int, limit: int) -> list[Written]:
    """Going on from `seq`, the oldest first."""
    return [Written(row[0], Raw(row[1].encode())) for row in await db.all(_q.page_after, channel_id, seq, limit)]


async def next_time(db: Executor, channel_id: int, seq: int) -> Sent | None:
    """The first message after `seq`, and when it was sent."""
    row = await db.one(_q.next_time, channel_id, seq)
    return Sent(*row) if row else None


async def at(db: Executor, channel_id: int, seq: int) -> Any:
    """The message at a place that exists, as JSON."""
    row = await db.one(_q.at, channel_id, seq)
    assert row is not None
    return Raw(row[0].encode())


async def place(db: Executor, message_id: int) -> Place | None:
    row = await db.one(_q.place, message_id)
    return Place(*row) if row else None


async def edit(tx: Connection, channel_id: int, seq: int, body: str) -> bool:
    return bool(await tx.run(_q.edit, body, channel_id, seq))


async def delete(tx: Connection, channel_id: int, seq: int) -> bool:
    return bool(await tx.run(_q.delete, channel_id, seq))


async def insert_change(tx: Connection, channel_id: int, seq: int, type_: str, message_seq: int) -> None:
    await tx.run(_q.insert_change, channel_id, seq, type_, message_seq)


async def changes_after(db: Executor, channel_id: int, seq: int, limit: int) -> list[Change]:
    return [Change(row[0], row[1], Raw(row[2].encode())) for row in await db.all(_q.changes_after, channel_id, seq, limit)]


async def number_at(db: Executor, channel_id: int, seq: int) -> int:
    """How many messages the channel had at `seq`."""
    row = await db.one(_q.number_at, channel_id, seq)
    return row[0] if row else 0
