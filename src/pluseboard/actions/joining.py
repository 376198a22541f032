"""Becoming a member of a workspace: by being added, by an invitation or by a link."""

from collections.abc import Sequence
from typing import NamedTuple

from pluseboard.actions.recording import notify, record
from pluseboard.auth import CurrentUser
from pluseboard.database import Connection
from pluseboard.realtime.events import Event
from pluseboard.repositories import access, channels, members, workspaces
from pluseboard.repositories.access import Change


class Joined(NamedTuple):
    """What to publish after the commit."""

    events: list[Event]
    changes: list[Change]


async def lock_for_joining(tx: Connection, workspace_ids: Sequence[int]) -> set[int]:
    """Those of the workspaces that are not deleted; to be called before `join_workspace`.

    A membership's foreign keys share-lock channels and workspace: two joins, or a join and a message, that both went on from
    there to the whole lock would deadlock. And one join at a time sees who and what is there.
    """
    await channels.lock_defaults(tx, workspace_ids)
    return await workspaces.lock_live(tx, workspace_ids)


async def join_workspace(
    tx: Connection, workspace_id: int, user: CurrentUser, role: str, added_by: CurrentUser | None = None
) -> Joined | None:
    """Membership, the default channels (unless a guest), the activity, and a notification if somebody else did it.

    None, and nothing happens, when the user is in already.
    """
    if await members.role_of(tx, workspace_id, user.id) is not None:
        return None
    await members.insert(tx, workspace_id, user.id, role)
    if role != "guest":
        await channels.join_defaults(tx, workspace_id, user.id)
    change = await access.record(tx, Change(user.id, "workspace_joined", workspace_id=workspace_id))
    events = [await record(tx, workspace_id, user, "member_joined", user.id, "joined the workspace")]
    if added_by is not None:
        events += await notify(tx, [user.id], "workspace_added", added_by, workspace_id, "added you to a workspace")
    return Joined(events, [change])
