"""Rate limits as one process counts them; across processes: reliability/test_auth_requirements.py."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from pluseboard.errors import TooManyRequests
from pluseboard.private_servers import free_port
from pluseboard.rate_limits import LIMITS, RateLimits
from pluseboard.settings import Settings, load_settings

MINUTES = {"register_ip": (30, 60), "otp_account": (5, 15), "otp_ip": (30, 60), "verify_ip": (30, 10)}


@pytest.fixture
def settings(settings_env: Callable[..., dict[str, str]]) -> Settings:
    return load_settings(settings_env(RATE_LIMITS="on", REDIS_URL=""))


def test_every_limit_is_the_promised_one() -> None:
    assert {name: (limit.amount, limit.get_expiry() // 60) for name, limit in LIMITS.items()} == MINUTES


async def assert_limited(limits: RateLimits) -> None:
    for name, (times, minutes) in MINUTES.items():
        for _ in range(times):
            await limits.hit(name, "one")
        with pytest.raises(TooManyRequests) as refusal:
            await limits.hit(name, "one")
        assert minutes * 60 - 30 <= int(refusal.value.headers["Retry-After"]) <= minutes * 60
        await limits.hit(name, "another")


async def test_past_a_limit_one_waits_and_others_do_not(settings: Settings) -> None:
    await assert_limited(RateLimits(settings))


async def test_without_its_redis_a_process_counts_for_itself(settings: Settings) -> None:
    """Neither an open door nor a closed one."""
    await assert_limited(RateLimits(replace(settings, redis_url=f"redis://127.0.0.1:{free_port()}/0")))


async def test_limits_can_be_turned_off(settings: Settings) -> None:
    limits = RateLimits(replace(settings, rate_limits=False))
    for _ in range(100):
        await limits.hit("otp_account", "one")
