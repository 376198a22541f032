"""Fixtures: real servers, and people who use them. Session fixtures are one per pytest-xdist worker.

What a test most often needs: `person` (signed-in people on the cluster), `cluster` (two server processes joined by Redis),
`start_server` (a server with other settings), `database`, `mail`, `browser`.
"""

import asyncio
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from pluseboard.private_servers import free_port
from tests.leaks import leaks
from tests.servers import Database, MailServer, Message, ServerProcess, run_command

PASSWORD = "correct horse battery staple"
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
LONG = {"chaos": "long fault tests", "fuzz": "long fuzzing", "ha": "tests of a database cluster"}
numbers = itertools.count(1)

os.environ["NO_PROXY"] = "127.0.0.1,localhost"  # a proxy of the machine is no part of what is tested


def pytest_addoption(parser: pytest.Parser) -> None:
    for name, what in LONG.items():
        parser.addoption(f"--{name}", action="store_true", help=f"run the {what} too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [name for name in LONG if not config.getoption(name)]
    deselected = [item for item in items if any(item.get_closest_marker(name) for name in left_out)]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if item not in deselected]


# --- database -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def servers() -> dict[str, str]:
    """Where bin/test has started the servers."""
    env = {name.removeprefix("TEST_"): value for name, value in os.environ.items() if name.startswith("TEST_")}
    if not {"DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "REDIS_URL"} <= env.keys():
        pytest.fail("This test needs a database and Redis: run it with bin/test, which starts both.", pytrace=False)
    return env


@pytest.fixture(scope="session")
async def make_database(
    servers: dict[str, str], settings_env: Callable[..., dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Awaitable[Database]]:
    """Creates and migrates a database of the given name, dropping what an earlier run left."""

    async def make(name: str) -> Database:
        place = (servers["DB_HOST"], int(servers["DB_PORT"]), servers["DB_USER"], servers["DB_PASSWORD"])
        database = Database(*place, name)
        await database.create()
        done = await run_command(settings_env(**database.environment), tmp_path_factory.getbasetemp(), "migrate")
        assert done.returncode == 0, done.stdout
        return database

    return make


@pytest.fixture(scope="session")
async def database(make_database: Callable[[str], Awaitable[Database]]) -> Database:
    return await make_database(f"test_{WORKER}")


# --- server processes ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def no_secret_in_any_log() -> Iterator[None]:
    """When all is done: a scan of the logs of every server that this worker has started."""
    yield
    assert_no_leaks(ServerProcess.every, [message for server in MailServer.every for message in server.messages])


def assert_no_leaks(servers: Iterable[ServerProcess], mails: Iterable[Message]) -> None:
    codes = {code for message in mails for code in message.codes}
    for server in servers:
        words = {PASSWORD, *(value for name, value in server.env.items() if name.endswith(("_KEY", "_ACCEPTED", "PASSWORD")))}
        found = list(leaks(server.log(), words, codes)) if server.log_path.exists() else []
        assert found == [], f"{server.log_path} has {len(found)} secrets:\n" + "\n".join(found[:5])


@pytest.fixture(scope="session")
async def mail() -> AsyncIterator[MailServer]:
    server = MailServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def mail_restored(mail: MailServer) -> Iterator[MailServer]:
    """For a test that refuses or silences mail: whatever happens, the next test gets its mail."""
    yield mail
    mail.restore()


@pytest.fixture(scope="session")
def settings_env(servers: dict[str, str], mail: MailServer) -> Callable[..., dict[str, str]]:
    """The environment of one server process, on a free port; keyword arguments change it. DB_* is left to the caller."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH") if name in os.environ}
    server, _, _ = servers["REDIS_URL"].rpartition("/")

    def env(**changes: str) -> dict[str, str]:
        settings = {
            "DEBUG": "True",
            "PORT": str(free_port()),
            "LOG_LEVEL": "INFO",
            "REDIS_URL": f"{server}/{int(WORKER.removeprefix('gw')) % 16}",
            "EMAIL_HOST": mail.host,
            "EMAIL_PORT": str(mail.port),
            "EMAIL_USE_TLS": "False",
            "JWT_SECRET_KEY": "jwt-key-of-the-tests-" + "k" * 24,
            "SECRET_KEY": "secret-key-of-the-tests-" + "s" * 24,
            "RATE_LIMITS": "off",
            "ALLOWED_ORIGINS": "http://localhost:3000",
        }
        return {**kept, **settings, **changes}

    return env


@dataclass(frozen=True)
class Cluster:
    """Two server processes that share database and Redis."""

    a: ServerProcess
    b: ServerProcess

    @property
    def both(self) -> tuple[ServerProcess, ServerProcess]:
        return self.a, self.b


@pytest.fixture(scope="session")
async def cluster(
    database: Database, settings_env: Callable[..., dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    pair = Cluster(*(ServerProcess(settings_env(**database.environment), folder / f"{name}.log") for name in "ab"))
    for server in pair.both:
        server.database = database
    async with _ending(pair.both):
        await asyncio.gather(*(server.start() for server in pair.both))
        yield pair


@pytest.fixture
async def start_server(
    database: Database,
    make_database: Callable[[str], Awaitable[Database]],
    settings_env: Callable[..., dict[str, str]],
    tmp_path: Path,
) -> AsyncIterator[Callable[..., Awaitable[ServerProcess]]]:
    """Starts servers of the test's own: `await start_server(own_database=True, RATE_LIMITS="on")`.

    `server.database` is the one it uses; `database=` takes one that an earlier server of the test made, `kind=` a ServerProcess
    that can do more.
    """
    started: list[ServerProcess] = []

    async def start(
        own_database: bool = False, database: Database = database, kind: type[ServerProcess] = ServerProcess, **changes: str
    ) -> ServerProcess:
        if own_database:
            database = await make_database(f"test_{WORKER}_{next(numbers)}")
        server = kind(settings_env(**{**database.environment, **changes}), tmp_path / f"server{len(started)}.log")
        server.database = database
        started.append(server)
        await server.start()
        return server

    async with _ending(started):
        yield start


@asynccontextmanager
async def _ending(servers: Any) -> AsyncIterator[None]:
    """Whatever a server went through, its log holds no traceback."""
    try:
        yield
    finally:
        await asyncio.gather(*(server.stop() for server in servers))
    for server in servers:
        server.assert_no_traceback()


# --- people -------------------------------------------------------------------------------------------------------


class Socket:
    """A WebSocket that speaks JSON."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, frame: dict[str, Any]) -> None:
        await self.connection.send(json.dumps(frame))

    async def receive(self, timeout: float = 5) -> dict[str, Any]:  # noqa: ASYNC109
        """The next frame."""
        async with asyncio.timeout(timeout):
            frame: dict[str, Any] = json.loads(await self.connection.recv())
            return frame

    async def expect(self, type: str, timeout: float = 5) -> dict[str, Any]:  # noqa: ASYNC109
        """The next frame of that type; others are skipped."""
        skipped = []
        try:
            async with asyncio.timeout(timeout):
                while (frame := await self.receive(timeout))["type"] != type:
                    skipped.append(frame)
        except TimeoutError:
            raise AssertionError(f"no {type} within {timeout} s; there came {skipped}") from None
        return frame

    async def quiet(self, seconds: float) -> None:
        """Asserts that nothing comes."""
        with suppress(TimeoutError):
            frame = await self.receive(seconds)
            raise AssertionError(f"unexpected frame: {frame}")

    async def closed(self, timeout: float = 5) -> int:  # noqa: ASYNC109
        """Waits until the server has closed it; the close code."""
        with suppress(websockets.ConnectionClosed):
            async with asyncio.timeout(timeout):
                while True:
                    await self.connection.recv()
        assert self.close_code is not None
        return self.close_code

    @property
    def close_code(self) -> int | None:
        return self.connection.close_code


@dataclass
class Person:
    """Somebody who is signed in on a server."""

    username: str
    email: str
    full_name: str
    server: ServerProcess
    cleanup: AsyncExitStack
    password: str = PASSWORD
    cookies: CookieJar = field(default_factory=CookieJar)

    def __post_init__(self) -> None:
        self._clients: dict[str, httpx.AsyncClient] = {}

    @property
    def http(self) -> httpx.AsyncClient:
        """A client of the server on which they signed in."""
        return self.on(self.server)

    def on(self, server: ServerProcess) -> httpx.AsyncClient:
        """A client of any server, with the same cookies."""
        if server.url not in self._clients:
            # verify=False: these are plain HTTP, and loading the certificate authorities takes 40 ms.
            client = httpx.AsyncClient(base_url=server.url, cookies=self.cookies, verify=False, trust_env=False, timeout=30)
            self.cleanup.push_async_callback(client.aclose)
            self._clients[server.url] = client
        return self._clients[server.url]

    @property
    def access_token(self) -> str:
        return next(cookie.value or "" for cookie in self.cookies if cookie.name == "access_token")

    @asynccontextmanager
    async def socket(
        self,
        path: str,
        server: ServerProcess | None = None,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> AsyncIterator[Socket]:
        """A socket with `?token=`, or with another query (`query={}` for none)."""
        query = {"token": self.access_token} if query is None else query
        url = f"{(server or self.server).ws_url}{path}" + (f"?{urlencode(query)}" if query else "")
        async with websockets.connect(url, additional_headers=headers, max_size=None) as connection:
            yield Socket(connection)

    async def register(self) -> httpx.Response:
        fields = ("username", "email", "full_name", "password")
        return await self.http.post("/api/register/", json={name: getattr(self, name) for name in fields})

    async def sign_in(self, mail: MailServer) -> httpx.Response:
        await self.http.post("/api/request-otp/", json={"email": self.email})
        return await self.http.post("/api/verify-otp/", json={"email": self.email, "otp": await mail.code_for(self.email)})


@pytest.fixture
async def person(cluster: Cluster, mail: MailServer) -> AsyncIterator[Callable[..., Awaitable[Person]]]:
    """Registers people and signs them in through the API: `alice = await person("alice")`; `server=` instead of the cluster."""
    async with AsyncExitStack() as cleanup:

        async def make(name: str, full_name: str | None = None, server: ServerProcess | None = None) -> Person:
            username = f"{name}{next(numbers)}"
            full_name = full_name or f"{name.capitalize()} Example"
            someone = Person(username, f"{username}@example.com", full_name, server or cluster.a, cleanup)
            for answer in (await someone.register(), await someone.sign_in(mail)):
                assert answer.is_success, answer.text
            return someone

        yield make


# --- browser ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Any]:
    """The system's Chromium, headless, through playwright; `await browser.new_context()` is a fresh person's profile."""
    from playwright.async_api import async_playwright

    executable = shutil.which("chromium") or shutil.which("google-chrome")
    assert executable, "Chromium is not installed: run bin/setup --test"
    quiet = ["quic", "background-networking", "component-update", "sync", "gpu"]
    flags = ["--no-sandbox", "--no-first-run", *(f"--disable-{what}" for what in quiet)]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, headless=True, args=flags)
        yield browser
        await browser.close()
