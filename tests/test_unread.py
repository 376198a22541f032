"""What is unread, what calls for somebody, and that it is the same on all of their devices."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.api import Caller, Json, SignUp, signing_up
from tests.conftest import Cluster, Person
from tests.servers import MailServer


@pytest.fixture
def sign_up(person: Callable[..., Awaitable[Person]], cluster: Cluster) -> SignUp:
    return signing_up(person, cluster)


async def state(caller: Caller, channel: int) -> tuple[int, int, int]:
    """read_seq, unread_count and mention_count, which the channel, the list of channels and the overview must agree on."""
    found = await caller.get(f"/api/channels/{channel}/")
    (listed,) = [c for c in await caller.get("/api/channels/", workspace_id=found["workspace_id"]) if c["id"] == channel]
    numbers = (found["read_seq"], found["unread_count"], found["mention_count"])
    assert (listed["read_seq"], listed["unread_count"], listed["mention_count"]) == numbers
    waiting = {entry["channel_id"]: entry for entry in (await caller.get("/api/unread/"))["channels"]}
    expected = dict(zip(("channel_id", "read_seq", "unread_count", "mention_count"), (channel, *numbers), strict=True))
    assert waiting.get(channel) == (expected if found["is_member"] and any(numbers[1:]) else None)
    return numbers


async def read(caller: Caller, channel: int, seq: int | None = None) -> Json:
    body = {} if seq is None else {"seq": seq}
    data: Json = (await caller.post(f"/api/channels/{channel}/read/", body))["data"]
    return data


async def test_messages_of_others_are_unread_until_they_are_read(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    channel = await alice.channel(await alice.workspace("Team", {"member": bob}))
    assert await state(bob, channel) == (0, 0, 0)
    for n in range(1, 6):
        await alice.say(channel, f"{n}")
        assert await state(bob, channel) == (0, n, 0)
        assert await state(alice, channel) == (n, 0, 0)
    assert await read(bob, channel, 2) == {"channel_id": channel, "read_seq": 2, "unread_count": 3, "mention_count": 0}
    assert await state(bob, channel) == (2, 3, 0)
    # Never back: two devices may report out of order.
    assert (await read(bob, channel, 1))["read_seq"] == 2
    assert await read(bob, channel) == {"channel_id": channel, "read_seq": 5, "unread_count": 0, "mention_count": 0}
    assert await state(bob, channel) == (5, 0, 0)
    # Never ahead of what is there: the next message is unread.
    assert (await read(bob, channel, 2**40))["read_seq"] == 5
    await alice.say(channel, "6")
    assert await state(bob, channel) == (5, 1, 0)


async def test_who_answers_has_read_the_mentions_before(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    channel = await alice.channel(await alice.workspace("Team", {"member": bob}))
    await alice.say(channel, f"@{bob.username} there?")
    assert await state(bob, channel) == (0, 1, 1)
    await bob.say(channel, "here")
    assert await state(bob, channel) == (2, 0, 0)
    await alice.say(channel, f"@{bob.username} good")
    assert await state(bob, channel) == (2, 1, 1)


async def test_only_messages_count(sign_up: SignUp) -> None:
    """An edit or a deletion takes a seq of the channel, but is nothing new to read."""
    alice, bob = await sign_up("alice"), await sign_up("bob")
    channel = await alice.channel(await alice.workspace("Team", {"member": bob}))
    messages = [(await alice.say(channel, f"{n}"))["message_id"] for n in range(3)]
    await read(bob, channel)
    await alice.patch(f"/api/messages/{messages[0]}/", {"body": "edited"})
    await alice.delete(f"/api/messages/{messages[1]}/")
    assert await state(bob, channel) == (3, 0, 0)
    last = await alice.say(channel, "new")
    assert last["seq"] == 6
    assert await state(bob, channel) == (3, 1, 0)
    assert await read(bob, channel, 5) == {"channel_id": channel, "read_seq": 5, "unread_count": 1, "mention_count": 0}
    assert (await read(bob, channel, 6))["unread_count"] == 0


async def test_whoever_writes_has_read_what_stands_above(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    channel = await alice.channel(await alice.workspace("Team", {"member": bob}))
    await alice.say(channel)
    assert await state(bob, channel) == (0, 1, 0)
    await bob.say(channel)
    assert await state(bob, channel) == (2, 0, 0)
    assert await state(alice, channel) == (1, 1, 0)


async def test_whoever_joins_has_not_missed_what_came_before(sign_up: SignUp) -> None:
    alice, bob, late = await sign_up("alice"), await sign_up("bob"), await sign_up("late")
    workspace = await alice.workspace("Team", {"member": bob})
    general, random = await alice.channel(workspace, "general"), await alice.channel(workspace, "random")
    for channel in (general, random):
        await alice.say(channel)
    # A public channel that one is not in can be read, and is never unread.
    assert await state(bob, random) == (0, 0, 0)
    await bob.post(f"/api/channels/{random}/join/")
    await alice.post(f"/api/workspaces/{workspace}/members/", {"email": late.email})
    assert await state(bob, random) == await state(late, general) == (1, 0, 0)
    for channel in (general, random):
        await alice.say(channel)
    assert await state(bob, random) == await state(late, general) == (1, 1, 0)
    await bob.post(f"/api/channels/{random}/leave/")
    assert await state(bob, random) == (0, 0, 0)


async def test_mentions_are_counted_apart_and_are_read_with_their_messages(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    channel = await alice.channel(await alice.workspace("Team", {"member": bob}))
    at_bob = f"@{bob.username}"
    for text in (f"Hello {at_bob}", "nothing", f"{at_bob} and again {at_bob}", "@channel", f"me: @{alice.username}"):
        await alice.say(channel, text)
    assert await state(bob, channel) == (0, 5, 3)
    assert await state(alice, channel) == (5, 0, 0)
    unread = await bob.get("/api/notifications/", unread=1)
    assert [n["kind"] for n in unread] == ["mention"] * 3 + ["workspace_added"]
    assert (await bob.get("/api/unread/"))["notifications"] == 4
    assert (await read(bob, channel, 3))["mention_count"] == 1
    assert await state(bob, channel) == (3, 2, 1)
    (left, _) = await bob.get("/api/notifications/", unread=1)
    assert left["message_id"] == (await bob.get("/api/messages/", channel_id=channel))[3]["id"]
    await bob.post(f"/api/notifications/{left['id']}/read/")
    assert await state(bob, channel) == (3, 2, 0)
    await read(bob, channel)
    assert (await bob.get("/api/unread/")) == {"channels": [], "notifications": 1}


async def test_what_is_unread_everywhere_is_told_at_once(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    first, second = await alice.workspace("First", {"member": bob}), await alice.workspace("Second", {"member": bob})
    channels = [await alice.channel(first, "general"), await alice.channel(second, "general")]
    channels.append(await alice.channel(second, "secret", [bob], is_private=True))
    silent = await alice.channel(second, "silent", [bob])
    for n, channel in enumerate(channels, 1):
        for _ in range(n):
            await alice.say(channel)
    waiting = (await bob.get("/api/unread/"))["channels"]
    assert [(entry["channel_id"], entry["unread_count"]) for entry in waiting] == list(zip(channels, (1, 2, 3), strict=True))
    await alice.say(silent)
    await alice.post(f"/api/channels/{channels[0]}/archive/")
    await alice.delete(f"/api/channels/{channels[2]}/members/{bob.id}/")
    waiting = (await bob.get("/api/unread/"))["channels"]
    assert [(entry["channel_id"], entry["unread_count"]) for entry in waiting] == [(channels[1], 2), (silent, 1)]


async def test_what_is_read_on_one_device_is_read_on_all_at_once(sign_up: SignUp, cluster: Cluster, mail: MailServer) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    channel = await alice.channel(await alice.workspace("Team", {"member": bob}))
    phone = Person(bob.username, bob.email, bob.full_name, cluster.b, bob.person.cleanup)
    assert (await phone.sign_in(mail)).is_success
    telephone = await Caller(phone, cluster).introduce()
    await alice.say(channel, f"@{bob.username} look")
    assert await state(bob, channel) == await state(telephone, channel) == (0, 1, 1)
    async with phone.socket("/ws/notifications/", cluster.b) as socket:
        await socket.send({"type": "subscribe", "ref": "s"})
        await socket.expect("ack")
        assert (await bob.person.on(cluster.a).post(f"/api/channels/{channel}/read/", json={})).is_success
        frame = await socket.expect("channel_read")
        assert {name: frame[name] for name in ("channel_id", "read_seq", "unread_count", "mention_count")} == {
            "channel_id": channel,
            "read_seq": 1,
            "unread_count": 0,
            "mention_count": 0,
        }
    assert await state(bob, channel) == await state(telephone, channel) == (1, 0, 0)


async def test_the_counts_are_right_after_many_wrote_and_read_at_once(sign_up: SignUp) -> None:
    alice, bob, cleo = await sign_up("alice"), await sign_up("bob"), await sign_up("cleo")
    channel = await alice.channel(await alice.workspace("Team", {"member": [bob, cleo]}))
    calls = [(alice, bob)[n % 2].say(channel, f"{n}") for n in range(60)]
    calls += [read(bob, channel, seq) for seq in range(0, 60, 5)]
    await asyncio.gather(*calls)
    assert await state(cleo, channel) == (0, 60, 0)
    page, _ = await cleo.page("/api/messages/", channel_id=channel, limit=200)
    for caller in (alice, bob):
        read_seq, unread, _ = await state(caller, channel)
        # One's own are never among them: a position is at least that of one's own newest message.
        assert unread == 60 - read_seq
        assert caller.email not in {message["sender_email"] for message in page if message["seq"] > read_seq}
    for seq in (7, 23, 60):
        assert (await read(cleo, channel, seq))["unread_count"] == 60 - seq
