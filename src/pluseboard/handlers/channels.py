"""Channels, their members, and what is unread in them."""

from typing import Annotated

from msgspec import UNSET, Struct

from pluseboard import fields as f
from pluseboard.actions import channels as actions
from pluseboard.auth import CurrentUser
from pluseboard.repositories import channels, notifications
from pluseboard.schemas import (
    Channel,
    ChannelCreated,
    ChannelMember,
    ChannelQuery,
    Data,
    Done,
    EditChannel,
    MarkRead,
    NewChannel,
    NewChannelMember,
    Page,
    ReadState,
    Unread,
)
from pluseboard.services import Services


class ChannelMemberQuery(Struct):
    """Pages go by user id: pass the last one as `after_id`."""

    after_id: f.Seq = 0
    limit: Annotated[int, f.number(1, 1000)] = 200


async def page(app: Services, user: CurrentUser, query: ChannelQuery) -> Data[list[Channel]]:
    """List the channels of a workspace.

    Public ones and those private ones that one is in, with unread and mention counts; to a guest, those that it was added to.
    """
    return Data(data=await actions.list_channels(app, user, query.workspace_id, bool(query.include_archived)))


async def create(app: Services, user: CurrentUser, body: NewChannel) -> ChannelCreated:
    """Create a channel.

    Its name is unique among the workspace's live channels. A workspace's first public channel is its default: everybody joins it.
    """
    return ChannelCreated(channel_id=await actions.create_channel(app, user, body))


async def get(app: Services, user: CurrentUser, channel_id: int) -> Data[Channel]:
    """Get a channel."""
    channel = (await actions.visible_channel(app, user, channel_id)).channel
    channel.mention_count = (await notifications.mention_counts(app.database, user.id)).get(channel_id, 0)
    return Data(data=channel)


async def edit(app: Services, user: CurrentUser, channel_id: int, body: EditChannel) -> Data[Channel]:
    """Rename a channel, set its topic or description, make it a default (its maker, admins)."""
    return Data(data=await actions.edit_channel(app, user, channel_id, body))


async def archive(app: Services, user: CurrentUser, channel_id: int) -> Done:
    """Archive a channel: it becomes read-only (its maker, admins)."""
    await actions.archive_channel(app, user, channel_id)
    return Done(message="Channel archived")


async def unarchive(app: Services, user: CurrentUser, channel_id: int) -> Done:
    """Make an archived channel live again (its maker, admins)."""
    await actions.unarchive_channel(app, user, channel_id)
    return Done(message="Channel unarchived")


async def join(app: Services, user: CurrentUser, channel_id: int) -> Done:
    """Join a public channel."""
    await actions.join_channel(app, user, channel_id)
    return Done(message="Joined the channel")


async def leave(app: Services, user: CurrentUser, channel_id: int) -> Done:
    """Leave a channel."""
    await actions.leave_channel(app, user, channel_id)
    return Done(message="Left the channel")


async def members_page(app: Services, user: CurrentUser, channel_id: int, query: ChannelMemberQuery) -> Page[ChannelMember]:
    """List the members of a channel."""
    await actions.visible_channel(app, user, channel_id)
    found = await channels.members(app.database, channel_id, query.after_id, query.limit + 1)
    return Page(data=found[: query.limit], has_more=len(found) > query.limit)


async def add_member(app: Services, user: CurrentUser, channel_id: int, body: NewChannelMember) -> Done:
    """Add a member of the workspace to a channel."""
    await actions.add_channel_member(app, user, channel_id, body.user_id)
    return Done(message="Member added")


async def remove_member(app: Services, user: CurrentUser, channel_id: int, user_id: int) -> Done:
    """Remove a member from a channel (its maker, admins), or oneself."""
    await actions.remove_channel_member(app, user, channel_id, user_id)
    return Done(message="Member removed")


async def read(app: Services, user: CurrentUser, channel_id: int, body: MarkRead) -> Data[ReadState]:
    """Mark a channel as read, up to a seq.

    All of the user's devices are told.
    """
    return Data(data=await actions.mark_read(app, user, channel_id, None if body.seq is UNSET else body.seq))


async def unread(app: Services, user: CurrentUser) -> Data[Unread]:
    """Get everything that is unread, over all workspaces."""
    states = await channels.read_states(app.database, user.id)
    mentions = await notifications.mention_counts(app.database, user.id)
    for state in states:
        state.mention_count = mentions.get(state.channel_id, 0)
    waiting: list[ReadState] = [state for state in states if state.unread_count or state.mention_count]
    return Data(data=Unread(waiting, await notifications.unread_count(app.database, user.id)))
