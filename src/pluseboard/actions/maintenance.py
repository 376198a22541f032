"""What operators run from time to time: `pluseboard recount` and `pluseboard purge`."""

from collections.abc import Awaitable, Callable

from pluseboard.database import Database
from pluseboard.repositories import maintenance, metrics, workspaces
from pluseboard.settings import Settings

MAINTENANCE_SECONDS = 3600.0  # a statement over a large workspace may take its time


async def recount(settings: Settings) -> int:
    """Rebuild the messages-per-day counts from the messages, a workspace at a time; how many workspaces."""
    database = Database(settings, MAINTENANCE_SECONDS)
    await database.connect()
    done, last = 0, 0
    try:
        while ids := await metrics.workspace_ids(database, last):
            for last in ids:
                # The lock on the workspace keeps messages from being written, and counted twice, meanwhile.
                await database.transaction(lambda tx, id_=last: metrics.rebuild_counts(tx, id_))  # type: ignore[misc]
                done += 1
    finally:
        await database.close()
    return done


async def purge(settings: Settings) -> int:
    """Remove for good what was deleted or has expired, in slices that hold nobody up; how many workspaces went."""
    database = Database(settings, MAINTENANCE_SECONDS)
    await database.connect()
    done = 0
    try:
        while ids := await workspaces.purgeable(database):
            for workspace_id in ids:
                await _purge_workspace(database, workspace_id)
                done += 1
        await _all_of(lambda: maintenance.delete_sessions(database))
        await _all_of(lambda: maintenance.delete_invitations(database))
        await _all_of(lambda: maintenance.delete_links(database))
        await _purge_read_marks(database)
        if settings.audit_days:
            await _all_of(lambda: maintenance.delete_audit(database, settings.audit_days))
    finally:
        await database.close()
    return done


async def _purge_workspace(database: Database, workspace_id: int) -> None:
    """The tables that grow first; with the workspace's own row goes what is left, by its foreign keys."""
    for channel_id in await maintenance.channel_ids(database, workspace_id):
        await _all_of(lambda id_=channel_id: maintenance.delete_messages(database, id_))  # type: ignore[misc]
    await _all_of(lambda: maintenance.delete_activities(database, workspace_id))
    await _all_of(lambda: maintenance.delete_notifications(database, workspace_id))
    await workspaces.purge(database, workspace_id)


async def _purge_read_marks(database: Database) -> None:
    last = 0
    while found := await maintenance.long_inboxes(database, last):
        for last, before in found:
            await _all_of(lambda id_=last, seq=before: maintenance.delete_read_marks(database, id_, seq))  # type: ignore[misc]


async def _all_of(delete_slice: Callable[[], Awaitable[int]]) -> None:
    while await delete_slice():
        pass
