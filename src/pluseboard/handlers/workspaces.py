"""Workspaces."""

from pluseboard.actions import workspaces as actions
from pluseboard.auth import CurrentUser
from pluseboard.repositories import workspaces
from pluseboard.schemas import Data, Done, EditWorkspace, NewWorkspace, Workspace, WorkspaceCreated
from pluseboard.services import Services


async def page(app: Services, user: CurrentUser) -> Data[list[Workspace]]:
    """List the workspaces that one is in."""
    return Data(data=await workspaces.of_user(app.database, user.id))


async def create(app: Services, user: CurrentUser, body: NewWorkspace) -> WorkspaceCreated:
    """Create a workspace.

    Its maker is its owner. It has no channel yet.
    """
    return WorkspaceCreated(workspace_id=await actions.create_workspace(app, user, body))


async def get(app: Services, user: CurrentUser, workspace_id: int) -> Data[Workspace]:
    """Get a workspace."""
    return Data(data=await actions.visible_workspace(app, user, workspace_id))


async def edit(app: Services, user: CurrentUser, workspace_id: int, body: EditWorkspace) -> Data[Workspace]:
    """Rename or describe a workspace (admins)."""
    return Data(data=await actions.edit_workspace(app, user, workspace_id, body))


async def delete(app: Services, user: CurrentUser, workspace_id: int) -> Done:
    """Delete a workspace (its owner)."""
    await actions.delete_workspace(app, user, workspace_id)
    return Done(message="Workspace deleted")
