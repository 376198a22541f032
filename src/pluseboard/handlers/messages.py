"""Messages."""

from msgspec import UNSET

from pluseboard.actions import messages as actions
from pluseboard.actions.channels import visible_channel
from pluseboard.auth import CurrentUser
from pluseboard.errors import BadInput, NotFound
from pluseboard.fields import MAX_ID
from pluseboard.repositories import messages
from pluseboard.schemas import Data, EditMessage, Message, MessageQuery, MessageSent, NewMessage, Page
from pluseboard.services import Services


async def send(app: Services, user: CurrentUser, body: NewMessage) -> MessageSent:
    """Send a message.

    It is committed when the answer comes. With a `client_msg_id` the call may be repeated: the answer is that of the first.
    """
    client_msg_id = None if body.client_msg_id is UNSET else body.client_msg_id
    return await app.poster.post(user, body.channel_id, body.body, client_msg_id)


async def page(app: Services, user: CurrentUser, query: MessageQuery) -> Page[Message]:
    """List messages of a channel, in ascending order.

    The newest `limit`; with `before_id` those before a message, with `after_id` those after it. `has_more` tells whether there
    are more in that direction.
    """
    await visible_channel(app, user, query.channel_id)
    if query.before_id is not None and query.after_id is not None:
        raise BadInput("before_id and after_id exclude each other")
    if query.after_id is not None:
        after = await _seq(app, query.channel_id, query.after_id)
        found = await messages.page_after(app.database, query.channel_id, after, query.limit + 1)
        return _page(found, query.limit)
    before = MAX_ID if query.before_id is None else await _seq(app, query.channel_id, query.before_id)
    page = _page(await messages.page_before(app.database, query.channel_id, before, query.limit + 1), query.limit)
    page.data.reverse()
    return page


def _page(found: list[messages.Written], limit: int) -> Page[Message]:
    """One more than `limit` was asked for, to know whether there are more."""
    return Page(data=[row.json for row in found[:limit]], has_more=len(found) > limit)


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
