"""/ws/: every frame of the four sockets on one connection."""

from typing import Any

from msgspec import UNSET

from pluseboard.sockets import activity, chat, notifications, presence
from pluseboard.sockets.connection import Connection
from pluseboard.sockets.frames import Subscribe, Unsubscribe


async def subscribe(connection: Connection, asked: Subscribe) -> dict[str, Any] | None:
    if asked.workspace_id is UNSET:
        return await notifications.subscribe(connection, asked)
    return await activity.subscribe(connection, asked)


async def unsubscribe(connection: Connection, asked: Unsubscribe) -> dict[str, Any] | None:
    if asked.workspace_id is UNSET:
        return await notifications.unsubscribe(connection, asked)
    return await activity.unsubscribe(connection, asked)


HANDLERS: dict[type, Any] = {**chat.HANDLERS, **presence.HANDLERS, Subscribe: subscribe, Unsubscribe: unsubscribe}
