"""Workspaces and who is in them. Every workspace has exactly one owner, from its first moment to its last."""

from msgspec import UNSET

from pluseboard.actions.auditing import audit
from pluseboard.actions.joining import Joined, join_workspace, lock_for_joining
from pluseboard.actions.recording import record
from pluseboard.auth import CurrentUser
from pluseboard.database import Connection
from pluseboard.errors import BadInput, Conflict, Forbidden, NotFound
from pluseboard.mail import invitation_mail
from pluseboard.realtime.events import Event
from pluseboard.repositories import access, channels, invitations, members, users, workspaces
from pluseboard.repositories.access import Change
from pluseboard.schemas import EditWorkspace, MemberAdded, NewWorkspace, Workspace
from pluseboard.services import Services

RANKS = {"guest": 0, "member": 1, "admin": 2, "owner": 3}
INVITATION_SECONDS = 24 * 3600
NO_WORKSPACE = "There is no such workspace"


async def visible_workspace(app: Services, user: CurrentUser, workspace_id: int) -> Workspace:
    """Raises NotFound unless the user is in it."""
    workspace = await workspaces.visible_to(app.database, user.id, workspace_id)
    if workspace is None:
        raise NotFound(NO_WORKSPACE)
    return workspace


async def administered_workspace(app: Services, user: CurrentUser, workspace_id: int) -> Workspace:
    """Raises NotFound, or Forbidden unless the user is an admin or the owner."""
    workspace = await visible_workspace(app, user, workspace_id)
    if RANKS[workspace.role] < RANKS["admin"]:
        raise Forbidden("Only an admin or the owner may do this")
    return workspace


async def create_workspace(app: Services, user: CurrentUser, body: NewWorkspace) -> int:
    async def work(tx: Connection) -> tuple[int, list[Event], Change]:
        workspace_id = await workspaces.insert(tx, body.name.strip(), body.description.strip(), user.id)
        await members.insert(tx, workspace_id, user.id, "owner")
        await audit(tx, user, "workspace_created", ("workspace", workspace_id), workspace_id, name=body.name.strip())
        change = await access.record(tx, Change(user.id, "workspace_joined", workspace_id=workspace_id))
        event = await record(tx, workspace_id, user, "workspace_created", workspace_id, "created the workspace")
        return workspace_id, [event], change

    workspace_id, events, change = await app.database.transaction(work)
    app.hub.publish(events, [change])
    return workspace_id


async def edit_workspace(app: Services, user: CurrentUser, workspace_id: int, body: EditWorkspace) -> Workspace:
    await administered_workspace(app, user, workspace_id)

    async def work(tx: Connection) -> list[Event]:
        # Locked, then read: of two edits at once neither undoes the other's field.
        await workspaces.lock_live(tx, [workspace_id])
        old = await workspaces.visible_to(tx, user.id, workspace_id)
        if old is None:
            raise NotFound(NO_WORKSPACE)
        name = old.name if body.name is UNSET else body.name.strip()
        description = old.description if body.description is UNSET else body.description.strip()
        await workspaces.update(tx, workspace_id, name, description)
        if name == old.name:
            return []
        names = {"name": name, "old_name": old.name}
        await audit(tx, user, "workspace_renamed", ("workspace", workspace_id), workspace_id, **names)
        return [await record(tx, workspace_id, user, "workspace_renamed", workspace_id, f"renamed the workspace to {name}")]

    app.hub.publish(await app.database.transaction(work))
    return await visible_workspace(app, user, workspace_id)


async def delete_workspace(app: Services, user: CurrentUser, workspace_id: int) -> None:
    """Everybody's access ends at once; the rows go with `pluseboard purge`."""
    workspace = await visible_workspace(app, user, workspace_id)
    if workspace.role != "owner":
        raise Forbidden("Only the owner may delete a workspace")

    async def work(tx: Connection) -> list[Change]:
        # First its row, which whoever joins locks too: nobody comes in after everybody was asked to leave.
        await workspaces.delete(tx, workspace_id)
        await audit(tx, user, "workspace_deleted", ("workspace", workspace_id), workspace_id, name=workspace.name)
        await members.delete_all(tx, workspace_id)
        return [await access.record(tx, Change(0, "workspace_deleted", workspace_id=workspace_id))]

    app.hub.publish([], await app.database.transaction(work))
    await app.hub.flushed()


async def add_member(app: Services, user: CurrentUser, workspace_id: int, email: str, role: str) -> MemberAdded:
    """Somebody with an account is added at once; any other address is invited by mail. Raises Conflict when already in."""
    workspace = await administered_workspace(app, user, workspace_id)
    email = email.lower()
    if await users.id_by_email(app.database, email) is None:
        # Counted before the transaction, which waits for nothing outside the database.
        await app.rate_limits.hit("invite_user", user.id)
        await app.rate_limits.hit("invite_workspace", workspace_id)

    async def work(tx: Connection) -> Joined | None:
        user_id = await users.id_by_email(tx, email)
        if user_id is None:
            invitation_id = await invitations.upsert(tx, workspace_id, email, role, user.id)
            invited = ("invitation", invitation_id)
            await audit(tx, user, "invitation_sent", invited, workspace_id, email=email, role=role)
            subject, text = invitation_mail(user.full_name, workspace.name, app.settings.base_url, email)
            await app.mailer.enqueue(tx, email, subject, text, INVITATION_SECONDS)
            return None
        if not await lock_for_joining(tx, [workspace_id]):
            raise NotFound(NO_WORKSPACE)
        profile = await users.profile(tx, user_id)
        assert profile is not None
        newcomer = CurrentUser(profile.id, profile.username, profile.email, profile.full_name, 0)
        joined = await join_workspace(tx, workspace_id, newcomer, role, user)
        if joined is None:
            raise Conflict("email is already that of a member")
        await audit(tx, user, "member_added", ("user", newcomer.id), workspace_id, email=newcomer.email, role=role)
        return joined

    joined = await app.database.transaction(work)
    if joined is None:
        app.mailer.wake()
        return MemberAdded(result="invited", message=f"Invitation sent to {email}")
    app.hub.publish(*joined)
    return MemberAdded(result="added", message=f"{email} was added")


