"""Becoming a member of a workspace: by being added, by an invitation or by a link."""

from typing import NamedTuple

from pluseboard.actions.recording import notify, record
from pluseboard.auth import CurrentUser
from pluseboard.database import Connection
from pluseboard.realtime.events import Event
from pluseboard.repositories import access, channels, members
from pluseboard.repositories.access import Change


class Joined(NamedTuple):
    """What to publish after the commit."""

    events: list[Event]
    changes: list[Change]


async def join_workspace(
    tx: Connection, workspace_id: int, user: CurrentUser, role: str, added_by: CurrentUser | None = None
) -> Joined:
    """Membership, the default channels (unless a guest), the activity, and a notification if somebody else did it.

    Nothing happens to whoever is in already.
    """
    if await members.role_of(tx, workspace_id, user.id) is not None:
        return Joined([], [])
    await members.insert(tx, workspace_id, user.id, role)
    if role != "guest":
        await channels.join_defaults(tx, workspace_id, user.id)
    change = await access.record(tx, Change(user.id, "workspace_joined", workspace_id=workspace_id))
    events = [await record(tx, workspace_id, user, "member_joined", user.id, "joined the workspace")]
    if added_by is not None:
        events += await notify(tx, [user.id], "workspace_added", added_by, workspace_id, "added you to a workspace")
    return Joined(events, [change])
