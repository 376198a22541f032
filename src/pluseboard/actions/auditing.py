"""Writes the audit log, in the transaction of what it tells of. Who may read it: audit.py."""

from typing import Literal

from pluseboard.auth import CurrentUser
from pluseboard.callers import caller
from pluseboard.database import Connection
from pluseboard.repositories import audit as audit_rows

Action = Literal[
    "signed_in",
    "sign_in_failed",
    "session_revoked",
    "workspace_created",
    "workspace_renamed",
    "workspace_deleted",
    "ownership_transferred",
    "member_added",
    "member_joined",
    "member_role_changed",
    "member_removed",
    "member_left",
    "invitation_sent",
    "invitation_ended",
    "invite_link_created",
    "invite_link_ended",
    "channel_created",
    "channel_renamed",
    "channel_default_changed",
    "channel_archived",
    "channel_unarchived",
    "channel_member_added",
    "channel_member_removed",
    "channel_member_left",
    "message_deleted",
]


async def audit(
    tx: Connection,
    actor: CurrentUser,
    action: Action,
    target: tuple[str, int],
    workspace_id: int = 0,
    private_channel_id: int = 0,
    /,
    **details: str | int,
) -> None:
    """`actor` did it, from where the request comes, to `target`: what kind of thing, and its id.

    Details name no private channel unless the row is about it.
    """
    await audit_rows.insert(
        tx, audit_rows.NewRow(workspace_id, private_channel_id, actor.id, actor.email, action, *target, details, *caller())
    )
