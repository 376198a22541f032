"""/ws/notifications/: a user's own log: what concerns them, and what they have read on their other devices."""

import pytest

from tests.conftest import Cluster, Person, Socket
from tests.servers import MailServer
from tests.sockets.scenes import (
    Json,
    MakePerson,
    add_member,
    ask,
    call,
    make_channel,
    make_team,
    make_workspace,
    nothing_waits,
    own_id,
    post,
    second_device,
    subscribed,
)

NOTIFICATIONS = "/ws/notifications/"
Devices = tuple[Person, Person, Person]


async def notification(socket: Socket) -> Json:
    """The record in the next frame."""
    frame = await socket.receive()
    assert frame["type"] == "notification" and frame["message"] == frame["notification"]["message"], frame
    assert frame["seq"] == frame["notification"]["seq"]
    return dict(frame["notification"])


async def test_a_mention_on_one_process_is_shown_on_the_other_with_the_documented_fields(
    cluster: Cluster, person: MakePerson
) -> None:
    alice, bob = await person("alice"), await person("bob")
    workspace_id, channel_id = await make_team(alice, bob)
    async with subscribed(bob, cluster.b) as his:
        sent = await post(alice, channel_id, f"Hello @{bob.username.upper()}, and welcome")
        record = await notification(his)
    assert record["message"] == "Alice mentioned you in #general"
    assert (record["kind"], record["actor_email"], record["read_at"]) == ("mention", alice.email, None)
    assert (record["workspace_id"], record["channel_id"], record["message_id"]) == (workspace_id, channel_id, sent["message_id"])
    assert record["created_at"] == sent["created_at"]
    listed = (await call(bob.http, "GET", "/api/notifications/?unread=1"))["data"]
    assert listed[0] == record, "a socket shows a notification as HTTP does"


async def test_being_added_to_a_workspace_and_to_a_channel_is_shown(cluster: Cluster, person: MakePerson) -> None:
    alice, bob = await person("alice"), await person("bob")
    async with subscribed(bob, cluster.b) as his:
        workspace_id = await make_workspace(alice, bob)
        added = await notification(his)
        channel_id = await make_channel(alice, workspace_id, "secret", bob, private=True)
        to_channel = await notification(his)
    assert (added["kind"], added["workspace_id"], added["channel_id"]) == ("workspace_added", workspace_id, None)
    assert added["message"] == "Alice added you to a workspace"
    assert (to_channel["kind"], to_channel["channel_id"]) == ("channel_added", channel_id)
    assert to_channel["message"] == "Alice added you to #secret"
    assert to_channel["seq"] == added["seq"] + 1


async def test_at_channel_calls_every_member_and_at_here_those_who_are_online(cluster: Cluster, person: MakePerson) -> None:
    alice, bob, carol = await person("alice"), await person("bob"), await person("carol")
    _, channel_id = await make_team(alice, bob, carol)
    async with subscribed(alice, cluster.a) as hers, subscribed(bob, cluster.b) as his:
        await post(alice, channel_id, "@channel lunch?")
        assert (await notification(his))["kind"] == "mention"
        with_presence = await call(alice.http, "GET", "/api/notifications/")
        assert with_presence["data"] == [], "nobody is told of their own message"
        rows = "SELECT COUNT(*) AS count FROM presence WHERE user_id = %s"
        while not (await cluster.a.database.query(rows, [await own_id(bob)]))[0]["count"]:
            await ask(his, "subscribe")
        await post(alice, channel_id, "@here now?")
        assert (await notification(his))["kind"] == "mention"
        await nothing_waits(hers)
    kinds = [record["kind"] for record in (await call(carol.http, "GET", "/api/notifications/"))["data"]]
    assert kinds == ["mention", "workspace_added"], "@channel called her too; @here did not, for she was away"


async def test_a_mention_of_somebody_who_cannot_see_the_channel_tells_them_nothing(cluster: Cluster, person: MakePerson) -> None:
    alice, bob, stranger = await person("alice"), await person("bob"), await person("stranger")
    workspace_id, general = await make_team(alice, bob)
    private = await make_channel(alice, workspace_id, "secret", private=True)
    async with subscribed(bob, cluster.b) as his, subscribed(stranger, cluster.b) as theirs:
        await post(alice, private, f"@{bob.username} @{stranger.username} @channel @here")
        await post(alice, general, f"@{bob.username} @{stranger.username}")
        assert (await notification(his))["channel_id"] == general
        await nothing_waits(his)
        await nothing_waits(theirs)


async def test_nothing_comes_before_subscribing_nor_after_unsubscribing(cluster: Cluster, person: MakePerson) -> None:
    alice, bob = await person("alice"), await person("bob")
    _, channel_id = await make_team(alice, bob)
    async with subscribed(bob, cluster.b) as witness, bob.socket(NOTIFICATIONS, cluster.b) as socket:

        async def mention() -> None:
            await post(alice, channel_id, f"@{bob.username}")
            await notification(witness)

        await mention()
        await nothing_waits(socket)
        await ask(socket, "subscribe")
        await mention()
        await notification(socket)
        await ask(socket, "unsubscribe")
        await mention()
        await nothing_waits(socket)


