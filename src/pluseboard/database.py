"""The aiomysql pool behind bounds and time-outs, transactions with retries, and the loader of sql/.

Only this module and repositories/ know that the database is MySQL. What it must know of aiomysql 0.3:
`Pool.release()` of a dead connection forgets to wake waiters, so a semaphore in front of the pool sees to it that
the pool never has a waiter; connecting and reading have no time limit of their own, so each is bounded here.
"""

import asyncio
import random
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Generic, TypeVar

import aiomysql
from pymysql import err
from pymysql.converters import escape_item, escape_string

from pluseboard.errors import Unavailable
from pluseboard.settings import Settings

T = TypeVar("T")
Row = tuple[Any, ...]

ACQUIRE_SECONDS = 3.0
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 4.0  # for a statement or a transaction, waiting for a connection and trying again included
COMMIT_SECONDS = 0.5  # at least, however little of that is left
ATTEMPTS = 4  # the first and at most three more
DEADLOCK, LOCK_WAIT = 1213, 1205
RETRYABLE = {DEADLOCK, LOCK_WAIT}
DUPLICATE = 1062

# Server gone, killed, shutting down, read-only or out of connections: the request may succeed a moment later.
TRANSIENT = {1040, 1047, 1053, 1077, 1152, 1158, 1159, 1160, 1161, 1203, 1290, 1317, 1836, 1927, 4031}  # as the server says it
TRANSIENT |= {2002, 2003, 2006, 2013, 2014, 2055}  # as the client finds it
# After these an unread answer may be on the wire, or nobody at its other end: the connection must never be used again.
BROKEN = (
    asyncio.CancelledError,
    GeneratorExit,
    TimeoutError,
    OSError,
    err.OperationalError,
    err.InterfaceError,
    err.InternalError,
)
# Strict, whatever the server's default: silent truncation is data loss. (Isolation: its variable's name differs by version.)
SESSION_SETUP = (
    "SET SESSION time_zone = '+00:00', SESSION sql_mode = 'STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ENGINE_SUBSTITUTION'; "
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
)


