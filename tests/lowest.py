"""The lowest versions that pyproject.toml allows of the libraries that change most beneath us, for `bin/test --lowest`.

They go into a folder of their own, which Python searches before .venv.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("aiomysql", "redis", "starlette", "uvicorn")
# What these libraries do for us: sockets, the bus, signing in, messages, rate limits.
TESTS = [
    "sockets",
    "chaos",
    "test_messages.py",
    "test_rate_limits.py",
    "test_redis_url.py",
    "test_sign_in.py",
    "test_versions.py",
]


def lowest() -> dict[str, str]:
    """Name -> version, which stands in each range as `>=`."""
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    found = (re.match(r"([\w-]+)>=([\d.]+)", dependency) for dependency in dependencies)
    return {match[1]: match[2] for match in found if match and match[1] in NAMES}


def folder() -> Path:
    """With these versions in it."""
    wanted = [f"{name}=={version}" for name, version in lowest().items()]
    place = ROOT / ".local" / "lowest" / "-".join(wanted)
    if not (place / "installed").exists():
        pip = [sys.executable, "-m", "pip", "-qq", "install", "--disable-pip-version-check", "--no-deps", "--upgrade"]
        subprocess.run([*pip, "--target", str(place), *wanted], check=True)
        (place / "installed").touch()
    return place


def arguments(given: list[str]) -> list[str]:
    """For pytest: these tests, unless others are named."""
    named = any(not argument.startswith("-") and (ROOT / argument.partition("::")[0]).exists() for argument in given)
    return given if named else [*given, *(f"tests/{name}" for name in TESTS)]
