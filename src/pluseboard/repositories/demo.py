"""`pluseboard demo` alone: spreads a workspace that it has just filled over the past days."""

from collections.abc import Sequence
from typing import NamedTuple

from pluseboard.database import Connection, load_queries
from pluseboard.repositories import metrics

_q = load_queries("demo")


class Moved(NamedTuple):
    """When a message shall have been sent, and where it stands."""

    created_at: str
    channel_id: int
    seq: int


async def spread(tx: Connection, workspace_id: int, begun_at: str, messages: Sequence[Moved]) -> None:
    """Move the messages and what tells of them; whatever else there is began at `begun_at`."""
    for message in messages:
        await tx.run(_q.move_message, *message)
    await tx.run(_q.move_activities, workspace_id)
    await tx.run(_q.move_notifications, workspace_id)
    await tx.run(_q.move_beginnings, begun_at, begun_at, begun_at, workspace_id)
    await tx.run(_q.move_other_activities, begun_at, workspace_id)
    await metrics.rebuild_counts(tx, workspace_id)
