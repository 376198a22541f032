"""Migrations apply, roll back, and survive company and crashes."""

import asyncio
import itertools
import multiprocessing
import os
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pymysql
import pytest
import sqlparse

from pluseboard import migrate
from pluseboard.migrate import MigrationError
from pluseboard.settings import Settings
from tests.conftest import WORKER
from tests.servers import ROOT, Database, run_command

FOLDER = ROOT / "migrations"
IDS = sorted(path.stem for path in FOLDER.glob("*.sql") if not path.name.endswith(".rollback.sql"))
OWN_TABLES = {"_yoyo_log", "_yoyo_migration", "_yoyo_version", "yoyo_lock"}
NAME = f"test_{WORKER}_migrate"


class Place:
    """A database that holds nothing yet."""

    def __init__(self, server: Database) -> None:
        self.server = server
        self.database = replace(server, name=NAME)
        self.environment = self.database.environment
        self.settings = self.settings_for(server.user, server.password)

    def settings_for(self, user: str, password: str) -> Settings:
        return Settings(db_host=self.server.host, db_port=self.server.port, db_name=NAME, db_user=user, db_password=password)

    async def drop(self) -> None:
        await self.server.query(f"DROP DATABASE IF EXISTS {NAME}")

    async def tables(self) -> set[object]:
        """The product's."""
        rows = await self.database.query(
            "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
        )
        return {row["name"] for row in rows} - OWN_TABLES

    async def notes(self) -> list[object]:
        """Of migrations begun and not finished."""
        return [
            row["migration_id"]
            for row in await self.database.query("SELECT * FROM _yoyo_log WHERE operation IN ('applying', 'undoing')")
        ]


