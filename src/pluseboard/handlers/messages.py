"""Messages."""

from msgspec import UNSET

from pluseboard.actions import messages as actions
from pluseboard.auth import CurrentUser
from pluseboard.errors import BadInput, NotFound
from pluseboard.http import Ready, encode
from pluseboard.repositories import channels, messages
from pluseboard.schemas import Data, EditMessage, Message, MessageQuery, MessageSent, NewMessage, Page
from pluseboard.services import Services


async def send(app: Services, user: CurrentUser, body: NewMessage) -> MessageSent:
    """Send a message.

    It is committed when the answer comes. With a `client_msg_id` the call may be repeated: the answer is that of the first.
    """
    await app.rate_limits.hit("message_user", user.id)
    client_msg_id = None if body.client_msg_id is UNSET else body.client_msg_id
    return await app.poster.post(user, body.channel_id, body.body, client_msg_id)


async def page(app: Services, user: CurrentUser, query: MessageQuery) -> Page[Message] | Ready:
    """List messages of a channel, in ascending order.

    The newest `limit`; with `before_id` those before a message, with `after_id` those after it, with `after_seq` those after a
    place in the log (a `read_seq`, say), with `since` those sent at that time or later. `has_more` tells whether there are more
    in that direction.
    """
    channel_id, limit = query.channel_id, query.limit
    last_seq = await channels.newest_seq(app.database, user.id, channel_id)
    if last_seq is None:
        raise NotFound("There is no such channel")
    if sum(place is not None for place in (query.before_id, query.after_id, query.after_seq, query.since)) > 1:
        raise BadInput("before_id, after_id, after_seq and since exclude each other")
    if query.before_id is not None:
        before = await _seq(app, channel_id, query.before_id)
        return _backwards(await messages.page_before(app.database, channel_id, before, limit + 1), limit)
    after = query.after_seq
    if query.after_id is not None:
        after = await _seq(app, channel_id, query.after_id)
    elif query.since is not None:
        after = await actions.seq_before(app, channel_id, last_seq, query.since)
    if after is not None:
        return _page(await messages.page_after(app.database, channel_id, after, limit + 1), limit)
    newest = app.pages.get(channel_id, limit, last_seq)
    if newest is None:
        generation = app.pages.generation
        newest = encode(_backwards(await messages.page_before(app.database, channel_id, last_seq + 1, limit + 1), limit))
        app.pages.put(channel_id, limit, last_seq, newest, generation)
    return Ready(newest)


def _page(found: list[messages.Written], limit: int) -> Page[Message]:
    """One more than `limit` was asked for, to know whether there are more."""
    return Page(data=[row.json for row in found[:limit]], has_more=len(found) > limit)


def _backwards(found: list[messages.Written], limit: int) -> Page[Message]:
    page = _page(found, limit)
    page.data.reverse()
    return page


async def _seq(app: Services, channel_id: int, message_id: int) -> int:
    place = await messages.place(app.database, message_id)
    if place is None or place.channel_id != channel_id:
        raise NotFound("There is no such message in this channel")
    return place.seq


async def get(app: Services, user: CurrentUser, message_id: int) -> Data[Message]:
    """Get a message."""
    return Data(data=await actions.visible_message(app, user, message_id))


async def edit(app: Services, user: CurrentUser, message_id: int, body: EditMessage) -> Data[Message]:
    """Edit one's own message."""
    return Data(data=await actions.edit_message(app, user, message_id, body.body))


async def delete(app: Services, user: CurrentUser, message_id: int) -> Data[Message]:
    """Delete a message (one's own; admins, anybody's).

    A tombstone without a body stays in its place.
    """
    return Data(data=await actions.delete_message(app, user, message_id))
