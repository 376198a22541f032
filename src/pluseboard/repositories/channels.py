"""Channels, their members, and how far each has read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from pluseboard.database import Answer, Connection, Executor, load_queries
from pluseboard.schemas import Channel, ChannelMember, ReadState

_q = load_queries("channels")


@dataclass(frozen=True, slots=True)
class VisibleChannel:
    """A channel as one user sees it, their role in its workspace, and who made it."""

    channel: Channel
    role: str
    created_by: int


class LockedChannel(NamedTuple):
    """What a batch of messages must know of a channel whose row it has locked."""

    id: int
    workspace_id: int
    name: str
    is_private: int
    is_archived: int
    last_seq: int
    message_count: int


async def insert(
    tx: Connection,
    workspace_id: int,
    name: str,
    live_name: str,
    topic: str,
    description: str,
    is_private: int,
    is_default: int,
    created_by: int,
) -> int:
    """Raises DuplicateRow with key channels_live_name."""
    return await tx.insert(_q.insert, workspace_id, name, live_name, topic, description, is_private, is_default, created_by)


async def has_public(db: Executor, workspace_id: int) -> bool:
    return await db.one(_q.has_public, workspace_id) is not None


async def visible_list(db: Executor, user_id: int, workspace_id: int, role: str, archived_too: bool) -> list[Channel]:
    rows = await db.all(_q.visible_list, user_id, workspace_id, int(archived_too), int(role != "guest"))
    return [Channel(*row) for row in rows]


async def visible_to(db: Executor, user_id: int, channel_id: int) -> VisibleChannel | None:
    """The channel, if it is the user's to know."""
    row = await db.one(_q.visible_to, user_id, user_id, channel_id)
    return VisibleChannel(Channel(*row[:14]), row[14], row[15]) if row else None


async def newest_seq(db: Executor, user_id: int, channel_id: int) -> int | None:
    """Where the channel's log stands, if it is the user's to know."""
    row = await db.one(_q.newest_seq, user_id, user_id, channel_id)
    return row[0] if row else None


async def lock_defaults(tx: Connection, workspace_ids: Sequence[int]) -> None:
    await tx.all(_q.lock_defaults, tuple(workspace_ids))


async def workspaces_of(db: Executor, channel_ids: Sequence[int]) -> dict[int, int]:
    """Channel id -> workspace id, for the channels that exist. It never changes."""
    return dict(await db.all(_q.workspaces_of, tuple(channel_ids)))


def lock_many(tx: Connection, channel_ids: Sequence[int]) -> Answer[dict[int, LockedChannel]]:
    """Lock channels in the order of their ids."""
    return tx.later(_q.lock_many, tuple(channel_ids), read=lambda rows: {row[0]: LockedChannel(*row) for row in rows})


def advance_many(tx: Connection, by: Mapping[int, int]) -> None:
    """Move the counters of locked channels: id -> how many messages were added."""
    steps = msgspec.json.encode({str(k): v for k, v in by.items()}).decode()
    tx.later(_q.advance_many, steps, steps, tuple(by))


async def next_seq(tx: Connection, channel_id: int) -> int:
    """Take the next number for an edit or a deletion; the row stays locked until the transaction ends."""
    return await tx.insert(_q.next_seq, channel_id)


async def last_seqs(db: Executor, channel_ids: Sequence[int]) -> dict[int, int]:
    return dict(await db.all(_q.last_seqs, tuple(channel_ids)))


async def update(tx: Connection, channel: Channel, live_name: str) -> None:
    """Write name, topic, description and is_default. Raises DuplicateRow."""
    await tx.run(_q.update, channel.name, live_name, channel.topic, channel.description, int(channel.is_default), channel.id)


async def archive(tx: Connection, channel_id: int) -> bool:
    return bool(await tx.run(_q.archive, channel_id))


def archive_empty(tx: Connection, channel_ids: Sequence[int]) -> None:
    """Those of the channels, which are locked, that are private and that nobody is in any more."""
    tx.later(_q.archive_empty, tuple(channel_ids))


async def unarchive(tx: Connection, channel_id: int, live_name: str) -> bool:
    """Raises DuplicateRow when a live channel has the name."""
    return bool(await tx.run(_q.unarchive, live_name, channel_id))


async def add_member(tx: Connection, channel_id: int, user_id: int) -> None:
    """Raises DuplicateRow when the user is already in."""
    await tx.run(_q.add_member, user_id, channel_id)


async def add_everybody(tx: Connection, channel_id: int) -> None:
    await tx.run(_q.add_everybody, channel_id)


async def join_defaults(tx: Connection, workspace_id: int, user_id: int) -> None:
    await tx.run(_q.join_defaults, user_id, workspace_id)


async def remove_member(tx: Connection, channel_id: int, user_id: int) -> bool:
    return bool(await tx.run(_q.remove_member, channel_id, user_id))


async def members(db: Executor, channel_id: int, after_user_id: int, limit: int) -> list[ChannelMember]:
    return [ChannelMember(*row) for row in await db.all(_q.members, channel_id, after_user_id, limit)]


async def member_ids(db: Executor, channel_id: int) -> list[int]:
    return [row[0] for row in await db.all(_q.member_ids, channel_id)]


def members_of_pairs(tx: Connection, pairs: Sequence[tuple[int, int]]) -> Answer[set[tuple[int, int]]]:
    """Those of the (channel id, user id) pairs that are memberships."""
    return tx.later(_q.members_of_pairs, tuple(pairs), read=lambda rows: {(row[0], row[1]) for row in rows})


async def viewers_of(db: Executor, channel_id: int, user_ids: Sequence[int]) -> list[int]:
    """Those of the users who can see the channel."""
    return [row[0] for row in await db.all(_q.viewers_of, tuple(user_ids), channel_id)] if user_ids else []


async def joined_ids(db: Executor, user_id: int, workspace_id: int) -> list[int]:
    return [row[0] for row in await db.all(_q.joined_ids, user_id, workspace_id)]


async def visible_ids(db: Executor, user_id: int, workspace_id: int, role: str) -> list[int]:
    return [row[0] for row in await db.all(_q.visible_ids, user_id, workspace_id, int(role != "guest"))]


async def mark_read(tx: Connection, channel_id: int, user_id: int, read_seq: int, read_count: int) -> None:
    await tx.run(_q.mark_read, read_seq, read_count, channel_id, user_id)


def read_many(tx: Connection, rows: Sequence[tuple[int, int, int, int, str]]) -> None:
    """(channel id, user id, read_seq, read_count, time) of everybody who has just sent."""
    tx.later_many(_q.read_many, rows)


async def read_states(db: Executor, user_id: int) -> list[ReadState]:
    """Every joined live channel; mention_count is left 0."""
    return [ReadState(*row) for row in await db.all(_q.read_states, user_id)]


async def read_state(db: Executor, channel_id: int, user_id: int) -> ReadState:
    """One channel's; mention_count is left 0."""
    row = await db.one(_q.read_state, user_id, channel_id)
    return ReadState(*row) if row else ReadState(channel_id, 0, 0, 0)
