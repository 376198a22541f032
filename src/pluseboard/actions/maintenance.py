"""What operators run from time to time: `pluseboard recount` and `pluseboard purge`."""

from pluseboard.database import Database
from pluseboard.repositories import metrics, workspaces
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
    """Remove the rows of deleted workspaces; how many workspaces."""
    database = Database(settings, MAINTENANCE_SECONDS)
    await database.connect()
    done = 0
    try:
        while ids := await workspaces.purgeable(database):
            for workspace_id in ids:
                await workspaces.purge(database, workspace_id)
                done += 1
    finally:
        await database.close()
    return done
