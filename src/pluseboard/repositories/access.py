"""Access changes: what every process must learn within a second, even without the bus."""

from typing import Literal, NamedTuple

from pluseboard.database import Connection, Executor, load_queries

_q = load_queries("access")

Kind = Literal[
    "session_revoked",
    "profile_changed",
    "workspace_joined",
    "workspace_left",
    "workspace_deleted",
    "role_changed",
    "channel_joined",
    "channel_left",
]


class Change(NamedTuple):
    """`user_id`'s session was revoked, or their membership of a workspace or channel began, changed or ended.

    A deleted workspace concerns everybody: user_id is 0.
    """

    user_id: int
    kind: Kind
    session_id: int = 0
    workspace_id: int = 0
    channel_id: int = 0
    id: int = 0


async def record(tx: Connection, change: Change) -> Change:
    """Write the change in the transaction that makes it; returns it with its id."""
    change_id = await tx.insert(_q.insert, *change[:5])
    return change._replace(id=change_id)


async def recent(db: Executor, seconds: int) -> list[Change]:
    rows = await db.all(_q.recent, seconds)
    return [Change(user, kind, session, workspace, channel, id_) for id_, user, kind, session, workspace, channel in rows]


async def sweep(db: Executor) -> None:
    await db.run(_q.sweep)
