"""The activity feed."""

from pluseboard.actions.activities import recent_activities
from pluseboard.auth import CurrentUser
from pluseboard.schemas import Activity, ActivityQuery, Page
from pluseboard.services import Services


async def page(app: Services, user: CurrentUser, body: ActivityQuery) -> Page[Activity]:
    """Get the recent activities of a workspace, the newest first.

    Activity in a private channel is shown to its members only.
    """
    found, more = await recent_activities(app, user, body.workspace_id, body.limit, body.before_id)
    return Page(data=found, has_more=more)
