"""The real parts that tests run against, and the runner that starts database and Redis once for all tests:

python -m tests.servers [--mysql] [--lowest] [--] [arguments of pytest]
"""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar

import aiomysql
import httpx
from aiosmtpd.smtp import SMTP, Envelope, Session

from pluseboard.private_servers import HOST, PrivateMariaDB, PrivateRedis, PrivateServerError, end, first_byte, free_port, spawn
from tests import lowest

ROOT = Path(__file__).resolve().parent.parent
MYSQL_CHROOT = ROOT / ".local" / "mysql-sid"


class SuiteMariaDB(PrivateMariaDB):
    """As in development, but its user may create databases and users."""

    grant = "GRANT ALL ON *.* TO pluseboard@'%' WITH GRANT OPTION"


class PrivateMySQL(SuiteMariaDB):
    """A real MySQL in the chroot that `bin/setup --mysql` makes; its folder lies inside."""

    name = "mysql"

    def __init__(self, port: int | None = None) -> None:
        (MYSQL_CHROOT / "srv").mkdir(exist_ok=True)
        super().__init__(Path(tempfile.mkdtemp(dir=MYSQL_CHROOT / "srv")), port)
        self.socket = str(self.folder / "mysql.sock")

    def seen(self, path: Path) -> str:
        return f"/{path.relative_to(MYSQL_CHROOT)}"

    def initialize(self, data: Path) -> None:
        with self.log.open("ab") as log:
            subprocess.run([*self._mysqld(data), "--initialize-insecure"], check=True, stdout=log, stderr=log)

    def command(self) -> list[str]:
        extra = ["--secure-file-priv=", "--mysqlx=OFF", f"--socket={self.seen(Path(self.socket))}"]
        return [*self._mysqld(self.data), *extra, *self.options()]

    def answers(self) -> bool:
        return first_byte((self.host, self.port)) is not None

    def stop(self) -> None:
        super().stop()
        shutil.rmtree(self.folder)

    def _mysqld(self, data: Path) -> list[str]:
        return ["chroot", str(MYSQL_CHROOT), "mysqld", "--no-defaults", "--user=root", f"--datadir={self.seen(data)}"]


class _Rows(aiomysql.DictCursor):
    """The server's warnings (of DROP IF EXISTS, for one) would be Python's, which are errors in the tests."""

    async def _show_warnings(self, conn: Any) -> None:
        pass


