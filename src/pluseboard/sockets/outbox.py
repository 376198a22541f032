"""What is on its way to one client: bounded, so that a client who does not read costs a fixed amount and holds up nobody."""

import asyncio
from collections import deque
from typing import Any

from starlette.websockets import WebSocket

from pluseboard.realtime.events import Frame

MAX_FRAMES = 256
MAX_BYTES = 1024 * 1024
SEND_SECONDS = 20.0

# The scope's extension in which pluseboard.server's protocol offers its transport.
TRANSPORT = "pluseboard.transport"


class SlowClientError(Exception):
    """The client does not read: 256 frames or 1 MiB wait for it."""


class Outbox:
    """`put` never blocks. A frame goes straight to the transport while that is not full (one write, no task); otherwise it waits
    here for a task that exists only as long as something waits. Without the extension every frame goes through ASGI's send."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._protocol: Any = (websocket.scope.get("extensions") or {}).get(TRANSPORT)
        self._waiting: deque[Frame] = deque()
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._empty = asyncio.Event()
        self._empty.set()
        self.stuck = False

    def put(self, frame: Frame) -> None:
        """Raises SlowClientError; ephemeral frames are dropped before that."""
        protocol = self._protocol
        if protocol is not None and not self._waiting and protocol.writable.is_set():
            if not protocol.transport.is_closing() and not protocol.close_sent:
                protocol.transport.write(frame.wire)
            return
        if len(self._waiting) >= MAX_FRAMES or self._bytes + len(frame.text) > MAX_BYTES:
            self._drop_ephemeral()
            if frame.ephemeral:
                return
            if len(self._waiting) >= MAX_FRAMES or self._bytes + len(frame.text) > MAX_BYTES:
                raise SlowClientError
        self._waiting.append(frame)
        self._bytes += len(frame.text)
        if self._task is None:
            self._empty.clear()
            self._task = asyncio.ensure_future(self._drain())

    async def drained(self) -> None:
        await self._empty.wait()

    def abort(self) -> None:
        """Cut the line of a client that does not read: a close frame would wait behind everything else."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
        if self._protocol is not None:
            self._protocol.transport.abort()

    def discard(self) -> None:
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    def _drop_ephemeral(self) -> None:
        kept = [frame for frame in self._waiting if not frame.ephemeral]
        self._waiting = deque(kept)
        self._bytes = sum(len(frame.text) for frame in kept)

    async def _drain(self) -> None:
        try:
            while self._waiting:
                frame = self._waiting[0]
                async with asyncio.timeout(SEND_SECONDS):
                    if self._protocol is not None:
                        await self._protocol.writable.wait()
                        if not self._protocol.transport.is_closing() and not self._protocol.close_sent:
                            self._protocol.transport.write(frame.wire)
                    else:
                        await self._websocket.send({"type": "websocket.send", "text": frame.text})
                # _drop_ephemeral may have taken it out meanwhile.
                if self._waiting and self._waiting[0] is frame:
                    self._waiting.popleft()
                    self._bytes -= len(frame.text)
        except (TimeoutError, OSError, RuntimeError):
            # TimeoutError: it does not read. The others: it has gone; the reader sees that too.
            self.stuck = True
            self._waiting.clear()
        finally:
            self._task = None
            self._empty.set()
