"""What goes wrong between the product and its servers, made at will: a proxy that falls silent or loses a COMMIT, a held row."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiomysql

from pluseboard.private_servers import HOST, free_port
from tests.servers import Database


class Proxy:
    """Passes TCP on to a server of this machine, until it is told to fail."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._links: set[_Link] = set()
        self._silent = False
        self._lose: tuple[str, bytes] | None = None
        self.lost = 0
        self.commits = asyncio.Event()  # cleared, it holds up every COMMIT
        self.commits.set()
        self.held = asyncio.Event()  # a COMMIT is being held up

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, HOST, self.port)

    async def stop(self) -> None:
        self._server.close()
        for link in list(self._links):
            link.cut()
        await self._server.wait_closed()

    def silence(self) -> None:
        """Connections are accepted, old ones stay open, and nothing gets through: it is kept."""
        self._silent = True
        for link in self._links:
            link.open.clear()

    def restore(self) -> None:
        """What was kept goes on its way."""
        self._silent = False
        for link in self._links:
            link.open.set()

    def forget(self) -> None:
        """As after a firewall's restart: old connections stay open and silent for ever, new ones work."""
        self._silent = False
        for link in self._links:
            link.open = asyncio.Event()

    def lose_commit(self, what: str, of: bytes) -> None:
        """Of the next transaction with such a statement COMMIT's `request` or its `answer` is lost, and the connection."""
        self._lose = (what, of)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(reader, writer)
        if not self._silent:
            link.open.set()
        self._links.add(link)
        try:
            await link.wait()
            await link.connect(self._target)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._requests(link))
                pumps.create_task(self._answers(link))
        except* (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            link.cut()
            self._links.discard(link)

    async def _requests(self, link: "_Link") -> None:
        async for data in link.read(link.client):
            link.said += data
            if b"COMMIT" in data:
                if self._lose and self._lose[1] in link.said:
                    link.loses = self._lose[0]
                    self._lose = None
                    self.lost += 1
                if link.loses == "request":
                    raise EOFError
                if not self.commits.is_set():
                    self.held.set()
                    await self.commits.wait()
                link.said = b""
            link.server_writer.write(data)
        raise EOFError

    async def _answers(self, link: "_Link") -> None:
        async for data in link.read(link.server):
            if link.loses:
                raise EOFError  # the server has answered, so it has done it
            link.client_writer.write(data)
        raise EOFError


class _Link:
    """A client's connection and the one that was made for it."""

    def __init__(self, client: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.client, self.client_writer = client, writer
        self.open = asyncio.Event()
        self.said = b""  # since the last COMMIT
        self.loses = ""

    async def connect(self, port: int) -> None:
        self.server, self.server_writer = await asyncio.open_connection(HOST, port)

    async def wait(self) -> None:
        while not self.open.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):  # it may have been replaced by one that never opens
                    await self.open.wait()

    async def read(self, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        while data := await reader.read(65536):
            await self.wait()
            yield data

    def cut(self) -> None:
        self.client_writer.transport.abort()
        if hasattr(self, "server_writer"):
            self.server_writer.transport.abort()


@asynccontextmanager
async def locked(database: Database, channel_id: int) -> AsyncIterator[None]:
    """Somebody holds the channel's row: whoever would write to the channel waits."""
    place = {"host": database.host, "port": database.port, "user": database.user, "password": database.password}
    connection = await aiomysql.connect(**place, db=database.name)
    try:
        async with connection.cursor() as cursor:
            await cursor.execute("SELECT id FROM channels WHERE id = %s FOR UPDATE", (channel_id,))
            assert cursor.rowcount == 1
        yield
    finally:
        await connection.rollback()
        await connection.ensure_closed()
