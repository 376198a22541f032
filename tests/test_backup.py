"""A backup holds every row as of one moment; a restore is complete, or nothing."""

import asyncio
import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import WORKER, Person
from tests.nasty import TEXTS
from tests.servers import Database, MailServer, ServerProcess, run_command

TABLES = (
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' "
    "AND table_name NOT LIKE '%yoyo%' ORDER BY table_name"
)
# Of a log, its counter and what is there.
LOGS = (
    "SELECT c.last_seq AS newest, (SELECT COUNT(*) FROM messages m WHERE m.channel_id = c.id) "
    "+ (SELECT COUNT(*) FROM channel_changes x WHERE x.channel_id = c.id) AS there FROM channels c"
)
Run = Callable[..., Awaitable[subprocess.CompletedProcess[str]]]


@pytest.fixture
def run(settings_env: Callable[..., dict[str, str]], tmp_path: Path) -> Run:
    """`pluseboard ...` on a database."""

    async def on(database: Database, *arguments: str) -> subprocess.CompletedProcess[str]:
        return await run_command(settings_env(**database.environment), tmp_path, *arguments)

    return on


@pytest.fixture
async def empty(database: Database) -> Database:
    """A database without a table."""
    made = Database(database.host, database.port, database.user, database.password, f"test_{WORKER}_restored")
    await made.create()
    return made


