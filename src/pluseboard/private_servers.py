"""Private MariaDB and Redis servers, which run without touching the system.

A private server lives in one folder (data, log, password, remembered port), listens on 127.0.0.1 alone and ends with its
parent, whatever ends that. `pluseboard dev`, the tests and the benchmarks use the same classes.
"""

import fcntl
import hashlib
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Self

HOST = "127.0.0.1"
# Below the range from which the kernel takes ports for outgoing connections: inside it, a client's TIME_WAIT keeps a
# restarted server from binding.
PORTS = range(20_000, 32_768)
SOCKET_PATH_LIMIT = 107  # bytes, of sockaddr_un
START_SECONDS = 60.0  # generous: after a crash the database recovers first
STOP_SECONDS = 30.0
# Debian keeps servers where an ordinary user's PATH does not lead.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"])


class PrivateServerError(Exception):
    """A server cannot run. The message says why, in words for a person."""


def is_free(port: int, host: str = HOST) -> bool:
    """Whether a server could bind the port now (a client's TIME_WAIT does not count: servers set SO_REUSEADDR too)."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A free port, drawn at random so that parallel callers seldom meet."""
    return next(port for port in iter(lambda: random.choice(PORTS), None) if is_free(port))  # noqa: S311


def spawn(
    command: list[str], log: Path | None = None, env: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start a child that gets SIGTERM when this process dies, in a session of its own so that Ctrl+C reaches only us."""
    command = ["setpriv", "--pdeathsig", "TERM", "--", *command]
    with log.open("ab") if log else nullcontext() as output:
        return subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, cwd=cwd, start_new_session=True
        )


def end(process: subprocess.Popen[bytes], seconds: float = STOP_SECONDS) -> None:
    """SIGTERM, and SIGKILL for one that does not listen."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class PrivateServer(ABC):
    """A server process on one folder. start() after kill() or stop() finds the data again, on the same port if it is free."""

    name: str
    host = HOST

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder.resolve()
        self.port = port or 0
        self.log = self.folder / f"{self.name}.log"
        self.socket = str(_socket_folder(self.folder, self.name) / f"{self.name}.sock")
        self._fixed_port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None

    @abstractmethod
    def prepare(self) -> None:
        """Create what is missing in the folder."""

    @abstractmethod
    def command(self) -> list[str]:
        """What to run; the process's working folder lies in `folder`."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it serves clients yet. Asked over its own socket, so that nobody else can answer."""

    @property
    @abstractmethod
    def environment(self) -> dict[str, str]:
        """The settings that lead to it."""

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Returns when clients are served. Raises PrivateServerError."""
        if self.running:
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._take_folder()
        self._make_socket_folder()
        try:
            self._end_stray()
            self.port = self._choose_port()
            self.prepare()
            self._process = spawn(self.command(), self.log)
            (self.folder / "pid").write_text(str(self._process.pid))
            self._wait_until_ready(self._process)
            (self.folder / "port").write_text(str(self.port))
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End it in order (SIGTERM)."""
        if self._process:
            end(self._process)
        self._release()

    def kill(self) -> None:
        """End it as a crash would (SIGKILL)."""
        if self._process:
            self._process.kill()
            self._process.wait()
        self._release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _take_folder(self) -> None:
        """Of two live parents the second is refused; the kernel drops the lock of a dead one."""
        if self._lock is not None:
            return
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise PrivateServerError(f"{self.folder} is in use: is the same command running in another terminal?") from None
        self._lock = lock

    def _release(self) -> None:
        self._process = None
        (self.folder / "pid").unlink(missing_ok=True)
        Path(self.socket).unlink(missing_ok=True)
        if (short := Path(self.socket).parent) != self.folder:
            with suppress(OSError):
                short.rmdir()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _make_socket_folder(self) -> None:
        folder = Path(self.socket).parent
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.lstat().st_uid != os.geteuid():
            raise PrivateServerError(f"{folder} belongs to another user")

    def _end_stray(self) -> None:
        """We hold the folder, so a server still in it outlived its parent, or is on its way down."""
        pid = _number_in(self.folder / "pid")
        for number in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + STOP_SECONDS
            with suppress(ProcessLookupError):
                if pid and _works_in(pid, self.folder):
                    os.kill(pid, number)
            while pid and _works_in(pid, self.folder) and time.monotonic() < deadline:
                time.sleep(0.05)

    def _choose_port(self) -> int:
        if self._fixed_port:
            return self._fixed_port
        remembered = _number_in(self.folder / "port")
        return remembered if remembered and is_free(remembered) else free_port()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                tail = self.log.read_text(errors="replace")[-2000:]
                raise PrivateServerError(f"{self.name} did not start. The end of {self.log}:\n{tail}")
            time.sleep(0.02)


class PrivateMariaDB(PrivateServer):
    """MariaDB, as durable as in production, with a database and a user of the product's name."""

    name = "mariadb"
    database = user = "pluseboard"
    grant = "GRANT ALL ON pluseboard.* TO pluseboard@'%'"

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__(folder, port)
        self.data = self.folder / "data"
        self.password = ""

    @property
    def environment(self) -> dict[str, str]:
        place = {"DB_HOST": self.host, "DB_PORT": str(self.port), "DB_SSL_CA": ""}
        return {**place, "DB_NAME": self.database, "DB_USER": self.user, "DB_PASSWORD": self.password}

    def prepare(self) -> None:
        self.password = kept_secret(self.folder / "password")
        if not self.data.is_dir():
            # Made beside and then renamed: an interrupted first start leaves nothing half made.
            fresh = self.folder / "data.new"
            shutil.rmtree(fresh, ignore_errors=True)
            self.initialize(fresh)
            fresh.rename(self.data)
        self._write_init_file()

    def initialize(self, data: Path) -> None:
        # A relative path, because the script cannot take spaces in it.
        install = [find("mariadb-install-db"), "--no-defaults", *_as_root(), f"--datadir=./{data.name}", "--skip-test-db"]
        install.append("--tmpdir=.")
        with self.log.open("ab") as log:
            done = subprocess.run(install, cwd=data.parent, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603
        if done.returncode:
            raise PrivateServerError(f"mariadb-install-db failed. The end of {self.log}:\n{self.log.read_text()[-2000:]}")

    def command(self) -> list[str]:
        place = [f"--datadir={self.data}", f"--socket={self.socket}"]
        return [find("mariadbd"), "--no-defaults", *_as_root(), *place, *self.options()]

    def options(self) -> list[str]:
        """What MariaDB and MySQL have in common."""
        return [
            f"--port={self.port}",
            f"--bind-address={HOST}",
            "--tmpdir=.",  # the data folder: in a shared one, every server that starts removes the others' temporary tables
            "--innodb-flush-log-at-trx-commit=1",
            "--skip-log-bin",
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_unicode_ci",
            "--default-time-zone=+00:00",
            "--max-connections=300",
            "--skip-name-resolve",
            f"--init-file={self.seen(self.data / 'init.sql')}",
        ]

    def seen(self, path: Path) -> str:
        """The path as the server sees it."""
        return str(path)

    def answers(self) -> bool:
        return first_byte(self.socket) is not None

    def _write_init_file(self) -> None:
        """Run by the server before it lets clients in, at each start: it also repairs what a killed first start left out."""
        statements = [
            f"CREATE DATABASE IF NOT EXISTS {self.database} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
            f"CREATE USER IF NOT EXISTS {self.user}@'%' IDENTIFIED BY '{self.password}'",
            f"ALTER USER {self.user}@'%' IDENTIFIED BY '{self.password}'",
            self.grant,
        ]
        write_private(self.data / "init.sql", "".join(f"{statement};\n" for statement in statements))


class PrivateRedis(PrivateServer):
    """Redis without persistence: it carries what is on its way, and the database is the truth."""

    name = "redis"

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}/0"

    @property
    def environment(self) -> dict[str, str]:
        return {"REDIS_URL": self.url}

    def prepare(self) -> None:
        link = self.folder / "redis-server"
        link.unlink(missing_ok=True)
        # Debian's redis-tools has the server without a service: every Redis program is one binary that goes by its name.
        link.symlink_to(shutil.which("redis-server", path=SEARCH_PATH) or find("redis-check-rdb"))

    def command(self) -> list[str]:
        place = ["--port", str(self.port), "--bind", HOST, "--unixsocket", self.socket, "--dir", str(self.folder)]
        return [str(self.folder / "redis-server"), *place, "--save", "", "--appendonly", "no"]

    def answers(self) -> bool:
        return first_byte(self.socket, b"PING\r\n") == b"+"


def find(program: str) -> str:
    path = shutil.which(program, path=SEARCH_PATH)
    if path is None:
        raise PrivateServerError(f"{program} is not installed: run bin/setup")
    return path


def kept_secret(file: Path) -> str:
    """A random secret that stays the same from run to run."""
    if not file.exists() or not file.read_text():
        write_private(file, secrets.token_urlsafe(36))
    return file.read_text()


def write_private(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as target:
        target.write(text)


def _as_root() -> list[str]:
    """MariaDB refuses root unless told twice."""
    return ["--user=root"] if os.geteuid() == 0 else []


def _number_in(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _works_in(pid: int, folder: Path) -> bool:
    """Servers change into their data folder; a process that got the number of a dead one is elsewhere."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True).is_relative_to(folder)
    except OSError:
        return False


def _socket_folder(folder: Path, name: str) -> Path:
    """The folder itself, or a short one in its place where the path would not fit into a socket's address."""
    if len(os.fsencode(folder / f"{name}.sock")) <= SOCKET_PATH_LIMIT:
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(f"/tmp/pluseboard-{os.geteuid()}-{digest}")  # noqa: S108


def first_byte(address: str | tuple[str, int], request: bytes = b"") -> bytes | None:
    """What a server says first; None while it does not."""
    with socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET) as client:
        client.settimeout(1)
        try:
            client.connect(address)
            client.sendall(request)
            return client.recv(1) or None
        except OSError:
            return None
