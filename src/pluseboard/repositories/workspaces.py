"""Workspaces, and the counter of each one's activity log."""

from collections.abc import Mapping, Sequence

import msgspec

from pluseboard.database import Answer, Connection, Executor, load_queries
from pluseboard.schemas import Workspace

_q = load_queries("workspaces")


async def insert(tx: Connection, name: str, description: str, created_by: int) -> int:
    return await tx.insert(_q.insert, name, description, created_by)


async def of_user(db: Executor, user_id: int) -> list[Workspace]:
    return [Workspace(*row) for row in await db.all(_q.of_user, user_id)]


async def visible_to(db: Executor, user_id: int, workspace_id: int) -> Workspace | None:
    """The workspace, if the user is in it."""
    row = await db.one(_q.visible_to, workspace_id, user_id)
    return Workspace(*row) if row else None


async def update(tx: Executor, workspace_id: int, name: str, description: str) -> None:
    await tx.run(_q.update, name, description, workspace_id)


async def delete(tx: Connection, workspace_id: int) -> None:
    await tx.run(_q.delete, workspace_id)


async def next_activity_seq(tx: Connection, workspace_id: int) -> int:
    """Take the next number; the row stays locked until the transaction ends."""
    return await tx.insert(_q.next_activity_seq, workspace_id)


def lock_many(tx: Connection, workspace_ids: Sequence[int]) -> Answer[dict[int, int]]:
    """Lock workspaces; id -> activity_seq."""
    return tx.later(_q.lock_many, tuple(workspace_ids), read=dict)


async def lock_live(tx: Connection, workspace_ids: Sequence[int]) -> set[int]:
    """Lock workspaces; those that are not deleted."""
    return {row[0] for row in await tx.all(_q.lock_live, tuple(workspace_ids))}


def advance_many(tx: Connection, by: Mapping[int, int]) -> None:
    tx.later(_q.advance_many, msgspec.json.encode({str(k): v for k, v in by.items()}).decode(), tuple(by))


async def last_seqs(db: Executor, workspace_ids: Sequence[int]) -> dict[int, int]:
    return dict(await db.all(_q.last_seqs, tuple(workspace_ids)))


async def purgeable(db: Executor) -> list[int]:
    return [row[0] for row in await db.all(_q.purgeable)]


async def purge(db: Executor, workspace_id: int) -> None:
    await db.run(_q.purge, workspace_id)
