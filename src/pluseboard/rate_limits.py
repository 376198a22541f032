"""Rate limits, counted in Redis where there is one (true across processes), else in this process."""

import logging
import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter

from pluseboard.errors import TooManyRequests
from pluseboard.settings import Settings

log = logging.getLogger(__name__)

LIMITS = {
    "register_ip": RateLimitItemPerMinute(30, 60),
    "otp_account": RateLimitItemPerMinute(5, 15),
    "otp_ip": RateLimitItemPerMinute(30, 60),
    "verify_ip": RateLimitItemPerMinute(30, 10),
}


class RateLimits:
    """`hit` counts one request and raises TooManyRequests past the limit."""

    def __init__(self, settings: Settings) -> None:
        self._on = settings.rate_limits
        self._local = MovingWindowRateLimiter(MemoryStorage())
        self._shared: MovingWindowRateLimiter | None = None
        if settings.redis_url:
            storage: Storage = RedisStorage(
                f"async+{settings.redis_url}",
                implementation="redispy",
                key_prefix=f"pluseboard:{settings.db_name}:limits",
                socket_timeout=0.5,
                socket_connect_timeout=0.5,
            )
            self._shared = MovingWindowRateLimiter(storage)

    async def hit(self, name: str, key: str) -> None:
        if not self._on:
            return
        if self._shared is not None:
            try:
                return await _hit(self._shared, name, key)
            except TooManyRequests:
                raise
            except Exception as error:
                # Without Redis each process counts for itself: weaker, but neither an open door nor a closed one.
                log.warning("rate limits are counted locally", extra={"error": type(error).__name__})
        await _hit(self._local, name, key)


async def _hit(limiter: MovingWindowRateLimiter, name: str, key: str) -> None:
    limit = LIMITS[name]
    if not await limiter.hit(limit, name, key):
        window = await limiter.get_window_stats(limit, name, key)
        raise TooManyRequests(window.reset_time - time.time())
