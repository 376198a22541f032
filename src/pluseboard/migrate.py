"""Applies migrations/ with yoyo, safely when two processes do it at once and when one is killed halfway.

What yoyo 9 lacks on MySQL, and what stands in for it here:
- Its lock is a row, which survives a crash. The lock here is a named one of the server (GET_LOCK), taken on the connection that
  migrates: it falls with the process, but not before the statement that the process had under way has ended.
- DDL commits at once, so a crash between a statement and its mark leaves a change that yoyo knows nothing of. Here a note is
  written into _yoyo_log first and removed with the mark; a run that finds a note does that migration again and takes "already
  there" for done. This holds because every migration is a single statement (a test sees to it).
- Its own tables are made in several statements; what a crash left of them is swept away before they are made again.

A plain `yoyo apply` works on the same folder and tables and honours the same row lock; it has none of the above.
"""

import glob
import logging
import os
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pymysql
from yoyo import read_migrations
from yoyo.backends.core import MySQLBackend
from yoyo.connections import DatabaseURI
from yoyo.exceptions import LockTimeout
from yoyo.migrations import default_migration_table

from pluseboard.database import SESSION_SETUP, resource_folder
from pluseboard.settings import Settings

logger = logging.getLogger(__name__)
logging.getLogger("yoyo.migrations").setLevel(logging.WARNING)  # four lines a migration; one of ours says it all

CONNECT_SECONDS = 5
OTHERS_SECONDS = 300  # how long to wait for another process that migrates ...
YOYO_SECONDS = 10  # ... and for a yoyo command
# A statement that waits for a table holds up everybody who comes after it: better to fail and try again at a quieter time.
MIGRATION_SETUP = "SET SESSION lock_wait_timeout = 30, SESSION wait_timeout = 86400"
NOTES = {"apply": "applying", "rollback": "undoing"}
# What a DDL statement answers when it was carried out before: table or view there or gone, column, key, constraint too.
ALREADY_DONE = {1050, 1051, 1054, 1060, 1061, 1091, 1146, 1826, 4092}


class MigrationError(Exception):
    """Why it could not be done, in one line for whoever runs it."""


def migrate(settings: Settings, newest: str | None = None) -> int:
    """Apply what is not applied, or no more than up to `newest`; the number of migrations applied by this process."""
    with _locked(settings) as backend:
        done = backend.finish_interrupted()
        waiting = [m for m in backend.to_apply(_migrations()) if newest is None or m.id <= newest]
        for migration in waiting:
            backend.carry_out(migration, "apply")
        return done.count("apply") + len(waiting)


def rollback(settings: Settings, count: int = 1) -> int:
    """Undo the newest `count` migrations; the number undone."""
    with _locked(settings) as backend:
        backend.finish_interrupted()
        newest = backend.to_rollback(_migrations())[:count]
        for migration in newest:
            backend.carry_out(migration, "rollback")
        return len(newest)


def pending(settings: Settings) -> list[str]:
    """The ids of the migrations that `migrate` would apply. Changes nothing."""
    with _connected(settings) as backend:
        applied = backend.applied_hashes()
        return [migration.id for migration in _migrations() if migration.hash not in applied]


def known() -> list[str]:
    """The ids of this version's migrations, in their order."""
    return [migration.id for migration in _migrations()]


def connect(settings: Settings) -> Any:
    """A connection of PyMySQL, for commands that administrators run."""
    s = settings
    return pymysql.connect(
        host=s.db_host,
        port=s.db_port,
        user=s.db_user,
        password=s.db_password.encode(),  # a str would go out as latin1
        database=s.db_name,
        ssl=ssl.create_default_context(cafile=s.db_ssl_ca) if s.db_ssl_ca else None,
        charset="utf8mb4",
        connect_timeout=CONNECT_SECONDS,
    )


@contextmanager
def connected(settings: Settings) -> Iterator[Any]:
    """The same for a `with`; what the server answers comes as a MigrationError."""
    with _explained(settings), connect(settings) as connection:
        yield connection


@contextmanager
def _explained(settings: Settings) -> Iterator[None]:
    try:
        yield
    except pymysql.MySQLError as error:
        raise MigrationError(_explanation(settings, error)) from error


def break_lock(settings: Settings) -> None:
    """End the connection of whoever migrates, and remove the row that a killed `yoyo` command left."""
    with _connected(settings) as backend:
        backend.evict()


def _migrations() -> Any:
    return read_migrations(glob.escape(str(resource_folder("migrations"))))


