"""What a reconnect storm is made of: a crowd (crowd.py, a process of its own) and another client, who wants to notice nothing."""

import contextlib
import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import websockets.exceptions
from websockets.sync.client import connect

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parent.parent
BEAT_SECONDS = 0.05
HELLO = '{"type":"heartbeat","status":"online","ref":1}'


class CrowdProcess:
    """crowd.py: `ask("open")`, `ask("cut")`, `ask("told")`."""

    def __init__(self, ports: Sequence[int], paths: Path, *hello: str) -> None:
        command = [sys.executable, "-m", "bench.crowd", ",".join(map(str, ports)), str(paths), *hello]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)

    def ask(self, command: str) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:  # closes its pipes, and waits
            self._process.kill()


@dataclass
class Waits:
    """Milliseconds, each from the moment at which something was due: whoever waits for one does not skip the next."""

    heard: list[float] = field(default_factory=list)
    page: list[float] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    visit: list[float] = field(default_factory=list)
    refused: int = 0

    def figures(self) -> dict[str, float]:
        found: dict[str, float] = {"samples": len(self.heard), "probe_refused": self.refused}
        for name in ("heard", "page", "health", "visit"):
            values = sorted(getattr(self, name)) or [float("nan")]
            found[f"{name}_p50"] = round(values[len(values) // 2], 1)
            found[f"{name}_p99"] = round(values[int(len(values) * 0.99)], 1)
            found[f"{name}_max"] = round(values[-1], 1)
        return found


class OtherClient:
    """Twenty times a second: a message sent over HTTP and heard on a socket, a page of messages, /livez (which touches nothing:
    how long the process let everybody wait); and as often as it gets, /livez over a new connection. `since` counts anew."""

    def __init__(self, port: int, token: str, channel: int) -> None:
        self._port, self._token, self._channel = port, token, channel
        self._ended = threading.Event()
        self.waits, self._since = Waits(), 0.0
        self._parts = contextlib.ExitStack()
        address = f"ws://{HOST}:{port}/ws/chat/?token={token}"
        self._socket = self._parts.enter_context(connect(address, max_size=None, proxy=None))
        self._socket.send(f'{{"type":"join_channel","channel_id":{channel},"ref":1}}')
        while json.loads(self._socket.recv())["type"] != "ack":
            pass
        work = (self._listen, self._send, self._read, self._look, self._visit)
        self._threads = [threading.Thread(target=it, daemon=True) for it in work]

    def since(self) -> Waits:
        """What was measured since the last time."""
        waits, self.waits, self._since = self.waits, Waits(), time.monotonic()
        return waits

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._parts.close()
        for thread in self._threads:
            thread.join(10)

    def _listen(self) -> None:
        try:
            for text in self._socket:
                frame = json.loads(text)
                if frame["type"] == "new_message" and frame["message"]["body"].startswith("@"):
                    self._note("heard", float(frame["message"]["body"][1:]))
        except websockets.exceptions.ConnectionClosed:
            pass

    def _send(self) -> None:
        for client, due in self._beats():
            body = json.dumps({"channel_id": self._channel, "body": f"@{due}"})
            self._ask(client, "POST", "/api/messages/", body)

    def _read(self) -> None:
        for client, due in self._beats():
            self._ask(client, "GET", f"/api/messages/?channel_id={self._channel}&limit=20")
            self._note("page", due)

    def _look(self) -> None:
        for client, due in self._beats():
            self._ask(client, "GET", "/livez")
            self._note("health", due)

    def _visit(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            due, client = time.monotonic(), self._client()
            with contextlib.suppress(TimeoutError):  # is a long time, too
                self._ask(client, "GET", "/livez")
            client.close()
            self._note("visit", due)

    def _beats(self) -> Any:
        due, waits = time.monotonic(), self.waits
        client = self._client()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            yield client, due
            # What was late before a new count is no part of it.
            due, waits = (due + BEAT_SECONDS if waits is self.waits else time.monotonic()), self.waits
        client.close()

    def _client(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(HOST, self._port, timeout=30)

    def _ask(self, client: http.client.HTTPConnection, method: str, path: str, body: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        client.request(method, path, body, headers)
        answer = client.getresponse()
        answer.read()
        if answer.status >= 300:
            self.waits.refused += 1

    def _note(self, what: str, due: float) -> None:
        if due > self._since:
            getattr(self.waits, what).append((time.monotonic() - due) * 1000)
