"""Invitations by mail and shareable links into a workspace."""

from pluseboard.actions import invitations as actions
from pluseboard.actions.workspaces import administered_workspace
from pluseboard.auth import CurrentUser
from pluseboard.repositories import invitations
from pluseboard.schemas import (
    Data,
    Done,
    Invitation,
    InviteLink,
    InviteLinkCreated,
    InvitePreview,
    NewInviteLink,
    WorkspaceCreated,
)
from pluseboard.services import Services


async def page(app: Services, user: CurrentUser, workspace_id: int) -> Data[list[Invitation]]:
    """List the open invitations (admins)."""
    await administered_workspace(app, user, workspace_id)
    return Data(data=await invitations.page(app.database, workspace_id))


async def delete(app: Services, user: CurrentUser, workspace_id: int, invitation_id: int) -> Done:
    """Take an invitation back (admins)."""
    await actions.take_back(app, user, workspace_id, invitation_id)
    return Done(message="Invitation taken back")


async def links(app: Services, user: CurrentUser, workspace_id: int) -> Data[list[InviteLink]]:
    """List the links that still work (admins)."""
    await administered_workspace(app, user, workspace_id)
    return Data(data=await invitations.links(app.database, workspace_id))


async def create_link(app: Services, user: CurrentUser, workspace_id: int, body: NewInviteLink) -> InviteLinkCreated:
    """Make a shareable link (admins).

    It ends after `expires_in_hours` or `max_uses`. The token is shown this once.
    """
    return await actions.create_link(app, user, workspace_id, body)


async def delete_link(app: Services, user: CurrentUser, workspace_id: int, link_id: int) -> Done:
    """End a link (admins)."""
    await actions.end_link(app, user, workspace_id, link_id)
    return Done(message="Link ended")


async def preview(app: Services, user: CurrentUser, token: str) -> Data[InvitePreview]:
    """See where a link leads."""
    link = await actions.open_link(app, token)
    return Data(data=InvitePreview(link.workspace_name, link.role, link.expires_at))


async def accept(app: Services, user: CurrentUser, token: str) -> WorkspaceCreated:
    """Join a workspace by a link."""
    return WorkspaceCreated(workspace_id=await actions.accept_link(app, user, token))
