"""Channels, who is in them, and how far each has read."""

import hashlib
import unicodedata
from typing import Literal

import msgspec
from msgspec import UNSET

from pluseboard.actions.auditing import audit
from pluseboard.actions.recording import About, notify, record
from pluseboard.actions.workspaces import visible_workspace
from pluseboard.auth import CurrentUser
from pluseboard.database import Connection, DuplicateRow
from pluseboard.errors import Conflict, Forbidden, NotFound
from pluseboard.realtime.events import Event
from pluseboard.realtime.logs import read_mark
from pluseboard.repositories import access, channels, members, messages, notifications, workspaces
from pluseboard.repositories.access import Change
from pluseboard.repositories.channels import VisibleChannel
from pluseboard.schemas import Channel, EditChannel, NewChannel, ReadState
from pluseboard.services import Services

NAME_TAKEN = "name is already that of a live channel in this workspace"
MAX_LIVE_NAME = 240  # as wide as the column
ARCHIVED = "This channel is archived: it is read-only"


async def visible_channel(app: Services, user: CurrentUser, channel_id: int) -> VisibleChannel:
    """Raises NotFound when it is not the user's to know."""
    seen = await channels.visible_to(app.database, user.id, channel_id)
    if seen is None:
        raise NotFound("There is no such channel")
    return seen


async def administered_channel(app: Services, user: CurrentUser, channel_id: int) -> VisibleChannel:
    """Raises NotFound, or Forbidden unless the user made it or is an admin or the owner."""
    seen = await visible_channel(app, user, channel_id)
    if seen.created_by != user.id and seen.role not in ("owner", "admin"):
        raise Forbidden("Only who made the channel, an admin or the owner may do this")
    return seen


async def list_channels(app: Services, user: CurrentUser, workspace_id: int, archived_too: bool) -> list[Channel]:
    workspace = await visible_workspace(app, user, workspace_id)
    found = await channels.visible_list(app.database, user.id, workspace_id, workspace.role, archived_too)
    mentions = await notifications.mention_counts(app.database, user.id)
    for channel in found:
        channel.mention_count = mentions.get(channel.id, 0)
    return found


async def create_channel(app: Services, user: CurrentUser, body: NewChannel) -> int:
    """Its maker is its first member; a workspace's first public channel becomes its default. Raises Conflict."""
    workspace = await visible_workspace(app, user, body.workspace_id)
    if workspace.role == "guest":
        raise Forbidden("A guest may not make channels")
    name, private = body.name.strip(), int(body.is_private)

    async def work(tx: Connection) -> tuple[int, list[Event], list[Change]]:
        # One at a time: of two first public channels one is the default, and whoever joins meanwhile is in it.
        if not await workspaces.lock_live(tx, [body.workspace_id]):
            raise NotFound("There is no such workspace")
        default = int(not private and not await channels.has_public(tx, body.workspace_id))
        channel_id = await channels.insert(
            tx, body.workspace_id, name, _live_name(name), body.topic.strip(), body.description.strip(), private, default, user.id
        )
        if default:
            await channels.add_everybody(tx, channel_id)
        else:
            await channels.add_member(tx, channel_id, user.id)
        change = await access.record(tx, Change(user.id, "channel_joined", workspace_id=body.workspace_id, channel_id=channel_id))
        whose = (body.workspace_id, channel_id if private else 0)
        await audit(tx, user, "channel_created", ("channel", channel_id), *whose, name=name, is_private=private)
        about = About(channel_id, private)
        event = await record(tx, body.workspace_id, user, "channel_created", channel_id, f"created #{name}", about)
        return channel_id, [event], [change]

    try:
        channel_id, events, changes = await app.database.transaction(work)
    except DuplicateRow:
        raise Conflict(NAME_TAKEN) from None
    app.hub.publish(events, changes)
    return channel_id


