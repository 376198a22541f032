"""Notifications."""

from pluseboard.actions import notifications as actions
from pluseboard.auth import CurrentUser
from pluseboard.errors import NotFound
from pluseboard.fields import MAX_ID
from pluseboard.repositories import notifications
from pluseboard.schemas import Done, Notification, NotificationQuery, Page
from pluseboard.services import Services


async def page(app: Services, user: CurrentUser, query: NotificationQuery) -> Page[Notification]:
    """List one's notifications, the newest first."""
    before = MAX_ID
    if query.before_id is not None:
        seq = await notifications.seq_of(app.database, user.id, query.before_id)
        if seq is None:
            raise NotFound("before_id is not one of your notifications")
        before = seq
    found = await notifications.page_before(app.database, user.id, before, query.limit + 1, bool(query.unread))
    return Page(data=found[: query.limit], has_more=len(found) > query.limit)


async def read(app: Services, user: CurrentUser, notification_id: int) -> Done:
    """Mark a notification as read, on all of one's devices."""
    await actions.mark_read(app, user, notification_id)
    return Done(message="Notification read")


async def read_all(app: Services, user: CurrentUser) -> Done:
    """Mark all notifications as read, on all of one's devices."""
    await actions.mark_all_read(app, user)
    return Done(message="All notifications read")