@pytest.fixture
async def bobs_phone(cluster: Cluster, mail: MailServer, person: MakePerson) -> Devices:
    """(alice, bob, bob again on a second device)"""
    alice, bob = await person("alice"), await person("bob")
    return alice, bob, await second_device(bob, mail, cluster.b)


async def test_a_notification_read_on_one_device_is_read_on_the_others(cluster: Cluster, bobs_phone: Devices) -> None:
    alice, bob, phone = bobs_phone
    _, channel_id = await make_team(alice, bob)
    async with subscribed(bob, cluster.a) as laptop_socket, subscribed(phone, cluster.b) as phone_socket:
        for _ in range(2):
            await post(alice, channel_id, f"@{bob.username}")
        records = [await notification(phone_socket) for _ in range(2)]
        assert [await notification(laptop_socket) for _ in range(2)] == records
        await call(phone.http, "POST", f"/api/notifications/{records[0]['id']}/read/")
        one = await laptop_socket.receive()
        assert one == await phone_socket.receive()
        # What stays unread: the second mention, and having been added to the workspace.
        read_one = {"notification_id": records[0]["id"], "unread_count": 2, "seq": records[1]["seq"] + 1}
        assert one == {"type": "notifications_read", **read_one}
        await call(bob.http, "POST", "/api/notifications/read/")
        everything = {"type": "notifications_read", "notification_id": None, "unread_count": 0, "seq": records[1]["seq"] + 2}
        assert await phone_socket.receive() == everything
        assert await laptop_socket.receive() == everything
    for device in (bob, phone):
        assert (await call(device.http, "GET", "/api/notifications/?unread=1"))["data"] == []


async def test_a_channel_read_on_one_device_is_read_on_the_others(cluster: Cluster, bobs_phone: Devices) -> None:
    alice, bob, phone = bobs_phone
    _, channel_id = await make_team(alice, bob)
    for body in ("one", f"two @{bob.username}", "three"):
        await post(alice, channel_id, body)
    async with subscribed(bob, cluster.a) as laptop_socket, subscribed(phone, cluster.b) as phone_socket:
        counts = []
        for seq in (1, 2, 1, None):
            marked = await call(phone.http, "POST", f"/api/channels/{channel_id}/read/", **({"seq": seq} if seq else {}))
            frame = await laptop_socket.receive()
            assert frame == await phone_socket.receive()
            assert frame["type"] == "channel_read" and frame.items() >= marked["data"].items()
            counts.append((frame["read_seq"], frame["unread_count"], frame["mention_count"]))
    assert counts == [(1, 2, 1), (2, 1, 0), (2, 1, 0), (3, 0, 0)], "a late report does not unread anything"
    assert (await call(bob.http, "GET", "/api/unread/"))["data"]["channels"] == []


async def test_notifications_and_read_marks_that_were_missed_are_replayed_as_they_are_now(
    cluster: Cluster, person: MakePerson
) -> None:
    alice, bob = await person("alice"), await person("bob")
    _, channel_id = await make_team(alice, bob)  # seq 1: added to the workspace
    await post(alice, channel_id, f"@{bob.username} one")
    await call(bob.http, "POST", f"/api/channels/{channel_id}/read/")
    await post(alice, channel_id, f"@{bob.username} two")
    async with bob.socket(NOTIFICATIONS, cluster.b) as socket:
        await socket.send({"type": "subscribe", "since_seq": 1})
        frames = [await socket.receive() for _ in range(3)]
        assert [(frame["type"], frame["seq"]) for frame in frames] == [
            ("notification", 2),
            ("channel_read", 3),
            ("notification", 4),
        ]
        assert frames[0]["notification"]["read_at"] and not frames[2]["notification"]["read_at"]
        assert frames[1]["unread_count"] == 1, "as it is now"
        await post(alice, channel_id, f"@{bob.username} live")
        assert (await notification(socket))["seq"] == 5
    async with bob.socket(NOTIFICATIONS, cluster.b) as socket:
        await socket.send({"type": "subscribe", "since_seq": 6})
        assert await socket.receive() == {"type": "resync_required", "seq": 5}


async def test_each_user_gets_their_own_notifications_alone(cluster: Cluster, person: MakePerson) -> None:
    alice, bob, carol = await person("alice"), await person("bob"), await person("carol")
    workspace_id, channel_id = await make_team(alice, bob)
    async with subscribed(bob, cluster.b) as his, subscribed(carol, cluster.b) as hers:
        await add_member(alice, workspace_id, carol)
        assert (await notification(hers))["kind"] == "workspace_added"
        await nothing_waits(his)
        await post(alice, channel_id, f"@{bob.username}")
        assert (await notification(his))["kind"] == "mention"
        await nothing_waits(hers)
