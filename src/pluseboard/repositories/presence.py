"""Who has a socket where, and who was seen when."""

from collections.abc import Sequence

from pluseboard.database import Connection, Database, Executor, load_queries
from pluseboard.schemas import Presence

_q = load_queries("presence")


async def upsert_many(db: Executor, rows: Sequence[tuple[int, str, str]]) -> None:
    """(user id, node id, online, idle or here), seen now."""
    await db.many(_q.upsert_many, rows)


async def statuses(db: Executor, user_ids: Sequence[int]) -> dict[int, str]:
    """user id -> online or idle; who is offline is not in it."""
    return dict(await db.all(_q.statuses, tuple(user_ids))) if user_ids else {}


async def sweep_stale(db: Database) -> list[int]:
    """Remove rows that nobody refreshed for 30 s; the users they were of, told to one caller only."""

    async def work(tx: Connection) -> list[int]:
        stale = tuple(await tx.all(_q.lock_stale))
        if stale:
            await tx.run(_q.delete_pairs, stale)
        return [row[0] for row in stale]

    return await db.transaction(work)


async def emails(db: Executor, user_ids: Sequence[int]) -> dict[int, str]:
    return dict(await db.all(_q.emails, tuple(user_ids))) if user_ids else {}


async def of_workspace(db: Executor, workspace_id: int) -> list[Presence]:
    return [Presence(*row) for row in await db.all(_q.of_workspace, workspace_id)]


async def seen_many(db: Executor, user_ids: Sequence[int]) -> None:
    """These people were seen just now."""
    await db.many(_q.seen_many, [(user_id,) for user_id in user_ids])


async def online_members(db: Executor, channel_id: int) -> list[int]:
    return [row[0] for row in await db.all(_q.online_members, channel_id)]