class _Backend(MySQLBackend):  # type: ignore[misc]
    """yoyo's backend for MySQL, on one connection of our making."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock_name = "pluseboard.migrate." + sha256(settings.db_name.encode()).hexdigest()[:32]
        super().__init__(DatabaseURI("mysql", None, None, None, None, settings.db_name, {}), default_migration_table)
        self.has_transactional_ddl = False

    # How yoyo talks to the server

    def connect(self, _: DatabaseURI) -> Any:
        return connect(self._settings)

    def init_connection(self, connection: Any) -> None:
        with connection.cursor() as cursor:
            for statement in (*SESSION_SETUP.split(";"), MIGRATION_SETUP):
                cursor.execute(statement)

    def quote_identifier(self, identifier: str) -> str:
        """Without asking for the sql_mode each time: it is set above."""
        return f"`{identifier}`"

    def savepoint(self, id: str) -> None:
        """None: DDL ends the transaction and its savepoints, and their absence would hide the error behind another."""

    def savepoint_rollback(self, id: str) -> None:
        pass

    def get_log_data(self, migration: Any = None, operation: str = "apply") -> dict[str, Any]:
        """Without asking the system for names that it may not know (the user) or DNS for a long time (the host)."""
        return {
            "id": str(uuid4()),
            "migration_id": migration and migration.id,
            "migration_hash": migration and migration.hash,
            "username": self._settings.db_user,
            "hostname": socket.gethostname(),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
        }

    # Migrations

    def carry_out(self, migration: Any, operation: str, interrupted: bool = False) -> None:
        """`apply` or `rollback` one migration and mark it."""
        started = time.monotonic()
        if not interrupted:
            self._note(migration, operation)
        try:
            with self.transaction():
                self._statements(migration, operation, interrupted)
                self.log_migration(migration, operation)
                (self.mark_one if operation == "apply" else self.unmark_one)(migration, log=False)
                self._forget(migration)
        except pymysql.MySQLError as error:
            if not interrupted and self.connection.open:
                with self.transaction():  # the statement failed as a whole: there is nothing to finish
                    self._forget(migration)
            raise MigrationError(f"{migration.id}: {_words(error)}") from error
        word = "Applied" if operation == "apply" else "Rolled back"
        logger.info("%s %s in %d ms", word, migration.id, (time.monotonic() - started) * 1000)

    def finish_interrupted(self) -> list[str]:
        """Bring to its end what a killed process had begun; the operations done."""
        begun = self._query("SELECT migration_id, operation FROM _yoyo_log WHERE operation IN (%s, %s)", *NOTES.values())
        known = {migration.id: migration for migration in _migrations()}
        done = []
        for migration_id, note in begun:
            operation = next(name for name, value in NOTES.items() if value == note)
            if migration_id not in known:
                raise MigrationError(f"{migration_id} was interrupted and is not in this version: use the version that began it")
            logger.warning("A process was stopped while %s %s: finishing that", note, migration_id)
            self.carry_out(known[migration_id], operation, interrupted=True)
            done.append(operation)
        return done

    def applied_hashes(self) -> set[str]:
        if not self._own_tables_complete():
            return set()
        return {row[0] for row in self._query(f"SELECT migration_hash FROM {self.migration_table}")}  # noqa: S608

    def _statements(self, migration: Any, operation: str, interrupted: bool) -> None:
        try:
            migration.process_steps(self, operation)
        except pymysql.MySQLError as error:
            if not (interrupted and error.args and error.args[0] in ALREADY_DONE):
                raise

    def _note(self, migration: Any, operation: str) -> None:
        with self.transaction():
            self.log_migration(migration, NOTES[operation])

    def _forget(self, migration: Any) -> None:
        self._query("DELETE FROM _yoyo_log WHERE migration_hash = %s AND operation IN (%s, %s)", migration.hash, *NOTES.values())

    def _query(self, sql: str, *args: Any) -> list[Any]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, args)
            return list(cursor.fetchall())

    # yoyo's own tables

    def prepare(self) -> None:
        if not self._own_tables_complete():
            for table in ("_yoyo_log", "_yoyo_version", self.migration_table):
                self._query(f"DROP TABLE IF EXISTS {table}")
        self.ensure_internal_schema_updated()

    def _own_tables_complete(self) -> bool:
        """The version is written last, and nothing is applied before it."""
        return self.version_table in self.list_tables() and bool(self._query("SELECT version FROM _yoyo_version"))

    # Locks

    def take_locks(self) -> None:
        if not self._get_lock(0):
            logger.info("Another process is migrating this database; waiting for it")
            if not self._get_lock(OTHERS_SECONDS):
                raise MigrationError("Another process is still migrating this database; if it is dead: pluseboard break-lock")
        if self.lock_table not in self.list_tables():
            self.create_lock_table()
        # Rows of ours carry a negative process id. One that is there now was left by a process that is dead.
        self._query("DELETE FROM yoyo_lock WHERE pid < 0")
        self.connection.commit()
        try:
            self._insert_lock_row(-os.getpid(), timeout=YOYO_SECONDS)
        except LockTimeout:
            raise MigrationError(
                "A yoyo command is migrating this database, or was killed while it did (then: pluseboard break-lock)"
            ) from None
        self._is_locked = True

    def drop_locks(self) -> None:
        self._delete_lock_row(-os.getpid())

    def evict(self) -> None:
        [(holder,)] = self._query("SELECT IS_USED_LOCK(%s)", self._lock_name)
        if holder is not None:
            logger.warning("Ending the connection that holds the lock")
            self._query("KILL %s", holder)
        if self.lock_table in self.list_tables():
            self.break_lock()

    def _get_lock(self, seconds: int) -> bool:
        return bool(self._query("SELECT GET_LOCK(%s, %s)", self._lock_name, seconds)[0][0])


@contextmanager
def _connected(settings: Settings) -> Iterator[_Backend]:
    with _explained(settings), _Backend(settings) as backend:
        yield backend


@contextmanager
def _locked(settings: Settings) -> Iterator[_Backend]:
    with _connected(settings) as backend:
        backend.take_locks()
        backend.prepare()
        try:
            yield backend
        finally:
            if backend.connection.open:
                backend.drop_locks()


def _words(error: pymysql.MySQLError) -> str:
    return ": ".join(map(str, error.args))


def _explanation(settings: Settings, error: pymysql.MySQLError) -> str:
    code = error.args[0] if error.args else 0
    if code in (1049, 1044):
        return (
            f"The database {settings.db_name} is not there, or DB_USER may not use it. To create it: "
            f"CREATE DATABASE `{settings.db_name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;"
        )
    if code in (1045, 1698):
        return "The database server does not accept DB_USER with DB_PASSWORD"
    if code in (2002, 2003):
        return f"No database server answers at DB_HOST {settings.db_host}, DB_PORT {settings.db_port}"
    return f"The database server answered: {_words(error)}"
