"""Every socket of every process gets every event of a channel, in order and once."""

import asyncio
import itertools

from tests.conftest import Cluster, Socket
from tests.sockets.scenes import Json, MakePerson, ask, call, make_team, many_sockets, nothing_waits

SOCKETS_A_PERSON, MESSAGES = 10, 200


async def test_fifty_sockets_on_two_processes_get_two_hundred_messages_each_once_and_in_order(
    cluster: Cluster, person: MakePerson
) -> None:
    people = [await person(name) for name in ("alice", "bob", "carol", "dave", "erin")]
    _, channel_id = await make_team(*people)
    places = [(who, server) for who in people for server in cluster.both for _ in range(SOCKETS_A_PERSON // 2)]
    async with many_sockets(places) as listeners, many_sockets(places[:2]) as writers:
        assert len(listeners) == 50
        await asyncio.gather(*(ask(listener, "join_channel", channel_id=channel_id) for listener in listeners))
        numbers = itertools.count(1)
        clients = [who.on(server) for who in people[1:] for server in cluster.both]

        async def write_over_http(index: int) -> None:
            for number in itertools.takewhile(lambda number: number <= MESSAGES, numbers):
                await call(clients[index], "POST", "/api/messages/", channel_id=channel_id, body=f"message {number}")

        async def write_over_a_socket(socket: Socket) -> None:
            for number in itertools.takewhile(lambda number: number <= MESSAGES, numbers):
                await ask(socket, "send_message", channel_id=channel_id, body=f"message {number}")

        *received, _ = await asyncio.gather(
            *(_take(listener) for listener in listeners),
            asyncio.gather(*(write_over_http(i) for i in range(len(clients))), *(write_over_a_socket(w) for w in writers)),
        )
        for listener in listeners:
            await nothing_waits(listener)
    assert [frame["seq"] for frame in received[0]] == list(range(1, MESSAGES + 1))
    assert {frame["message"]["body"] for frame in received[0]} == {f"message {n}" for n in range(1, MESSAGES + 1)}
    assert all(frames == received[0] for frames in received), "everybody saw the same"


async def _take(listener: Socket) -> list[Json]:
    frames = [await listener.receive(20) for _ in range(MESSAGES)]
    assert {frame["type"] for frame in frames} == {"new_message"}
    return frames
