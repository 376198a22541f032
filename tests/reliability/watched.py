"""A server that tells how many tasks, descriptors and bytes it has, and a client that never reads."""

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import websockets

from pluseboard.private_servers import HOST
from tests.conftest import Person, Socket
from tests.servers import ROOT, ServerProcess

LISTENING, TIME_WAIT = "0A", "06"  # as /proc/net/tcp writes them


class Watched(ServerProcess):
    """`bench.watched`, which writes its number of tasks on SIGUSR1."""

    module = "bench.watched"

    def __init__(self, env: dict[str, str], log_path: Path) -> None:
        self._tasks = log_path.with_suffix(".tasks")
        super().__init__({**env, "WATCHED": str(self._tasks), "PYTHONPATH": str(ROOT)}, log_path)

    async def tasks(self) -> int:
        assert self.process
        self._tasks.unlink(missing_ok=True)
        os.kill(self.process.pid, signal.SIGUSR1)
        async with asyncio.timeout(10):
            while not (self._tasks.exists() and (told := self._tasks.read_text())):
                await asyncio.sleep(0.01)
        return int(told)


def descriptors(server: ServerProcess) -> int:
    assert server.process
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def resident_mib(server: ServerProcess) -> float:
    assert server.process
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def connections(server: ServerProcess) -> int:
    """Open to clients. (Its descriptors would count those to the database, too, which come and go.)"""
    port = f"{int(server.env['PORT']):04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port}") and row[3] not in (LISTENING, TIME_WAIT) for row in rows)


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float) -> float:
    """How long it took to come true."""
    started = time.monotonic()
    async with asyncio.timeout(seconds):
        while not (answer if isinstance(answer := condition(), bool) else await answer):
            await asyncio.sleep(0.05)
    return time.monotonic() - started


@asynccontextmanager
async def sluggish(someone: Person, channel_id: int, server: ServerProcess) -> AsyncIterator[Socket]:
    """A socket in a channel whose client reads when it is told to and hardly before: its buffers are as small as can be."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, (HOST, int(server.env["PORT"])))
    url = f"{server.ws_url}/ws/chat/?token={someone.access_token}"
    options: dict[str, Any] = {"max_queue": 1, "max_size": None, "ping_interval": None}
    async with websockets.connect(url, sock=raw, close_timeout=1, **options) as connection:
        await connection.send(json.dumps({"type": "join_channel", "channel_id": channel_id, "ref": "joined"}))
        assert json.loads(await connection.recv())["ref"] == "joined"
        yield Socket(connection)
