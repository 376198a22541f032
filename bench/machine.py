"""What a figure is worth nothing without: the machine, the versions and the settings."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.stage import HERE, PEER_PYTHON, Stage

OURS = ("starlette", "uvicorn", "uvloop", "httptools", "websockets", "msgspec", "aiomysql", "PyMySQL", "redis", "broadcaster")
PEERS = ("Django", "channels", "channels_redis", "uvicorn", "mysqlclient", "PyMySQL")


def described(stage: Stage, seconds: float, rounds: int) -> dict[str, str]:
    return {
        "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {_commit()}, {rounds} rounds of {seconds:g} s, medians",
        "machine": f"{os.cpu_count()} x {_processor()}, {_memory()}, {platform.platform()}; shared by server, database and load",
        "pluseboard on": f"Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in OURS),
        "seed's stack on": _peer_versions(),
        "database": f"{stage.sql('SELECT VERSION()')[0][0]}, {_durability(stage)}",
        "Redis": _first_line(["redis-server", "--version"]),
        "load": _first_line(["wrk", "-v"]),
    }


def _first_line(command: list[str]) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout.partition("\n")[0].partition(" Copyright")[0].strip()


def _commit() -> str:
    if not (HERE.parent / ".git").exists():
        return "unknown"
    changed = _first_line(["git", "-C", str(HERE.parent), "status", "--porcelain", "src", "sql", "migrations"])
    return _first_line(["git", "-C", str(HERE.parent), "rev-parse", "--short", "HEAD"]) + (" with changes" if changed else "")


def _processor() -> str:
    names = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    return names[0] if names else platform.machine()


def _memory() -> str:
    return f"{int(Path('/proc/meminfo').read_text().split()[1]) / 1024 / 1024:.0f} GiB"


def _durability(stage: Stage) -> str:
    names = ("innodb_flush_log_at_trx_commit", "innodb_doublewrite", "innodb_buffer_pool_size")
    return ", ".join(f"{name} = {stage.sql('SELECT @@' + name)[0][0]}" for name in names)


def _peer_versions() -> str:
    script = (
        f"from importlib.metadata import version, PackageNotFoundError\nfor name in {PEERS}:\n try: print(name, version(name))\n"
    )
    script += " except PackageNotFoundError: pass"
    done = subprocess.run([str(PEER_PYTHON), "-c", script], capture_output=True, text=True, check=True)
    return ", ".join(done.stdout.split("\n")[:-1])
