"""What ends while something of it is under way stays ended; what is resumed at once is neither too much nor forgotten."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.conftest import Person


async def _pair(person: Callable[..., Awaitable[Person]]) -> tuple[Person, Person, int, int]:
    """An owner and a member in a private channel; the channel's and the member's ids."""
    owner, member = await person("owner"), await person("member")
    workspace = (await owner.http.post("/api/workspaces/", json={"name": "Races"})).json()["workspace_id"]
    await owner.http.post(f"/api/workspaces/{workspace}/members/", json={"email": member.email})
    made = await owner.http.post("/api/channels/", json={"workspace_id": workspace, "name": "secret", "is_private": True})
    member_id = (await member.http.get("/api/me/")).json()["data"]["id"]
    return owner, member, made.json()["channel_id"], member_id


async def test_who_is_removed_while_sending_stays_removed(person: Callable[..., Awaitable[Person]]) -> None:
    owner, member, channel, member_id = await _pair(person)
    ended = asyncio.Event()
    statuses: list[int] = []

    async def send() -> None:
        while not ended.is_set():
            answer = await member.http.post("/api/messages/", json={"channel_id": channel, "body": "still here"})
            statuses.append(answer.status_code)

    senders = [asyncio.create_task(send()) for _ in range(3)]
    for _ in range(10):
        added = await owner.http.post(f"/api/channels/{channel}/members/", json={"user_id": member_id})
        assert added.status_code == 201
        await asyncio.sleep(0.03)
        removed = await owner.http.delete(f"/api/channels/{channel}/members/{member_id}/")
        assert removed.status_code == 200
        await asyncio.sleep(0.03)
        assert (await member.http.get(f"/api/channels/{channel}/")).status_code == 404
    ended.set()
    await asyncio.gather(*senders)
    assert set(statuses) == {201, 404}


async def test_a_resume_over_large_messages_is_no_flood(person: Callable[..., Awaitable[Person]]) -> None:
    owner, _, channel, _ = await _pair(person)
    sent = 120
    for _ in range(sent):
        assert (await owner.http.post("/api/messages/", json={"channel_id": channel, "body": "é" * 16_000})).status_code == 201
    async with owner.socket("/ws/chat/") as socket:
        await socket.send({"type": "join_channel", "channel_id": channel, "since_seq": 0, "ref": "all"})
        await asyncio.sleep(1)  # it reads late, as over a long line
        seqs = [(await socket.receive())["seq"] for _ in range(sent)]
        assert seqs == list(range(1, sent + 1))
        assert (await socket.expect("ack"))["seq"] == sent


async def test_an_open_socket_writes_under_the_new_name(person: Callable[..., Awaitable[Person]]) -> None:
    owner, _, channel, _ = await _pair(person)
    async with owner.socket("/ws/chat/") as socket:
        await socket.send({"type": "join_channel", "channel_id": channel, "ref": 1})
        await socket.expect("ack")
        renamed = await owner.http.patch("/api/me/", json={"full_name": "Another Name"})
        assert renamed.json()["data"]["full_name"] == "Another Name"
        await socket.send({"type": "send_message", "channel_id": channel, "body": "who am I?"})
        assert (await socket.expect("new_message"))["message"]["sender_name"] == "Another Name"
