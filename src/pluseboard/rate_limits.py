"""Rate limits, counted in Redis where there is one (true across processes), else in this process.

What was counted for a request is noted in its scope; the middleware writes it into the headers RateLimit and RateLimit-Policy
(draft-ietf-httpapi-ratelimit-headers).
"""

import asyncio
import logging
import math
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisClusterStorage, RedisStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter

from pluseboard import redis_client, redis_url
from pluseboard.callers import current
from pluseboard.errors import TooManyRequests
from pluseboard.settings import Limit, Settings

log = logging.getLogger(__name__)

NAMES = (
    "register_ip",
    "otp_account",
    "otp_ip",
    "verify_ip",
    "invite_user",
    "invite_workspace",
    "report_user",
    "message_user",
)
LOCAL = {"message_user"}  # sending waits for no Redis: counted in each process
REDIS_SECONDS = 0.5
AWAY_SECONDS = 5.0


class Usage(NamedTuple):
    """What is left of a limit, and in how many seconds there will be more."""

    name: str
    limit: Limit
    left: int
    seconds: int


class RateLimits:
    """`hit` counts one request and raises TooManyRequests past the limit."""

    def __init__(self, settings: Settings) -> None:
        found = {name: getattr(settings, f"limit_{name}") for name in NAMES} if settings.rate_limits else {}
        self._limits: dict[str, Limit] = {name: limit for name, limit in found.items() if limit.amount}
        self._items = {name: RateLimitItemPerSecond(*limit) for name, limit in self._limits.items()}
        self._local = MovingWindowRateLimiter(MemoryStorage())
        self._shared: MovingWindowRateLimiter | None = None
        self._client: Any = None
        self._away_until = 0.0
        if settings.redis_url:
            storage, self._client = _shared_storage(settings.redis_url, f"pluseboard:{settings.db_name}:limits")
            self._shared = MovingWindowRateLimiter(storage)

    async def close(self) -> None:
        if self._client is not None:
            await redis_client.close(self._client)

    async def hit(self, name: str, key: str | int) -> None:
        if name not in self._items:
            return
        taken, usage = await self._count(name, str(key))
        scope = current.get()
        if scope is not None and scope["type"] == "http":
            scope.setdefault("limits", []).append(usage)
        if not taken:
            raise TooManyRequests(usage.seconds)

    async def _count(self, name: str, key: str) -> tuple[bool, Usage]:
        now = time.monotonic()
        if self._shared is not None and name not in LOCAL and now >= self._away_until:
            # Until Redis has answered, others do not wait for it: a silent one costs one request in five seconds half a second.
            was_away, self._away_until = self._away_until, now + AWAY_SECONDS if self._away_until else 0.0
            try:
                async with asyncio.timeout(REDIS_SECONDS):
                    counted = await self._hit(self._shared, name, key)
            except Exception as error:
                # Without Redis each process counts for itself: weaker, but neither an open door nor a closed one.
                self._away_until = time.monotonic() + AWAY_SECONDS
                log.warning("rate limits are counted locally", extra={"error": type(error).__name__})
            else:
                self._away_until = 0.0
                if was_away:
                    log.info("rate limits are counted in Redis again")
                return counted
        return await self._hit(self._local, name, key)

    async def _hit(self, limiter: MovingWindowRateLimiter, name: str, key: str) -> tuple[bool, Usage]:
        item: RateLimitItem = self._items[name]
        taken = await limiter.hit(item, name, key)
        window = await limiter.get_window_stats(item, name, key)
        seconds = max(1, math.ceil(window.reset_time - time.time()))
        return taken, Usage(name, self._limits[name], window.remaining if taken else 0, seconds)


def _shared_storage(url: str, prefix: str) -> tuple[Storage, Any]:
    """And the client of Redis that it uses."""
    bounds = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
    if redis_url.parse(url).kind == "cluster":  # here each key has a server of its own
        options = redis_client.cluster_options(url) | bounds
        cluster = RedisClusterStorage("async+redis+cluster://", implementation="redispy", key_prefix=prefix, **options)
        return cluster, cluster.bridge.get_connection()  # type: ignore[attr-defined]
    client = redis_client.keyless_client(url, **bounds)
    pool: Any = client.connection_pool
    return RedisStorage("async+redis://", implementation="redispy", key_prefix=prefix, connection_pool=pool), client


def headers(usages: Sequence[Usage]) -> list[tuple[bytes, bytes]]:
    """RateLimit-Policy and RateLimit, an item for each limit that the request counted against."""
    policies = ", ".join(f'"{usage.name}";q={usage.limit.amount};w={usage.limit.seconds}' for usage in usages)
    left = ", ".join(f'"{usage.name}";r={usage.left};t={usage.seconds}' for usage in usages)
    return [(b"ratelimit-policy", policies.encode()), (b"ratelimit", left.encode())]
