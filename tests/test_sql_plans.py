"""How the server carries out every statement, on a database of realistic size: what it plans to do and how many rows it reads."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiomysql
import pytest

from pluseboard.database import Connection, load_queries
from pluseboard.database import Database as Pool
from pluseboard.settings import load_settings
from tests.conftest import WORKER
from tests.seeding import seed
from tests.servers import Database
from tests.sql_arguments import ARGUMENTS

STEMS = sorted(path.stem for path in (Path(__file__).parent.parent / "sql").glob("*.sql"))
# A statement may read this many rows for each row that it returns or changes, and a few more.
READS_A_ROW, READS_MORE = 6, 20

# What may be read beyond that, and why.
READS = {
    "channels.archive_empty": (500, "the private channels of a workspace, when somebody leaves"),
    "audit.all_after": (60_000, "the operator's command: looks through everything"),
    "demo.move_activities": (100_000, "development: all of a workspace"),
    "demo.move_notifications": (100_000, "development: all of a workspace"),
    "demo.move_other_activities": (100_000, "development: all of a workspace"),
    "maintenance.delete_invitations": (2100, "maintenance: all invitations"),
    "maintenance.delete_links": (1100, "maintenance: all links"),
    "maintenance.delete_sessions": (21_000, "maintenance: all sign-ins"),
    "maintenance.long_inboxes": (4100, "maintenance: a number a user"),
    "metrics.active_users": (100, "the people seen within that time, or the members"),
    "metrics.messages_per_day": (14 * 200 + 1, "a row a day and channel"),
    "metrics.rebuild_counts": (20_000, "maintenance: the messages of a workspace"),
    "notifications.mention_counts": (200, "what is unread, from the index alone"),
    "notifications.unread_count": (200, "what is unread, from the index alone"),
    "outbox.claim": (1100, "background: the mails that wait"),
    "outbox.sweep": (2100, "background: the mails of the development mailbox"),
    "workspaces.purge": (200, "maintenance: takes a workspace's rows with it"),
}
# Sorts, temporary tables and scans that may be, and why.
PLANS = {
    "channels.lock_defaults": "a workspace has one default channel or a few",
    "maintenance.delete_invitations": "maintenance: once a night, over few rows",
    "maintenance.delete_links": "maintenance: once a night, over few rows",
    "maintenance.delete_sessions": "maintenance: once a night",
    "metrics.rebuild_counts": "maintenance: counts a workspace's messages",
    "notifications.mark_all_read": "MySQL collects the keys first, because the index that finds them contains read_at",
    "notifications.mark_channel_read": "MySQL collects the keys first, because the index that finds them contains read_at",
    "outbox.claim": "background: the mails that wait are few",
    "outbox.mailbox": "development: walks the primary key backwards until it has fifty",
    "outbox.sweep": "background: nearly all mails of the development mailbox have no use any more",
}


class Plan:
    """One row of EXPLAIN, the same for both servers."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row

    @property
    def faults(self) -> list[str]:
        row, extra = self.row, self.row["Extra"] or ""
        if row["table"] is None or row["select_type"] in ("INSERT", "REPLACE"):
            return []
        scan = [f"reads all of {row['table']}"] if row["type"] in ("ALL", "index") else []
        return scan + [f"{word} on {row['table']}" for word in ("filesort", "temporary", "join buffer") if word in extra]


class _Unwarned(aiomysql.Cursor):  # type: ignore[misc]
    """MySQL's EXPLAIN notes the statement as it understood it, which aiomysql makes a warning of Python, an error here."""

    async def _show_warnings(self, conn: Any) -> None:
        pass


