"""The members of a workspace, their roles and their presence."""

from typing import Annotated

from msgspec import Struct

from pluseboard import fields as f
from pluseboard.actions import workspaces as actions
from pluseboard.auth import CurrentUser
from pluseboard.repositories import members
from pluseboard.repositories import presence as presence_rows
from pluseboard.schemas import Data, Done, EditMember, Member, MemberAdded, NewMember, NewOwner, Page, Presence
from pluseboard.services import Services


class MemberQuery(Struct):
    """Pages go by user id: pass the last one as `after_id`."""

    after_id: f.Seq = 0
    limit: Annotated[int, f.number(1, 1000)] = 200


async def page(app: Services, user: CurrentUser, workspace_id: int, query: MemberQuery) -> Page[Member]:
    """List the members of a workspace."""
    await actions.visible_workspace(app, user, workspace_id)
    found = await members.page(app.database, workspace_id, query.after_id, query.limit + 1)
    return Page(data=found[: query.limit], has_more=len(found) > query.limit)


async def add(app: Services, user: CurrentUser, workspace_id: int, body: NewMember) -> MemberAdded:
    """Add a member by email (admins).

    Somebody with an account is added at once; any other address gets an invitation by mail, which is accepted by registering with
    that address and signing in.
    """
    return await actions.add_member(app, user, workspace_id, body.email, body.role)


async def edit(app: Services, user: CurrentUser, workspace_id: int, user_id: int, body: EditMember) -> Done:
    """Change a member's role (somebody of a higher role)."""
    await actions.change_role(app, user, workspace_id, user_id, body.role)
    return Done(message="Role changed")


async def remove(app: Services, user: CurrentUser, workspace_id: int, user_id: int) -> Done:
    """Remove a member (somebody of a higher role), or oneself."""
    await actions.remove_member(app, user, workspace_id, user_id)
    return Done(message="Member removed")


async def leave(app: Services, user: CurrentUser, workspace_id: int) -> Done:
    """Leave a workspace (everybody but its owner)."""
    await actions.remove_member(app, user, workspace_id, user.id)
    return Done(message="Left the workspace")


async def transfer(app: Services, user: CurrentUser, workspace_id: int, body: NewOwner) -> Done:
    """Make another member the owner (the owner, who becomes an admin)."""
    await actions.transfer_ownership(app, user, workspace_id, body.user_id)
    return Done(message="Ownership transferred")


async def presence(app: Services, user: CurrentUser, workspace_id: int) -> Data[list[Presence]]:
    """List who is online or idle now."""
    await actions.visible_workspace(app, user, workspace_id)
    return Data(data=await presence_rows.of_workspace(app.database, workspace_id))
