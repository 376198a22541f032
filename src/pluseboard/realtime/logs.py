"""The three kinds of ordered logs, read from the database: what the hub replays, and fills gaps with."""

from collections.abc import Sequence
from typing import Protocol

from pluseboard.database import Executor
from pluseboard.realtime import events
from pluseboard.realtime.events import Event
from pluseboard.repositories import activities, channels, messages, notifications, workspaces


class Log(Protocol):
    """`last_seqs`: id -> newest seq, for the ids that exist. `after`: up to `limit` events following `seq`, without a hole."""

    async def last_seqs(self, db: Executor, ids: Sequence[int]) -> dict[int, int]: ...
    async def after(self, db: Executor, id_: int, seq: int, limit: int) -> list[Event]: ...


class ChannelLog:
    async def last_seqs(self, db: Executor, ids: Sequence[int]) -> dict[int, int]:
        return await channels.last_seqs(db, ids)

    async def after(self, db: Executor, id_: int, seq: int, limit: int) -> list[Event]:
        written = await messages.page_after(db, id_, seq, limit)
        found = [events.channel_event("new_message", id_, row.seq, row.json) for row in written]
        changes = await messages.changes_after(db, id_, seq, limit)
        found += [events.channel_event(change.type, id_, change.seq, change.json) for change in changes]
        return _in_order(found, seq, limit)


class WorkspaceLog:
    async def last_seqs(self, db: Executor, ids: Sequence[int]) -> dict[int, int]:
        return await workspaces.last_seqs(db, ids)

    async def after(self, db: Executor, id_: int, seq: int, limit: int) -> list[Event]:
        return [events.activity_update(it, is_private) for is_private, it in await activities.page_after(db, id_, seq, limit)]


class UserLog:
    async def last_seqs(self, db: Executor, ids: Sequence[int]) -> dict[int, int]:
        return await notifications.last_seqs(db, ids)

    async def after(self, db: Executor, id_: int, seq: int, limit: int) -> list[Event]:
        found = [events.notification(id_, record) for record in await notifications.page_after(db, id_, seq, limit)]
        found += [await read_mark(db, id_, change) for change in await notifications.changes_after(db, id_, seq, limit)]
        return _in_order(found, seq, limit)


async def read_mark(db: Executor, user_id: int, change: notifications.Change) -> Event:
    """A read mark as a frame, with the counts as they are now."""
    topic = events.user_topic(user_id)
    if change.type == "channel_read":
        state = await channels.read_state(db, change.ref_id, user_id)
        mentions = (await notifications.mention_counts(db, user_id)).get(change.ref_id, 0)
        read = events.ChannelRead(change.seq, change.ref_id, state.read_seq, state.unread_count, mentions)
        return Event(topic, change.seq, events.frame(read))
    unread = await notifications.unread_count(db, user_id)
    return Event(topic, change.seq, events.frame(events.NotificationsRead(change.seq, change.ref_id or None, unread)))


LOGS: dict[str, Log] = {"channel": ChannelLog(), "workspace": WorkspaceLog(), "user": UserLog()}


def _in_order(found: list[Event], seq: int, limit: int) -> list[Event]:
    """Two sources that were each read up to `limit` are complete together up to `limit`, and as far as there is no hole: between
    the two queries the log may have gone on."""
    ordered = sorted(found, key=lambda event: event.seq)[:limit]
    return [event for place, event in enumerate(ordered, seq + 1) if event.seq == place]
