"""/ws/presence/: who of the people with whom the user shares a workspace comes, idles and goes."""

from typing import Any

from pluseboard.sockets.connection import Connection
from pluseboard.sockets.frames import Heartbeat


async def heartbeat(connection: Connection, asked: Heartbeat) -> None:
    connection.app.presence.report(connection.user.id, connection.number, asked.status)


HANDLERS: dict[type, Any] = {Heartbeat: heartbeat}
