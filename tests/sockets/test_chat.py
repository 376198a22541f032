"""/ws/chat/: messages, edits, deletions and typing, across two processes."""

import asyncio
from typing import Any

from tests.conftest import Cluster
from tests.sockets.scenes import (
    MakePerson,
    add_member,
    ask,
    call,
    joined,
    make_channel,
    make_team,
    make_workspace,
    messages,
    nothing_waits,
    own_id,
    post,
    refusal,
)

NO_ID = 2**63 - 1


async def test_a_message_sent_on_one_process_arrives_on_the_other_with_the_documented_fields(
    cluster: Cluster, person: MakePerson
) -> None:
    alice, bob = await person("alice"), await person("bob")
    _, channel_id = await make_team(alice, bob)
    async with joined(alice, channel_id, cluster.a) as hers, joined(bob, channel_id, cluster.b) as his:
        await hers.send({"type": "send_message", "channel_id": channel_id, "body": "Hello everyone!"})
        frames = [await hers.receive(), await his.receive()]
    assert frames[0] == frames[1], "the sender gets what everybody gets"
    frame = frames[0]
    assert (frame["type"], frame["channel_id"], frame["seq"]) == ("new_message", channel_id, 1)
    message = frame["message"]
    assert (message["sender_email"], message["sender_name"], message["body"]) == (alice.email, "Alice Example", "Hello everyone!")
    assert (message["channel_id"], message["seq"]) == (channel_id, 1)
    page = await call(bob.http, "GET", f"/api/messages/?channel_id={channel_id}")
    assert page["data"] == [message], "a socket shows a message as HTTP does"


