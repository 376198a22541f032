"""For load balancers and supervisors."""

import asyncio

import msgspec
from starlette.responses import Response

from pluseboard.errors import ApiError
from pluseboard.schemas import Health
from pluseboard.services import Services

READY_SECONDS = 1.0


async def live() -> Health:
    """The process runs. Touches nothing."""
    return Health("success")


async def ready(app: Services) -> Health | Response:
    """The process can serve: the database answers within a second, and the bus hears its canary."""
    checks = {"database": "ok", "bus": "ok" if app.hub.healthy else "deaf"}
    try:
        async with asyncio.timeout(READY_SECONDS):
            await app.database.one("/* health.ready */ SELECT 1")
    except (ApiError, TimeoutError):
        checks["database"] = "unavailable"
    if all(state == "ok" for state in checks.values()):
        return Health("success", checks)
    return Response(msgspec.json.encode(Health("error", checks)), 503, {"Retry-After": "1"}, "application/json")
