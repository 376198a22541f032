"""The load: wrk for HTTP, wsload for sockets. Both cost little, and are the same for whatever is measured."""

import json
import socket
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

from bench.figures import SpoiledError
from bench.people import Person
from bench.stage import HERE, LOCAL, Stage
from pluseboard.private_servers import HOST

WSLOAD = LOCAL / "wsload"
WARM_UP_SECONDS = 1
BODY = "m" * 200


def message(channel: int, body: str = BODY, **more: Any) -> str:
    return json.dumps({"channel_id": channel, "body": body, **more}, separators=(",", ":"))


def posts(people: Iterable[Person], path: str, body: str) -> list[str]:
    """One request of each, in turn."""
    return [f"POST\t{path}\t{person.cookie}\t{body}" for person in people]


def gets(people: Iterable[Person], paths: Sequence[str]) -> list[str]:
    cookies = [person.cookie for person in people]
    return [f"GET\t{path}\t{cookies[number % len(cookies)]}\t" for number, path in enumerate(paths)]


class Wrk:
    """wrk on its way: requests over keep-alive connections, each sent when the one before it on the connection was answered."""

    def __init__(self, stage: Stage, port: int, requests: Sequence[str], clients: int, seconds: float, pause_ms: int = 0) -> None:
        file = stage.folder / "requests.tsv"
        file.write_text("".join(f"{line}\n" for line in requests))
        command = ["wrk", "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", "--timeout=30s", "-s", str(HERE / "replay.lua")]
        command += [f"http://{HOST}:{port}", "--", str(file), *([str(pause_ms)] if pause_ms else [])]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def result(self) -> dict[str, Any]:
        output, _ = self._process.communicate()
        line = output.rstrip().rpartition("\n")[2]
        if not line.startswith("{"):
            raise SpoiledError(f"wrk said:\n{output}")
        result: dict[str, Any] = json.loads(line)
        if result["refused"] or result["broken"]:
            raise SpoiledError(f"requests failed, so that the figure would mean nothing: {line}")
        return result

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:  # closes its pipes, and waits
            self._process.kill()


def wrk(stage: Stage, port: int, requests: Sequence[str], clients: int, seconds: float) -> dict[str, Any]:
    with Wrk(stage, port, requests, clients, seconds) as load:
        return load.result()


class Crowd:
    """wsload: sockets that have joined and wait; they count from `start` on."""

    def __init__(self, ports: Sequence[int], count: int, paths: Path | str, seconds: float, *options: str) -> None:
        where = ["-i", str(paths)] if isinstance(paths, Path) else ["-u", paths]
        command = [str(WSLOAD), "-p", ",".join(map(str, ports)), "-n", str(count), *where, "-t", str(max(1, round(seconds)))]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([*command, *options], stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        assert self._process.stdout
        if self._process.stdout.readline() != "ready\n":
            raise SpoiledError(f"wsload said: {self._process.communicate()[1][-2000:]}")

    def start(self) -> None:
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def result(self) -> dict[str, Any]:
        """The sockets stay open until the block ends."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        result: dict[str, Any] = json.loads(line) if line else {"closed": "all"}
        if result["closed"]:
            errors = self._stop()
            raise SpoiledError(
                f"sockets were closed ({result['closed']}), so that the figure would mean nothing: {errors[-500:]}"
            )
        return result

    def _stop(self) -> str:
        self._process.kill()
        return self._process.communicate()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:  # closes its pipes, and waits
            self._process.kill()


def socket_paths(stage: Stage, path: str) -> Path:
    """A file with the socket's address of each person, for wsload."""
    file = stage.folder / f"paths{path.replace('/', '-')}.txt"
    file.write_text("".join(f"{path}?token={person.token}\n" for person in stage.people))
    return file


class Caller:
    """One keep-alive HTTP connection that sends a ready request at once: nothing between the clock and the wire."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")

    def send(self, path: str, cookie: str = "", body: str = "") -> None:
        head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nCookie: {cookie}\r\nContent-Type: application/json\r\n"
        self._socket.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())

    def answer(self) -> bytes:
        status = self._answers.readline()
        if not status.startswith(b"HTTP/1.1 2"):
            raise SpoiledError(f"a send was refused: {status!r}")
        length = 0
        while (line := self._answers.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return self._answers.read(length)

    def close(self) -> None:
        self._answers.close()
        self._socket.close()


def at_rate(per_second: float, seconds: float) -> Iterable[int]:
    """0, 1, 2 ... at a steady rate, whatever the work between them takes."""
    start = time.monotonic()
    for number in range(round(per_second * seconds)):
        time.sleep(max(0.0, start + number / per_second - time.monotonic()))
        yield number
