"""`pluseboard dev`: the product on private servers, ready to be tried and left without a trace outside .local/."""

import http.client
import os
import secrets
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from dotenv import dotenv_values

from pluseboard.private_servers import (
    HOST,
    PrivateMariaDB,
    PrivateRedis,
    PrivateServer,
    PrivateServerError,
    end,
    is_free,
    spawn,
    write_private,
)

LOCAL = Path(".local")


class Stop:
    """Set by SIGINT, SIGTERM or a closed terminal; looked at wherever we wait."""

    requested = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.requested = True

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # so that nohup still works
                signal.signal(number, self)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run_dev(port: int | None = None) -> int:
    """Database, migrations and server, until SIGINT or SIGTERM. Returns the exit code."""
    stop = Stop()
    stop.listen()
    try:
        with ExitStack() as running:  # ends what was started, the last first
            return _run(_environment(port), stop, running)
    except PrivateServerError as error:
        say(f"pluseboard: {error}")
        return 1


def _run(environ: dict[str, str], stop: Stop, running: ExitStack) -> int:
    if not environ["PORT"].isdecimal():
        raise PrivateServerError("PORT must be a whole number")
    host, port = environ["HOST"], int(environ["PORT"])
    if not is_free(port, host):
        raise PrivateServerError(f"port {port} is in use. End what uses it, or choose another: bin/run --port {port + 1}")
    servers = [running.enter_context(server) for server in _private_servers(environ)]
    for server in servers:
        environ.update(server.environment)
    if code := spawn([sys.executable, "-m", "pluseboard", "migrate"], env=environ).wait():
        return code
    process = spawn([sys.executable, "-m", "pluseboard", "serve"], env=environ)
    running.callback(end, process)
    announced = False
    while not stop.requested:
        if process.poll() is not None:
            raise PrivateServerError(f"the server ended by itself (exit code {process.returncode})")
        for server in servers:
            if not server.running:
                raise PrivateServerError(f"{server.name} ended by itself: see {server.log}")
        if not announced and _is_live(host, port):
            announced = True
            _announce(environ)
        time.sleep(0.1 if announced else 0.02)
    return 0


def _environment(port: int | None) -> dict[str, str]:
    """What is configured, and for the rest what suits development. It is for the children: settings.py interprets it there."""
    environ = {**{key: value for key, value in dotenv_values(".env").items() if value is not None}, **os.environ}
    if port:
        environ["PORT"] = str(port)
    defaults = {"DEBUG": "True", "HOST": HOST, "PORT": "8000", "LOG_FORMAT": "text", **_secrets()}
    return {**environ, **{name: value for name, value in defaults.items() if not _has(environ, name)}}


def _has(environ: dict[str, str], name: str) -> bool:
    return bool(environ.get(name, "").strip())


def _secrets() -> dict[str, str]:
    """Keys that stay the same from run to run, so that a restart signs nobody out."""
    file = LOCAL / "secrets.env"
    kept = {key: value for key, value in dotenv_values(file).items() if value}
    if not kept:
        LOCAL.mkdir(mode=0o700, exist_ok=True)
        kept = {name: secrets.token_urlsafe(36) for name in ("JWT_SECRET_KEY", "SECRET_KEY")}
        write_private(file, "".join(f"{name}={value}\n" for name, value in kept.items()))
    return kept


def _private_servers(environ: dict[str, str]) -> list[PrivateServer]:
    """What is not configured and needed: a database, and Redis where several processes must meet."""
    servers: list[PrivateServer] = []
    if not _has(environ, "DB_HOST"):
        servers.append(PrivateMariaDB(LOCAL / "mariadb"))
    if not _has(environ, "REDIS_URL") and environ.get("WEB_CONCURRENCY", "").strip() not in ("", "1"):
        servers.append(PrivateRedis(LOCAL / "redis"))
    return servers


def _is_live(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _announce(environ: dict[str, str]) -> None:
    address = f"http://localhost:{environ['PORT']}"
    by_mail = _has(environ, "EMAIL_HOST")
    codes = f"by mail through {environ['EMAIL_HOST']}" if by_mail else f"in this terminal and at {address}/dev/mailbox"
    demo = ".venv/bin/pluseboard demo" + ("" if environ["PORT"] == "8000" else f" --url {address}")
    say(
        f"""
  pluseboard is ready: {address}

  sign-in codes   come {codes}
  sample data     {demo}, in another terminal
  to stop         Ctrl+C; the data stays in {LOCAL}/
"""
    )
