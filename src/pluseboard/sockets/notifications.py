"""/ws/notifications/: the user's own log: notifications, and what was read on their other devices."""

from typing import Any

from msgspec import UNSET

from pluseboard.realtime import events
from pluseboard.sockets.connection import Connection
from pluseboard.sockets.feeds import EventFeed
from pluseboard.sockets.frames import Subscribe, Unsubscribe


async def subscribe(connection: Connection, asked: Subscribe) -> dict[str, Any]:
    topic = events.user_topic(connection.user.id)
    since = None if asked.since_seq is UNSET else asked.since_seq
    return {"seq": await connection.app.hub.subscribe(topic, connection.number, EventFeed(connection), since)}


async def unsubscribe(connection: Connection, asked: Unsubscribe) -> dict[str, Any]:
    connection.app.hub.unsubscribe(events.user_topic(connection.user.id), connection.number)
    return {}


HANDLERS: dict[type, Any] = {Subscribe: subscribe, Unsubscribe: unsubscribe}
