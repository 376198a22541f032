"""`since_seq`: what was missed, then live, without a hole or a double between; and `resync_required` when that cannot be."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.conftest import Cluster, Person, Socket
from tests.servers import ServerProcess
from tests.sockets.scenes import Json, MakePerson, ask, call, joined, make_team, messages, nothing_waits, own_id, post

MAX_REPLAY = 1000
A_SECOND = 50
EVENTS = ("new_message", "message_updated", "message_deleted")


@asynccontextmanager
async def writing(someone: Person, channel_id: int, server: ServerProcess) -> AsyncIterator[list[int]]:
    """Fifty events a second, now and then an edit or a deletion; the ids of the messages so far."""
    ids: list[int] = []
    client = someone.on(server)

    async def write() -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        for number in itertools.count():
            await asyncio.sleep(max(0.0, started + number / A_SECOND - loop.time()))
            if number % 10 == 7:
                await call(client, "PATCH", f"/api/messages/{random.choice(ids[-20:])}/", body=f"edited {number}")
            elif number % 25 == 13:
                await call(client, "DELETE", f"/api/messages/{ids.pop()}/")
            else:
                sent = await call(client, "POST", "/api/messages/", channel_id=channel_id, body=f"message {number}")
                ids.append(sent["message_id"])

    writer = asyncio.create_task(write())
    try:
        yield ids
    finally:
        if writer.done():
            writer.result()  # why it stopped
        writer.cancel()
        await asyncio.wait([writer])


async def join_from(socket: Socket, channel_id: int, seq: int) -> None:
    await socket.send({"type": "join_channel", "channel_id": channel_id, "since_seq": seq})


async def newest_seq(server: ServerProcess, channel_id: int) -> int:
    [row] = await server.database.query("SELECT last_seq FROM channels WHERE id = %s", [channel_id])
    return int(row["last_seq"])


async def frames_after(socket: Socket, seq: int, count: int) -> list[Json]:
    """The next `count` frames: the events that follow `seq`, one by one."""
    frames: list[Json] = []
    for expected in range(seq + 1, seq + count + 1):
        frame = await socket.receive(10)
        assert frame["type"] in EVENTS and frame["seq"] == expected, (expected, frame)
        frames.append(frame)
    return frames


@pytest.mark.parametrize("cuts", [30, pytest.param(1000, marks=pytest.mark.chaos)])
async def test_r24_whoever_is_cut_off_again_and_again_misses_nothing_and_sees_nothing_twice(
    cuts: int, cluster: Cluster, person: MakePerson
) -> None:
    alice = await person("alice")
    _, channel_id = await make_team(alice)
    seen = 0
    chance = random.Random(cuts)
    async with writing(alice, channel_id, cluster.a), joined(alice, channel_id, cluster.b) as listener:
        heard: list[int] = []
        listening = asyncio.create_task(_listen(listener, heard))
        for cut in range(cuts):
            async with alice.socket("/ws/chat/", cluster.both[cut % 2]) as socket:
                await join_from(socket, channel_id, seen)
                # Sometimes in the middle of the replay, sometimes a while into what is live; never a thousand behind.
                count = chance.choice([0, 1, 1, 2, 3, 5, 8]) + max(0, max(heard, default=0) - seen - 200)
                seen += len(await frames_after(socket, seen, count))
                socket.connection.transport.abort()
            await asyncio.sleep(chance.choice([0, 0, 0.02, 0.1]))
        async with alice.socket("/ws/chat/", cluster.b) as socket:
            await join_from(socket, channel_id, seen)
            await frames_after(socket, seen, A_SECOND)
        assert not listening.done(), listening.exception()
        listening.cancel()
        await asyncio.wait([listening])
    assert seen > cuts and heard == list(range(heard[0], heard[-1] + 1)), "whoever is never cut off sees no hole either"


async def _listen(socket: Socket, heard: list[int]) -> None:
    while True:
        heard.append((await socket.receive(10))["seq"])


async def test_ten_who_join_from_the_start_while_others_write_see_one_and_the_same_log(
    cluster: Cluster, person: MakePerson
) -> None:
    alice = await person("alice")
    _, channel_id = await make_team(alice)
    async with writing(alice, channel_id, cluster.a):
        while await newest_seq(cluster.a, channel_id) < 40:
            await asyncio.sleep(0.02)

        async def follow(server: ServerProcess) -> list[Json]:
            async with alice.socket("/ws/chat/", server) as socket:
                await join_from(socket, channel_id, 0)
                return await frames_after(socket, 0, 90)

        logs = await asyncio.gather(*(follow(server) for server in cluster.both for _ in range(4)))
    order = [[(frame["type"], frame["seq"], frame["message"]["id"]) for frame in log] for log in logs]
    assert all(each == order[0] for each in order)
    assert {type_ for type_, _, _ in order[0]} == {"new_message", "message_updated", "message_deleted"}


async def test_edits_and_deletions_are_replayed_as_they_are_now(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    _, channel_id = await make_team(alice)
    first = (await post(alice, channel_id, "Helo"))["message_id"]
    second = (await post(alice, channel_id, "a secret"))["message_id"]
    await call(alice.http, "PATCH", f"/api/messages/{first}/", body="Hello?")
    await call(alice.http, "DELETE", f"/api/messages/{second}/")
    await call(alice.http, "PATCH", f"/api/messages/{first}/", body="Hello!")
    for server in cluster.both:
        async with alice.socket("/ws/chat/", server) as socket:
            await join_from(socket, channel_id, 0)
            frames = await frames_after(socket, 0, 5)
            await nothing_waits(socket)
            assert [(frame["type"], frame["message"]["id"], frame["message"]["body"]) for frame in frames] == [
                ("new_message", first, "Hello!"),
                ("new_message", second, ""),
                ("message_updated", first, "Hello!"),
                ("message_deleted", second, ""),
                ("message_updated", first, "Hello!"),
            ]
            assert [bool(frame["message"]["deleted_at"]) for frame in frames] == [False, True, False, True, False]
            # A reader that has the messages and missed the changes alone.
            await join_from(socket, channel_id, 2)
            assert await frames_after(socket, 2, 3) == frames[2:]


async def test_r24_up_to_a_thousand_events_are_replayed_and_beyond_that_a_client_is_told_to_fetch(
    cluster: Cluster, person: MakePerson
) -> None:
    alice = await person("alice")
    _, channel_id = await make_team(alice)
    await post(alice, channel_id, "the first")
    await fill_up_to(MAX_REPLAY, channel_id, alice)
    newest = (await post(alice, channel_id, "the last"))["seq"]
    assert newest == MAX_REPLAY + 1
    for server in cluster.both:
        async with alice.socket("/ws/chat/", server) as socket:
            await join_from(socket, channel_id, newest - MAX_REPLAY - 1)
            assert await socket.receive() == {"type": "resync_required", "seq": newest, "channel_id": channel_id}
            newest = (await post(alice, channel_id, "not joined"))["seq"]
            await nothing_waits(socket)
            await join_from(socket, channel_id, newest - MAX_REPLAY)
            frames = await frames_after(socket, newest - MAX_REPLAY, MAX_REPLAY)
            assert frames[-1]["message"]["body"] == "not joined"
            newest = (await post(alice, channel_id, "live"))["seq"]
            assert (await messages(socket, 1))[0]["body"] == "live"


async def fill_up_to(seq: int, channel_id: int, someone: Person) -> None:
    """The messages from 2 to `seq`, straight into the database."""
    query, sender = someone.server.database.query, await own_id(someone)
    rows = [(channel_id, number, number, sender, f"~{number}", f"message {number}") for number in range(2, seq + 1)]
    places = ", ".join(["(%s, %s, %s, %s, %s, %s, UTC_TIMESTAMP())"] * len(rows))
    columns = "channel_id, seq, number, sender_id, client_msg_id, body, created_at"
    await query(f"INSERT INTO messages ({columns}) VALUES {places}", [value for row in rows for value in row])
    await query("UPDATE channels SET last_seq = %s, message_count = %s WHERE id = %s", [seq, seq, channel_id])


async def test_a_client_that_has_everything_gets_nothing_twice(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    _, channel_id = await make_team(alice)
    await post(alice, channel_id, "known")
    async with alice.socket("/ws/chat/", cluster.b) as socket:
        assert (await ask(socket, "join_channel", channel_id=channel_id, since_seq=1))["seq"] == 1
        await nothing_waits(socket)
        await post(alice, channel_id, "new")
        assert (await messages(socket, 1))[0]["body"] == "new"


async def test_a_client_ahead_of_the_log_is_told_to_fetch_anew(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    _, channel_id = await make_team(alice)
    await post(alice, channel_id, "one")
    async with joined(alice, channel_id, cluster.b) as witness, alice.socket("/ws/chat/", cluster.b) as socket:
        for ahead in (2, 2**63 - 1):
            await join_from(socket, channel_id, ahead)
            assert await socket.receive() == {"type": "resync_required", "seq": 1, "channel_id": channel_id}
        await socket.send({"type": "join_channel", "channel_id": channel_id, "since_seq": 2, "ref": "mine"})
        assert (await socket.receive())["ref"] == "mine"
        await post(alice, channel_id, "two")
        await messages(witness, 1)
        await nothing_waits(socket)


async def test_a_client_ahead_of_a_process_that_lags_is_not_sent_away(
    cluster: Cluster, person: MakePerson, start_server: Callable[..., Awaitable[ServerProcess]]
) -> None:
    alice = await person("alice")
    _, channel_id = await make_team(alice)
    # Without a bus it learns of the others' messages from its poll alone, every ten seconds.
    lagging = await start_server(REDIS_URL="")
    async with joined(alice, channel_id, cluster.a) as ahead, joined(alice, channel_id, lagging) as behind:
        for number in range(3):
            await post(alice, channel_id, f"message {number}")
        await frames_after(ahead, 0, 3)
        await nothing_waits(behind)
        async with alice.socket("/ws/chat/", lagging) as moved:
            assert (await ask(moved, "join_channel", channel_id=channel_id, since_seq=3))["seq"] == 3
            await frames_after(behind, 0, 3)
            await nothing_waits(moved)
            await post(alice, channel_id, "the fourth", lagging)
            for socket in (moved, behind):
                await frames_after(socket, 3, 1)


async def test_a_second_join_moves_a_socket_to_where_it_asks_to_be(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    _, channel_id = await make_team(alice)
    for body in ("one", "two"):
        await post(alice, channel_id, body)
    async with joined(alice, channel_id, cluster.b) as socket:
        await join_from(socket, channel_id, 1)
        await frames_after(socket, 1, 1)
        await post(alice, channel_id, "three")
        await frames_after(socket, 2, 1)
        await nothing_waits(socket)
