"""A crowd that comes all at once, is cut off all at once, and comes back all at once.

python -m bench.crowd PORTS PATHS [FRAME ...]

PORTS is a list with commas, PATHS a file with the address of each socket (/ws/?token=...). Each FRAME is sent on every socket as
it opens; one that carries a `ref` must be acknowledged. Commands on standard input, each answered by one line of JSON:

    open    open every socket at the same moment; answers when all of them are open and acknowledged:
            {"seconds", "refused", "broken", "closed", "errors"}: 503 before accept, no answer, closed after accept, error frames
    cut     drop every connection, as a proxy that dies
    told    {"frames", "bytes"} that came since the last "told", acknowledgements left out

Whoever is refused waits as the documentation says: Retry-After, and up to as much again at random; whoever finds no server waits
a growing random while.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop

HOST = "127.0.0.1"
SOURCES = 16  # addresses of this machine to come from: each has ports of its own
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
MAX_PAUSE_SECONDS = 5.0


class Crowd:
    """The sockets, and what has happened to them."""

    def __init__(self, ports: Sequence[int], paths: Sequence[str], hello: Sequence[str]) -> None:
        self.hello = b"".join(client_frame(TEXT, frame.encode()) for frame in hello)
        self.acks = sum('"ref"' in frame for frame in hello)
        self.members = [Member(self, ports[number % len(ports)], path, number) for number, path in enumerate(paths)]
        self.counts = {"refused": 0, "broken": 0, "closed": 0, "errors": 0}
        self.frames = self.bytes = 0
        self.away = 0
        self.is_cut = True
        self.all_back = asyncio.Event()

    async def open(self) -> dict[str, Any]:
        self.counts = dict.fromkeys(self.counts, 0)
        self.is_cut, self.away = False, len(self.members)
        self.all_back.clear()
        start = time.monotonic()
        for member in self.members:
            member.come()
        await self.all_back.wait()
        return {"seconds": round(time.monotonic() - start, 2), **self.counts}

    def cut(self) -> dict[str, Any]:
        self.is_cut = True
        for member in self.members:
            member.drop()
        return {}

    def told(self) -> dict[str, Any]:
        told = {"frames": self.frames, "bytes": self.bytes}
        self.frames = self.bytes = 0
        return told


class Member(asyncio.Protocol):
    """One socket, over however many connections."""

    def __init__(self, crowd: Crowd, port: int, path: str, number: int) -> None:
        self.crowd, self.port, self.path = crowd, port, path
        self.source = f"127.0.0.{2 + number % SOURCES}"
        self.transport: Any = None
        self.coming: asyncio.Task[None] | None = None
        self.is_open = False

    def come(self, after: float = 0) -> None:
        self.coming = asyncio.get_running_loop().create_task(self._come(after))

    async def _come(self, after: float) -> None:
        await asyncio.sleep(after)
        while True:
            try:
                loop = asyncio.get_running_loop()
                await loop.create_connection(lambda: self, HOST, self.port, local_addr=(self.source, 0))
                return
            except OSError:
                self.crowd.counts["broken"] += 1
                await asyncio.sleep(self._pause())

    def _pause(self) -> float:
        self.longest = min(self.longest * 2, MAX_PAUSE_SECONDS)
        return random.uniform(self.longest / 4, self.longest)

    longest = 0.2

    def connection_made(self, transport: Any) -> None:
        self.transport, self.buffer, self.status = transport, b"", 0
        self.awaited = self.crowd.acks
        transport.write(
            f"GET {self.path} HTTP/1.1\r\nHost: {HOST}:{self.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        if not self.status:
            head, end, rest = self.buffer.partition(b"\r\n\r\n")
            if not end:
                return
            self.status, self.buffer = int(head[9:12]), rest
            if self.status != 101:
                return self._refused(head.decode())
            self.transport.write(self.crowd.hello)
            if not self.awaited:
                self._opened()
        self._read_frames()

    def _read_frames(self) -> None:
        buffer, at = self.buffer, 0
        while len(buffer) - at >= 2:
            size, begin = buffer[at + 1], at + 2
            if size >= 126:
                begin += 2 if size == 126 else 8
                size = int.from_bytes(buffer[at + 2 : begin], "big")
            if len(buffer) < begin + size:
                break
            opcode = buffer[at] & 15
            if opcode == PING:
                self.transport.write(client_frame(PONG, buffer[begin : begin + size]))
            elif opcode == TEXT:
                self._text(buffer[begin : begin + 20], size)
            elif opcode == CLOSE:
                self.crowd.counts["closed"] += 1
                print("closed", int.from_bytes(buffer[begin : begin + 2], "big"), file=sys.stderr)
            at = begin + size
        self.buffer = buffer[at:]

    def _text(self, start: bytes, size: int) -> None:
        if self.awaited and start.startswith(b'{"type":"ack"'):
            self.awaited -= 1
            if not self.awaited:
                self._opened()
        elif start.startswith(b'{"type":"error"'):
            self.crowd.counts["errors"] += 1
            self.transport.abort()
        else:
            self.crowd.frames += 1
            self.crowd.bytes += size

    def _opened(self) -> None:
        self.longest = 0.2
        self.is_open = True
        self.crowd.away -= 1
        if not self.crowd.away:
            self.crowd.all_back.set()

    def _refused(self, head: str) -> None:
        self.crowd.counts["refused" if self.status == 503 else "broken"] += 1
        seconds = next(
            (float(line[12:]) for line in head.split("\r\n") if line.lower().startswith("retry-after:")), self._pause()
        )
        self.come(seconds * random.uniform(1, 2))
        self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        if self.crowd.is_cut or (self.coming and not self.coming.done()):
            return
        self.crowd.counts["broken"] += 1
        if self.is_open:
            self.is_open = False
            self.crowd.away += 1
            self.crowd.all_back.clear()
        self.come(self._pause())

    def drop(self) -> None:
        self.is_open = False
        if self.coming is not None:
            self.coming.cancel()
            self.coming = None
        if self.transport is not None:
            self.transport.abort()


def client_frame(opcode: int, payload: bytes) -> bytes:
    """A client's frames are masked (RFC 6455, 5.3); a mask of zeros leaves the payload as it is."""
    size = len(payload)
    head = bytes((0x80 | opcode, 0x80 | size)) if size < 126 else bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big")
    return head + bytes(4) + payload


async def main(ports: str, paths: Sequence[str], hello: Sequence[str]) -> None:
    crowd = Crowd([int(port) for port in ports.split(",")], paths, hello)
    loop = asyncio.get_running_loop()
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := (await commands.readline()).strip():
        answer = await crowd.open() if line == b"open" else crowd.cut() if line == b"cut" else crowd.told()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Path(sys.argv[2]).read_text().split(), sys.argv[3:]))
