"""Notifications: who is called by a mention or an addition, and what becomes of it when it is read."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.api import Caller, SignUp, signing_up
from tests.conftest import Cluster, Person
from tests.servers import MailServer


@pytest.fixture
def sign_up(person: Callable[..., Awaitable[Person]], cluster: Cluster) -> SignUp:
    return signing_up(person, cluster)


async def mentions(caller: Caller) -> list[int]:
    """The ids of the messages that called somebody."""
    return [n["message_id"] for n in await caller.get("/api/notifications/", limit=200) if n["kind"] == "mention"]


async def test_being_added_and_being_mentioned_is_told_with_all_that_a_client_shows(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice", "Alice Example"), await sign_up("bob")
    workspace = await alice.workspace("Team", {"member": bob})
    await alice.channel(workspace, "general")
    channel = await alice.channel(workspace, "random", [bob])
    message = (await alice.say(channel, f"Hello @{bob.username}!"))["message_id"]
    expected = [
        ("mention", "Alice mentioned you in #random", channel, message),
        ("channel_added", "Alice added you to #random", channel, None),
        ("workspace_added", "Alice added you to a workspace", None, None),
    ]
    listed, more = await bob.page("/api/notifications/")
    assert not more
    for number, (notification, (kind, line, where, what)) in enumerate(zip(listed, expected, strict=True)):
        assert notification == {
            "id": notification["id"],
            "seq": len(expected) - number,
            "kind": kind,
            "message": line,
            "actor_email": alice.email,
            "workspace_id": workspace,
            "channel_id": where,
            "message_id": what,
            "created_at": notification["created_at"],
            "read_at": None,
        }
    assert await alice.page("/api/notifications/") == ([], False)


async def test_a_mention_is_a_username_in_any_case_and_no_part_of_a_word_or_an_address(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob.o-k")
    channel = await alice.channel(await alice.workspace("Team", {"member": bob}))
    name = bob.username
    calling = [
        f"@{name}",
        f"@{name.upper()}",
        f"Hello @{name}.",
        f"(@{name})",
        f"@{name}, @{name}?",
        f"«@{name}»",
        f"こんにちは@{name}さん",
        f"line\n@{name}\nline",
        f"@{name}'s",
        f"@{name}... or @{name}-",
    ]
    silent = [name, f"{bob.email}", f"x@{name}", f"@{name}x", f"@x{name}", f"@ {name}", f"@{name[:-1]}", f"@@{name}x", "@nobody"]
    expected = [(await alice.say(channel, text))["message_id"] for text in calling]
    for text in silent:
        await alice.say(channel, text)
    assert await mentions(bob) == expected[::-1]


async def test_nobody_calls_themselves_or_somebody_twice_with_one_message(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    channel = await alice.channel(await alice.workspace("Team", {"member": bob}))
    message = (await alice.say(channel, f"@{alice.username} @{bob.username} @{bob.username} @channel @here"))["message_id"]
    assert await mentions(alice) == []
    assert await mentions(bob) == [message]


async def test_a_retry_calls_nobody_again(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    channel = await alice.channel(await alice.workspace("Team", {"member": bob}))
    sends = [alice.say(channel, f"@{bob.username}", client_msg_id="once") for _ in range(10)]
    assert {answer["message_id"] for answer in await asyncio.gather(*sends)} == set(await mentions(bob))
    assert len(await mentions(bob)) == 1


async def test_channel_calls_everybody_who_is_in(sign_up: SignUp) -> None:
    alice, bob, gus, outside = [await sign_up(name) for name in ("alice", "bob", "gus", "outside")]
    workspace = await alice.workspace("Team", {"member": [bob, outside], "guest": gus})
    await alice.channel(workspace, "general")
    channel = await alice.channel(workspace, "random", [bob, gus])
    message = (await alice.say(channel, "Dear @channel"))["message_id"]
    assert [await mentions(caller) for caller in (alice, bob, gus, outside)] == [[], [message], [message], []]


async def test_here_calls_those_who_are_online(sign_up: SignUp) -> None:
    alice, bob, away = await sign_up("alice"), await sign_up("bob"), await sign_up("away")
    workspace = await alice.workspace("Team", {"member": [bob, away]})
    channel = await alice.channel(workspace)
    async with bob.person.socket("/ws/presence/") as socket:
        await socket.send({"type": "heartbeat", "status": "online"})
        async with asyncio.timeout(10):
            while not await alice.get(f"/api/workspaces/{workspace}/presence/"):
                await asyncio.sleep(0.1)
        message = (await alice.say(channel, "Anybody @here?"))["message_id"]
    assert [await mentions(caller) for caller in (bob, away)] == [[message], []]


async def test_nobody_is_called_to_where_they_cannot_go(sign_up: SignUp) -> None:
    alice, bob, gus, stranger = [await sign_up(name) for name in ("alice", "bob", "gus", "stranger")]
    workspace = await alice.workspace("Team", {"member": bob, "guest": gus})
    general = await alice.channel(workspace, "general")
    random = await alice.channel(workspace, "random")
    secret = await alice.channel(workspace, "secret", is_private=True)
    everybody = " ".join(f"@{caller.username}" for caller in (bob, gus, stranger))
    called = {channel: (await alice.say(channel, everybody))["message_id"] for channel in (general, random, secret)}
    # A member is called into a public channel that they have not joined.
    assert await mentions(bob) == [called[random], called[general]]
    assert await mentions(gus) == await mentions(stranger) == []


async def test_notifications_are_read_one_by_one_or_all_at_once(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    channel = await alice.channel(await alice.workspace("Team", {"member": bob}))
    for _ in range(3):
        await alice.say(channel, f"@{bob.username}")
    ids = [notification["id"] for notification in await bob.get("/api/notifications/")]
    assert len(ids) == 4
    path = f"/api/notifications/{ids[1]}/read/"
    assert await alice.refusal(404, "POST", path) == "There is no such notification"
    assert (await bob.post(path))["message"] == "Notification read"
    first = await bob.get("/api/notifications/")
    assert [n["id"] for n in first if n["read_at"] is not None] == [ids[1]]
    assert (await bob.post(path))["message"] == "Notification read"
    assert await bob.get("/api/notifications/") == first
    assert [n["id"] for n in await bob.get("/api/notifications/", unread=1)] == [ids[0], *ids[2:]]
    assert (await bob.get("/api/unread/"))["notifications"] == 3
    assert (await bob.post("/api/notifications/read/"))["message"] == "All notifications read"
    assert await bob.page("/api/notifications/", unread=1) == ([], False)
    assert [n["id"] for n in await bob.get("/api/notifications/")] == ids
    assert (await bob.get("/api/unread/"))["notifications"] == 0


async def test_notifications_go_back_by_pages(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    channel = await alice.channel(await alice.workspace("Team", {"member": bob}))
    for _ in range(11):
        await alice.say(channel, f"@{bob.username} @channel")
    everything = await bob.get("/api/notifications/")
    for read in (2, 5):
        await bob.post(f"/api/notifications/{everything[read]['id']}/read/")
    for query, expected in (({}, everything), ({"unread": 1}, [n for k, n in enumerate(everything) if k not in (2, 5)])):
        found, more = await bob.page("/api/notifications/", limit=4, **query)
        while more:
            page, more = await bob.page("/api/notifications/", limit=4, before_id=found[-1]["id"], **query)
            found += page
        assert [n["id"] for n in found] == [n["id"] for n in expected]
    own = everything[0]["id"]
    for caller, before in ((alice, own), (bob, 2**40)):
        message = await caller.refusal(404, "GET", "/api/notifications/", before_id=before)
        assert message == "before_id is not one of your notifications"


async def test_a_notification_arrives_live_and_its_reading_is_told_to_the_other_devices(
    sign_up: SignUp, cluster: Cluster, mail: MailServer
) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace = await alice.workspace("Team", {"member": bob})
    channel = await alice.channel(workspace)
    phone = Person(bob.username, bob.email, bob.full_name, cluster.b, bob.person.cleanup)
    assert (await phone.sign_in(mail)).is_success
    async with phone.socket("/ws/notifications/", cluster.b) as socket:
        await socket.send({"type": "subscribe", "ref": "s"})
        await socket.expect("ack")
        sent = await alice.person.on(cluster.a).post("/api/messages/", json={"channel_id": channel, "body": f"@{bob.username}"})
        frame = await socket.expect("notification")
        (newest, *_) = await bob.get("/api/notifications/")
        assert frame["notification"] == newest
        assert frame["message"] == newest["message"]
        assert newest["message_id"] == sent.json()["message_id"]
        await bob.person.on(cluster.a).post(f"/api/notifications/{newest['id']}/read/")
        assert (await socket.expect("notifications_read"))["notification_id"] == newest["id"]