async def everything(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, but for what a running server writes by itself."""
    names = [row["name"] for row in await database.query(TABLES)]
    assert len(names) > 20
    return {name: sorted(await database.query(f"SELECT * FROM `{name}`"), key=repr) for name in names}


async def next_ids(database: Database) -> dict[str, str]:
    found = {}
    for row in await database.query(TABLES):
        [shown] = await database.query(f"SHOW CREATE TABLE `{row['name']}`")
        found[row["name"]] = shown["Create Table"].partition("AUTO_INCREMENT=")[2].split(" ")[0]
    return found


async def talk(person: Person, channel_id: int, stopped: asyncio.Event) -> None:
    while not stopped.is_set():
        for text in TEXTS:
            answer = await person.http.post("/api/messages/", json={"channel_id": channel_id, "body": text})
            assert answer.status_code == 201


async def test_what_is_restored_is_what_was_backed_up_row_by_row_and_people_go_on_with_it(
    start_server: Callable[..., Awaitable[ServerProcess]],
    person: Callable[..., Awaitable[Person]],
    mail: MailServer,
    empty: Database,
    run: Run,
    tmp_path: Path,
) -> None:
    developing = await start_server(own_database=True, EMAIL_HOST="")
    demo = await run(developing.database, "demo", "--url", developing.url)
    assert demo.returncode == 0, demo.stdout
    await developing.stop()
    server = await start_server(database=developing.database)
    alice = await person("alice", full_name='Zoë \\ "O\'Neill" 😀', server=server)
    workspace = (await alice.http.post("/api/workspaces/", json={"name": "Backed up"})).json()["workspace_id"]
    channel = (await alice.http.post("/api/channels/", json={"workspace_id": workspace, "name": "general"})).json()["channel_id"]

    # As of one moment, while messages are written: every log is complete.
    stopped = asyncio.Event()
    talking = asyncio.create_task(talk(alice, channel, stopped))
    await asyncio.sleep(0.3)
    file = str(tmp_path / "busy.sql.gz")
    written = await run(server.database, "backup", file)
    stopped.set()
    await talking
    assert written.returncode == 0, written.stdout
    assert "messages: " in written.stdout
    restored = await run(empty, "restore", file)
    assert restored.returncode == 0, restored.stdout
    logs = await empty.query(LOGS)
    assert len(logs) > 5
    assert all(log["newest"] == log["there"] for log in logs)

    # At rest: every row, and the ids that come next.
    await server.stop()
    await server.database.query("UPDATE users SET full_name = CONCAT(full_name, CHAR(0)) WHERE email = %s", (alice.email,))
    file = str(tmp_path / "quiet.sql.gz")
    assert (await run(server.database, "backup", file)).returncode == 0
    assert os.stat(file).st_mode & 0o077 == 0
    refused = await run(empty, "restore", file)
    assert refused.returncode == 1 and "--replace" in refused.stdout
    replaced = await run(empty, "restore", file, "--replace")
    assert replaced.returncode == 0, replaced.stdout
    before, after = await everything(server.database), await everything(empty)
    assert before == after
    assert len(before["messages"]) > len(TEXTS)
    assert await next_ids(server.database) == await next_ids(empty)

    # Signed in as before, and anew.
    second = await start_server(database=empty)
    page = {"channel_id": channel, "limit": 200}
    messages = (await alice.on(second).get("/api/messages/", params=page)).json()["data"]
    assert [message["body"] for message in messages][: len(TEXTS)] == TEXTS[: len(messages)]
    alice.server = second
    assert (await alice.sign_in(mail)).is_success
    sent = await alice.on(second).post("/api/messages/", json={"channel_id": channel, "body": "We are back"})
    assert sent.json()["seq"] == len(await empty.query("SELECT id FROM messages WHERE channel_id = %s", (channel,)))


async def test_a_backup_goes_through_a_pipe_and_into_the_plain_client(
    database: Database, empty: Database, run: Run, settings_env: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    piped = '"$0" -m pluseboard backup - 2>/dev/null | DB_NAME="$1" "$0" -m pluseboard restore -'
    command = ["sh", "-ec", piped, sys.executable, empty.name]
    env = settings_env(**database.environment)
    done = await asyncio.to_thread(subprocess.run, command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "all that the backup has" in done.stderr

    client = shutil.which("mariadb") or shutil.which("mysql")
    if client is None:
        return
    file = tmp_path / "plain.sql.gz"
    assert (await run(empty, "backup", str(file))).returncode == 0
    before = await everything(empty)
    await empty.create()
    assert (await run(empty, "migrate")).returncode == 0
    place = [f"--host={empty.host}", f"--port={empty.port}", f"--user={empty.user}", f"--password={empty.password}"]
    loading = [client, "--no-defaults", *place, "--skip-ssl", empty.name]
    await asyncio.to_thread(subprocess.run, loading, input=gzip.decompress(file.read_bytes()), check=True)
    assert await everything(empty) == before


async def test_a_backup_that_is_not_whole_restores_nothing(
    database: Database, empty: Database, person: Callable[..., Awaitable[Person]], run: Run, tmp_path: Path
) -> None:
    await person("alice")
    file, broken = tmp_path / "whole.sql.gz", tmp_path / "broken.sql.gz"
    assert (await run(database, "backup", str(file))).returncode == 0
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    insert = max(index for index, line in enumerate(lines) if line.startswith(b"INSERT INTO `"))
    for what, content in {
        "ends in the middle": file.read_bytes()[: file.stat().st_size // 2],
        "the backup ends in the middle": gzip.compress(b"".join(lines[: insert + 1])),
        "rows where the backup tells of": gzip.compress(b"".join([*lines[:insert], *lines[insert + 1 :]])),
        "newer version": gzip.compress(b"".join(lines).replace(b"-- schema: 00", b"-- schema: 99", 1)),
        "not what pluseboard backup writes": b"hello",
        "does not write": gzip.compress(b"".join([*lines[:insert], b"DROP TABLE users;\n", *lines[insert:]])),
    }.items():
        broken.write_bytes(content)
        done = await run(empty, "restore", str(broken))
        assert done.returncode == 1
        assert what.lower() in done.stdout.lower()
        assert "Traceback" not in done.stdout
        assert all(not rows for rows in (await everything(empty)).values()) if await empty.query(TABLES) else True
    assert (await run(empty, "restore", str(file))).returncode == 0


async def test_a_backup_that_cannot_be_made_says_why(database: Database, empty: Database, run: Run, tmp_path: Path) -> None:
    for on, target, why in ((empty, "x.gz", "pluseboard migrate"), (database, "nowhere/x.gz", "cannot be written")):
        done = await run(on, "backup", target)
        assert done.returncode == 1
        assert why in done.stdout and "Traceback" not in done.stdout
    assert not [name for name in os.listdir(tmp_path) if name.startswith("x.gz")]
