"""/ws/chat/: join channels, send messages, show typing."""

from typing import Any

from msgspec import UNSET

from pluseboard.errors import Forbidden, NotFound
from pluseboard.realtime import events
from pluseboard.repositories import channels
from pluseboard.sockets.connection import Connection
from pluseboard.sockets.feeds import EventFeed
from pluseboard.sockets.frames import JoinChannel, LeaveChannel, SendMessage, Typing


async def join_channel(connection: Connection, asked: JoinChannel) -> dict[str, Any]:
    app, channel_id = connection.app, asked.channel_id
    seen = await connection.up_to_date(lambda: channels.visible_to(app.registry.database, connection.user.id, channel_id))
    if seen is None:
        raise NotFound("There is no such channel")
    topic = events.channel_topic(channel_id)
    # Noted before the replay: an end of access during it takes the channel out again, and is seen below.
    connection.channels[channel_id] = (seen.channel.workspace_id, topic)
    try:
        since = None if asked.since_seq is UNSET else asked.since_seq
        seq = await app.hub.subscribe(topic, connection.number, EventFeed(connection), since)
    except Exception:
        connection.channels.pop(channel_id, None)
        raise
    if channel_id not in connection.channels:
        app.hub.unsubscribe(topic, connection.number)
        raise NotFound("There is no such channel")
    return {"channel_id": channel_id, "seq": seq}


async def leave_channel(connection: Connection, asked: LeaveChannel) -> dict[str, Any]:
    connection.leave_channel(asked.channel_id)
    return {"channel_id": asked.channel_id}


async def send_message(connection: Connection, asked: SendMessage) -> dict[str, Any]:
    await connection.app.rate_limits.hit("message_user", connection.user.id)
    client_msg_id = None if asked.client_msg_id is UNSET else asked.client_msg_id
    sent = await connection.app.poster.post(connection.user, asked.channel_id, asked.body, client_msg_id)
    return {"channel_id": asked.channel_id, "message_id": sent.message_id, "seq": sent.seq, "created_at": sent.created_at}


async def typing(connection: Connection, asked: Typing) -> dict[str, Any]:
    """Only in a channel joined on this socket: what was checked then holds until it ends."""
    if asked.channel_id not in connection.channels:
        raise Forbidden("Join the channel before typing in it")
    user = connection.user
    connection.app.hub.publish([events.typing(asked.channel_id, user.id, user.email, user.username)])
    return {"channel_id": asked.channel_id}


HANDLERS: dict[type, Any] = {
    SendMessage: send_message,
    JoinChannel: join_channel,
    LeaveChannel: leave_channel,
    Typing: typing,
}
