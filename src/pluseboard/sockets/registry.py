"""The sockets of this process by user, and by workspace for presence: whom an end of access concerns, and who watches whom."""

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from pluseboard.presence import Update
from pluseboard.realtime.events import PresenceUpdate, frame
from pluseboard.repositories.access import Change

if TYPE_CHECKING:
    from pluseboard.sockets.connection import Connection

SLICE = 500  # frames between two turns of the event loop: about 2 ms

_updates = msgspec.json.Decoder(list[Update])


class Registry:
    """`apply` acts on an access change, `announce` delivers presence updates."""

    def __init__(self, max_sockets_per_user: int) -> None:
        self._max = max_sockets_per_user
        self._by_user: defaultdict[int, set[Connection]] = defaultdict(set)
        self._watchers: defaultdict[int, set[Connection]] = defaultdict(set)
        self._updates: dict[int, Update] = {}
        self._announcer: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return sum(len(connections) for connections in self._by_user.values())

    def has_room(self, user_id: int) -> bool:
        return len(self._by_user.get(user_id, ())) < self._max

    def add(self, connection: "Connection") -> None:
        self._by_user[connection.user.id].add(connection)

    def remove(self, connection: "Connection") -> None:
        self._by_user[connection.user.id].discard(connection)
        if not self._by_user[connection.user.id]:
            del self._by_user[connection.user.id]
        for workspace_id in list(connection.watching):
            self.unwatch(connection, workspace_id)

    def watch(self, connection: "Connection", workspace_id: int) -> None:
        connection.watching.add(workspace_id)
        self._watchers[workspace_id].add(connection)

    def unwatch(self, connection: "Connection", workspace_id: int) -> None:
        connection.watching.discard(workspace_id)
        if watchers := self._watchers.get(workspace_id):
            watchers.discard(connection)
            if not watchers:
                del self._watchers[workspace_id]

    def apply(self, change: Change) -> None:
        """An access change, synchronously: whatever is delivered after it already obeys it."""
        concerned = self._by_user.get(change.user_id, ()) if change.user_id else set().union(*self._by_user.values())
        for connection in list(concerned):
            connection.access_changed(change)

    def announce(self, updates: str) -> None:
        """Show presence updates to whoever watches; of two updates of one user that wait, the newer is shown."""
        self._updates.update({update.user_id: update for update in _updates.decode(updates)})
        if self._announcer is None:
            self._announcer = asyncio.create_task(self._announce())

    async def _announce(self) -> None:
        """One frame a watcher and update, however many workspaces they share; in slices, so that thousands of people who come at
        once do not hold up anybody's messages."""
        sent = 0
        while self._updates:
            update = self._updates.pop(next(iter(self._updates)))
            watchers: set[Connection] = set().union(*(self._watchers.get(id_, ()) for id_ in update.workspace_ids))
            if watchers:
                shown = frame(PresenceUpdate(update.user_id, update.email, update.status), ephemeral=True)
                for watcher in watchers:
                    watcher.send(shown)
            sent += len(watchers)
            if sent >= SLICE:
                sent = 0
                await asyncio.sleep(0)
        self._announcer = None

    def close_all(self, code: int) -> None:
        for connections in list(self._by_user.values()):
            for connection in list(connections):
                connection.close(code)
