"""Roll-ups: messages a day, and who was seen."""

from collections.abc import Sequence

from pluseboard.database import Connection, Executor, load_queries
from pluseboard.repositories import workspaces
from pluseboard.schemas import DayCount

_q = load_queries("metrics")


def add_counts(tx: Connection, rows: Sequence[tuple[int, str, int, int]]) -> None:
    """(workspace id, day, channel id, how many)."""
    tx.later_many(_q.add_counts, rows)


async def messages_per_day(db: Executor, workspace_id: int, channel_ids: Sequence[int]) -> list[DayCount]:
    """Days of the last 14 on which these channels had messages."""
    if not channel_ids:
        return []
    return [DayCount(day, int(count)) for day, count in await db.all(_q.messages_per_day, workspace_id, tuple(channel_ids))]


async def today(db: Executor) -> str:
    row = await db.one(_q.today)
    assert row is not None
    return str(row[0])


async def active_users(db: Executor, workspace_id: int, minutes: int) -> int:
    row = await db.one(_q.active_users, workspace_id, minutes)
    return row[0] if row else 0


async def workspace_ids(db: Executor, after: int) -> list[int]:
    return [row[0] for row in await db.all(_q.workspace_ids, after)]


async def rebuild_counts(tx: Connection, workspace_id: int) -> None:
    """Count a workspace's messages anew, from the messages, while its row is locked."""
    workspaces.lock_many(tx, [workspace_id])
    tx.later(_q.clear_counts, workspace_id)
    await tx.run(_q.rebuild_counts, workspace_id)