class DuplicateRow(Exception):
    """A unique key already holds this value. `key` is the key's name, so that the caller can name the field."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(key)


class LostConnection(Unavailable):
    """The connection broke before COMMIT, or in autocommit."""


class LostCommit(Unavailable):
    """The connection broke while COMMIT was under way: the transaction may or may not have happened."""


def resource_folder(name: str) -> Path:
    """`sql` or `migrations`: inside the installed package, or beside `src/` in a checkout."""
    package = Path(__file__).parent
    inside = package / name
    return inside if inside.is_dir() else package.parent.parent / name


def load_queries(stem: str) -> Any:
    """The statements of sql/<stem>.sql as attributes. Each begins with a comment that names it in the slow log.

    A statement starts at `-- name: <name>`; the comment lines below it say what it is for and are not sent.
    """
    text = (resource_folder("sql") / f"{stem}.sql").read_text("utf-8")
    queries: dict[str, str] = {}
    for part in re.split(r"^-- name: *", text, flags=re.MULTILINE)[1:]:
        name, _, body = part.partition("\n")
        name = name.strip()
        if name in queries:
            raise ValueError(f"sql/{stem}.sql names {name} twice")
        sql = " ".join(line.strip() for line in body.splitlines() if line.strip() and not line.lstrip().startswith("--"))
        queries[name] = f"/* {stem}.{name} */ {sql.rstrip(';')}"
    return SimpleNamespace(**queries)


def _as_they_are(rows: Sequence[Row]) -> Any:
    return rows


class Answer(Generic[T]):
    """What a statement brought, once it has been sent: how many rows it changed, the first AUTO_INCREMENT id that it gave, the
    rows that it read, and as `value` what is made of them."""

    __slots__ = ("_read", "changed", "insert_id", "rows")
    rows: Sequence[Row]
    changed: int
    insert_id: int

    def __init__(self, read: Callable[[Sequence[Row]], T]) -> None:
        self._read = read

    @property
    def value(self) -> T:
        return self._read(self.rows)


class Connection:
    """Runs named statements on one connection. Arguments are always bound with %s; `IN %s` takes a non-empty tuple.

    `later` sends nothing yet: what waits goes to the server in one packet with the next statement whose answer is needed, in
    order, and the server stops at the first that fails. A round trip costs more than most statements do.
    """

    def __init__(self, raw: Any, deadline: float) -> None:
        self.raw = raw
        self.deadline = deadline
        self._waiting: list[str] = []
        self._answers: list[Answer[Any]] = []

    def later(self, query: str, *args: Any, read: Callable[[Sequence[Row]], T] = _as_they_are) -> Answer[T]:
        """Filled by the next `flush`, which every statement that is awaited brings about."""
        return self._later(query % tuple(map(_literal, args)), read)

    def later_many(self, query: str, rows: Sequence[Sequence[Any]]) -> Answer[Any]:
        """A multi-row INSERT: the one `VALUES (...)` group of the query is repeated, all rows go in one statement."""
        before, group, after = _around_values(query)
        return self._later(
            before % () + ", ".join([group % tuple(map(_literal, row)) for row in rows]) + after % (), _as_they_are
        )

    def later_with_ids(self, query: str, rows: Sequence[Sequence[Any]], last_id: str, *place: Any) -> Answer[list[int]]:
        """The same, for the ids that it gives; `last_id` reads that of the last row, at `place`, and auto_increment_increment."""
        inserted = self.later_many(query, rows)
        return self.later(last_id, *place, read=lambda last: _consecutive_ids(inserted.insert_id, len(rows), last))

    async def flush(self) -> None:
        """Send what waits, and read every answer."""
        if not self._waiting:
            return
        sql, answers = ";".join(self._waiting), self._answers
        self.forget()
        async with asyncio.timeout_at(self.deadline):
            await self.raw.query(sql)
            for index, answer in enumerate(answers):
                if index:
                    await self.raw.next_result()
                result = self.raw._result  # aiomysql's cursor would add a quarter to what a small statement costs
                answer.rows, answer.changed, answer.insert_id = result.rows or (), result.affected_rows, result.insert_id

    def forget(self) -> None:
        """Send nothing of what waits."""
        self._waiting, self._answers = [], []

    async def all(self, query: str, *args: Any) -> Sequence[Row]:
        """Every row."""
        answer: Answer[Any] = self.later(query, *args)
        await self.flush()
        return answer.rows

    async def one(self, query: str, *args: Any) -> Row | None:
        """The first row, or None."""
        rows = await self.all(query, *args)
        return rows[0] if rows else None

    async def run(self, query: str, *args: Any) -> int:
        """Execute; the number of rows changed."""
        answer: Answer[Any] = self.later(query, *args)
        await self.flush()
        return answer.changed

    async def insert(self, query: str, *args: Any) -> int:
        """Execute an INSERT; the new row's AUTO_INCREMENT id."""
        answer: Answer[Any] = self.later(query, *args)
        await self.flush()
        return answer.insert_id

    async def many(self, query: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a multi-row INSERT."""
        self.later_many(query, rows)
        await self.flush()

    def _later(self, sql: str, read: Callable[[Sequence[Row]], T]) -> Answer[T]:
        answer = Answer(read)
        self._waiting.append(sql)
        self._answers.append(answer)
        return answer


def _consecutive_ids(first: int, count: int, last: Sequence[Row]) -> list[int]:
    """The ids that one INSERT of `count` rows gave, when `last` (the last row's id and auto_increment_increment) proves that
    nothing came between them; otherwise none, and they have to be read. InnoDB gives them in one piece."""
    [(last_id, step)] = last
    return list(range(first, last_id + 1, step)) if last_id - first == (count - 1) * step else []


@cache
def _around_values(query: str) -> list[str]:
    return re.split(r"(?<=VALUES )(\([^()]*\))", query, maxsplit=1)


def _literal(value: Any) -> str:
    """As it stands in a statement. Numbers and text, which are nearly everything, without the library's detours."""
    kind = type(value)
    if kind is int:
        return str(value)
    if kind is str:
        return f"'{escape_string(value)}'"
    if kind is tuple or kind is list:
        return f"({','.join(map(_literal, value))})"
    return str(escape_item(value, "utf8mb4"))


class Database:
    """The pool. `all`, `one`, `run`, `insert`, `many` each use a connection of their own in autocommit."""

    def __init__(self, settings: Settings, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._settings = settings
        self._answer_seconds = answer_seconds
        self._pool: Any = None
        self._room = asyncio.Semaphore(settings.db_pool_max)

    async def connect(self) -> None:
        """Open the pool with DB_POOL_MIN connections. Raises Unavailable when the server cannot be reached."""
        s = self._settings
        try:
            async with asyncio.timeout(CONNECT_SECONDS + 2):
                self._pool = await aiomysql.create_pool(
                    host=s.db_host,
                    port=s.db_port,
                    user=s.db_user,
                    password=s.db_password.encode().decode("latin1"),  # aiomysql would send anything else as latin1
                    db=s.db_name,
                    ssl=ssl.create_default_context(cafile=s.db_ssl_ca) if s.db_ssl_ca else None,
                    minsize=s.db_pool_min,
                    maxsize=s.db_pool_max,
                    charset="utf8mb4",
                    autocommit=True,
                    connect_timeout=None,  # bounded here: Python 3.11's wait_for, by which it would be, loses cancellations
                    init_command=SESSION_SETUP,
                )
        except BROKEN as error:
            raise _unavailable(error) from error

    async def close(self) -> None:
        if self._pool is not None:
            self._pool.terminate()
            await self._pool.wait_closed()

    @asynccontextmanager
    async def connection(self, deadline: float | None = None) -> AsyncIterator[Connection]:
        """A connection in autocommit, for several statements. Raises Unavailable after 3 s without a free one."""
        now = asyncio.get_running_loop().time()
        deadline = deadline or now + self._answer_seconds
        try:
            async with asyncio.timeout_at(min(now + ACQUIRE_SECONDS, deadline)):
                await self._room.acquire()
        except TimeoutError:
            raise Unavailable("The service is busy; try again") from None
        raw = None
        try:
            async with asyncio.timeout_at(min(asyncio.get_running_loop().time() + CONNECT_SECONDS, deadline)):
                raw = await self._pool.acquire()
            connection = Connection(raw, deadline)
            yield connection
            await connection.flush()  # nothing that was put aside is dropped
        except BROKEN as error:
            if _code(error) in RETRYABLE:
                raise
            if raw is not None:
                raw.close()
            if isinstance(error, asyncio.CancelledError | GeneratorExit):
                raise
            if isinstance(error, TimeoutError):
                self._close_idle()
            raise _unavailable(error) from error
        except err.IntegrityError as error:
            if _code(error) == DUPLICATE:
                raise DuplicateRow(_key_name(error)) from None
            raise
        finally:
            if raw is not None:
                self._pool.release(raw)
            self._room.release()

    def _close_idle(self) -> None:
        """When one connection has gone silent for good, so have those beside it: a time limit each would be waited for."""
        for idle in self._pool._free:
            idle.close()
        self._pool._free.clear()

    async def transaction(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `work` between BEGIN and COMMIT; again from the start, at most three times, when nothing of it can have stayed.

        That is after a deadlock, a lock wait or a connection lost before COMMIT. Raises LostCommit when the connection broke
        during COMMIT, Unavailable when the attempts are used up; whatever else `work` raises rolls back and comes through.
        """
        return await self._attempts(lambda connection: _once(connection, work))

    async def _attempts(self, job: Callable[[Connection], Awaitable[T]], lost_too: bool = True) -> T:
        deadline = asyncio.get_running_loop().time() + self._answer_seconds
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self.connection(deadline) as connection:
                    return await job(connection)
            except LostConnection:
                if not lost_too or attempt == ATTEMPTS:
                    raise
            except err.OperationalError as error:
                if _code(error) not in RETRYABLE:
                    raise
                if attempt == ATTEMPTS:
                    raise Unavailable("Too many people write here at once; try again") from error
            await asyncio.sleep(random.uniform(0.005, 0.03) * attempt)  # noqa: S311
        raise AssertionError("unreachable")

    async def all(self, query: str, *args: Any) -> Sequence[Row]:
        return await self._attempts(lambda connection: connection.all(query, *args))

    async def one(self, query: str, *args: Any) -> Row | None:
        return await self._attempts(lambda connection: connection.one(query, *args))

    async def run(self, query: str, *args: Any) -> int:
        return await self._attempts(lambda connection: connection.run(query, *args), lost_too=False)

    async def insert(self, query: str, *args: Any) -> int:
        return await self._attempts(lambda connection: connection.insert(query, *args), lost_too=False)

    async def many(self, query: str, rows: Sequence[Sequence[Any]]) -> None:
        return await self._attempts(lambda connection: connection.many(query, rows), lost_too=False)


Executor = Database | Connection


async def _once(connection: Connection, work: Callable[[Connection], Awaitable[T]]) -> T:
    connection.later("BEGIN")
    try:
        result = await work(connection)
    except BROKEN as error:
        if _code(error) in RETRYABLE:
            await _rollback(connection)
        raise
    except Exception:
        await _rollback(connection)
        raise
    connection.later("COMMIT")
    connection.deadline = max(connection.deadline, asyncio.get_running_loop().time() + COMMIT_SECONDS)
    try:
        await connection.flush()
    except BROKEN as error:
        if _code(error) in RETRYABLE:
            await _rollback(connection)
            raise
        connection.raw.close()
        if isinstance(error, asyncio.CancelledError):
            raise
        raise LostCommit from error
    except Exception:
        await _rollback(connection)
        raise
    return result


async def _rollback(connection: Connection) -> None:
    connection.forget()
    await connection.run("ROLLBACK")


def _code(error: BaseException) -> int | None:
    return error.args[0] if isinstance(error, err.MySQLError) and error.args else None


def _unavailable(error: BaseException) -> BaseException:
    """What to raise for a broken connection: an unknown server error is a defect of ours and stays as it is."""
    code = _code(error)
    unknown = isinstance(error, err.MySQLError) and code not in TRANSIENT and not isinstance(error, err.InterfaceError)
    if unknown:
        return error
    # 2003 and a time-out mean that nobody answers: trying again at once would only make the caller wait longer.
    if code == 2003 or isinstance(error, TimeoutError):
        return Unavailable("The database does not answer; try again")
    return LostConnection()


def _key_name(error: err.IntegrityError) -> str:
    """`Duplicate entry 'x' for key 'users.email'` (MySQL 8) or `... 'email'` (MariaDB): email."""
    match = re.search(r"for key '(?:.*\.)?([^'.]+)'$", str(error.args[1]))
    return match.group(1) if match else ""
