"""`pluseboard restore`: an empty database becomes what a backup holds, in one transaction, or stays empty."""

import gzip
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from pluseboard import migrate
from pluseboard.backup import BEGIN, COMPLETE, HEAD, ROWS, SCHEMA, BackupError, Progress, ordered_tables, query
from pluseboard.settings import Settings

INSERT = "INSERT INTO `"
SESSION = "SET SESSION wait_timeout = 86400, SESSION net_read_timeout = 3600"
CUT_OFF = "The backup ends in the middle: nothing was restored"


def restore(settings: Settings, source: str, replace: bool = False) -> int:
    """Read the file `source`, or stdin for `-`; how many rows. Raises BackupError, MigrationError."""
    progress = Progress()
    with _lines(source) as lines:
        schema = _head(lines)
        if schema not in migrate.known():
            raise BackupError(f"The backup is of a newer version of pluseboard, with the migration {schema}")
        _empty(settings, replace)
        migrate.migrate(settings, newest=schema)
        with migrate.connected(settings) as connection:
            rows = _load(connection, lines, progress)
    migrate.migrate(settings)
    progress.say(f"{rows:,} rows restored in {progress.seconds:.1f} s, all that the backup has")
    return rows


def _head(lines: Iterator[str]) -> str:
    """The newest migration that the rows fit."""
    if next(lines, "") != HEAD:
        raise BackupError("This is not what pluseboard backup writes")
    for line in lines:
        if line.startswith(SCHEMA):
            return line.removeprefix(SCHEMA)
    raise BackupError(CUT_OFF)


def _empty(settings: Settings, replace: bool) -> None:
    """No table is left: the migrations up to the backup's make them."""
    with migrate.connected(settings) as connection:
        tables = ordered_tables(connection)
        if not replace and any(query(connection, f"SELECT 1 FROM `{table.name}` LIMIT 1") for table in tables):  # noqa: S608
            raise BackupError(f"The database {settings.db_name} has rows: restore into an empty one, or empty it with --replace")
    if tables:
        migrate.rollback(settings, count=len(migrate.known()))


def _load(connection: Any, lines: Iterator[str], progress: Progress) -> int:
    """Rows and their check, COMMIT, then what stands after it."""
    loaded: dict[str, int] = {table.name: 0 for table in ordered_tables(connection)}
    told: dict[str, int] = {}
    query(connection, SESSION)
    with connection.cursor() as cursor:
        for line in lines:
            if line.startswith(INSERT):
                table = line[len(INSERT) :].partition("`")[0]
                loaded[table] += cursor.execute(line)
                progress.table(table, loaded[table])
            elif line.startswith(ROWS):
                name, _, count = line.removeprefix(ROWS).partition(" ")
                told[name] = int(count)
            elif line.startswith(COMPLETE):
                _check(loaded, told, int(line.removeprefix(COMPLETE)))
                break
            elif line.removesuffix(";") in BEGIN:
                cursor.execute(line)
            else:
                raise BackupError(f"The backup has a line that pluseboard backup does not write: {line[:60]}")
        else:
            raise BackupError(CUT_OFF)
        for line in lines:  # COMMIT, and the next ids, which cannot be part of a transaction
            if not line.startswith(("COMMIT;", "ALTER TABLE `")):
                raise BackupError(f"The backup has a line that pluseboard backup does not write: {line[:60]}")
            cursor.execute(line)
    return sum(loaded.values())


def _check(loaded: dict[str, int], told: dict[str, int], total: int) -> None:
    for name in told.keys() | loaded.keys():
        if loaded.get(name) != told.get(name):
            raise BackupError(f"{name}: {loaded.get(name)} rows where the backup tells of {told.get(name)}: nothing was restored")
    if sum(told.values()) != total:
        raise BackupError(CUT_OFF)


@contextmanager
def _lines(source: str) -> Iterator[Iterator[str]]:
    """Of the unpacked text."""
    try:
        with gzip.GzipFile(
            None if source == "-" else source, "rb", fileobj=sys.stdin.buffer if source == "-" else None
        ) as packed:
            yield _unpacked(packed)
    except gzip.BadGzipFile as error:
        raise BackupError("This is not what pluseboard backup writes, or it was damaged: nothing was restored") from error
    except EOFError as error:
        raise BackupError(CUT_OFF) from error
    except OSError as error:
        raise BackupError(f"{source} cannot be read: {error.strerror}") from error


def _unpacked(packed: Iterable[bytes]) -> Iterator[str]:
    for line in packed:
        yield line.decode().removesuffix("\n")
