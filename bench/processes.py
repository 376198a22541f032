"""The processes that are measured: started alone, asked for their CPU time, memory and descriptors, ended."""

import http.client
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pluseboard.private_servers import HOST, end, free_port, spawn

TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS = 60


@dataclass(frozen=True)
class Running:
    pid: int
    port: int

    @property
    def cpu_seconds(self) -> float:
        return cpu_seconds(self.pid)

    @property
    def resident_kb(self) -> int:
        return next(int(line.split()[1]) for line in _proc(self.pid, "status").splitlines() if line.startswith("VmRSS"))

    @property
    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))


def cpu_seconds(pid: int) -> float:
    fields = _proc(pid, "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _proc(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()


@contextmanager
def running(command: Sequence[str], log: Path, env: Mapping[str, str], cwd: Path) -> Iterator[Running]:
    """A server on a free port (`{port}` in the command and the environment), from when it answers HTTP until the block ends."""
    port = free_port()
    process = spawn(
        [part.format(port=port) for part in command],
        log,
        env={**_inherited(), **{name: value.format(port=port) for name, value in env.items()}},
        cwd=cwd,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _is_ready(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command} does not answer. The end of {log}:\n{log.read_text()[-3000:]}")
            time.sleep(0.05)
        yield Running(process.pid, port)
    finally:
        end(process)


def _is_ready(port: int) -> bool:
    """It answers, and not that it is not ready. (Only pluseboard has a /readyz.)"""
    client = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        client.request("GET", "/readyz")
        return client.getresponse().status != 503
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()


def _inherited() -> dict[str, str]:
    """A developer's settings play no part."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}


def busy_share(seconds: float = 0.5) -> float:
    """How much of the machine is in use now, 0 to 1: while we do nothing, that is others' work, which spoils figures."""
    before = _ticks()
    time.sleep(seconds)
    after = _ticks()
    total = sum(after) - sum(before)
    idle = after[3] + after[4] - before[3] - before[4]
    return round(1 - idle / total, 3) if total else 0.0


def _ticks() -> list[int]:
    return [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