async def edit_channel(app: Services, user: CurrentUser, channel_id: int, body: EditChannel) -> Channel:
    await administered_channel(app, user, channel_id)

    async def work(tx: Connection) -> list[Event]:
        # Locked, then read: of two edits at once neither undoes the other's field.
        channels.lock_many(tx, [channel_id])
        seen = await channels.visible_to(tx, user.id, channel_id)
        if seen is None:
            raise NotFound("There is no such channel")
        old, new = seen.channel, _edited(seen, body)
        await channels.update(tx, new, _live_name(new.name))
        if new.is_default and not old.is_default:
            await channels.add_everybody(tx, channel_id)
        about = About(channel_id, old.is_private)
        whose = (old.workspace_id, channel_id if old.is_private else 0)
        events = []
        if new.is_default != old.is_default:
            await audit(tx, user, "channel_default_changed", ("channel", channel_id), *whose, is_default=new.is_default)
        if new.name != old.name:
            names = {"name": new.name, "old_name": old.name}
            await audit(tx, user, "channel_renamed", ("channel", channel_id), *whose, **names)
            summary = f"renamed #{old.name} to #{new.name}"
            events.append(await record(tx, old.workspace_id, user, "channel_renamed", channel_id, summary, about))
        if (new.topic, new.description) != (old.topic, old.description):
            summary = f"set the topic of #{new.name}"
            events.append(await record(tx, old.workspace_id, user, "channel_updated", channel_id, summary, about))
        return events

    try:
        app.hub.publish(await app.database.transaction(work))
    except DuplicateRow:
        raise Conflict(NAME_TAKEN) from None
    return (await visible_channel(app, user, channel_id)).channel


def _edited(seen: VisibleChannel, body: EditChannel) -> Channel:
    """The channel as it will be. Raises Forbidden, Conflict."""
    old = seen.channel
    if old.is_archived:
        raise Forbidden(ARCHIVED)
    new = msgspec.structs.replace(
        old,
        name=old.name if body.name is UNSET else body.name.strip(),
        topic=old.topic if body.topic is UNSET else body.topic.strip(),
        description=old.description if body.description is UNSET else body.description.strip(),
        is_default=old.is_default if body.is_default is UNSET else int(body.is_default),
    )
    if new.is_default and not old.is_default:
        if seen.role not in ("owner", "admin"):
            raise Forbidden("Only an admin or the owner may make a channel the default")
        if old.is_private:
            raise Conflict("is_default must be false for a private channel")
    return new


async def archive_channel(app: Services, user: CurrentUser, channel_id: int) -> None:
    """Read-only; its name is free again. Archiving twice changes nothing."""
    await _archive(app, user, channel_id, True)


async def unarchive_channel(app: Services, user: CurrentUser, channel_id: int) -> None:
    """Live again. Raises Conflict when a live channel has taken its name."""
    await _archive(app, user, channel_id, False)


async def _archive(app: Services, user: CurrentUser, channel_id: int, archive: bool) -> None:
    channel = (await administered_channel(app, user, channel_id)).channel
    type_: Literal["channel_archived", "channel_unarchived"] = "channel_archived" if archive else "channel_unarchived"
    verb = "archived" if archive else "unarchived"

    async def work(tx: Connection) -> list[Event]:
        # The row lock puts this before or after a whole batch of messages.
        if archive:
            changed = await channels.archive(tx, channel_id)
        else:
            changed = await channels.unarchive(tx, channel_id, _live_name(channel.name))
        if not changed:
            return []
        whose = (channel.workspace_id, channel_id if channel.is_private else 0)
        await audit(tx, user, type_, ("channel", channel_id), *whose, name=channel.name)
        about = About(channel_id, channel.is_private)
        return [await record(tx, channel.workspace_id, user, type_, channel_id, f"{verb} #{channel.name}", about)]

    try:
        app.hub.publish(await app.database.transaction(work))
    except DuplicateRow:
        raise Conflict(NAME_TAKEN) from None


async def join_channel(app: Services, user: CurrentUser, channel_id: int) -> None:
    """A public one. (A private channel that the user sees, they are in.) Joining twice changes nothing."""
    channel = (await visible_channel(app, user, channel_id)).channel
    if channel.is_archived:
        raise Forbidden(ARCHIVED)
    if not channel.is_member:
        await _add(app, user, channel, user.id, "joined #{}")


async def add_channel_member(app: Services, user: CurrentUser, channel_id: int, member_id: int) -> None:
    """Any member of the channel but a guest adds members of the workspace. Raises NotFound, Forbidden, Conflict."""
    seen = await visible_channel(app, user, channel_id)
    if seen.role == "guest":
        raise Forbidden("A guest may not add members")
    if seen.channel.is_archived:
        raise Forbidden(ARCHIVED)
    member = await members.profile(app.database, seen.channel.workspace_id, member_id)
    if member is None:
        raise NotFound("There is no such member in this workspace")
    if not await _add(app, user, seen.channel, member_id, f"added {member.full_name} to #{{}}"):
        raise Conflict("user_id is already a member of this channel")


