"""Subscribers of the hub on behalf of one socket: a channel's or the user's events, and the activity of a workspace."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pluseboard.realtime.events import Batch, with_prev_seq, workspace_topic

if TYPE_CHECKING:
    from pluseboard.sockets.connection import Connection


class EventFeed:
    """Passes everything on, but to a user their own typing."""

    __slots__ = ("_connection",)

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection

    def push(self, batch: Batch) -> None:
        if batch.typist != self._connection.user.id:
            self._connection.send(batch.frame)

    async def drained(self) -> None:
        await self._connection.drained()


class ActivityFeed:
    """Passes on what the user may see: the workspace's own activity, that of public channels (not to guests), and that of
    channels they are in. `prev_seq` tells the client which seq came before in its own view."""

    __slots__ = ("_connection", "_last_seq", "_left", "_public_too", "channel_ids", "topic")

    def __init__(self, connection: "Connection", workspace_id: int) -> None:
        self.topic = workspace_topic(workspace_id)
        self.channel_ids: set[int] = set()
        self._left: set[int] = set()
        self._connection = connection
        self._public_too = False
        self._last_seq: int | None = None

    def show(self, role: str, channel_ids: Iterable[int]) -> None:
        """What the database says; channels left while it was asked stay out."""
        self._public_too = role != "guest"
        self.channel_ids.update(set(channel_ids) - self._left)

    def channel_left(self, channel_id: int) -> None:
        self.channel_ids.discard(channel_id)
        self._left.add(channel_id)

    def channel_joined(self, channel_id: int) -> None:
        self.channel_ids.add(channel_id)
        self._left.discard(channel_id)

    def push(self, batch: Batch) -> None:
        before = batch.events[0].seq - 1
        if self._last_seq is None:
            self._last_seq = before
        if self._last_seq == before and all(self._sees(*place) for place in batch.places):
            self._last_seq = batch.events[-1].seq
            self._connection.send(batch.frame)
            return
        for event in batch.events:
            if self._sees(event.channel_id, event.is_private):
                follows = self._last_seq == event.seq - 1
                self._connection.send(event.frame if follows else with_prev_seq(event, self._last_seq))
                self._last_seq = event.seq

    def _sees(self, channel_id: int, is_private: int) -> bool:
        return not channel_id or channel_id in self.channel_ids or (self._public_too and not is_private)

    async def drained(self) -> None:
        await self._connection.drained()
