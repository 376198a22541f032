"""What is on its way to one client: bounded, so that a client who does not read costs a fixed amount and holds up nobody."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from starlette.websockets import WebSocket

from pluseboard.realtime.events import Frame, Frames
from pluseboard.sockets.protocol import EXTENSION, Protocol

MAX_FRAMES = 256
MAX_BYTES = 1024 * 1024
SEND_SECONDS = 20.0


class SlowClientError(Exception):
    """The client does not read: 256 frames or 1 MiB wait for it."""


class Outbox:
    """`put` never blocks. A frame goes straight to the transport while that has room (one write, no task); otherwise it waits
    here for a task that exists only as long as something waits. When the client takes nothing for 20 s, `on_stuck` is called."""

    __slots__ = ("_bytes", "_empty", "_on_stuck", "_protocol", "_task", "_waiting", "_websocket")

    def __init__(self, websocket: WebSocket, on_stuck: Callable[[], None]) -> None:
        self._websocket = websocket
        self._on_stuck = on_stuck
        self._protocol: Protocol | None = (websocket.scope.get("extensions") or {}).get(EXTENSION)
        self._waiting: deque[Frame] = deque()
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._empty: asyncio.Event | None = None

    def put(self, shown: Frame | Frames) -> None:
        """Raises SlowClientError; ephemeral frames are dropped before that."""
        if self._protocol is not None and not self._waiting and self._protocol.has_room:
            self._protocol.write_frame(shown.wire)
            return
        for frame in shown.parts:
            self._queue(frame)

    def _queue(self, frame: Frame) -> None:
        if not self._has_room_for(frame):
            self._drop_ephemeral()
            if frame.ephemeral:
                return
            if not self._has_room_for(frame):
                raise SlowClientError
        self._waiting.append(frame)
        self._bytes += len(frame.text)
        if self._task is None:
            self._empty = asyncio.Event()
            self._task = asyncio.create_task(self._drain(self._empty))

    async def drained(self) -> None:
        """Until nothing waits here. (What the transport holds is at most its 64 KiB.)"""
        if self._empty is not None:
            await self._empty.wait()

    def close(self, code: int) -> None:
        """What waits is for nobody; the close frame goes out now, or as soon as it can."""
        self.discard()
        if self._protocol is not None:
            self._protocol.write_close(code)
        else:
            self._task = asyncio.create_task(self._close(code))

    def discard(self) -> None:
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._empty is not None:
            # Here, too: a task that is cancelled before its first step never comes to its end.
            self._empty.set()
            self._empty = None

    def _has_room_for(self, frame: Frame) -> bool:
        return len(self._waiting) < MAX_FRAMES and self._bytes + len(frame.text) <= MAX_BYTES

    def _drop_ephemeral(self) -> None:
        self._waiting = deque(frame for frame in self._waiting if not frame.ephemeral)
        self._bytes = sum(len(frame.text) for frame in self._waiting)

    async def _drain(self, empty: asyncio.Event) -> None:
        try:
            while self._waiting:
                async with asyncio.timeout(SEND_SECONDS):
                    if self._protocol is not None:
                        await self._protocol.writable.wait()
                    if not self._waiting:
                        break
                    frame = self._waiting.popleft()
                    self._bytes -= len(frame.text)
                    if self._protocol is not None:
                        self._protocol.write_frame(frame.wire)
                    else:
                        await self._websocket.send({"type": "websocket.send", "text": frame.text})
        except TimeoutError:
            # Now, and not when there is a next frame: it may be long in coming.
            self._on_stuck()
        except (OSError, RuntimeError):
            # The client has gone; the reader sees that too.
            self._waiting.clear()
        finally:
            if self._empty is empty:
                self._task = self._empty = None
            empty.set()

    async def _close(self, code: int) -> None:
        with contextlib.suppress(TimeoutError, OSError, RuntimeError):
            async with asyncio.timeout(SEND_SECONDS):
                await self._websocket.send({"type": "websocket.close", "code": code})
