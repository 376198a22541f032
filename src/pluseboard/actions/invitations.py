"""Taking invitations back, and shareable links. (Inviting by mail is a way of adding a member: workspaces.py.)"""

import secrets

from pluseboard.actions.auditing import audit
from pluseboard.actions.joining import Joined, join_workspace, lock_for_joining
from pluseboard.actions.workspaces import administered_workspace
from pluseboard.auth import CurrentUser
from pluseboard.database import Connection
from pluseboard.errors import NotFound
from pluseboard.repositories import invitations
from pluseboard.schemas import InviteLinkCreated, NewInviteLink
from pluseboard.services import Services
from pluseboard.tokens import hash_secret

DEAD_LINK = "This link does not work any more"


async def create_link(app: Services, user: CurrentUser, workspace_id: int, body: NewInviteLink) -> InviteLinkCreated:
    await administered_workspace(app, user, workspace_id)
    token = secrets.token_urlsafe(24)

    async def work(tx: Connection) -> int:
        made = await invitations.insert_link(
            tx, workspace_id, hash_secret(token), body.role, body.max_uses, user.id, body.expires_in_hours
        )
        terms = {"role": body.role, "max_uses": body.max_uses, "expires_in_hours": body.expires_in_hours}
        await audit(tx, user, "invite_link_created", ("invite_link", made), workspace_id, **terms)
        return made

    link_id = await app.database.transaction(work)
    return InviteLinkCreated(link_id=link_id, token=token, url=f"{app.settings.base_url}/invite/{token}")


async def end_link(app: Services, user: CurrentUser, workspace_id: int, link_id: int) -> None:
    """Raises NotFound, Forbidden."""
    await administered_workspace(app, user, workspace_id)

    async def work(tx: Connection) -> None:
        if not await invitations.delete_link(tx, workspace_id, link_id):
            raise NotFound("There is no such link")
        await audit(tx, user, "invite_link_ended", ("invite_link", link_id), workspace_id)

    await app.database.transaction(work)


async def take_back(app: Services, user: CurrentUser, workspace_id: int, invitation_id: int) -> None:
    """Raises NotFound, Forbidden."""
    await administered_workspace(app, user, workspace_id)

    async def work(tx: Connection) -> None:
        email = await invitations.email_of(tx, workspace_id, invitation_id)
        if email is None or not await invitations.delete(tx, workspace_id, invitation_id):
            raise NotFound("There is no such invitation")
        await audit(tx, user, "invitation_ended", ("invitation", invitation_id), workspace_id, email=email)

    await app.database.transaction(work)


async def open_link(app: Services, token: str) -> invitations.OpenLink:
    """Raises NotFound when the link is unknown, expired or used up."""
    link = await invitations.open_link(app.database, hash_secret(token))
    if link is None:
        raise NotFound(DEAD_LINK)
    return link


async def accept_link(app: Services, user: CurrentUser, token: str) -> int:
    """Join by a link; the workspace's id. Whoever is in already uses nothing up."""
    link = await open_link(app, token)

    async def work(tx: Connection) -> Joined:
        if not await lock_for_joining(tx, [link.workspace_id]):
            raise NotFound(DEAD_LINK)
        joined = await join_workspace(tx, link.workspace_id, user, link.role)
        if joined is None:
            return Joined([], [])
        if not await invitations.use_link(tx, link.id):
            raise NotFound(DEAD_LINK)
        await audit(tx, user, "member_joined", ("user", user.id), link.workspace_id, role=link.role, invite_link_id=link.id)
        return joined

    app.hub.publish(*await app.database.transaction(work))
    return link.workspace_id
