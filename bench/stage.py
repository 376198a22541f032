"""Where everything is measured: a private MariaDB (durable) and Redis, and on them one server at a time."""

import os
import resource
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pymysql

from bench.people import Person, call, client_of, sign_up
from bench.processes import Running, cpu_seconds, running
from pluseboard.private_servers import HOST, PrivateMariaDB, PrivateRedis, spawn

HERE = Path(__file__).resolve().parent
LOCAL = HERE.parent / ".local" / "bench"
PEER_PYTHON = LOCAL / "seed_stack" / "bin" / "python"
KEY = "k" * 48  # that of limits.py too: all three take the same tokens
PEOPLE = 64


class _MariaDB(PrivateMariaDB):
    """As in development, but its user may make the peer's database and read the slow log."""

    grant = "GRANT ALL ON *.* TO pluseboard@'%' WITH GRANT OPTION"


class Stage:
    """`people` are members of workspace `workspace`; `pluseboard()`, `limits()` and `peer()` run what is measured."""

    def __init__(self, seconds: float, folder: Path = LOCAL / "stage") -> None:
        self.seconds = seconds
        self.folder = folder
        self.people: list[Person] = []
        self.workspace = 0
        self._parts = ExitStack()

    def __enter__(self) -> "Stage":
        _raise_descriptor_limit()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        try:
            self.database = self._parts.enter_context(_MariaDB(self.folder / "mariadb"))
            self.redis = self._parts.enter_context(PrivateRedis(self.folder / "redis"))
            self._run([sys.executable, "-m", "pluseboard", "migrate"], self._pluseboard_env(), self.folder)
            with self.pluseboard(DEBUG="True", EMAIL_HOST="") as server:
                self._populate(f"http://{HOST}:{server.port}")
        except BaseException:
            self._parts.close()
            raise
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        self._parts.close()
        if not failed:  # or else the logs in it say why
            shutil.rmtree(self.folder, ignore_errors=True)

    def _populate(self, url: str) -> None:
        self.people = sign_up(url, PEOPLE, KEY)
        with client_of(url, self.people[0]) as owner:
            self.workspace = call(owner, "POST", "/api/workspaces/", {"name": "Bench"})["workspace_id"]
            self.add_channel(owner, "general")  # the first one is the default: everybody who comes joins it
            for person in self.people[1:]:
                call(owner, "POST", f"/api/workspaces/{self.workspace}/members/", {"email": person.email})

    def add_channel(self, owner: Any, name: str) -> int:
        asked = {"workspace_id": self.workspace, "name": name, "is_private": False}
        channel: int = call(owner, "POST", "/api/channels/", asked)["channel_id"]
        return channel

    def channel(self, name: str) -> int:
        """A new public channel, which is everybody's to write in."""
        with self.pluseboard() as server, client_of(f"http://{HOST}:{server.port}", self.people[0]) as owner:
            return self.add_channel(owner, name)

    # --- what is measured -------------------------------------------------------------------------------------------

    @contextmanager
    def pluseboard(self, command: Sequence[str] = ("-m", "pluseboard", "serve"), **env: str) -> Iterator[Running]:
        """One process, with settings as in production (but for rate limits, which the load would hit)."""
        with self._server([sys.executable, *command], {**self._pluseboard_env(), **env}, "pluseboard", self.folder) as server:
            yield server

    @contextmanager
    def limits(self) -> Iterator[Running]:
        command = [sys.executable, str(HERE / "limits.py"), "--port", "{port}"]
        with self._server(command, {}, "limits", self.folder) as server:
            yield server

    @contextmanager
    def peer(self) -> Iterator[Running]:
        """The seed's own stack, in a database of its own on the same server, with the same people and channels."""
        home = HERE / "peers" / "seed_stack"
        env = {**self._common_env(), "DB_NAME": "seed_stack", "REDIS_URL": self.redis.url.replace("/0", "/1")}
        self.sql("CREATE DATABASE IF NOT EXISTS seed_stack CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        self._run([str(PEER_PYTHON), "manage.py", "migrate", "--run-syncdb", "--verbosity=0"], env, home)
        self.sql("INSERT IGNORE INTO seed_stack.users (id, email) SELECT id, email FROM pluseboard.users")
        self.sql("INSERT IGNORE INTO seed_stack.channels (id, name) SELECT id, name FROM pluseboard.channels")
        command = [str(PEER_PYTHON), "-m", "uvicorn", "asgi:application", "--port", "{port}", "--backlog", "4096"]
        with self._server([*command, "--log-level", "warning", "--no-access-log"], env, "peer", home) as server:
            yield server

    @contextmanager
    def _server(self, command: Sequence[str], env: dict[str, str], name: str, cwd: Path) -> Iterator[Running]:
        with running(command, self.folder / f"{name}.log", env, cwd) as server:
            yield server

    def _pluseboard_env(self) -> dict[str, str]:
        off = {"RATE_LIMITS": "off", "MAX_SOCKETS_PER_USER": "100000", "LOG_LEVEL": "WARNING"}
        # No mail is sent while something is measured.
        place = {"HOST": HOST, "PORT": "{port}", "EMAIL_HOST": "localhost", "DEBUG": "False", "REDIS_URL": self.redis.url}
        return {**self._common_env(), **place, **off}

    def _common_env(self) -> dict[str, str]:
        return {**self.database.environment, "JWT_SECRET_KEY": KEY, "SECRET_KEY": "s" * 48, "PYTHONDONTWRITEBYTECODE": "1"}

    def _run(self, command: Sequence[str], env: dict[str, str], cwd: Path) -> None:
        log = self.folder / "set-up.log"
        if spawn(list(command), log, env={**os.environ, **env, "PORT": "1"}, cwd=cwd).wait():
            raise RuntimeError(f"{command} failed. The end of {log}:\n{log.read_text()[-3000:]}")

    # --- beside it --------------------------------------------------------------------------------------------------

    @contextmanager
    def connect(self, **options: Any) -> Iterator[Any]:
        """A cursor in pluseboard's database."""
        place = {"host": HOST, "port": self.database.port, "user": self.database.user, "password": self.database.password}
        connection = pymysql.connect(**place, database=self.database.database, autocommit=True, **options)
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def sql(self, statement: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement, or a query to its end."""
        with self.connect() as cursor:
            cursor.execute(statement, arguments or None)
            return list(cursor.fetchall())

    def cpu_of(self, **servers: Running) -> dict[str, float]:
        """Seconds of CPU so far, of these and of the database and Redis."""
        parts = {"database": cpu_seconds(self._pid("mariadb")), "redis": cpu_seconds(self._pid("redis"))}
        return {**{name: server.cpu_seconds for name, server in servers.items()}, **parts}

    def _pid(self, name: str) -> int:
        return int((self.folder / name / "pid").read_text())


def _raise_descriptor_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
