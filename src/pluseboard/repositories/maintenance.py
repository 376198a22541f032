"""What `pluseboard purge` removes, a slice at a time. Each `delete_...` returns how many rows went: 0 when it is done."""

from pluseboard.database import Executor, load_queries

_q = load_queries("maintenance")


async def channel_ids(db: Executor, workspace_id: int) -> list[int]:
    return [row[0] for row in await db.all(_q.channel_ids, workspace_id)]


async def delete_messages(db: Executor, channel_id: int) -> int:
    return await db.run(_q.delete_messages, channel_id)


async def delete_activities(db: Executor, workspace_id: int) -> int:
    return await db.run(_q.delete_activities, workspace_id)


async def delete_notifications(db: Executor, workspace_id: int) -> int:
    return await db.run(_q.delete_notifications, workspace_id)


async def delete_sessions(db: Executor) -> int:
    return await db.run(_q.delete_sessions)


async def delete_invitations(db: Executor) -> int:
    return await db.run(_q.delete_invitations)


async def delete_links(db: Executor) -> int:
    return await db.run(_q.delete_links)


async def long_inboxes(db: Executor, after: int) -> list[tuple[int, int]]:
    """(user id, the seq before which nothing is replayed any more)."""
    return [(row[0], row[1]) for row in await db.all(_q.long_inboxes, after)]


async def delete_read_marks(db: Executor, user_id: int, before: int) -> int:
    return await db.run(_q.delete_read_marks, user_id, before)


async def delete_audit(db: Executor, days: int) -> int:
    return await db.run(_q.delete_audit, days)
