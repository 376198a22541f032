"""Reading the audit log: a workspace's by its owner, one's own sign-ins by oneself, everything by the operator."""

import json
from collections.abc import AsyncIterator

import msgspec

from pluseboard.actions.workspaces import visible_workspace
from pluseboard.auth import CurrentUser
from pluseboard.database import Database
from pluseboard.errors import Forbidden, NotFound
from pluseboard.repositories import audit, channels
from pluseboard.repositories.audit import Slice
from pluseboard.schemas import AuditRecord
from pluseboard.services import Services
from pluseboard.settings import Settings

NO_WORKSPACE = 0  # where sign-ins are


async def workspace_log(
    app: Services, user: CurrentUser, workspace_id: int, part: Slice, limit: int
) -> tuple[list[AuditRecord], bool]:
    """The newest first, and whether there are more. A private channel's only for a member of it, be it the owner who asks.

    Raises NotFound, Forbidden.
    """
    workspace = await visible_workspace(app, user, workspace_id)
    if workspace.role != "owner":
        raise Forbidden("Only the owner may read the audit log")
    joined = await channels.joined_ids(app.database, user.id, workspace_id)
    return await _page(app, workspace_id, part, joined, limit)


async def own_log(app: Services, user: CurrentUser, part: Slice, limit: int) -> tuple[list[AuditRecord], bool]:
    """One's sign-ins, those that failed, and sessions that were ended. Raises NotFound."""
    return await _page(app, NO_WORKSPACE, part._replace(actor_id=user.id), [], limit)


async def _page(
    app: Services, workspace_id: int, part: Slice, private_channels: list[int], limit: int
) -> tuple[list[AuditRecord], bool]:
    if part.before_id:
        written = await audit.place(app.database, workspace_id, part.before_id, part.actor_id if not workspace_id else 0)
        if written is None:
            raise NotFound("There is no such record in this log")
        # Whichever comes first: the record, or the end that was asked for.
        part = part._replace(until=written) if written < part.until else part._replace(before_id=0)
    found = await audit.page(app.database, workspace_id, part, private_channels, limit + 1)
    return found[:limit], len(found) > limit


async def everything(
    settings: Settings, since: str = audit.BEGINNING, workspace_id: int = 0, email: str = "", action: str = ""
) -> AsyncIterator[AuditRecord]:
    """For the operator: the oldest first."""
    database = Database(settings)
    await database.connect()
    last = 0
    try:
        while records := await audit.all_after(database, last, since, workspace_id, email, action):
            for record in records:
                yield record
            last = records[-1].id
    finally:
        await database.close()


def as_line(record: AuditRecord) -> str:
    """For people: when, what, who, on what, where, from where, and the details."""
    where = f"workspace {record.workspace_id}" if record.workspace_id else "-"
    more = json.dumps(record.details, ensure_ascii=False) if record.details else ""
    target = f"{record.target_type} {record.target_id}"
    cells = (record.created_at, record.action, record.actor_email, target, where, record.ip, more)
    return "  ".join(cells).rstrip()


def as_json(record: AuditRecord) -> str:
    """For programs. Escaped to ASCII: no user agent plays tricks on a terminal."""
    return json.dumps(msgspec.structs.asdict(record))
