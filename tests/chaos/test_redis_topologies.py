"""Redis under Sentinel, and as a Cluster: a server dies under 50 messages a second; nothing is lost, and the bus recovers."""

import asyncio
import gc
import secrets
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pluseboard.errors import TooManyRequests
from pluseboard.rate_limits import RateLimits
from pluseboard.settings import Settings, load_settings
from tests.chaos.test_faults import Stage
from tests.chaos.witness import Ledger, Witness
from tests.conftest import Person
from tests.servers import ServerProcess
from tests.topologies import Cluster, Sentinels, Topology

TRIES = 5  # of `otp_account`, as rate_limits.py says


@pytest.fixture
async def on_topology(
    start_server: Callable[..., Awaitable[ServerProcess]],
    person: Callable[..., Awaitable[Person]],
    settings_env: Callable[..., dict[str, str]],
) -> Callable[[str], Awaitable[tuple[Stage, Settings]]]:
    """Two processes that meet through that REDIS_URL, and settings for rate limits that are counted there."""

    async def make(url: str) -> tuple[Stage, Settings]:
        servers = [await start_server(REDIS_URL=url, LOG_LEVEL="WARNING") for _ in range(2)]
        someone = await person("writer", server=servers[0])
        workspace = (await someone.http.post("/api/workspaces/", json={"name": "Chaos"})).json()["workspace_id"]
        channel = await someone.http.post("/api/channels/", json={"workspace_id": workspace, "name": "storm"})
        settings = load_settings(settings_env(REDIS_URL=url, RATE_LIMITS="on"))
        return Stage(servers, None, someone, channel.json()["channel_id"]), settings  # type: ignore[arg-type]

    return make


@asynccontextmanager
async def counting(settings: Settings) -> AsyncIterator[RateLimits]:
    limits = RateLimits(settings)
    try:
        yield limits
    finally:
        await limits.close()
        with warnings.catch_warnings():
            # redis-py forgets the nodes that it had found when a time limit ended its look for others.
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


async def counted_together(settings: Settings) -> bool:
    """Whether two processes count together: five tries at the one, and the other refuses the sixth."""
    async with counting(settings) as one, counting(settings) as other:
        key = secrets.token_hex(8)
        for _ in range(TRIES):
            await one.hit("otp_account", key)
        try:
            await other.hit("otp_account", key)
        except TooManyRequests:
            return True
        return False


async def count_together(settings: Settings) -> None:
    """Soon: on a busy machine a first connection may take longer than a rate limit waits for it."""
    async with asyncio.timeout(20):
        while not await counted_together(settings):
            await asyncio.sleep(0.1)


async def on_time(ledger: Ledger, witnesses: list[Witness], seconds: float) -> None:
    """What is acknowledged by now has come everywhere: sooner than by the poll of a process that believes its bus healthy."""
    newest = max(ledger.acknowledged.values())
    async with asyncio.timeout(seconds):
        while min(witness.last_seq for witness in witnesses) < newest:
            await asyncio.sleep(0.02)


async def ready(stage: Stage, seconds: float) -> None:
    """Every process hears the bus."""
    async with asyncio.timeout(seconds):
        for server in stage.servers:
            while (await stage.person.on(server).get("/readyz")).status_code != 200:
                await asyncio.sleep(0.05)


async def started(kind: Callable[[Path], Any], folder: Path) -> Any:
    return await asyncio.to_thread(kind(folder).__enter__)


async def ended(topology: Topology) -> None:
    await asyncio.to_thread(topology.__exit__)


async def test_r31_a_master_killed_under_sentinel_loses_nothing_and_the_bus_follows_the_new_one(
    on_topology: Callable[[str], Awaitable[tuple[Stage, Settings]]], tmp_path: Path
) -> None:
    sentinels = await started(Sentinels, tmp_path)
    try:
        stage, settings = await on_topology(sentinels.url)
        await count_together(settings)
        async with stage.under_load() as (ledger, witnesses):
            master = sentinels.master()
            ledger.slowest = 0.0
            sentinels.sentinels[0].kill()
            master.kill()
            await asyncio.sleep(0.5)
            async with asyncio.timeout(15):
                while await asyncio.to_thread(sentinels.master) is master:
                    await asyncio.sleep(0.1)
                await ready(stage, 15)
            await on_time(ledger, witnesses, 3)
            assert ledger.slowest < 1
            assert set(ledger.statuses) == {201}
        await count_together(settings)
    finally:
        await ended(sentinels)


async def test_r31_a_node_killed_in_a_cluster_loses_nothing_and_the_bus_goes_on_at_another(
    on_topology: Callable[[str], Awaitable[tuple[Stage, Settings]]], tmp_path: Path
) -> None:
    cluster = await started(Cluster, tmp_path)
    try:
        stage, settings = await on_topology(cluster.url)
        await count_together(settings)
        async with stage.under_load() as (ledger, witnesses):
            ledger.slowest = 0.0
            for node in cluster.nodes:
                await asyncio.to_thread(node.kill)
                await ready(stage, 5)
                await on_time(ledger, witnesses, 3)
                await asyncio.to_thread(node.start)
            assert ledger.slowest < 1
            assert set(ledger.statuses) == {201}
    finally:
        await ended(cluster)


async def test_r31_rate_limits_outlive_a_node_of_a_cluster(settings_env: Callable[..., dict[str, str]], tmp_path: Path) -> None:
    """Without the server of a key each process counts for itself; once it is back, they count together again."""
    cluster = await started(Cluster, tmp_path)
    try:
        settings = load_settings(settings_env(REDIS_URL=cluster.url, RATE_LIMITS="on"))
        await count_together(settings)
        async with counting(settings) as limits:
            await limits.hit("otp_account", "warm")
            cluster.nodes[0].kill()
            for number in range(6):
                began = time.monotonic()
                await limits.hit("otp_account", f"alone{number}")
                assert time.monotonic() - began < 2.5
        await asyncio.to_thread(cluster.nodes[0].start)
        async with asyncio.timeout(15):
            while not all(cluster.complete(node) for node in cluster.nodes):
                await asyncio.sleep(0.05)
        await count_together(settings)
    finally:
        await ended(cluster)
