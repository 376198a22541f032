"""uvicorn's WebSocket protocol, which also lets us write a ready frame straight to its transport.

ASGI's send awaits, encodes and copies a frame for each recipient; writing the bytes that were encoded once is about twice as fast
(docs/performance.md), and it never blocks. Offered to the application as the scope extension EXTENSION; under another server the
outbox falls back to ASGI.
"""

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from pluseboard.crowds import Turnstile

EXTENSION = "pluseboard.transport"
CLOSE_SECONDS = 10.0
LEAVING_A_TURN = 10

_leaving = Turnstile(LEAVING_A_TURN)


class Protocol(WebSocketsSansIOProtocol):
    disconnected = False  # uvicorn 0.50 does not say it

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            # A request that websockets does not take, such as an address over 8 KiB: uvicorn 0.54 neither sends its answer nor
            # closes, and the connection that hangs then breaks the shutdown of the whole process.
            self.handshake_complete = self.close_sent = True
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                # uvicorn 0.54 would log a traceback, with which any client could fill the log.
                self.frames = []
                self.write_close(1007)
                return
        super().send_receive_event_to_app()

    async def run_asgi(self) -> None:
        self.scope["extensions"][EXTENSION] = self  # type: ignore[assignment]
        await super().run_asgi()
        # uvicorn's close() waits, without limit, for the client to take what the buffer holds.
        if self.transport.get_write_buffer_size():
            self.loop.call_later(CLOSE_SECONDS, self.transport.abort)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        # Thousands may be lost at one moment, and each takes some work. From now on nothing may be written.
        self.disconnected = self.handshake_complete = True
        _leaving.call(lambda: self._lost(exc))

    def shutdown(self) -> None:
        if not self.disconnected:
            super().shutdown()

    def _lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # Rings of references, which only the garbage collector would find.
        if self.handshake_initiated:
            self.scope.get("extensions", {}).pop(EXTENSION, None)
        del self.conn.parser

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            # A refusal is an end, too: uvicorn 0.54 would log an error after each.
            self.handshake_complete = True

    @property
    def has_room(self) -> bool:
        """The transport's buffer is below its high-water mark (64 KiB)."""
        return self.writable.is_set()

    def write_frame(self, wire: bytes) -> None:
        if not self.close_sent and not self.transport.is_closing():
            self.transport.write(wire)

    def write_close(self, code: int) -> None:
        """A close frame behind whatever the buffer holds; a client that does not answer it is cut off after 10 s."""
        if self.close_sent or self.transport.is_closing():
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": ""})
        self.conn.send_close(code)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)
