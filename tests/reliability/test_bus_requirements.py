"""What is promised of announcing and of readiness (R30, R32, R36), each test named after its requirement."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.answers import assert_error
from tests.conftest import Cluster, Person, Socket
from tests.reliability.faults import Proxy
from tests.reliability.test_database_faults import timed
from tests.reliability.watched import until
from tests.servers import ServerProcess
from tests.sockets.scenes import call, joined, make_team, messages, post

MakePerson = Callable[..., Awaitable[Person]]
StartServer = Callable[..., Awaitable[ServerProcess]]


# --- R30: published only after commit -----------------------------------------------------------------------------


async def test_r30_nothing_is_announced_before_its_commit(
    cluster: Cluster, start_server: StartServer, person: MakePerson, database_proxy: Proxy
) -> None:
    server = await start_server(DB_PORT=str(database_proxy.port))
    alice = await person("alice", server=server)
    _, channel = await make_team(alice)
    first = await post(alice, channel, "First")
    path = f"/api/messages/{first['message_id']}/"
    async with joined(alice, channel, server) as here, joined(alice, channel, cluster.b) as elsewhere:
        for type_, request in (
            ("new_message", ("POST", "/api/messages/", {"channel_id": channel, "body": "Second"})),
            ("message_updated", ("PATCH", path, {"body": "Changed"})),
            ("message_deleted", ("DELETE", path, {})),
        ):
            database_proxy.commits.clear()
            database_proxy.held.clear()
            writing = asyncio.create_task(call(alice.http, request[0], request[1], **request[2]))
            await database_proxy.held.wait()
            await asyncio.gather(here.quiet(0.4), elsewhere.quiet(0.4))
            assert not writing.done()
            database_proxy.commits.set()
            await writing
            for socket in (here, elsewhere):
                assert (await socket.receive())["type"] == type_


async def test_r30_who_hears_of_a_message_can_fetch_it_everywhere(cluster: Cluster, person: MakePerson) -> None:
    alice, bob = await person("alice"), await person("bob")
    _, channel = await make_team(alice, bob)
    count = 60

    async def fetch(socket: Socket) -> None:
        for message in [message for _ in range(count) for message in await messages(socket, 1)]:
            for server in cluster.both:
                fetched = await bob.on(server).get(f"/api/messages/{message['id']}/")
                assert fetched.json()["data"]["body"] == message["body"]

    async with joined(bob, channel, cluster.a) as here, joined(bob, channel, cluster.b) as elsewhere:
        fetching = asyncio.gather(fetch(here), fetch(elsewhere))
        for start in range(0, count, 6):
            texts = [f"number {number}" for number in range(start, start + 6)]
            await asyncio.gather(*(post(alice, channel, text, cluster.both[len(text) % 2]) for text in texts))
        await fetching


# --- R32: a deaf process ------------------------------------------------------------------------------------------


async def test_r30_r32_with_a_silent_redis_sends_are_quick_all_arrive_and_readyz_tells_within_15_s(
    cluster: Cluster, start_server: StartServer, person: MakePerson, redis_proxy: tuple[Proxy, str]
) -> None:
    proxy, url = redis_proxy
    deaf = await start_server(REDIS_URL=url)
    alice = await person("alice", server=deaf)
    _, channel = await make_team(alice)

    async def readiness() -> httpx.Response:
        return await alice.http.get("/readyz")

    async def is_ready() -> bool:
        return (await readiness()).status_code == 200

    async def is_deaf() -> bool:
        return (await readiness()).status_code == 503

    async with joined(alice, channel, deaf) as here, joined(alice, channel, cluster.b) as elsewhere:
        assert await is_ready()
        proxy.silence()
        for number in range(3):
            for server in (deaf, cluster.b):
                started = time.monotonic()
                await post(alice, channel, f"number {number}", server)
                assert time.monotonic() - started < 1
        telling = asyncio.create_task(until(is_deaf, 20))
        for socket in (here, elsewhere):
            assert [message["seq"] for message in await messages(socket, 6, 15)] == list(range(1, 7))
        assert await telling < 15.5
        assert_error(await readiness(), 503, "Not ready: the bus is deaf")
        proxy.restore()
        assert await until(is_ready, 10) < 6
        await post(alice, channel, "Back", cluster.b)
        assert [message["body"] for message in await messages(here, 1, 2)] == ["Back"]


@pytest.mark.chaos
async def test_r31_a_half_open_connection_is_replaced(
    cluster: Cluster, start_server: StartServer, person: MakePerson, redis_proxy: tuple[Proxy, str]
) -> None:
    proxy, url = redis_proxy
    server = await start_server(REDIS_URL=url)
    alice = await person("alice", server=server)
    _, channel = await make_team(alice)
    async with joined(alice, channel, server) as socket:
        connected = server.log().count("the bus is connected")
        proxy.forget()
        for number in range(5):
            await post(alice, channel, f"number {number}", cluster.b)
        assert [message["seq"] for message in await messages(socket, 5, 15)] == [1, 2, 3, 4, 5]
        await until(lambda: server.log().count("the bus is connected") > connected, 20)
        started = time.monotonic()
        await post(alice, channel, "Heard", cluster.b)
        assert [message["body"] for message in await messages(socket, 1)] == ["Heard"]
        assert time.monotonic() - started < 2


# --- R36: health --------------------------------------------------------------------------------------------------


async def test_r36_livez_touches_nothing_and_readyz_answers_within_a_second_or_so(
    start_server: StartServer, person: MakePerson, database_proxy: Proxy, redis_proxy: tuple[Proxy, str]
) -> None:
    proxy, url = redis_proxy
    server = await start_server(DB_PORT=str(database_proxy.port), REDIS_URL=url)
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        assert (await client.get("/readyz")).status_code == 200
        for silent in (database_proxy, proxy):
            silent.silence()
        for _ in range(3):
            answer, seconds = await timed(client.get("/readyz"))
            assert_error(answer, 503, "Not ready: the database does not answer")
            assert seconds < 2
            answer, seconds = await timed(client.get("/livez"))
            assert (answer.status_code, answer.json()) == (200, {"status": "success"})
            assert seconds < 0.5
        for silent in (database_proxy, proxy):
            silent.restore()

        async def is_ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        assert await until(is_ready, 10) < 6
        await database_proxy.stop()  # nobody listens any more
        answer, seconds = await timed(client.get("/readyz"))
        assert_error(answer, 503, "Not ready: the database does not answer")
        assert seconds < 2
        assert (await client.get("/livez")).status_code == 200