async def test_messages_travel_both_ways_between_http_and_sockets(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    _, channel_id = await make_team(alice)
    async with joined(alice, channel_id, cluster.a) as on_a, joined(alice, channel_id, cluster.b) as on_b:
        sent = [
            (await post(alice, channel_id, "from HTTP on a", cluster.a))["message_id"],
            (await post(alice, channel_id, "from HTTP on b", cluster.b))["message_id"],
            (await ask(on_a, "send_message", channel_id=channel_id, body="from a socket on a"))["message_id"],
        ]
        # On a, the ask has read all three.
        assert [message["id"] for message in await messages(on_b, 3)] == sent
    page = await call(alice.http, "GET", f"/api/messages/?channel_id={channel_id}")
    assert [message["id"] for message in page["data"]] == sent


async def test_an_acknowledged_message_is_in_the_database(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    _, channel_id = await make_team(alice)
    async with alice.socket("/ws/chat/", cluster.b) as socket:
        ack = await ask(socket, "send_message", channel_id=channel_id, body="kept")
    rows = await cluster.b.database.query("SELECT id, seq, body FROM messages WHERE channel_id = %s", [channel_id])
    assert rows == [{"id": ack["message_id"], "seq": ack["seq"], "body": "kept"}]
    shown = (await call(alice.http, "GET", f"/api/messages/{ack['message_id']}/"))["data"]
    assert ack["created_at"] == shown["created_at"]


async def test_a_send_repeated_with_its_client_msg_id_on_the_other_process_is_one_message(
    cluster: Cluster, person: MakePerson
) -> None:
    alice = await person("alice")
    _, channel_id = await make_team(alice)
    fields: dict[str, Any] = {"channel_id": channel_id, "body": "once", "client_msg_id": "a-1"}
    async with joined(alice, channel_id, cluster.a) as listener:
        async with alice.socket("/ws/chat/", cluster.a) as first, alice.socket("/ws/chat/", cluster.b) as second:
            acks = await asyncio.gather(*(ask(socket, "send_message", **fields) for socket in (first, second)))
            acks.append(await ask(second, "send_message", **fields))
        assert len({(ack["message_id"], ack["seq"]) for ack in acks}) == 1
        await post(alice, channel_id, "another")
        shown = await messages(listener, 2)
    assert [(message["body"], message["client_msg_id"]) for message in shown] == [("once", "a-1"), ("another", None)]
    assert [message["seq"] for message in shown] == [1, 2]


async def test_edits_and_deletions_arrive_in_the_same_order_as_messages(cluster: Cluster, person: MakePerson) -> None:
    alice, bob = await person("alice"), await person("bob")
    _, channel_id = await make_team(alice, bob)
    async with joined(bob, channel_id, cluster.b) as his:
        first = (await post(alice, channel_id, "Helo"))["message_id"]
        await call(alice.http, "PATCH", f"/api/messages/{first}/", body="Hello")
        second = (await post(alice, channel_id, "a secret"))["message_id"]
        await call(alice.http, "DELETE", f"/api/messages/{second}/")
        frames = [await his.receive() for _ in range(4)]
        await nothing_waits(his)
    assert [(frame["type"], frame["seq"], frame["message"]["id"]) for frame in frames] == [
        ("new_message", 1, first),
        ("message_updated", 2, first),
        ("new_message", 3, second),
        ("message_deleted", 4, second),
    ]
    assert [frame["message"]["body"] for frame in frames] == ["Helo", "Hello", "a secret", ""]
    assert frames[1]["message"]["edited_at"] and frames[3]["message"]["deleted_at"]
    assert frames[1]["message"]["seq"] == 1, "an edited message keeps its place"


async def test_leaving_a_channel_on_a_socket_ends_its_events_there_and_nowhere_else(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    workspace_id, channel_id = await make_team(alice)
    async with joined(alice, channel_id, cluster.b) as leaver, joined(alice, channel_id, cluster.b) as stayer:
        await post(alice, channel_id, "before")
        assert (await leaver.receive())["message"]["body"] == "before"
        await ask(leaver, "leave_channel", channel_id=channel_id)
        await post(alice, channel_id, "after")
        assert [message["body"] for message in await messages(stayer, 2)] == ["before", "after"]
        await nothing_waits(leaver)
    listed = await call(alice.http, "GET", f"/api/channels/?workspace_id={workspace_id}")
    assert listed["data"][0]["is_member"] == 1, "membership is left over HTTP alone"


async def test_joining_twice_does_not_double_what_arrives(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    _, channel_id = await make_team(alice)
    async with joined(alice, channel_id, cluster.b) as socket:
        await ask(socket, "join_channel", channel_id=channel_id)
        await post(alice, channel_id, "one")
        await post(alice, channel_id, "two")
        assert [message["body"] for message in await messages(socket, 2)] == ["one", "two"]
        await nothing_waits(socket)


async def test_one_socket_follows_several_channels_each_with_its_own_seq(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    workspace_id, general = await make_team(alice)
    other = await make_channel(alice, workspace_id, "random")
    async with joined(alice, general, cluster.b) as socket:
        await ask(socket, "join_channel", channel_id=other)
        for channel_id in (general, other, general):
            await post(alice, channel_id, "x")
        shown = await messages(socket, 3)
    by_channel = {id_: [message["seq"] for message in shown if message["channel_id"] == id_] for id_ in (general, other)}
    assert by_channel == {general: [1, 2], other: [1]}


async def test_typing_reaches_the_others_and_is_part_of_no_log(cluster: Cluster, person: MakePerson) -> None:
    alice, bob = await person("alice"), await person("bob")
    _, channel_id = await make_team(alice, bob)
    async with (
        joined(alice, channel_id, cluster.a) as hers,
        joined(alice, channel_id, cluster.b) as her_phone,
        joined(bob, channel_id, cluster.b) as his,
        joined(bob, channel_id, cluster.a) as his_laptop,
    ):
        await ask(hers, "typing", channel_id=channel_id)
        shown = await his.receive()
        assert shown == {"type": "typing", "channel_id": channel_id, "user_email": alice.email, "username": alice.username}
        assert await his_laptop.receive() == shown
        for socket in (hers, her_phone, his, his_laptop):
            await nothing_waits(socket)
        sent = await post(alice, channel_id, "typed")
        assert sent["seq"] == 1, "typing takes no number"
        assert (await messages(his, 1))[0]["body"] == "typed"
        await ask(his, "leave_channel", channel_id=channel_id)
        assert await refusal(his, "typing", channel_id=channel_id) == "forbidden", "only in a channel joined on this socket"


async def test_a_channel_of_others_is_answered_like_one_that_does_not_exist(cluster: Cluster, person: MakePerson) -> None:
    alice, bob, stranger = await person("alice"), await person("bob"), await person("stranger")
    workspace_id, general = await make_team(alice, bob)
    private = await make_channel(alice, workspace_id, "secret", private=True)
    async with joined(alice, general, cluster.b) as hers:
        await ask(hers, "join_channel", channel_id=private)  # it could be joined, by its member
    for someone, channel_id in ((bob, private), (stranger, private), (stranger, general)):
        async with someone.socket("/ws/chat/", cluster.b) as socket:
            answers = []
            for id_ in (channel_id, NO_ID):
                for frame in ({"type": "join_channel"}, {"type": "send_message", "body": "let me in"}):
                    await socket.send({**frame, "channel_id": id_})
                    answers.append(await socket.receive())
            assert answers[:2] == answers[2:]
            assert {answer["code"] for answer in answers} == {"not_found"}
            await post(alice, channel_id, "not for everybody")
            await nothing_waits(socket)
    kept = await cluster.a.database.query("SELECT body FROM messages WHERE channel_id IN (%s, %s)", [private, general])
    assert {row["body"] for row in kept} == {"not for everybody"}


async def test_a_guest_joins_the_channels_they_were_added_to_and_no_other(cluster: Cluster, person: MakePerson) -> None:
    alice, guest = await person("alice"), await person("guest")
    workspace_id = await make_workspace(alice)
    public = await make_channel(alice, workspace_id, "public")
    await add_member(alice, workspace_id, guest, "guest")
    theirs = await make_channel(alice, workspace_id, "theirs", guest)
    async with guest.socket("/ws/chat/", cluster.b) as socket:
        assert await refusal(socket, "join_channel", channel_id=public) == "not_found"
        await ask(socket, "join_channel", channel_id=theirs)
        await post(alice, public, "for members")
        await post(alice, theirs, "for the guest")
        assert [message["body"] for message in await messages(socket, 1)] == ["for the guest"]


async def test_an_archived_channel_can_be_read_and_not_written(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    _, channel_id = await make_team(alice)
    await post(alice, channel_id, "the last word")
    await call(alice.http, "POST", f"/api/channels/{channel_id}/archive/")
    async with alice.socket("/ws/chat/", cluster.b) as socket:
        await socket.send({"type": "join_channel", "channel_id": channel_id, "since_seq": 0})
        assert (await messages(socket, 1))[0]["body"] == "the last word"
        assert await refusal(socket, "send_message", channel_id=channel_id, body="one more") == "forbidden"
        await call(alice.http, "POST", f"/api/channels/{channel_id}/unarchive/")
        await ask(socket, "send_message", channel_id=channel_id, body="one more")


async def test_a_member_added_to_a_private_channel_can_join_it_at_once_on_any_process(
    cluster: Cluster, person: MakePerson
) -> None:
    alice, bob = await person("alice"), await person("bob")
    workspace_id = await make_workspace(alice, bob)
    channel_id = await make_channel(alice, workspace_id, "secret", private=True)
    async with bob.socket("/ws/chat/", cluster.b) as his:
        assert await refusal(his, "join_channel", channel_id=channel_id) == "not_found"
        await call(alice.http, "POST", f"/api/channels/{channel_id}/members/", user_id=await own_id(bob))
        await ask(his, "join_channel", channel_id=channel_id)
        await post(alice, channel_id, "welcome")
        assert (await messages(his, 1))[0]["body"] == "welcome"
