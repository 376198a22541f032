"""Analytics: read from counts that are kept up to date as messages are written."""

from datetime import date, timedelta

from pluseboard.actions.workspaces import visible_workspace
from pluseboard.auth import CurrentUser
from pluseboard.repositories import channels, metrics
from pluseboard.schemas import ActiveUsers, ActiveUsersQuery, Data, DayCount, WorkspaceQuery
from pluseboard.services import Services

DAYS = 14


async def messages_per_day(app: Services, user: CurrentUser, body: WorkspaceQuery) -> Data[list[DayCount]]:
    """Count the messages of each of the last 14 days (UTC), today last.

    Counted over the channels that one sees.
    """
    await app.rate_limits.hit("report_user", user.id)
    workspace = await visible_workspace(app, user, body.workspace_id)
    visible = await channels.visible_ids(app.database, user.id, body.workspace_id, workspace.role)
    counts = {day.day: day.count for day in await metrics.messages_per_day(app.database, body.workspace_id, visible)}
    today = date.fromisoformat(await metrics.today(app.database))
    days = [(today - timedelta(days=back)).isoformat() for back in reversed(range(DAYS))]
    return Data(data=[DayCount(day, counts.get(day, 0)) for day in days])


async def active_users(app: Services, user: CurrentUser, body: ActiveUsersQuery) -> Data[ActiveUsers]:
    """Count the members who were seen within so many minutes."""
    await app.rate_limits.hit("report_user", user.id)
    await visible_workspace(app, user, body.workspace_id)
    return Data(data=ActiveUsers(await metrics.active_users(app.database, body.workspace_id, body.minutes)))
