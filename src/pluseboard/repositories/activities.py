"""The activity log of workspaces."""

from collections.abc import Sequence
from typing import NamedTuple

from pluseboard.database import Answer, Connection, Executor, load_queries
from pluseboard.schemas import Activity

_q = load_queries("activities")


class NewRow(NamedTuple):
    workspace_id: int
    seq: int
    actor_id: int
    type: str
    ref_id: int
    channel_id: int
    is_private: int
    summary: str
    created_at: str


async def insert(tx: Connection, row: NewRow) -> int:
    return await tx.insert(_q.insert, *row)


def insert_many(tx: Connection, rows: Sequence[NewRow]) -> Answer[list[int]]:
    """The ids that the database gave, in the order of the rows; none when they have to be read (`ids`)."""
    return tx.later_with_ids(_q.insert, rows, _q.last_id, rows[-1].workspace_id, rows[-1].seq)


async def ids(db: Executor, rows: Sequence[NewRow]) -> list[int]:
    places = [(row.workspace_id, row.seq) for row in rows]
    found = {(row[0], row[1]): row[2] for row in await db.all(_q.ids, tuple(places))}
    return [found[place] for place in places]


async def page_before(
    db: Executor, workspace_id: int, before_seq: int, not_below: int, channel_ids: Sequence[int], public_too: bool, limit: int
) -> list[Activity]:
    """Going back from `before_seq` to `not_below`: the workspace's own, those in `channel_ids`, and public ones if asked for."""
    rows = await db.all(_q.page_before, workspace_id, before_seq, not_below, (0, *channel_ids), int(public_too), limit)
    return [Activity(*row) for row in rows]


async def page_after(db: Executor, workspace_id: int, seq: int, limit: int) -> list[tuple[int, Activity]]:
    """(is_private, activity), the oldest first."""
    return [(row[0], Activity(*row[1:])) for row in await db.all(_q.page_after, workspace_id, seq, limit)]


async def seq_of(db: Executor, workspace_id: int, activity_id: int) -> int | None:
    row = await db.one(_q.seq_of, activity_id, workspace_id)
    return row[0] if row else None


async def last_seq(db: Executor, workspace_id: int) -> int:
    row = await db.one(_q.last_seq, workspace_id)
    return row[0] if row else 0
