"""The client keeps what the server promises: nothing sent is lost or doubled, nothing is missed, whatever dies on the way."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pluseboard.client import Client, ClientError, Seqs
from tests.servers import MailServer, ServerProcess

StartServer = Callable[..., Awaitable[ServerProcess]]


async def signed_in(client: Client, mail: MailServer) -> str:
    name = f"client{secrets.token_hex(4)}"
    email = f"{name}@example.com"
    await client.register(name, email, "John Doe", "correct horse battery")
    await client.request_code(email)
    await client.sign_in(email, await mail.code_for(email))
    return email


async def channel(client: Client) -> int:
    workspace = (await client.call("POST", "/api/workspaces/", name="Team"))["workspace_id"]
    made = await client.call("POST", "/api/channels/", workspace_id=workspace, name="general")
    return int(made["channel_id"])


async def take(client: Client, count: int, **topics: Any) -> list[dict[str, Any]]:
    frames: list[dict[str, Any]] = []
    async for frame in client.listen(**topics):
        frames.append(frame)
        if len(frames) == count:
            break
    return frames


async def test_it_signs_in_sends_and_listens(start_server: StartServer, mail: MailServer) -> None:
    server = await start_server()
    async with Client(server.url) as client:
        email = await signed_in(client, mail)
        channel_id = await channel(client)
        first = await client.send(channel_id, "Hello", client_msg_id="one")
        assert await client.send(channel_id, "Hello", client_msg_id="one") == first
        second = await client.send(channel_id, "world")
        seqs = Seqs({("channel_id", channel_id): 0})
        async with asyncio.timeout(10):
            frames = await take(client, 2, channels=[channel_id], since=seqs)
        assert [frame["message"]["body"] for frame in frames] == ["Hello", "world"]
        assert [frame["message"]["id"] for frame in frames] == [first["message_id"], second["message_id"]]
        assert {frame["message"]["sender_email"] for frame in frames} == {email}
        assert seqs["channel_id", channel_id] == second["seq"] == 2
        with pytest.raises(ClientError, match="404 not_found"):
            await client.send(10**12, "nobody there")
        with pytest.raises(ClientError, match="not_found"):
            await take(client, 1, channels=[10**12])


async def test_sends_and_listening_outlive_the_death_of_the_server(start_server: StartServer, mail: MailServer) -> None:
    server = await start_server()
    async with Client(server.url, timeout=2) as client, asyncio.timeout(60):
        await signed_in(client, mail)
        channel_id = await channel(client)
        seqs = Seqs({("channel_id", channel_id): 0})
        listening = asyncio.create_task(take(client, 60, channels=[channel_id], since=seqs))
        for number in range(60):
            if number in (20, 40):
                server.kill()
                asyncio.get_running_loop().call_later(0.5, lambda: asyncio.ensure_future(server.start()))
            await client.send(channel_id, f"message {number}")
        frames = await listening
        assert [frame["message"]["body"] for frame in frames] == [f"message {number}" for number in range(60)]
        assert [frame["seq"] for frame in frames] == list(range(1, 61))


async def test_it_waits_as_long_as_it_is_asked_to(start_server: StartServer, mail: MailServer) -> None:
    server = await start_server(RATE_LIMITS="on", LIMIT_MESSAGE_USER="1/2")
    async with Client(server.url) as client, asyncio.timeout(30):
        await signed_in(client, mail)
        channel_id = await channel(client)
        await client.send(channel_id, "first")
        started = time.monotonic()
        await client.send(channel_id, "second")
        assert time.monotonic() - started > 1
        refusals = server.log().count("POST /api/messages/ 429")
        assert refusals in (1, 2), "it does not knock all the time"


async def test_listening_ends_when_the_session_is_revoked(start_server: StartServer, mail: MailServer) -> None:
    server = await start_server()
    async with Client(server.url) as client, asyncio.timeout(20):
        await signed_in(client, mail)
        channel_id = await channel(client)
        seqs = Seqs({("channel_id", channel_id): 0})
        await client.send(channel_id, "Hello")
        came = asyncio.Event()

        async def listen() -> None:
            async for _ in client.listen(channels=[channel_id], since=seqs):
                came.set()

        listening = asyncio.create_task(listen())
        await came.wait()
        await client.call("POST", "/api/logout/")
        await listening
