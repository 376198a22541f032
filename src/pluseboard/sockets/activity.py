"""/ws/activity/: the live activity of a workspace."""

from typing import Any

from msgspec import UNSET

from pluseboard.errors import BadInput, NotFound
from pluseboard.repositories import channels, members
from pluseboard.sockets.connection import Connection
from pluseboard.sockets.feeds import ActivityFeed
from pluseboard.sockets.frames import Subscribe, Unsubscribe


async def subscribe(connection: Connection, asked: Subscribe) -> dict[str, Any]:
    if asked.workspace_id is UNSET:
        raise BadInput("workspace_id is required, must be a positive whole number")
    app, user_id, workspace_id = connection.app, connection.user.id, asked.workspace_id
    connection.end_feed(workspace_id)
    # Noted before anything is read, so that a change of access during it finds the feed.
    feed = connection.feeds[workspace_id] = ActivityFeed(connection, workspace_id)
    try:
        role = await members.role_of(app.registry.database, workspace_id, user_id)
        if role is None:
            raise NotFound("There is no such workspace")
        feed.show(role, await channels.joined_ids(app.registry.database, user_id, workspace_id))
        since = None if asked.since_seq is UNSET else asked.since_seq
        seq = await app.hub.subscribe(feed.topic, connection.number, feed, since)
    except Exception:
        connection.feeds.pop(workspace_id, None)
        raise
    if connection.feeds.get(workspace_id) is not feed:
        app.hub.unsubscribe(feed.topic, connection.number)
        raise NotFound("There is no such workspace")
    return {"workspace_id": workspace_id, "seq": seq}


async def unsubscribe(connection: Connection, asked: Unsubscribe) -> dict[str, Any]:
    if asked.workspace_id is UNSET:
        raise BadInput("workspace_id is required, must be a positive whole number")
    connection.end_feed(asked.workspace_id)
    return {"workspace_id": asked.workspace_id}


HANDLERS: dict[type, Any] = {Subscribe: subscribe, Unsubscribe: unsubscribe}
