"""The command line: thin, quick to say what is wrong, and orderly at its end."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from pluseboard import __version__, cli, devserver
from tests.conftest import WORKER
from tests.servers import ROOT, Database, ServerProcess, run_command

COMMANDS = ["dev", "serve", "migrate", "rollback", "break-lock", "recount", "audit", "purge", "backup", "restore", "demo"]
Env = Callable[..., dict[str, str]]
StartServer = Callable[..., Awaitable[ServerProcess]]


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"pluseboard {__version__}\n"


def test_its_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert re.findall(r"^    ([a-z-]+)", capsys.readouterr().out, re.MULTILINE) == COMMANDS


@pytest.mark.parametrize(
    "arguments", [[], ["fly"], ["rollback", "--count", "0"], ["rollback", "--count", "x"], ["dev", "--port", "x"]]
)
def test_what_it_does_not_understand_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert end.value.code == 2
    assert "usage: pluseboard" in capsys.readouterr().err


def test_dev_and_demo_pass_their_options_and_their_status_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devserver, "run_dev", lambda port: port or 0)
    assert cli.main(["dev", "--port", "7"]) == 7
    assert cli.main(["dev"]) == 0
    demo = ModuleType("pluseboard.demo")
    demo.run_demo = len  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pluseboard.demo", demo)
    assert cli.main(["demo", "--url", "12345"]) == 5


@pytest.mark.parametrize("command", ["serve", "migrate", "rollback", "break-lock", "recount", "audit", "purge"])
async def test_a_command_that_lacks_a_setting_says_which_in_one_line(command: str, tmp_path: Path) -> None:
    done = await run_command({}, tmp_path, command)
    assert done.returncode == 1
    assert re.fullmatch(r"pluseboard: JWT_SECRET_KEY .*\n", done.stdout)


@pytest.mark.parametrize("command", ["migrate", "rollback", "break-lock", "recount", "purge"])
async def test_a_command_without_a_database_says_so_in_one_line(command: str, settings_env: Env, tmp_path: Path) -> None:
    done = await run_command(settings_env(DB_HOST="127.0.0.1", DB_PORT="1"), tmp_path, command)
    assert done.returncode == 1
    assert re.fullmatch(r"pluseboard: .*database.*\n", done.stdout)


async def test_maintenance_says_what_it_did(database: Database, settings_env: Env, tmp_path: Path) -> None:
    env = settings_env(**database.environment)
    for command, said in (("recount", r"\d+ workspaces recounted\n"), ("purge", r"\d+ deleted workspaces removed\n")):
        done = await run_command(env, tmp_path, command)
        assert done.returncode == 0
        assert re.fullmatch(said, done.stdout)
    done = await run_command(env, tmp_path, "migrate")
    assert (done.returncode, done.stdout) == (0, "Nothing to apply: the database is up to date\n")


def test_the_procfile_migrates_at_release_and_serves() -> None:
    assert (ROOT / "Procfile").read_text() == "release: pluseboard migrate\nweb: pluseboard serve\n"


async def test_a_port_in_use_is_one_line(
    start_server: StartServer, settings_env: Env, database: Database, tmp_path: Path
) -> None:
    first = await start_server()
    for workers in ("1", "2"):
        env = settings_env(**database.environment, PORT=first.env["PORT"], WEB_CONCURRENCY=workers)
        done = await run_command(env, tmp_path, "serve")
        assert done.returncode == 1
        assert re.fullmatch(r"pluseboard: .*PORT \d+: Address already in use\n", done.stdout)


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_server_that_cannot_start_ends_with_1_and_does_not_try_for_ever(
    workers: str, make_database: Callable[[str], Awaitable[Database]], settings_env: Env, tmp_path: Path
) -> None:
    database = await make_database(f"test_{WORKER}_broken")
    await database.query("DROP TABLE access_changes")
    async with asyncio.timeout(20):
        done = await run_command(settings_env(**database.environment, WEB_CONCURRENCY=workers), tmp_path, "serve")
    assert done.returncode == 1
    assert "pluseboard: The application did not start; the log says why\n" in done.stdout


@pytest.mark.parametrize(("workers", "number"), [("1", signal.SIGTERM), ("1", signal.SIGINT), ("2", signal.SIGTERM)])
async def test_a_signal_lets_the_running_request_finish_and_ends_every_process_with_0(
    start_server: StartServer, workers: str, number: signal.Signals
) -> None:
    server = await start_server(WEB_CONCURRENCY=workers, LOG_FORMAT="json")
    pids = await _pids(server, int(workers))
    assert server.process is not None
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=30) as client:
        slow = asyncio.create_task(
            client.post("/api/register/", content=_slow_body(), headers={"Content-Type": "application/json"})
        )
        await asyncio.sleep(0.3)
        server.process.send_signal(number)
        assert (await slow).status_code == 400
    assert await asyncio.to_thread(server.process.wait, 10) == 0
    assert not [pid for pid in pids if _runs(pid)]


async def test_a_killed_worker_is_replaced_and_workers_end_when_their_parent_is_killed(start_server: StartServer) -> None:
    server = await start_server(WEB_CONCURRENCY="2")
    os.kill((await _pids(server, 2))[0], signal.SIGKILL)
    pids = await _pids(server, 3)
    server.kill()
    async with asyncio.timeout(10):
        while any(_runs(pid) for pid in pids):
            await asyncio.sleep(0.05)


async def test_the_server_does_not_say_what_it_is(start_server: StartServer) -> None:
    server = await start_server()
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        headers = (await client.get("/livez")).headers
    assert "server" not in headers
    assert "date" in headers


async def test_it_does_not_serve_without_a_database(settings_env: Env, tmp_path: Path) -> None:
    done = await run_command(settings_env(DB_HOST="127.0.0.1", DB_PORT="1"), tmp_path, "serve")
    assert (done.returncode, done.stdout) == (1, "pluseboard: No database server answers at DB_HOST 127.0.0.1, DB_PORT 1\n")


async def test_it_does_not_serve_on_a_database_that_lacks_migrations(
    database: Database, settings_env: Env, tmp_path: Path
) -> None:
    empty = replace(database, name=f"{database.name}_empty")
    await empty.create()
    done = await run_command(settings_env(**empty.environment), tmp_path, "serve")
    assert done.returncode == 1
    assert "pluseboard: The database lacks 2" in done.stdout and "run pluseboard migrate" in done.stdout


async def _slow_body() -> object:
    """A request that takes a second to arrive."""
    for _ in range(10):
        await asyncio.sleep(0.1)
        yield b"{"


async def _pids(server: ServerProcess, count: int) -> list[int]:
    """Of the processes that have started to serve."""
    async with asyncio.timeout(15):
        while True:
            pids = [int(pid) for pid in re.findall(r"Started server process \[(\d+)\]", server.log())]
            if len(pids) == count and server.log().count("Application startup complete") == count:
                return pids
            await asyncio.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