@pytest.fixture
async def place(database: Database) -> AsyncIterator[Place]:
    place = Place(database)
    await place.database.create()
    yield place
    await place.drop()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two small migrations instead of the product's: a table and a view."""
    files = {
        "0001.create-t1.sql": "CREATE TABLE t1 (id INT PRIMARY KEY)",
        "0001.create-t1.rollback.sql": "DROP TABLE t1",
        "0002.create-t2.sql": "-- depends: 0001.create-t1\nCREATE VIEW t2 AS SELECT id FROM t1",
        "0002.create-t2.rollback.sql": "DROP VIEW t2",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(migrate, "resource_folder", lambda _: tmp_path)
    return tmp_path


def test_every_migration_is_one_statement_with_a_rollback_and_depends_on_the_one_before() -> None:
    """What the recovery from a crash relies on."""
    assert len({id[:4] for id in IDS}) == len(IDS)
    for previous, id in zip([None, *IDS], IDS, strict=False):
        forward, back = (FOLDER / f"{id}.sql").read_text(), (FOLDER / f"{id}.rollback.sql").read_text()
        assert len(sqlparse.split(forward)) == len(sqlparse.split(back)) == 1, id
        assert re.findall(r"^-- depends: (.*)$", forward, re.MULTILINE) == ([previous] if previous else [])


async def test_all_migrations_apply_to_an_empty_database_and_roll_back_again(place: Place) -> None:
    assert migrate.pending(place.settings) == IDS
    assert await place.tables() == set()
    assert migrate.migrate(place.settings) == len(IDS)
    assert migrate.pending(place.settings) == []
    assert migrate.migrate(place.settings) == 0
    created = await place.tables()
    assert len(created) == len(IDS)

    assert migrate.rollback(place.settings) == 1
    assert migrate.pending(place.settings) == IDS[-1:]
    assert migrate.rollback(place.settings, 1000) == len(IDS) - 1
    assert await place.tables() == set()

    assert migrate.migrate(place.settings) == len(IDS)
    assert await place.tables() == created


async def test_every_table_is_innodb_and_compares_as_the_documentation_says(place: Place) -> None:
    migrate.migrate(place.settings)
    rows = await place.database.query(
        "SELECT TABLE_NAME AS t, ENGINE AS e, TABLE_COLLATION AS c FROM information_schema.TABLES "
        "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'"
    )
    assert {(row["e"], row["c"]) for row in rows if row["t"] not in OWN_TABLES} == {("InnoDB", "utf8mb4_unicode_ci")}


async def test_r29_of_several_processes_that_migrate_at_once_one_applies_and_all_succeed(
    place: Place, settings_env: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    env = settings_env(**place.environment)
    done = await asyncio.gather(*(run_command(env, tmp_path, "migrate") for _ in range(3)))
    assert [process.returncode for process in done] == [0, 0, 0], [process.stdout for process in done]
    applied = [process.stdout.count('"Applied 0') for process in done]
    assert sorted(applied) == [0, 0, len(IDS)]
    assert migrate.pending(place.settings) == []


def _die_after(commands: int, settings: Settings, folder: Path, operation: str) -> None:
    """Runs in a process of its own, which ends when that many commands have gone to the server; their answers are not awaited."""
    sent = itertools.count(1)
    connection = pymysql.connections.Connection
    original = connection._execute_command

    def execute(self: object, command: int, sql: object) -> None:
        original(self, command, sql)
        if next(sent) == commands:
            os._exit(9)

    connection._execute_command = execute
    migrate.resource_folder = lambda _: folder
    if operation == "migrate":
        migrate.migrate(settings)
    else:
        migrate.rollback(settings, 2)


def _dies_after(commands: int, settings: Settings, folder: Path, operation: str) -> bool:
    """False when the work was done before that many commands."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.test_migrate"])
    process = context.Process(target=_die_after, args=(commands, settings, folder, operation))
    process.start()
    process.join()
    assert process.exitcode in (0, 9)
    return process.exitcode == 9


@pytest.mark.parametrize("operation", ["migrate", "rollback"])
async def test_r29_a_process_killed_at_any_moment_leaves_what_the_next_run_can_finish(
    place: Place, folder: Path, operation: str
) -> None:
    for commands in itertools.count(1):
        await place.database.create()
        if operation == "rollback":
            migrate.migrate(place.settings)
        if not _dies_after(commands, place.settings, folder, operation):
            break
        if commands % 2:
            migrate.migrate(place.settings)
            assert await place.tables() == {"t1", "t2"}, commands
            assert migrate.pending(place.settings) == []
        else:
            migrate.rollback(place.settings, 2)
            assert await place.tables() == set(), commands
            assert len(migrate.pending(place.settings)) == 2
        assert await place.notes() == []
    assert commands > 30


async def test_a_failing_migration_is_named_and_the_run_after_its_repair_succeeds(place: Place, folder: Path) -> None:
    broken = folder / "0002.create-t2.sql"
    repaired = broken.read_text()
    broken.write_text("-- depends: 0001.create-t1\nCREATE TABLE t2 (id INT PRIMARY KEY, oops NONSENSE)\n")
    with pytest.raises(MigrationError, match=r"0002\.create-t2: \d+: .*NONSENSE"):
        migrate.migrate(place.settings)
    assert await place.tables() == {"t1"}
    assert await place.notes() == []
    broken.write_text(repaired)
    assert migrate.migrate(place.settings) == 1


async def test_a_table_that_somebody_else_made_is_not_taken_for_the_migrations(place: Place, folder: Path) -> None:
    await place.database.query("CREATE TABLE t2 (something INT)")
    for _ in range(2):
        with pytest.raises(MigrationError, match=r"0002\.create-t2: 1050"):
            migrate.migrate(place.settings)
    assert len(migrate.pending(place.settings)) == 1


async def test_the_row_of_a_killed_yoyo_command_is_respected_until_the_lock_is_broken(
    place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "YOYO_SECONDS", 0.2)
    migrate.migrate(place.settings)
    await place.database.query("INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, NOW(), 4242)")
    with pytest.raises(MigrationError, match="break-lock"):
        migrate.migrate(place.settings)
    migrate.break_lock(place.settings)
    assert migrate.migrate(place.settings) == 0


async def test_a_migration_that_hangs_elsewhere_can_be_ended(place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "OTHERS_SECONDS", 0.2)
    with pytest.raises(MigrationError), migrate._locked(place.settings):  # noqa: PT012
        with pytest.raises(MigrationError, match="break-lock"):
            migrate.migrate(place.settings)
        migrate.break_lock(place.settings)
        assert migrate.migrate(place.settings) == 2
        raise pymysql.err.OperationalError(2013, "what the one that was ended would see")
    migrate.break_lock(place.settings)
    assert migrate.migrate(place.settings) == 0


async def test_user_and_password_may_hold_any_character(place: Place, folder: Path) -> None:
    user, password = f"u@ :/{WORKER}", 'p@ss:/%#?& w"ö'
    await place.server.query("DROP USER IF EXISTS %s@'%%'", (user,))
    await place.server.query("CREATE USER %s@'%%' IDENTIFIED BY %s", (user, password))
    await place.server.query(f"GRANT ALL ON {NAME}.* TO %s@'%%'", (user,))
    settings = place.settings_for(user, password)
    assert migrate.migrate(settings) == 2
    assert migrate.rollback(settings, 2) == 2  # MySQL warns of a view whose maker is gone
    await place.server.query("DROP USER %s@'%%'", (user,))


async def test_what_stands_in_the_way_is_said_in_one_line(
    place: Place, settings_env: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    async def said(**changes: str) -> str:
        done = await run_command(settings_env(**{**place.environment, **changes}), tmp_path, "migrate")
        assert done.returncode == 1
        [line] = done.stdout.splitlines()
        return line

    await place.drop()
    assert f"CREATE DATABASE `{NAME}` CHARACTER SET utf8mb4" in await said()
    refused = await said(DB_PASSWORD="of-somebody-else")
    assert "DB_PASSWORD" in refused
    assert "of-somebody-else" not in refused
    assert "DB_HOST 127.0.0.1, DB_PORT 1" in await said(DB_HOST="127.0.0.1", DB_PORT="1")
