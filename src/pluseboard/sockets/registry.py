"""The sockets of this process by user, and by workspace for presence: whom an end of access concerns, and who watches whom."""

import asyncio
import gc
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from pluseboard.crowds import Together, Turnstile
from pluseboard.database import Database
from pluseboard.presence import Update
from pluseboard.realtime.events import Frame, Frames, PresenceUpdate, frame
from pluseboard.repositories import members
from pluseboard.repositories.access import Change
from pluseboard.sockets.door import too_many

if TYPE_CHECKING:
    from pluseboard.sockets.connection import Connection

MAX_ARRIVING = 1000  # handshakes under way; they are many only while the database is slow
FREEZE = 250  # sockets more than there were the last time, or have been since
PASSING = 10  # who come or go in one turn of the event loop: about 3 ms
JOINED, SLICE, REST = 64, 100, 4  # users in one write: about 7 KB; writes in one turn of the event loop: about 2 ms

_updates = msgspec.json.Decoder(list[Update])


class Registry:
    """`apply` acts on an access change, `announce` delivers presence updates. `database` is for what sockets read: a part
    of the pool, so that many who subscribe at once leave the rest to requests."""

    def __init__(self, database: Database, max_sockets_per_user: int) -> None:
        self.database = database
        self._max = max_sockets_per_user
        self._arriving = 0
        self._count = self._frozen = 0
        self.turnstile = Turnstile(PASSING)
        self.workspace_ids = Together[int, list[int]](lambda user_ids: _workspace_ids(database, user_ids))
        self._by_user: defaultdict[int, set[Connection]] = defaultdict(set)
        self._watchers: defaultdict[int, set[Connection]] = defaultdict(set)
        self._updates: dict[int, Update] = {}
        self._announcer: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return self._count

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """Round a handshake. Raises Unavailable when too many are under way."""
        if self._arriving >= MAX_ARRIVING:
            raise too_many()
        self._arriving += 1
        try:
            yield
        finally:
            self._arriving -= 1

    def has_room(self, user_id: int) -> bool:
        return sum(not connection.closing for connection in self._by_user.get(user_id, ())) < self._max

    def add(self, connection: "Connection") -> None:
        self._by_user[connection.user.id].add(connection)
        self._count += 1
        if self._count >= self._frozen + FREEZE:
            # Python's collector, which stops everything, would walk through all sockets again and again as they come: half a
            # second with ten thousand. A socket is no cycle and is freed without it.
            gc.freeze()
            self._frozen = self._count

    def remove(self, connection: "Connection") -> None:
        self._by_user[connection.user.id].discard(connection)
        if not self._by_user[connection.user.id]:
            del self._by_user[connection.user.id]
        self._count -= 1
        self._frozen = min(self._frozen, self._count)
        if not self._count:
            gc.unfreeze()
        for workspace_id in connection.workspace_ids or ():
            self.unwatch(connection, workspace_id)

    def watch(self, connection: "Connection", workspace_id: int) -> None:
        self._watchers[workspace_id].add(connection)

    def unwatch(self, connection: "Connection", workspace_id: int) -> None:
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
        """One frame a watcher and user, however many workspaces they share.

        Up to JOINED users go in one write, and after each slice of writes this rests four times as long as the slice took: ten
        thousand who are news to ten thousand take at most a fifth of the process, less while it has other work, and what is newer
        by then is told instead."""
        try:
            while self._updates:
                together: defaultdict[tuple[int, ...], list[Frame]] = defaultdict(list)
                for _ in range(min(len(self._updates), JOINED)):
                    update = self._updates.pop(next(iter(self._updates)))
                    shown = PresenceUpdate(update.user_id, update.email, update.status)
                    together[tuple(update.workspace_ids)].append(frame(shown, ephemeral=True))
                for workspace_ids, frames in together.items():
                    await self._show(workspace_ids, frames)
        finally:
            self._announcer = None

    async def _show(self, workspace_ids: tuple[int, ...], frames: list[Frame]) -> None:
        watchers: list[Connection] = list(set().union(*(self._watchers.get(id_, ()) for id_ in workspace_ids)))
        shown = Frames(frames)
        for start in range(0, len(watchers), SLICE):
            began = time.monotonic()
            for watcher in watchers[start : start + SLICE]:
                # Whoever has left the workspace since then is not shown what happens in it.
                if not watcher.closing and watcher.watches(workspace_ids):
                    watcher.send(shown)
            await asyncio.sleep(0)  # the writes themselves come at the end of the turn
            if len(watchers) > SLICE:
                await asyncio.sleep(REST * (time.monotonic() - began))

    def close_all(self, code: int) -> None:
        for connections in list(self._by_user.values()):
            for connection in list(connections):
                connection.close(code)


async def _workspace_ids(database: Database, user_ids: Sequence[int]) -> list[list[int]]:
    found = await members.workspace_ids_of_users(database, user_ids)
    return [found[user_id] for user_id in user_ids]
