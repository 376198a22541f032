"""A Galera cluster behind HAProxy: a node dies under 50 messages a second, and writers at two nodes conflict but lose nothing."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pluseboard.private_servers import HOST
from tests.chaos.test_faults import Stage
from tests.chaos.witness import Ledger
from tests.conftest import Person
from tests.ha.galera import Galera, HAProxy
from tests.servers import Database, ServerProcess, run_command
from tests.topologies import until

pytestmark = pytest.mark.ha

MESSAGES = "SELECT channel_id, seq, id, body, client_msg_id FROM pluseboard.messages ORDER BY channel_id, seq"


@pytest.fixture(scope="module")
def galera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Galera]:
    with Galera(tmp_path_factory.mktemp("galera")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def proxy(galera: Galera, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HAProxy]:
    with HAProxy(tmp_path_factory.mktemp("haproxy") / "proxy", galera.nodes) as proxy:
        yield proxy


@pytest.fixture
async def stage_at(
    galera: Galera,
    proxy: HAProxy,
    start_server: Callable[..., Awaitable[ServerProcess]],
    person: Callable[..., Awaitable[Person]],
    settings_env: Callable[..., dict[str, str]],
    tmp_path: Path,
) -> Callable[..., Awaitable[Stage]]:
    """Two processes, each at one of the proxy's ports."""

    async def make(*ports: int) -> Stage:
        node = galera.nodes[0]
        databases = [Database(HOST, port, node.user, node.password, node.database) for port in ports]
        migrated = await run_command(settings_env(**databases[0].environment), tmp_path, "migrate")
        assert migrated.returncode == 0, migrated.stdout
        servers = [await start_server(database=database, LOG_LEVEL="WARNING") for database in databases]
        someone = await person("writer", server=servers[0])
        workspace = (await someone.http.post("/api/workspaces/", json={"name": "Galera"})).json()["workspace_id"]
        channel = await someone.http.post("/api/channels/", json={"workspace_id": workspace, "name": "storm"})
        return Stage(servers, None, someone, channel.json()["channel_id"])  # type: ignore[arg-type]

    return make


def same_everywhere(galera: Galera) -> list[tuple[Any, ...]]:
    """The messages, once all nodes have the same."""
    until(lambda: len({tuple(node.ask(MESSAGES)) for node in galera.nodes}) == 1)
    return galera.nodes[0].ask(MESSAGES)


def all_there(galera: Galera, stage: Stage, ledger: Ledger) -> bool:
    """Whether each acknowledged message stands on every node, once and with its number."""
    rows = [row for row in same_everywhere(galera) if row[0] == stage.channel_id]
    return len({row[1] for row in rows}) == len(rows) and ledger.acknowledged.items() <= {row[4]: row[1] for row in rows}.items()


def tell(line: str, ledger: Ledger) -> None:
    """The figures of docs/scaling.md; pytest shows them with -s."""
    counted = {status: ledger.statuses.count(status) for status in set(ledger.statuses)}
    sys.stdout.write(f"\n{line}; slowest {ledger.slowest:.2f} s; answers {counted}\n")


async def test_r27_a_killed_writer_of_a_galera_cluster_loses_nothing_and_all_goes_on_within_15_s(
    galera: Galera, proxy: HAProxy, stage_at: Callable[..., Awaitable[Stage]]
) -> None:
    stage = await stage_at(proxy.ports[0], proxy.ports[0])
    async with stage.under_load() as (ledger, _):
        await asyncio.to_thread(galera.nodes[0].kill)
        killed = time.monotonic()
        await asyncio.sleep(0.5)
        newest = len(ledger.acknowledged)
        async with asyncio.timeout(15):
            while len(ledger.acknowledged) < newest + 50:
                await asyncio.sleep(0.05)
        tell(f"sending went on {time.monotonic() - killed:.1f} s after the writer was killed", ledger)
        # It comes back while messages are written, and takes over again.
        await asyncio.to_thread(galera.nodes[0].start)
        await asyncio.to_thread(until, lambda: galera.nodes[0].synced(3))
        await asyncio.sleep(2)
        assert set(ledger.statuses) <= {201, 503}
    assert await asyncio.to_thread(all_there, galera, stage, ledger)


@pytest.mark.parametrize("writers", [1, 2])
async def test_processes_that_write_through_different_nodes_conflict_and_lose_nothing(
    writers: int, galera: Galera, proxy: HAProxy, stage_at: Callable[..., Awaitable[Stage]]
) -> None:
    stage = await stage_at(proxy.ports[0], proxy.ports[writers - 1])
    before = galera.conflicts()
    async with stage.under_load() as (ledger, _):
        await asyncio.sleep(8)
    conflicts = {name: count - before[name] for name, count in galera.conflicts().items()}
    tell(f"{writers} nodes written to: {len(ledger.acknowledged)} messages, conflicts {conflicts}", ledger)
    assert set(ledger.statuses) <= {201, 503}
    assert await asyncio.to_thread(all_there, galera, stage, ledger)
    if writers == 1:
        assert not any(conflicts.values())