async def change_role(app: Services, user: CurrentUser, workspace_id: int, member_id: int, role: str) -> None:
    """Nobody changes somebody of their own rank or above, except the owner, who changes everybody else."""
    await administered_workspace(app, user, workspace_id)

    async def work(tx: Connection) -> tuple[list[Event], list[Change]]:
        mine, theirs = await _ranks(tx, workspace_id, user.id, member_id)
        if member_id == user.id:
            raise Forbidden("Nobody changes their own role; the owner may transfer the workspace")
        if mine < RANKS["admin"] or theirs >= mine or RANKS[role] > mine:
            raise Forbidden("Only somebody of a higher role may do this")
        member = await members.profile(tx, workspace_id, member_id)
        assert member is not None
        if member.role == role:
            return [], []
        await members.change_role(tx, workspace_id, member_id, role)
        what = {"email": member.email, "role": role, "old_role": member.role}
        await audit(tx, user, "member_role_changed", ("user", member_id), workspace_id, **what)
        changes = []
        if "guest" in (member.role, role):
            # What they may see changes; between the other roles only what they may do.
            changes.append(await access.record(tx, Change(member_id, "role_changed", workspace_id=workspace_id)))
        summary = f"made {member.full_name} {'an' if role == 'admin' else 'a'} {role}"
        return [await record(tx, workspace_id, user, "member_role_changed", member_id, summary)], changes

    app.hub.publish(*await app.database.transaction(work))
    await app.hub.flushed()


async def remove_member(app: Services, user: CurrentUser, workspace_id: int, member_id: int) -> None:
    """Remove somebody of a lower rank, or leave. The owner cannot leave: a workspace is never without one."""
    await visible_workspace(app, user, workspace_id)

    async def work(tx: Connection) -> tuple[list[Event], list[Change]]:
        # Channels are locked before memberships, as who sends does.
        joined = await channels.joined_ids(tx, member_id, workspace_id)
        if joined:
            channels.lock_many(tx, sorted(joined))
        mine, theirs = await _ranks(tx, workspace_id, user.id, member_id)
        if member_id == user.id:
            if mine == RANKS["owner"]:
                raise Conflict("The owner cannot leave: transfer the workspace first, or delete it")
            summary = "left the workspace"
            await audit(tx, user, "member_left", ("user", user.id), workspace_id)
        elif mine < RANKS["admin"] or theirs >= mine:
            raise Forbidden("Only somebody of a higher role may do this")
        else:
            member = await members.profile(tx, workspace_id, member_id)
            assert member is not None
            summary = f"removed {member.full_name} from the workspace"
            what = {"email": member.email, "role": member.role}
            await audit(tx, user, "member_removed", ("user", member_id), workspace_id, **what)
        await members.delete(tx, workspace_id, member_id)
        if joined:
            channels.archive_empty(tx, joined)
        change = await access.record(tx, Change(member_id, "workspace_left", workspace_id=workspace_id))
        return [await record(tx, workspace_id, user, "member_left", member_id, summary)], [change]

    app.hub.publish(*await app.database.transaction(work))
    await app.hub.flushed()


async def transfer_ownership(app: Services, user: CurrentUser, workspace_id: int, heir_id: int) -> None:
    """The owner becomes an admin, the heir the owner, in one step."""
    workspace = await visible_workspace(app, user, workspace_id)
    if workspace.role != "owner":
        raise Forbidden("Only the owner may transfer a workspace")

    async def work(tx: Connection) -> tuple[list[Event], list[Change]]:
        mine, _ = await _ranks(tx, workspace_id, user.id, heir_id)
        if heir_id == user.id:
            raise BadInput("user_id must be another member")
        if mine != RANKS["owner"]:
            raise Forbidden("Only the owner may transfer a workspace")
        heir = await members.profile(tx, workspace_id, heir_id)
        assert heir is not None
        await members.change_role(tx, workspace_id, user.id, "admin")
        await members.change_role(tx, workspace_id, heir_id, "owner")
        await audit(tx, user, "ownership_transferred", ("user", heir_id), workspace_id, email=heir.email, old_role=heir.role)
        changes = []
        if heir.role == "guest":
            changes.append(await access.record(tx, Change(heir_id, "role_changed", workspace_id=workspace_id)))
        summary = f"made {heir.full_name} the owner"
        return [await record(tx, workspace_id, user, "ownership_transferred", heir_id, summary)], changes

    app.hub.publish(*await app.database.transaction(work))


async def _ranks(tx: Connection, workspace_id: int, user_id: int, member_id: int) -> tuple[int, int]:
    """Both ranks, locked. Raises NotFound when either is not in the workspace."""
    roles = await members.lock_roles(tx, workspace_id, sorted({user_id, member_id}))
    if user_id not in roles or member_id not in roles:
        raise NotFound("There is no such member")
    return RANKS[roles[user_id]], RANKS[roles[member_id]]