class Surveyor:
    """Explains statements and counts what they read, in transactions that are rolled back."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._overhead = 0

    async def calibrate(self) -> None:
        """What asking for the status itself adds to the status."""
        before = await self._reads()
        self._overhead = await self._reads() - before

    async def plan(self, query: str, args: tuple[Any, ...]) -> list[Plan]:
        cursor = await self._connection.raw.cursor(_Unwarned)
        await cursor.execute(f"EXPLAIN FORMAT=TRADITIONAL {query}", args)
        columns = [column[0] for column in cursor.description]
        return [Plan(dict(zip(columns, row, strict=True))) for row in await cursor.fetchall()]

    async def run(self, query: str, args: tuple[Any, ...]) -> tuple[int, int]:
        """(rows returned or changed, rows read)."""
        await self._connection.raw.begin()
        before = await self._reads()
        rows = await self._connection.run(query, *args)
        read = await self._reads() - before - self._overhead
        await self._connection.raw.rollback()
        return rows, read

    async def _reads(self) -> int:
        counters = await self._connection.all("SHOW SESSION STATUS LIKE 'Handler_read%%'")
        return sum(int(value) for _, value in counters)

    async def faults(self, name: str, query: str, args: tuple[Any, ...]) -> list[str]:
        plans = await self.plan(query, args)
        rows, read = await self.run(query, args)
        allowed = READS[name][0] if name in READS else READS_A_ROW * rows + READS_MORE
        found = [f"reads {read} rows for {rows}"] if read > allowed else []
        if name not in PLANS:
            found += [fault for plan in plans for fault in plan.faults]
        return [f"{name}: {fault}\n    {[plan.row for plan in plans]}" for fault in found]


@pytest.fixture
async def surveyor(make_database: Callable[[str], Awaitable[Database]]) -> AsyncIterator[Surveyor]:
    database = await make_database(f"test_{WORKER}_large")
    await seed(database)
    secrets = {"DEBUG": "True", "JWT_SECRET_KEY": "j" * 32, "SECRET_KEY": "s" * 32}
    pool = Pool(load_settings({**database.environment, **secrets}))
    await pool.connect()
    async with pool.connection() as connection:
        surveyor = Surveyor(connection)
        await surveyor.calibrate()
        yield surveyor
    await pool.close()


def reading_statements() -> dict[str, str]:
    """All but the INSERTs and REPLACEs of given values."""
    named = {f"{stem}.{name}": query for stem in STEMS for name, query in vars(load_queries(stem)).items()}
    return {name: query for name, query in named.items() if re.search(r"\b(SELECT|UPDATE|DELETE)\b(?! *VALUES)", _main(query))}


def _main(query: str) -> str:
    return query.split("ON DUPLICATE KEY UPDATE")[0]


def test_every_statement_that_reads_has_arguments_here() -> None:
    statements = reading_statements()
    assert len(statements) > 90
    assert statements.keys() - ARGUMENTS.keys() == set(), "they need believable arguments in sql_arguments.py"
    assert ARGUMENTS.keys() - statements.keys() == set(), "these are gone"
    assert set(READS) | set(PLANS) <= set(statements)


async def test_no_statement_scans_sorts_or_reads_more_than_it_needs(surveyor: Surveyor) -> None:
    """A single test, so that the large database is filled once."""
    slow = {
        "SELECT id FROM messages WHERE body = %s": ("Message 1 ",),  # no index
        "SELECT id FROM messages WHERE channel_id = %s ORDER BY created_at DESC LIMIT 50": (1,),  # not in the index's order
        "SELECT COUNT(*) FROM messages WHERE channel_id = %s": (1,),  # all of a channel
    }
    for query, args in slow.items():
        assert await surveyor.faults("slow", query, args) != [], query

    found = [
        fault for name, query in reading_statements().items() for fault in await surveyor.faults(name, query, ARGUMENTS[name])
    ]
    assert found == [], "\n".join(found)

    # A page costs the same at any depth.
    page = load_queries("messages").page_before
    costs = {depth: await surveyor.run(page, (1, depth, 50)) for depth in (100_001, 50_000, 1_000)}
    assert {rows for rows, _ in costs.values()} == {50}
    assert max(read for _, read in costs.values()) <= 110, costs
