"""Where sockets come in: a few handshakes begin in each turn of the event loop, the rest wait, too many are told to come back.

A proxy that restarts sends thousands of handshakes at one moment. Each costs a third of a millisecond, and all that have arrived
would be taken in one turn of the event loop, before anybody else's request.
"""

import random

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pluseboard.crowds import Turnstile
from pluseboard.errors import Unavailable, error_response

A_TURN = 1  # as many as are accepted in a turn: with more, what waits to be accepted would wait longer
MAX_WAITING = 4000  # two or three seconds' work
RETRY_SECONDS = 2, 8

_door = Turnstile(A_TURN)


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which hands a connection over to the WebSocket protocol when it is its turn."""

    def handle_websocket_upgrade(self) -> None:
        if _door.waiting >= MAX_WAITING:
            self._refuse()
        else:
            self.transport.pause_reading()
            _door.call(self._enter)

    def _enter(self) -> None:
        if self.transport.is_closing():
            return
        self.transport.resume_reading()
        super().handle_websocket_upgrade()
        # A ring of references, which only the garbage collector would find.
        self.parser = self.flow = self.cycle = None  # type: ignore[assignment]

    def _refuse(self) -> None:
        answer = error_response(too_many())
        headers = b"".join(b"%b: %b\r\n" % header for header in answer.raw_headers)
        self.transport.write(b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n%b\r\n%b" % (headers, bytes(answer.body)))
        self.transport.close()


def too_many() -> Unavailable:
    """Each is told another time to come back at."""
    return Unavailable("Too many people come at once; try again", random.randint(*RETRY_SECONDS))  # noqa: S311