@dataclass(frozen=True)
class Database:
    """A database of the product, and a way to look into it behind the product's back."""

    host: str
    port: int
    user: str
    password: str
    name: str

    @property
    def environment(self) -> dict[str, str]:
        place = {"DB_HOST": self.host, "DB_PORT": str(self.port), "DB_NAME": self.name}
        return {**place, "DB_USER": self.user, "DB_PASSWORD": self.password}

    async def query(self, sql: str, args: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows as dicts. A connection each, so that killed connections and restarted servers do not matter."""
        return await self._query(sql, args, db=self.name)

    async def create(self) -> None:
        """Empty, whatever an earlier run left."""
        await self._query(f"DROP DATABASE IF EXISTS {self.name}")
        await self._query(f"CREATE DATABASE {self.name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")

    async def _query(self, sql: str, args: Sequence[Any] = (), **options: Any) -> list[dict[str, Any]]:
        place = {"host": self.host, "port": self.port, "user": self.user, "password": self.password}
        connection = await aiomysql.connect(**place, **options, autocommit=True)
        try:
            async with connection.cursor(_Rows) as cursor:
                await cursor.execute(sql, args or None)
                return list(await cursor.fetchall())
        finally:
            await connection.ensure_closed()


@dataclass(frozen=True)
class Message:
    """A mail as it arrived."""

    recipient: str
    subject: str
    text: str

    @property
    def codes(self) -> list[str]:
        """The six-digit code in it, if it has one."""
        return re.findall(r"(?<!\d)\d{6}(?!\d)", self.text)[:1]


class MailServer:
    """A real SMTP server on the tests' own event loop. It can be told to refuse mail for now, or to fall silent."""

    every: ClassVar[list["MailServer"]] = []

    def __init__(self) -> None:
        self.every.append(self)
        self.host = HOST
        self.port = free_port()
        self.messages: list[Message] = []
        self._mode = "accept"
        self._arrived = asyncio.Condition()
        self._told: dict[str, int] = {}
        self._connections: set[asyncio.BaseTransport] = set()

    async def start(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(self._protocol, self.host, self.port)

    async def stop(self) -> None:
        self._server.close()
        self._hang_up()
        await self._server.wait_closed()

    def refuse(self) -> None:
        """Answer every mail with a temporary error."""
        self._mode = "refuse"

    def silence(self) -> None:
        """Accept connections and say nothing on them."""
        self._mode = "silence"
        self._hang_up()

    def restore(self) -> None:
        self._mode = "accept"
        self._hang_up()

    async def wait_for(self, address: str, count: int = 1, timeout: float = 10) -> list[Message]:  # noqa: ASYNC109
        """Every mail to the address, once there are `count`."""
        await self._until(lambda: len(self.to(address)) >= count, address, timeout)
        return self.to(address)

    async def code_for(self, address: str, timeout: float = 10) -> str:  # noqa: ASYNC109
        """The newest six-digit code, newer than the one that the last call told."""
        address = address.lower()
        await self._until(lambda: len(self._codes(address)) > self._told.get(address, 0), address, timeout)
        codes = self._codes(address)
        self._told[address] = len(codes)
        return codes[-1]

    async def _until(self, come: Callable[[], bool], address: str, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds), self._arrived:
                await self._arrived.wait_for(come)
        except TimeoutError:
            raise TimeoutError(f"no such mail within {seconds} s; to {address} there are {self.to(address)}") from None

    def to(self, address: str) -> list[Message]:
        return [message for message in self.messages if message.recipient == address.lower()]

    def _codes(self, address: str) -> list[str]:
        return [code for message in self.to(address) for code in message.codes]

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        if self._mode == "refuse":
            return "451 4.3.2 Try again later"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        text = mail.get_body(("plain",)).get_content()
        async with self._arrived:
            self.messages += [Message(recipient.lower(), mail["Subject"], text) for recipient in envelope.rcpt_tos]
            self._arrived.notify_all()
        return "250 OK"

    def _protocol(self) -> asyncio.BaseProtocol:
        kind: Any = _Silent if self._mode == "silence" else _Talking
        return kind(self)

    def _hang_up(self) -> None:
        for transport in list(self._connections):
            transport.abort()

    def opened(self, transport: asyncio.BaseTransport) -> None:
        self._connections.add(transport)

    def closed(self, transport: asyncio.BaseTransport) -> None:
        self._connections.discard(transport)


class _Silent(asyncio.Protocol):
    def __init__(self, mail: MailServer) -> None:
        self._mail = mail

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._mail.opened(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._mail.closed(self._transport)


class _Talking(SMTP):
    def __init__(self, mail: MailServer) -> None:
        super().__init__(mail, hostname="localhost", loop=asyncio.get_running_loop())
        self._mail = mail

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._mail.opened(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._mail.closed(self.transport)
        super().connection_lost(error)


class ServerProcess:
    """One `pluseboard serve`. After kill() or stop(), start() brings it back on its port."""

    module = "pluseboard"
    database: Database
    every: ClassVar[list["ServerProcess"]] = []  # of this run, for the scan of their logs

    def __init__(self, env: dict[str, str], log_path: Path, noted: bool = True) -> None:
        if noted:
            self.every.append(self)
        self.env = env
        self.log_path = log_path
        self.url = f"http://{HOST}:{env['PORT']}"
        self.ws_url = f"ws://{HOST}:{env['PORT']}"
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        # In a folder of its own, so that the developer's .env plays no part.
        command = [sys.executable, "-m", self.module, "serve"]
        self.process = spawn(command, self.log_path, env=self.env, cwd=self.log_path.parent)
        deadline = time.monotonic() + 30
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as client:
            while not await _is_ready(client):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"the server is not ready. Its log:\n{self.log()}")
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """SIGTERM, and wait for the end."""
        if self.process:
            await asyncio.to_thread(end, self.process)

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def log(self) -> str:
        return self.log_path.read_text()

    def assert_no_traceback(self) -> None:
        before, found, after = self.log().partition("Traceback (most recent call last)")
        assert not found, f"{self.log_path} has a traceback:\n{before[-500:]}{found}{after[:5000]}"


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def run_command(env: dict[str, str], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`pluseboard ...` to its end; stdout and stderr together in `.stdout`."""
    command = [sys.executable, "-m", "pluseboard", *arguments]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return await asyncio.to_thread(subprocess.run, command, env=env, cwd=folder, check=False, **output)


# --- the runner ---------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str]) -> int:
    """Pytest's exit code; its summary is the last line."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # even where a shell started us in the background
    mysql = "--mysql" in arguments
    env = {**os.environ}
    if "--lowest" in arguments:
        env |= {"PYTHONPATH": str(lowest.folder()), "TEST_VERSIONS": "lowest"}
    ours = ("--mysql", "--lowest", "--")
    wanted = [argument for argument in arguments if argument not in ours]
    if "--lowest" in arguments:
        wanted = lowest.arguments(wanted)
    try:
        with ExitStack() as running:
            folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="pluseboard-")))
            database = running.enter_context(PrivateMySQL() if mysql else SuiteMariaDB(folder / "mariadb"))
            redis = running.enter_context(PrivateRedis(folder / "redis"))
            place = {f"TEST_{name}": value for name, value in {**database.environment, **redis.environment}.items()}
            return _run_pytest(wanted, {**env, **place})
    except PrivateServerError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _run_pytest(arguments: Sequence[str], env: dict[str, str]) -> int:
    # SIGINT, because it is the signal on which pytest tears down its fixtures and ends its workers.
    command = ["setpriv", "--pdeathsig", "INT", "--", sys.executable, "-m", "pytest", "-n", "auto", *arguments]
    with subprocess.Popen(command, cwd=ROOT, env=env) as pytest:
        while True:
            try:
                return pytest.wait()
            except KeyboardInterrupt:
                if not sys.stdin.isatty():  # Ctrl+C has reached pytest too
                    pytest.send_signal(signal.SIGINT)
            except SystemExit:
                pytest.send_signal(signal.SIGINT)
                raise


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
