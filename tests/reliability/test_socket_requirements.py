"""What is promised when clients do not read, vanish, or come and go (R22, R23), each test named after its requirement."""

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress

import pytest
import websockets
from redis import asyncio as redis
from starlette.websockets import WebSocket

from pluseboard.private_servers import HOST
from pluseboard.realtime.events import Typing, Unsubscribed, frame
from pluseboard.sockets.outbox import Outbox, SlowClientError
from tests.conftest import Person, Socket
from tests.reliability.watched import Watched, connections, descriptors, resident_mib, sluggish, until
from tests.servers import ServerProcess
from tests.sockets.scenes import ask, joined, make_team, post

MakePerson = Callable[..., Awaitable[Person]]
StartServer = Callable[..., Awaitable[ServerProcess]]
LARGE = "😀" * 15_000  # 60 KB


async def send(someone: Person, channel: int, texts: list[str]) -> list[float]:
    """One after the other; when each was sent."""
    times = []
    for text in texts:
        times.append(time.monotonic())
        await post(someone, channel, text)
    return times


async def take(listener: Socket, count: int) -> list[tuple[int, float]]:
    """The seqs of the next messages, and when they came."""
    seen = []
    for _ in range(count):
        message = await listener.receive(30)
        assert message["type"] == "new_message"
        seen.append((message["seq"], time.monotonic()))
    return seen


# --- R22: a client that does not read -----------------------------------------------------------------------------


