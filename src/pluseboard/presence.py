"""Who is online: each process writes rows for its users' sockets in batches, and announces only what changed.

A row lives 30 s after it was last refreshed. That makes three things one: a user whose last socket went is offline 30 s later; a
killed process leaves nobody online; and ten thousand users who reconnect after a restart change nothing, so nothing is announced.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Iterable

import msgspec

from pluseboard.database import Database
from pluseboard.errors import ApiError
from pluseboard.realtime.hub import Hub
from pluseboard.repositories import members, presence, sessions

log = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0
REFRESH_SECONDS = 10
SEEN_SECONDS = 20.0
TOUCH_SECONDS = 30.0
CHUNK = 250  # rows in a statement: about 2 ms of this process


class Update(msgspec.Struct, array_like=True):
    """A change of one user's status, and the workspaces whose members may know."""

    user_id: int
    email: str
    status: str
    workspace_ids: list[int]


class PresenceTracker:
    """Counts this process's sockets; `run` writes and announces."""

    def __init__(self, database: Database, hub: Hub) -> None:
        self._database = database
        self._hub = hub
        self._node = secrets.token_hex(8)
        # user -> socket -> online, idle, here (it sends no heartbeat) or offline (it does not count)
        self._sockets: dict[int, dict[int, str]] = {}
        self._changed: dict[int, str] = {}  # user -> what to write
        self._untold: dict[int, str] = {}
        self._seen: set[int] = set()
        self._seen_written: dict[int, float] = {}
        self._sessions: set[int] = set()

    def seen(self, user_id: int, session_id: int) -> None:
        """A request or a frame."""
        self._seen.add(user_id)
        self._sessions.add(session_id)

    def report(self, user_id: int, socket: int, status: str) -> None:
        """A socket opened, or a heartbeat says how its user is."""
        before = self._status(user_id)
        self._sockets.setdefault(user_id, {})[socket] = status
        self._note(user_id, before)

    def gone(self, user_id: int, socket: int) -> None:
        before = self._status(user_id)
        remaining = self._sockets.get(user_id, {})
        remaining.pop(socket, None)
        if not remaining:
            self._sockets.pop(user_id, None)
        self._note(user_id, before)

    def _note(self, user_id: int, before: str) -> None:
        after = self._status(user_id)
        if after != before:
            # Whoever went keeps their last status in the row: it expires by itself.
            self._changed[user_id] = before if after == "offline" else after

    def _status(self, user_id: int) -> str:
        statuses = self._sockets.get(user_id, {}).values()
        return next((status for status in ("online", "idle", "here") if status in statuses), "offline")

    async def run(self) -> None:
        touched = time.monotonic()
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            now = time.monotonic()
            try:
                self._refresh(round(now) % REFRESH_SECONDS)
                await self._write_changes()
                await self._write_seen(now)
                await self._sweep()
                await self._announce({})
                if now - touched >= TOUCH_SECONDS:
                    touched = now
                    await self._touch_sessions()
            except ApiError as error:
                log.warning("presence could not be written", extra={"error": error.message})
            except Exception:
                log.exception("presence failed")

    def _refresh(self, turn: int) -> None:
        """Everybody who is still here is written again every ten seconds, each second a tenth of them. Usually that changes
        nothing and is told to nobody; but whoever was thought gone, because this process was held up, comes back."""
        due = [user_id for user_id in self._sockets if user_id % REFRESH_SECONDS == turn]
        here = {user_id: status for user_id in due if (status := self._status(user_id)) != "offline"}
        self._seen.update(here)
        self._changed = here | self._changed

    async def _upsert(self, statuses: dict[int, str]) -> None:
        for chunk in _chunks(statuses):
            await presence.upsert_many(self._database, [(user_id, self._node, statuses[user_id]) for user_id in chunk])

    async def _write_changes(self) -> None:
        while self._changed:
            users = list(self._changed)[:CHUNK]
            statuses = {user_id: self._changed.pop(user_id) for user_id in users}
            try:
                before = await presence.statuses(self._database, users)
                await self._upsert(statuses)
                after = await presence.statuses(self._database, users)
            except ApiError:
                # Tried again in a second; what changed meanwhile is newer.
                self._changed = statuses | self._changed
                raise
            await self._announce({user_id: after[user_id] for user_id in users if after.get(user_id) != before.get(user_id)})

    async def _sweep(self) -> None:
        gone = await presence.sweep_stale(self._database)
        if gone:
            left = await presence.statuses(self._database, gone)
            await self._announce({user_id: left.get(user_id, "offline") for user_id in gone})

    async def _announce(self, statuses: dict[int, str]) -> None:
        # Kept until it is told: the rows are written, so no later round would see a difference.
        self._untold |= statuses
        for chunk in _chunks(self._untold):
            emails = await presence.emails(self._database, chunk)
            workspaces = await members.workspace_ids_of_users(self._database, chunk)
            updates = [Update(user_id, emails[user_id], self._untold[user_id], workspaces[user_id]) for user_id in chunk]
            self._hub.publish_presence(msgspec.json.encode(updates).decode())
            for user_id in chunk:
                del self._untold[user_id]

    async def _write_seen(self, now: float) -> None:
        """At most one write a user every 20 s, however many requests they make."""
        due = [user_id for user_id in self._seen if now - self._seen_written.get(user_id, -SEEN_SECONDS) >= SEEN_SECONDS]
        self._seen.difference_update(due)  # the others' turn comes
        for chunk in _chunks(due):
            await presence.seen_many(self._database, chunk)
            self._seen_written.update(dict.fromkeys(chunk, now))
        if len(self._seen_written) > 10 * CHUNK:
            self._seen_written = {user: at for user, at in self._seen_written.items() if now - at < SEEN_SECONDS}

    async def _touch_sessions(self) -> None:
        used, self._sessions = self._sessions, set()
        for chunk in _chunks(used):
            await sessions.touch(self._database, chunk)


def _chunks(ids: Iterable[int]) -> Iterable[list[int]]:
    ordered = sorted(ids)
    return (ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK))
