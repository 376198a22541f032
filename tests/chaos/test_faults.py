"""Each part dies under 50 messages a second on two processes: nothing acknowledged is lost, doubled or out of order."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pymysql.err import MySQLError
from redis import asyncio as redis

from pluseboard.private_servers import PrivateMariaDB, PrivateRedis
from tests.chaos.witness import FAULTLESS, Ledger, Witness, listening, settled, writing
from tests.conftest import Person
from tests.servers import Database, ServerProcess, run_command

PROCESSES = "SELECT id AS number FROM information_schema.processlist WHERE db = %s AND id <> CONNECTION_ID()"


@dataclass
class Stage:
    """Two processes on a Redis (and sometimes a database) of their own, a channel, and somebody who writes and listens."""

    servers: list[ServerProcess]
    redis: PrivateRedis
    person: Person
    channel_id: int

    @asynccontextmanager
    async def under_load(self) -> AsyncIterator[tuple[Ledger, list[Witness]]]:
        """Writers on both processes, a listener on each; the verdict is given at the end."""
        async with AsyncExitStack() as stack:
            listeners = [listening(self.person, server, self.channel_id) for server in self.servers]
            witnesses = [await stack.enter_async_context(listener) for listener in listeners]
            async with writing(self.person, self.servers, self.channel_id) as ledger:
                await asyncio.sleep(0.5)
                assert ledger.acknowledged
                yield ledger, witnesses
                await asyncio.sleep(0.5)
            await settled(ledger, *witnesses)
            for witness in witnesses:
                assert witness.verdict(ledger) == FAULTLESS


@pytest.fixture
async def own_redis(tmp_path: Path) -> AsyncIterator[PrivateRedis]:
    server = PrivateRedis(tmp_path / "redis")
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.stop)


@pytest.fixture
async def make_stage(
    start_server: Callable[..., Awaitable[ServerProcess]], person: Callable[..., Awaitable[Person]], own_redis: PrivateRedis
) -> Callable[..., Awaitable[Stage]]:
    async def make(**options: Any) -> Stage:
        url = f"redis://127.0.0.1:{own_redis.port}/0"
        first = await start_server(REDIS_URL=url, LOG_LEVEL="WARNING", **options)
        second = await start_server(REDIS_URL=url, LOG_LEVEL="WARNING", database=first.database)
        someone = await person("writer", server=first)
        workspace = (await someone.http.post("/api/workspaces/", json={"name": "Chaos"})).json()["workspace_id"]
        channel = await someone.http.post("/api/channels/", json={"workspace_id": workspace, "name": "storm"})
        return Stage([first, second], own_redis, someone, channel.json()["channel_id"])

    return make


async def _redis_away(stage: Stage, seconds: float) -> None:
    async with stage.under_load() as (ledger, witnesses):
        stage.redis.kill()
        await asyncio.sleep(0.5)
        before = len(ledger.acknowledged)
        ledger.slowest = 0.0
        await asyncio.sleep(seconds - 0.5)
        # Sends go on, and are quick; both processes' listeners keep up, by reading on from the database.
        assert len(ledger.acknowledged) > before + 10
        assert ledger.slowest < 1
        newest = max(ledger.acknowledged.values())
        async with asyncio.timeout(2.5):
            while min(witness.last_seq for witness in witnesses) < newest:
                await asyncio.sleep(0.02)
        await asyncio.to_thread(stage.redis.start)


async def test_r30_redis_killed_for_3_seconds_loses_nothing(make_stage: Callable[..., Awaitable[Stage]]) -> None:
    await _redis_away(await make_stage(), 3)


@pytest.mark.chaos
async def test_r31_redis_killed_for_30_seconds_loses_nothing(make_stage: Callable[..., Awaitable[Stage]]) -> None:
    await _redis_away(await make_stage(), 30)


async def test_r31_a_killed_pubsub_connection_is_made_again_and_loses_nothing(
    make_stage: Callable[..., Awaitable[Stage]],
) -> None:
    stage = await make_stage()
    async with redis.Redis(host="127.0.0.1", port=stage.redis.port, protocol=2) as control, stage.under_load():
        for _ in range(3):
            killed = await control.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            assert killed >= 1
            await asyncio.sleep(0.7)


async def test_r31_a_paused_redis_delays_but_loses_nothing(make_stage: Callable[..., Awaitable[Stage]]) -> None:
    stage = await make_stage()
    async with redis.Redis(host="127.0.0.1", port=stage.redis.port, protocol=2) as control, stage.under_load() as (ledger, _):
        await control.execute_command("CLIENT", "PAUSE", "3000", "ALL")
        ledger.slowest = 0.0
        await asyncio.sleep(3)
        assert ledger.slowest < 1


async def test_r35_a_killed_process_loses_nothing_and_the_other_is_not_disturbed(
    make_stage: Callable[..., Awaitable[Stage]],
) -> None:
    stage = await make_stage()
    async with stage.under_load() as (_, witnesses):
        joins = witnesses[1].joins
        stage.servers[0].kill()
        await asyncio.sleep(1.5)
        assert witnesses[1].joins == joins
        await stage.servers[0].start()


async def test_a_rolling_restart_loses_nothing(make_stage: Callable[..., Awaitable[Stage]]) -> None:
    stage = await make_stage()
    async with stage.under_load() as (ledger, _):
        for server in stage.servers:
            await server.stop()
            await server.start()
        assert 500 not in ledger.statuses


@pytest.fixture
async def own_database_server(tmp_path: Path) -> AsyncIterator[PrivateMariaDB]:
    server = PrivateMariaDB(tmp_path / "mariadb")
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.stop)


async def test_r27_a_killed_database_server_loses_nothing(
    make_stage: Callable[..., Awaitable[Stage]],
    own_database_server: PrivateMariaDB,
    settings_env: Callable[..., dict[str, str]],
    tmp_path: Path,
) -> None:
    server = own_database_server
    database = Database("127.0.0.1", server.port, server.user, server.password, server.database)
    migrated = await run_command(settings_env(**database.environment), tmp_path, "migrate")
    assert migrated.returncode == 0, migrated.stdout
    stage = await make_stage(database=database)
    async with stage.under_load() as (ledger, _):
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(1)
        await asyncio.to_thread(server.start)
        newest = len(ledger.acknowledged)
        async with asyncio.timeout(10):
            while len(ledger.acknowledged) < newest + 50:
                await asyncio.sleep(0.05)
        assert set(ledger.statuses) <= {201, 503}


async def test_r27_killed_database_connections_lose_nothing(
    make_stage: Callable[..., Awaitable[Stage]],
) -> None:
    stage = await make_stage(own_database=True)
    database = stage.servers[0].database
    assert database is not None
    async with stage.under_load() as (ledger, _):
        for _ in range(5):
            listed = await database.query(PROCESSES, (database.name,))
            assert listed
            for row in listed:
                # It may have gone already.
                with suppress(MySQLError):
                    await database.query(f"KILL {int(row['number'])}")
            await asyncio.sleep(0.4)
        assert set(ledger.statuses) <= {201, 503}


@pytest.mark.chaos
async def test_r24_a_thousand_random_cuts_lose_nothing(make_stage: Callable[..., Awaitable[Stage]]) -> None:
    await _cuts(await make_stage(), 1000)


async def test_a_hundred_random_cuts_lose_nothing(make_stage: Callable[..., Awaitable[Stage]]) -> None:
    await _cuts(await make_stage(), 100)


async def _cuts(stage: Stage, cuts: int) -> None:
    """Eight listeners, each cut off without a close frame again and again."""
    async with AsyncExitStack() as stack:
        listeners = [listening(stage.person, random.choice(stage.servers), stage.channel_id) for _ in range(8)]
        witnesses = [await stack.enter_async_context(listener) for listener in listeners]
        async with writing(stage.person, stage.servers, stage.channel_id) as ledger:
            await asyncio.sleep(0.5)
            for _ in range(cuts):
                witness = random.choice(witnesses)
                if witness.cut is not None:
                    witness.cut()
                await asyncio.sleep(random.uniform(0, 0.03))
        await settled(ledger, *witnesses)
        assert sum(witness.joins for witness in witnesses) > cuts / 3
        for witness in witnesses:
            assert witness.verdict(ledger) == FAULTLESS


async def test_a_frozen_process_catches_up_when_it_wakes(make_stage: Callable[..., Awaitable[Stage]]) -> None:
    stage = await make_stage()
    async with stage.under_load():
        process = stage.servers[1].process
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)
        await asyncio.sleep(1.5)
        os.kill(process.pid, signal.SIGCONT)
