"""R34: what SIGTERM does to sockets and requests."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import httpx

from tests.conftest import Person
from tests.reliability.faults import locked
from tests.reliability.watched import sluggish, until
from tests.servers import ServerProcess
from tests.sockets.scenes import make_channel, make_team, many_sockets, post

MakePerson = Callable[..., Awaitable[Person]]


async def test_r34_sigterm_closes_200_sockets_with_1012_finishes_the_request_and_ends_within_10_s(
    start_server: Callable[..., Awaitable[ServerProcess]], person: MakePerson
) -> None:
    server = await start_server(MAX_SOCKETS_PER_USER="300")
    alice = await person("alice", server=server)
    workspace, channel = await make_team(alice)
    busy = await make_channel(alice, workspace, "busy")
    process = server.process
    assert process
    async with AsyncExitStack() as stack:
        sockets = await stack.enter_async_context(many_sockets([(alice, server)] * 199))
        await stack.enter_async_context(sluggish(alice, busy, server))
        for _ in range(60):
            await post(alice, busy, "😀" * 15_000)  # more than the buffers take that lie on the way
        request = httpx.AsyncClient(base_url=server.url, cookies=alice.cookies, trust_env=False, verify=False)
        client = await stack.enter_async_context(request)
        lock = await stack.enter_async_context(AsyncExitStack())
        await lock.enter_async_context(locked(server.database, channel))
        running = asyncio.create_task(client.post("/api/messages/", json={"channel_id": channel, "body": "To the end"}))
        await asyncio.sleep(0.3)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert set(await asyncio.gather(*(socket.closed() for socket in sockets))) == {1012}
        assert not running.done(), "it could fail"
        await lock.aclose()
        answer = await running
        assert answer.status_code == 201
        await until(lambda: process.poll() is not None, 12)
        assert time.monotonic() - started < 10
        assert process.returncode == 0
    rows = await server.database.query("SELECT id FROM messages WHERE channel_id = %s", (channel,))
    assert [row["id"] for row in rows] == [answer.json()["message_id"]]
