"""Reading the activity feed, as far as the reader may see."""

from pluseboard.actions.workspaces import visible_workspace
from pluseboard.auth import CurrentUser
from pluseboard.errors import NotFound
from pluseboard.repositories import activities, channels
from pluseboard.schemas import Activity
from pluseboard.services import Services

SLICE = 2000
MAX_SLICES = 10


async def recent_activities(
    app: Services, user: CurrentUser, workspace_id: int, limit: int, before_id: int | None
) -> tuple[list[Activity], bool]:
    """The newest first, and whether there are more. Looks back slice by slice, over at most 20,000 activities of which the reader
    may see none: the cost has a bound whatever others do in private."""
    workspace = await visible_workspace(app, user, workspace_id)
    joined = await channels.joined_ids(app.database, user.id, workspace_id)

    async def visible(before: int, not_below: int, limit: int) -> list[Activity]:
        public_too = workspace.role != "guest"
        return await activities.page_before(app.database, workspace_id, before, not_below, joined, public_too, limit)

    before = await activities.last_seq(app.database, workspace_id) + 1
    if before_id is not None:
        seq = await activities.seq_of(app.database, workspace_id, before_id)
        if seq is None or not await visible(seq + 1, seq, 1):
            raise NotFound("before_id is not an activity of this workspace")
        before = seq
    found: list[Activity] = []
    for _ in range(MAX_SLICES):
        if before <= 1 or len(found) > limit:
            break
        not_below = max(before - SLICE, 1)
        found += await visible(before, not_below, limit + 1 - len(found))
        before = not_below
    return found[:limit], len(found) > limit