async def _add(app: Services, user: CurrentUser, channel: Channel, member_id: int, summary: str) -> bool:
    async def work(tx: Connection) -> tuple[list[Event], list[Change]]:
        # Locked: who leaves the workspace at this moment leaves its channels after this, or is not let in.
        if not await members.lock_roles(tx, channel.workspace_id, [member_id]):
            raise NotFound("There is no such member in this workspace")
        await channels.add_member(tx, channel.id, member_id)
        if channel.is_private:
            whose = (channel.workspace_id, channel.id)
            await audit(tx, user, "channel_member_added", ("user", member_id), *whose, channel_id=channel.id)
        change = await access.record(
            tx, Change(member_id, "channel_joined", workspace_id=channel.workspace_id, channel_id=channel.id)
        )
        about = About(channel.id, channel.is_private)
        summary_line = summary.format(channel.name)
        events = [await record(tx, channel.workspace_id, user, "channel_member_joined", member_id, summary_line, about)]
        line = f"added you to #{channel.name}"
        events += await notify(tx, [member_id], "channel_added", user, channel.workspace_id, line, about)
        return events, [change]

    try:
        app.hub.publish(*await app.database.transaction(work))
    except DuplicateRow:
        return False
    return True


async def leave_channel(app: Services, user: CurrentUser, channel_id: int) -> None:
    """Leaving a channel that one is not in changes nothing."""
    channel = (await visible_channel(app, user, channel_id)).channel
    if channel.is_member:
        await _remove(app, user, channel, user.id, f"left #{channel.name}")


async def remove_channel_member(app: Services, user: CurrentUser, channel_id: int, member_id: int) -> None:
    """Raises NotFound, Forbidden."""
    seen = await visible_channel(app, user, channel_id)
    if member_id == user.id:
        return await leave_channel(app, user, channel_id)
    await administered_channel(app, user, channel_id)
    member = await members.profile(app.database, seen.channel.workspace_id, member_id)
    summary = f"removed {member.full_name if member else 'somebody'} from #{seen.channel.name}"
    if not await _remove(app, user, seen.channel, member_id, summary):
        raise NotFound("There is no such member in this channel")


async def _remove(app: Services, user: CurrentUser, channel: Channel, member_id: int, summary: str) -> bool:
    async def work(tx: Connection) -> tuple[list[Event], list[Change]]:
        channels.lock_many(tx, [channel.id])  # before the membership, as who sends does
        if not await channels.remove_member(tx, channel.id, member_id):
            return [], []
        if channel.is_private:
            channels.archive_empty(tx, [channel.id])
            action: Literal["channel_member_left", "channel_member_removed"] = (
                "channel_member_left" if member_id == user.id else "channel_member_removed"
            )
            whose = (channel.workspace_id, channel.id)
            await audit(tx, user, action, ("user", member_id), *whose, channel_id=channel.id)
        change = await access.record(
            tx, Change(member_id, "channel_left", workspace_id=channel.workspace_id, channel_id=channel.id)
        )
        about = About(channel.id, channel.is_private)
        return [await record(tx, channel.workspace_id, user, "channel_member_left", member_id, summary, about)], [change]

    events, changes = await app.database.transaction(work)
    app.hub.publish(events, changes)
    await app.hub.flushed()
    return bool(changes)


async def mark_read(app: Services, user: CurrentUser, channel_id: int, seq: int | None) -> ReadState:
    """Everything up to `seq` (None: the newest) is read, its mentions too, on all of the user's devices."""
    channel = (await visible_channel(app, user, channel_id)).channel
    up_to = channel.last_seq if seq is None else min(seq, channel.last_seq)

    async def work(tx: Connection) -> tuple[ReadState, Event]:
        count = await messages.number_at(tx, channel_id, up_to)
        await channels.mark_read(tx, channel_id, user.id, up_to, count)
        own_seq = await notifications.next_seq(tx, user.id)
        await notifications.mark_channel_read(tx, user.id, channel_id, up_to)
        await notifications.insert_change(tx, user.id, own_seq, "channel_read", channel_id)
        event = await read_mark(tx, user.id, notifications.Change(own_seq, "channel_read", channel_id))
        state = await channels.read_state(tx, channel_id, user.id)
        state.mention_count = (await notifications.mention_counts(tx, user.id)).get(channel_id, 0)
        return state, event

    state, event = await app.database.transaction(work)
    app.hub.publish([event])
    return state


def _live_name(name: str) -> str:
    """What makes two names the same: compatibility forms and case are folded (utf8mb4_unicode_ci would make all emoji equal)."""
    folded = unicodedata.normalize("NFD", name)
    for _ in range(2):  # each of the two undoes some of the other's work (Unicode 3.13, D146)
        folded = unicodedata.normalize("NFKC", folded.casefold())
    # One letter may unfold to 18. A name has no line break, so that no name is another's digest.
    return folded if len(folded) <= MAX_LIVE_NAME else f"\n{hashlib.sha256(folded.encode()).hexdigest()}"
