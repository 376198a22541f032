"""For load balancers and supervisors."""

import asyncio

from pluseboard.errors import ApiError, Unavailable
from pluseboard.schemas import Success
from pluseboard.services import Services

READY_SECONDS = 1.0


async def live() -> Success:
    """The process runs.

    Touches nothing.
    """
    return Success()


async def ready(app: Services) -> Success:
    """The process can serve.

    The database answers within a second and the bus hears its canary; otherwise 503 says what is missing.
    """
    missing = [] if app.hub.healthy else ["the bus is deaf"]
    try:
        async with asyncio.timeout(READY_SECONDS):
            await app.database.one("/* health.ready */ SELECT 1")
    except (ApiError, TimeoutError):
        missing.append("the database does not answer")
    if missing:
        raise Unavailable(f"Not ready: {', '.join(missing)}")
    return Success()