async def test_r22_a_client_that_does_not_read_is_closed_and_the_others_get_everything(
    start_server: StartServer, person: MakePerson
) -> None:
    server = await start_server()
    alice, bob = await person("alice", server=server), await person("bob", server=server)
    _, channel = await make_team(alice, bob)
    count = 250
    async with AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(sluggish(bob, channel, server)) for _ in range(3)]
        others = [await stack.enter_async_context(joined(alice, channel, server)) for _ in range(3)]
        before = resident_mib(server)
        taking = [asyncio.create_task(take(listener, count)) for listener in others]
        sent = await send(alice, channel, [LARGE] * count)  # 15 MB to each: more than the kernel and the outbox hold
        for seen in await asyncio.gather(*taking):
            assert [seq for seq, _ in seen] == list(range(1, count + 1))
            delays = sorted(came - sent[seq - 1] for seq, came in seen)
            assert delays[len(delays) * 99 // 100] < 3  # the machine is busy with all of this
        assert server.log().count("a socket does not read") == 3
        # 1 MiB and what a transport holds, for each that does not read; not the 15 MB.
        assert resident_mib(server) - before < 25
        for client in slow:  # each now reads what had left for it: an unbroken beginning, and then the reason
            seqs = []
            with suppress(websockets.ConnectionClosed):
                while True:
                    seqs.append((await client.receive(5))["seq"])
            assert client.close_code == 4008
            assert seqs == list(range(1, len(seqs) + 1))
            assert 1 <= len(seqs) < count


@pytest.mark.chaos
async def test_r22_a_client_that_takes_nothing_is_closed_within_30_s_even_when_nothing_more_is_said(
    start_server: StartServer, person: MakePerson
) -> None:
    server = await start_server()
    alice = await person("alice", server=server)
    _, channel = await make_team(alice)
    enough = 0
    async with sluggish(alice, channel, server):
        while "does not read" not in server.log():
            await send(alice, channel, [LARGE])
            enough += 1
    async with sluggish(alice, channel, server) as slow:
        open_before = connections(server)
        # The kernel's buffers are full, the outbox, which takes 17 of them, is not: time alone must tell. (What the kernel
        # takes varies, so a little more until something waits.)
        await send(alice, channel, [LARGE] * (enough - 12))
        for _ in range(5):
            with suppress(TimeoutError):
                assert await until(lambda: server.log().count("does not read") == 2, 27) > 10
                break
            await send(alice, channel, [LARGE] * 6)
        assert server.log().count("does not read") == 2
        with suppress(websockets.ConnectionClosed):
            while True:
                await slow.receive(5)
        assert slow.close_code == 4008
        await until(lambda: connections(server) < open_before, 15)


async def test_r22_an_outbox_holds_256_frames_or_1_mib_and_drops_what_is_ephemeral_first() -> None:
    taken: list[str] = []
    blocked = asyncio.Event()

    async def never_read(message: dict[str, object]) -> None:
        taken.append(str(message["text"]))
        await blocked.wait()

    def fill(outbox: Outbox, length: int = 10) -> int:
        for count in range(1000):
            try:
                outbox.put(frame(Unsubscribed("x" * length, 1)))  # type: ignore[arg-type]
            except SlowClientError:
                return count
        raise AssertionError("it takes everything")

    def make() -> Outbox:
        return Outbox(WebSocket({"type": "websocket", "extensions": {}}, blocked.wait, never_read), lambda: None)  # type: ignore[arg-type]

    assert fill(make()) == 256
    assert 15 <= fill(make(), 65_000) <= 16
    mixed = make()
    for _ in range(200):
        mixed.put(frame(Typing(1, "john@example.com", "john"), ephemeral=True))
    assert fill(mixed) == 256, "typing made room"
    mixed.put(frame(Typing(1, "john@example.com", "john"), ephemeral=True))  # dropped, and no reason to be cut off
    mixed.discard()


# --- R23: peers that vanish, and many that come and go ------------------------------------------------------------


def upgraded(someone: Person, server: ServerProcess) -> socket.socket:
    """A connection that has asked for a socket, on which nobody is at home any more."""
    raw = socket.create_connection((HOST, int(server.env["PORT"])))
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    lines = [
        f"GET /ws/chat/?token={someone.access_token} HTTP/1.1",
        f"Host: {HOST}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    raw.sendall("\r\n".join([*lines, "", ""]).encode())
    assert raw.recv(12) == b"HTTP/1.1 101"
    return raw


def client_frame(text: str) -> bytes:
    data = text.encode()
    return bytes((0x81, 0x80 | len(data))) + bytes(4) + data


@pytest.mark.chaos
async def test_r23_a_vanished_peer_is_gone_within_40_s_whether_something_is_on_its_way_to_it_or_not(
    start_server: StartServer, person: MakePerson
) -> None:
    server = await start_server(MAX_SOCKETS_PER_USER="100", DB_POOL_MIN="4", DB_POOL_MAX="4")
    alice = await person("alice", server=server)
    _, channel = await make_team(alice)
    await post(alice, channel, "Hello")
    before = descriptors(server)
    async with AsyncExitStack() as stack:
        started = time.monotonic()
        peers = await asyncio.to_thread(lambda: [upgraded(alice, server) for _ in range(45)])
        for peer in peers:
            stack.enter_context(peer)
        # These vanish in the middle of something, longer from one to the next: what is on its way waits in the kernel, in the
        # transport too, in the outbox too. Some have said goodbye before.
        for peer in peers[:40]:
            peer.sendall(client_frame(json.dumps({"type": "join_channel", "channel_id": channel})))
            await send(alice, channel, [LARGE] * 2)
        for peer in peers[:40:4]:
            peer.sendall(bytes((0x88, 0x82)) + bytes(4) + b"\x03\xe8")
        alive = await stack.enter_async_context(alice.socket("/ws/chat/", server))
        assert descriptors(server) > before + 2, "it could fail"
        await until(lambda: descriptors(server) <= before + 1, 60)
        assert time.monotonic() - started < 41
        await ask(alive, "leave_channel", channel_id=channel)


@pytest.mark.parametrize("count", [100, pytest.param(500, marks=pytest.mark.chaos)])
async def test_r23_after_many_connects_and_disconnects_nothing_is_left(
    count: int, start_server: StartServer, person: MakePerson, servers: dict[str, str]
) -> None:
    options = {"DB_POOL_MIN": "4", "DB_POOL_MAX": "4", "MAX_SOCKETS_PER_USER": "100", "LOG_LEVEL": "WARNING"}
    server = await start_server(own_database=True, kind=Watched, **options)
    assert isinstance(server, Watched)
    alice = await person("alice", server=server)
    workspace, channel = await make_team(alice)
    token, url = alice.access_token, f"{server.ws_url}/ws/?token={{}}"

    async def come_and_go(number: int) -> None:
        connection = await websockets.connect(url.format(token))
        frames = [
            {"type": "join_channel", "channel_id": channel, "since_seq": max(0, number - 50)},
            {"type": "subscribe", "workspace_id": workspace},
            {"type": "subscribe"},
            {"type": "heartbeat", "status": "online"},
            {"type": "send_message", "channel_id": channel, "body": f"number {number}"},
        ]
        for each in frames:
            await connection.send(json.dumps(each))
        if number % 2:
            connection.transport.abort()  # mid-send
            await connection.wait_closed()
        else:
            await ask(Socket(connection), "leave_channel", channel_id=2**62)
            await connection.close()

    async def left(bus: "redis.Redis") -> tuple[int, int, int]:
        channels = await bus.execute_command("PUBSUB", "CHANNELS", f"pluseboard:{server.database.name}:*")
        return await server.tasks(), descriptors(server), len(channels)

    async with redis.Redis.from_url(servers["REDIS_URL"], protocol=2) as bus:
        for number in range(10):
            await come_and_go(number)
        await asyncio.sleep(1)
        baseline = await left(bus)
        async with joined(alice, channel, server):
            _, open_files, topics = await left(bus)
            assert open_files > baseline[1]
            assert topics > baseline[2], "it could fail"
        for start in range(0, count, 20):
            await asyncio.gather(*(come_and_go(number) for number in range(start, start + 20)))

        async def is_back() -> bool:
            return all(now <= then for now, then in zip(await left(bus), baseline, strict=True))

        await until(is_back, 15)
