"""`pluseboard backup`: every row as of one moment, as plain SQL in gzip, while the servers go on.

A backup is what `pluseboard restore` reads, and what the plain client of MySQL or MariaDB can load into the same schema: a head
of comments with the newest migration that its rows fit, INSERTs of one line each in one transaction, parents before children, and
at the end how many rows of each table there were, by which a cut-off file is known. Nothing is kept in memory but some rows.
"""

import gzip
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pymysql.converters import escape_string
from pymysql.cursors import SSCursor

from pluseboard import migrate
from pluseboard.settings import Settings

HEAD = "-- pluseboard backup 1"
SCHEMA, ROWS, COMPLETE = "-- schema: ", "-- rows: ", "-- complete: "
BEGIN = [
    "SET NAMES utf8mb4",
    "SET SESSION time_zone = '+00:00', SESSION sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO'",
    "START TRANSACTION",
]
# As the server's text, which the same server reads back: numbers bare, bytes in hexadecimal, the rest quoted.
BARE = {"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "year"}
BYTES = {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "bit"}
QUOTED = {"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "json"}
QUOTED |= {"date", "time", "datetime", "timestamp"}
STATEMENT_BYTES = 256 * 1024
FETCHED = 500
REPORT_SECONDS = 5.0

TABLES = (
    "SELECT table_name, table_rows FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' "
    r"AND table_name NOT LIKE '\_yoyo\_%%' AND table_name <> 'yoyo_lock' ORDER BY table_name"
)
COLUMNS = (
    "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = %s "
    "AND extra NOT LIKE '%%GENERATED%%' ORDER BY ordinal_position"
)
REFERENCES = (
    "SELECT table_name, referenced_table_name FROM information_schema.key_column_usage "
    "WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL"
)
SNAPSHOT = [
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET SESSION time_zone = '+00:00', SESSION net_write_timeout = 3600, SESSION wait_timeout = 86400",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT",
]


class BackupError(Exception):
    """Why it could not be done, in one line for whoever runs it."""


@dataclass(frozen=True)
class Table:
    name: str
    columns: tuple[tuple[str, str], ...]  # name, type
    about: int  # rows, as the server guesses

    @property
    def insert(self) -> str:
        return f"INSERT INTO `{self.name}` ({', '.join(f'`{name}`' for name, _ in self.columns)}) VALUES "  # noqa: S608

    @property
    def select(self) -> str:
        return f"SELECT {', '.join(f'`{name}`' for name, _ in self.columns)} FROM `{self.name}` FORCE INDEX (PRIMARY)"  # noqa: S608

    def literals(self, row: tuple[Any, ...]) -> str:
        return f"({','.join(_literal(value, kind) for value, (_, kind) in zip(row, self.columns, strict=True))})"


class Progress:
    """Lines on stderr: each table, and every 5 s how far a long one is."""

    def __init__(self) -> None:
        self._last = self._began = time.monotonic()

    def table(self, name: str, rows: int, about: int = 0) -> None:
        if time.monotonic() - self._last > REPORT_SECONDS:
            self.say(f"{name}: {rows:,} rows so far" + (f" of about {about:,}" if about else ""))

    def say(self, line: str) -> None:
        self._last = time.monotonic()
        print(line, file=sys.stderr, flush=True)  # noqa: T201

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began


def backup(settings: Settings, target: str) -> int:
    """Write everything to the file `target`, or to stdout for `-`; how many rows. Raises BackupError, MigrationError."""
    progress = Progress()
    if migrate.pending(settings):
        raise BackupError(
            "The database has not this version's tables: run pluseboard migrate, or back up with the version that serves"
        )
    with migrate.connected(settings) as connection, _sink(target) as sink:
        for statement in SNAPSHOT:
            query(connection, statement)
        tables = ordered_tables(connection)
        lines = [HEAD, f"-- made: {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", *_binary_log(connection), SCHEMA + migrate.known()[-1]]
        sink.write("".join(f"{line}\n" for line in lines).encode())
        sink.write("".join(f"{statement};\n" for statement in BEGIN).encode())
        counts = {table.name: _write_rows(connection, table, sink, progress) for table in tables}
        sink.write("".join(f"{ROWS}{name} {count}\n" for name, count in counts.items()).encode())
        sink.write(f"{COMPLETE}{sum(counts.values())}\nCOMMIT;\n".encode())
        sink.write("".join(_next_ids(connection, tables)).encode())
    progress.say(f"{sum(counts.values()):,} rows of {len(counts)} tables in {progress.seconds:.1f} s")
    return sum(counts.values())


def ordered_tables(connection: Any) -> list[Table]:
    """The tables of the product, each after those that it refers to."""
    found = {
        name: Table(name, tuple((column, kind.lower()) for column, kind in query(connection, COLUMNS, name)), int(about or 0))
        for name, about in query(connection, TABLES)
    }
    parents: dict[str, set[str]] = {name: set() for name in found}
    for child, parent in query(connection, REFERENCES):
        if child != parent:
            parents[child].add(parent)
    ordered: list[Table] = []
    while parents:
        ready = sorted(name for name, waiting in parents.items() if not waiting & parents.keys())
        if not ready:
            raise BackupError(f"These tables refer to each other in a circle: {', '.join(parents)}")
        ordered += [found[name] for name in ready]
        parents = {name: waiting for name, waiting in parents.items() if name not in ready}
    return ordered


def _write_rows(connection: Any, table: Table, sink: gzip.GzipFile, progress: Progress) -> int:
    count, size = 0, 0
    waiting: list[str] = []

    def write() -> None:
        if waiting:
            sink.write(f"{table.insert}{','.join(waiting)};\n".encode())

    with connection.cursor(SSCursor) as cursor:
        decoders, connection.decoders = connection.decoders, {}  # every value as the server's own text
        cursor.execute(table.select)
        while rows := cursor.fetchmany(FETCHED):
            for row in rows:
                text = table.literals(row)
                if size + len(text) > STATEMENT_BYTES:
                    write()
                    waiting, size = [], 0
                waiting.append(text)
                size += len(text)
            count += len(rows)
            progress.table(table.name, count, table.about)
        connection.decoders = decoders
    write()
    progress.say(f"{table.name}: {count:,} rows")
    return count


def _literal(value: Any, kind: str) -> str:
    if value is None:
        return "NULL"
    if kind in BYTES:
        return f"0x{value.hex()}" if value else "''"
    if kind in BARE:
        return str(value)
    if kind in QUOTED:
        return f"'{escape_string(value)}'"
    raise BackupError(f"There is a column of the type {kind}, which a backup cannot hold")


def _next_ids(connection: Any, tables: list[Table]) -> Iterator[str]:
    """So that no id is given twice, not even one whose row has been deleted. (information_schema may be a day old.)"""
    for table in tables:
        [(_, definition)] = query(connection, f"SHOW CREATE TABLE `{table.name}`")
        _, found, rest = definition.rpartition(" AUTO_INCREMENT=")
        if found:
            yield f"ALTER TABLE `{table.name}` AUTO_INCREMENT = {rest.split()[0]};\n"


def _binary_log(connection: Any) -> list[str]:
    """Where the binary log stood at that moment, for a recovery to a later one. MariaDB tells without a privilege."""
    found = dict(query(connection, "SHOW STATUS LIKE 'binlog\\_snapshot\\_%%'"))
    if not found.get("Binlog_snapshot_file"):
        return []
    return [f"-- binary log: {found['Binlog_snapshot_file']} {found['Binlog_snapshot_position']}"]


def query(connection: Any, sql: str, *args: Any) -> list[tuple[Any, ...]]:
    """Every row."""
    with connection.cursor() as cursor:
        cursor.execute(sql, args)
        return list(cursor.fetchall())


@contextmanager
def _sink(target: str) -> Iterator[gzip.GzipFile]:
    """gzip into the file, which has its name only once it is whole; or to stdout."""
    if target == "-":
        if sys.stdout.isatty():
            raise BackupError("A backup is not for a terminal: send it to a file or a program")
        with gzip.GzipFile(fileobj=sys.stdout.buffer, mode="wb", compresslevel=6) as packed:
            yield packed
        sys.stdout.buffer.flush()
        return
    part = Path(f"{target}.part")
    try:
        # Password hashes are in it.
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6) as packed:
                yield packed
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise BackupError(f"{target} cannot be written: {error.strerror}") from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
