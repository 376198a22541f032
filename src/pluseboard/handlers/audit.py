"""The audit log."""

from datetime import datetime
from typing import Annotated, get_args

from msgspec import Meta, Struct

from pluseboard import fields as f
from pluseboard.actions import audit as actions
from pluseboard.actions.auditing import Action
from pluseboard.auth import CurrentUser
from pluseboard.errors import BadInput
from pluseboard.repositories.audit import BEGINNING, END, Slice
from pluseboard.schemas import AuditRecord, Page
from pluseboard.services import Services

Kind = Annotated[Action, Meta(description=f"one of {', '.join(get_args(Action))}")]


class AuditQuery(Struct, kw_only=True):
    """From `since`, before `until`; pages go on from the last record's id as `before_id`."""

    action: Kind | None = None
    since: f.Time | None = None
    until: f.Time | None = None
    limit: f.Limit = 50
    before_id: f.Id | None = None


class WorkspaceAuditQuery(AuditQuery, kw_only=True):
    actor_id: f.Id | None = None


async def page(app: Services, user: CurrentUser, workspace_id: int, query: WorkspaceAuditQuery) -> Page[AuditRecord]:
    """Read the audit log of a workspace, the newest first (its owner).

    Who did what, when and from where. Records about a private channel are shown to its members only, the owner included.
    """
    await app.rate_limits.hit("report_user", user.id)
    found, more = await actions.workspace_log(app, user, workspace_id, _slice(query, query.actor_id or 0), query.limit)
    return Page(data=found, has_more=more)


async def own(app: Services, user: CurrentUser, query: AuditQuery) -> Page[AuditRecord]:
    """Read one's own sign-ins, the newest first.

    Failed ones and ended sessions too.
    """
    await app.rate_limits.hit("report_user", user.id)
    found, more = await actions.own_log(app, user, _slice(query), query.limit)
    return Page(data=found, has_more=more)


def _slice(query: AuditQuery, actor_id: int = 0) -> Slice:
    for name in ("since", "until"):
        try:
            datetime.fromisoformat(getattr(query, name) or BEGINNING)
        except ValueError:  # the 29th of February, for one
            raise BadInput(f"{name} must be a day that there is") from None
    return Slice(query.since or BEGINNING, query.until or END, query.before_id or 0, actor_id, query.action or "")
