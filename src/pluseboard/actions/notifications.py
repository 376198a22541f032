"""Marking notifications as read, on all of a user's devices."""

from pluseboard.auth import CurrentUser
from pluseboard.database import Connection
from pluseboard.errors import NotFound
from pluseboard.realtime.events import Event
from pluseboard.realtime.logs import read_mark
from pluseboard.repositories import notifications
from pluseboard.services import Services


async def mark_read(app: Services, user: CurrentUser, notification_id: int) -> None:
    """Raises NotFound when it is not the user's."""
    seq = await notifications.seq_of(app.database, user.id, notification_id)
    if seq is None:
        raise NotFound("There is no such notification")
    await _mark(app, user, notification_id, seq)


async def mark_all_read(app: Services, user: CurrentUser) -> None:
    await _mark(app, user, 0, None)


async def _mark(app: Services, user: CurrentUser, notification_id: int, seq: int | None) -> None:
    async def work(tx: Connection) -> list[Event]:
        own_seq = await notifications.next_seq(tx, user.id)
        if seq is None:
            await notifications.mark_all_read(tx, user.id)
        else:
            await notifications.mark_read(tx, user.id, seq)
        await notifications.insert_change(tx, user.id, own_seq, "notifications_read", notification_id)
        return [await read_mark(tx, user.id, notifications.Change(own_seq, "notifications_read", notification_id))]

    app.hub.publish(await app.database.transaction(work))
