"""/ws/: every frame of the four sockets on one connection; and that each of the four takes its own frames alone."""

import asyncio

import pytest

from tests.conftest import Cluster, Socket
from tests.sockets.scenes import Json, MakePerson, ask, make_team, nothing_waits, post

OWN_FRAMES = {
    "/ws/chat/": {"join_channel", "leave_channel", "send_message", "typing"},
    "/ws/activity/": {"subscribe", "unsubscribe"},
    "/ws/presence/": {"heartbeat"},
    "/ws/notifications/": {"subscribe", "unsubscribe"},
}
OWN_FRAMES["/ws/"] = set().union(*OWN_FRAMES.values())


async def by_type(socket: Socket, types: set[str], seconds: float = 5) -> dict[str, Json]:
    """Frames until each of the types has come."""
    found: dict[str, Json] = {}
    async with asyncio.timeout(seconds):
        while not types <= found.keys():
            frame = await socket.receive(seconds)
            found[frame["type"]] = frame
    return found


async def test_one_connection_carries_chat_activity_presence_and_notifications(cluster: Cluster, person: MakePerson) -> None:
    alice, bob = await person("alice"), await person("bob")
    workspace_id, channel_id = await make_team(alice, bob)
    async with alice.socket("/ws/", cluster.a) as hers, bob.socket("/ws/", cluster.b) as his:
        for socket in (hers, his):
            await ask(socket, "join_channel", channel_id=channel_id)
            assert (await ask(socket, "subscribe", workspace_id=workspace_id))["workspace_id"] == workspace_id
            assert "workspace_id" not in await ask(socket, "subscribe")
        await hers.send({"type": "typing", "channel_id": channel_id})
        await hers.send({"type": "send_message", "channel_id": channel_id, "body": f"Hello @{bob.username}"})
        await hers.send({"type": "heartbeat", "status": "idle"})
        shown = await by_type(his, {"typing", "new_message", "activity_update", "notification"})
        assert shown["new_message"]["message"]["body"] == f"Hello @{bob.username}"
        assert shown["activity_update"]["activity"]["type"] == "message_sent"
        assert shown["notification"]["notification"]["message_id"] == shown["new_message"]["message"]["id"]
        async with asyncio.timeout(5):
            while (frame := await his.expect("presence_update"))["user_email"] != alice.email or frame["status"] != "idle":
                pass


async def test_unsubscribing_from_activity_and_from_notifications_are_two_things(cluster: Cluster, person: MakePerson) -> None:
    alice, bob = await person("alice"), await person("bob")
    workspace_id, channel_id = await make_team(alice, bob)
    async with bob.socket("/ws/", cluster.b) as his:
        await ask(his, "subscribe", workspace_id=workspace_id)
        await ask(his, "subscribe")
        await ask(his, "unsubscribe", workspace_id=workspace_id)
        await post(alice, channel_id, f"@{bob.username}")
        assert await _next_but_presence(his) == "notification"
        await ask(his, "subscribe", workspace_id=workspace_id)
        await ask(his, "unsubscribe")
        await post(alice, channel_id, f"@{bob.username}")
        assert await _next_but_presence(his) == "activity_update"


async def _next_but_presence(socket: Socket) -> str:
    while (frame := await socket.receive())["type"] == "presence_update":
        pass
    return str(frame["type"])


@pytest.mark.parametrize("path", OWN_FRAMES)
async def test_each_socket_takes_its_own_frames_alone_and_says_which_they_are(
    path: str, cluster: Cluster, person: MakePerson
) -> None:
    alice = await person("alice")
    workspace_id, channel_id = await make_team(alice)
    fields = {"channel_id": channel_id, "workspace_id": workspace_id, "body": "x", "status": "online"}
    async with alice.socket(path, cluster.a) as socket:
        for type_ in sorted(OWN_FRAMES["/ws/"]):
            if type_ in OWN_FRAMES[path]:
                if type_ == "typing":
                    await ask(socket, "join_channel", channel_id=channel_id)
                await ask(socket, type_, **fields)
            else:
                await socket.send({"type": type_, **fields, "ref": type_})
                while (answer := await socket.receive()).get("ref") != type_:
                    pass
                assert answer["code"] == "bad_input"
                assert answer["message"] == f"type must be one of {', '.join(sorted(OWN_FRAMES[path]))}"


@pytest.mark.parametrize("path", OWN_FRAMES)
async def test_a_path_works_with_and_without_its_final_slash(path: str, cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    for form in (path, path.rstrip("/")):
        async with alice.socket(form, cluster.b) as socket:
            await nothing_waits(socket)


async def test_an_everything_socket_without_subscriptions_is_sent_presence_alone(cluster: Cluster, person: MakePerson) -> None:
    alice, bob = await person("alice"), await person("bob")
    workspace_id, channel_id = await make_team(alice, bob)
    async with bob.socket("/ws/", cluster.b) as silent, bob.socket("/ws/", cluster.b) as witness:
        await ask(witness, "join_channel", channel_id=channel_id)
        await ask(witness, "subscribe", workspace_id=workspace_id)
        await ask(witness, "subscribe")
        await post(alice, channel_id, f"@{bob.username}")
        await by_type(witness, {"new_message", "activity_update", "notification"})
        await silent.send({"type": "nothing", "ref": "end"})
        before = []
        while (frame := await silent.receive()).get("ref") != "end":
            before.append(frame["type"])
        assert set(before) <= {"presence_update"}
