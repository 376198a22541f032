"""The audit log: rows are added, never changed."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from pluseboard.database import Connection, Executor, Row, load_queries
from pluseboard.schemas import AuditRecord

_q = load_queries("audit")
BEGINNING, END = "1970-01-01T00:00:00", "9999-12-31T23:59:59"


class NewRow(NamedTuple):
    """`workspace_id` is 0 for sign-ins; `private_channel_id` unless it is about one; `actor_id` when the address is nobody's."""

    workspace_id: int
    private_channel_id: int
    actor_id: int
    actor_email: str
    action: str
    target_type: str
    target_id: int
    details: dict[str, str | int]
    ip: str
    user_agent: str


class Slice(NamedTuple):
    """From `since` until before `until`; of `until`'s own second those below `before_id` too."""

    since: str = BEGINNING
    until: str = END
    before_id: int = 0
    actor_id: int = 0
    action: str = ""


async def insert(tx: Connection, row: NewRow) -> None:
    await tx.run(_q.insert, *row[:7], msgspec.json.encode(row.details).decode(), *row[8:])


async def place(db: Executor, workspace_id: int, record_id: int, actor_id: int = 0) -> str | None:
    """When a row of that workspace (and of that person, if given) was written."""
    row = await db.one(_q.place, record_id, workspace_id, actor_id, actor_id)
    return row[0] if row else None


async def page(db: Executor, workspace_id: int, part: Slice, private_channels: Sequence[int], limit: int) -> list[AuditRecord]:
    """The newest first."""
    by_actor, by_action = (part.actor_id,) * bool(part.actor_id), (part.action,) * bool(part.action)
    if part.actor_id and part.action:
        query = _q.page_of_both
    elif part.actor_id:
        query = _q.page_of_actor
    else:
        query = _q.page_of_action if part.action else _q.page
    span = (part.since, part.until, part.until, part.before_id)
    return _records(await db.all(query, workspace_id, *by_actor, *by_action, *span, (0, *private_channels), limit))


async def all_after(db: Executor, last_id: int, since: str, workspace_id: int, email: str, action: str) -> list[AuditRecord]:
    """A slice of everything, the oldest first."""
    filters = (workspace_id, workspace_id, email, email, action, action)
    return _records(await db.all(_q.all_after, last_id, since, *filters))


def _records(rows: Sequence[Row]) -> list[AuditRecord]:
    return [AuditRecord(*(*row[:8], msgspec.json.decode(row[8]), *row[9:])) for row in rows]
