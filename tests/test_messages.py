"""Messages: sent once, kept as written, read in order and by pages, changed by those who may."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.api import Caller, Json, SignUp, signing_up
from tests.conftest import Cluster, Person
from tests.nasty import TEXTS
from tests.servers import Database

LONGEST = "🜁" * 16_000


@pytest.fixture
def sign_up(person: Callable[..., Awaitable[Person]], cluster: Cluster) -> SignUp:
    return signing_up(person, cluster)


async def bodies(caller: Caller, channel: int, **query: int | str) -> list[str]:
    return [message["body"] for message in (await caller.page("/api/messages/", channel_id=channel, **query))[0]]


async def test_a_message_is_there_for_everybody_once_it_is_answered(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice", "Alice Example"), await sign_up("bob")
    workspace = await alice.workspace("Team", {"member": bob})
    channel = await alice.channel(workspace)
    sent = await alice.say(channel, "Hello team!", client_msg_id="a-1")
    assert sent == {"status": "success", "message_id": sent["message_id"], "seq": 1, "created_at": sent["created_at"]}
    message = await bob.get(f"/api/messages/{sent['message_id']}/")
    assert message == {
        "id": sent["message_id"],
        "channel_id": channel,
        "seq": 1,
        "sender_email": alice.email,
        "sender_name": "Alice Example",
        "body": "Hello team!",
        "client_msg_id": "a-1",
        "created_at": sent["created_at"],
        "edited_at": None,
        "deleted_at": None,
    }
    assert await bob.page("/api/messages/", channel_id=channel) == ([message], False)
    assert (await bob.say(channel))["seq"] == 2


@pytest.mark.parametrize("way", ["HTTP", "edit", "socket"])
async def test_any_text_comes_back_as_it_was_written(sign_up: SignUp, way: str) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    channel = await alice.channel(await alice.workspace("Team", {"member": bob}))
    texts = [*TEXTS, LONGEST]
    if way == "HTTP":
        for text in texts:
            await alice.say(channel, text)
    elif way == "edit":
        for text in texts:
            message = (await alice.say(channel, "Before"))["message_id"]
            assert (await alice.patch(f"/api/messages/{message}/", {"body": text}))["data"]["body"] == text
    else:
        async with alice.person.socket("/ws/chat/") as socket:
            for text in texts[:-1]:  # the longest is more than a frame may hold
                await socket.send({"type": "send_message", "channel_id": channel, "body": text, "ref": "r"})
                await socket.expect("ack")
        await alice.say(channel, texts[-1])
    assert await bodies(bob, channel, limit=200) == texts
    first = (await bob.get("/api/messages/", channel_id=channel, limit=200))[0]
    assert (await bob.get(f"/api/messages/{first['id']}/"))["body"] == texts[0]
    assert await bodies(bob, channel, after_id=first["id"], limit=200) == texts[1:]


async def test_many_of_the_longest_messages_at_once_all_arrive(sign_up: SignUp) -> None:
    alice = await sign_up("alice")
    channel = await alice.channel(await alice.workspace())
    texts = [f"{n:02}{LONGEST[2:]}" for n in range(40)]
    await asyncio.gather(*(alice.say(channel, text) for text in texts))
    assert sorted(await bodies(alice, channel, limit=200)) == texts


async def test_pages_go_back_and_forth_without_a_gap_or_a_repetition(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace = await alice.workspace("Team", {"member": bob})
    channel, other = await alice.channel(workspace, "general"), await alice.channel(workspace, "other")
    assert await alice.page("/api/messages/", channel_id=channel) == ([], False)
    sent = await asyncio.gather(*((alice, bob)[n % 2].say((channel, other)[n % 3 == 2], f"{n}") for n in range(34)))
    elsewhere = next(s["message_id"] for n, s in enumerate(sent) if n % 3 == 2)
    ids = sorted(s["message_id"] for n, s in enumerate(sent) if n % 3 != 2)
    everything, more = await alice.page("/api/messages/", channel_id=channel, limit=200)
    assert ([message["id"] for message in everything], more) == (ids, False)
    assert [message["seq"] for message in everything] == sorted(message["seq"] for message in everything)

    backwards: list[Json] = []
    page, more = await bob.page("/api/messages/", channel_id=channel, limit=5)
    while True:
        assert page == everything[len(everything) - len(backwards) - len(page) : len(everything) - len(backwards)]
        backwards = [*page, *backwards]
        assert more == (len(backwards) < len(everything))
        if not more:
            break
        assert len(page) == 5
        page, more = await bob.page("/api/messages/", channel_id=channel, limit=5, before_id=page[0]["id"])
    assert backwards == everything

    forwards, more = [everything[0]], True
    while more:
        page, more = await bob.page("/api/messages/", channel_id=channel, limit=7, after_id=forwards[-1]["id"])
        forwards += page
    assert forwards == everything
    assert await bob.page("/api/messages/", channel_id=channel, after_id=ids[-1]) == ([], False)
    assert await bob.page("/api/messages/", channel_id=channel, before_id=ids[0]) == ([], False)
    assert await bob.page("/api/messages/", channel_id=channel, after_seq=everything[2]["seq"], limit=4) == (
        everything[3:7],
        True,
    )
    assert await bob.page("/api/messages/", channel_id=channel, after_seq=0, limit=200) == (everything, False)
    assert await bob.page("/api/messages/", channel_id=channel, after_seq=2**40) == ([], False)
    for cursor in ("before_id", "after_id"):
        for message in (elsewhere, 2**40):
            answer = await bob.refusal(404, "GET", "/api/messages/", channel_id=channel, **{cursor: message})
            assert answer == "There is no such message in this channel"
    answer = await bob.refusal(400, "GET", "/api/messages/", channel_id=channel, before_id=ids[3], after_id=ids[1])
    assert answer == "before_id, after_id, after_seq and since exclude each other"


async def test_a_page_holds_fifty_unless_asked_otherwise_and_two_hundred_at_most(sign_up: SignUp) -> None:
    alice = await sign_up("alice")
    channel = await alice.channel(await alice.workspace())
    await asyncio.gather(*(alice.say(channel, f"{n}") for n in range(201)))
    for query, length in (({}, 50), ({"limit": 1}, 1), ({"limit": 200}, 200)):
        page, more = await alice.page("/api/messages/", channel_id=channel, **query)
        assert (len(page), page[-1]["seq"], more) == (length, 201, True)
    await alice.refusal(400, "GET", "/api/messages/", channel_id=channel, limit=201)


async def test_a_retry_finds_the_message_that_was_sent(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace = await alice.workspace("Team", {"member": bob})
    channel, other = await alice.channel(workspace, "general"), await alice.channel(workspace, "other")
    answers = await asyncio.gather(*(alice.say(channel, "Once", client_msg_id="same") for _ in range(20)))
    assert len({answer["message_id"] for answer in answers}) == 1
    assert all(answer == answers[0] for answer in answers)
    assert await bodies(bob, channel) == ["Once"]
    message = answers[0]["message_id"]
    # Whatever became of it, and whatever the retry says.
    await alice.patch(f"/api/messages/{message}/", {"body": "Edited"})
    assert await alice.say(channel, "Other words", client_msg_id="same") == answers[0]
    await alice.delete(f"/api/messages/{message}/")
    assert await alice.say(channel, "Once", client_msg_id="same") == answers[0]
    assert await bodies(bob, channel) == [""]
    # The name is the sender's own, in the channel; and it keeps its case.
    others = [await bob.say(channel, "Bob", client_msg_id="same"), await alice.say(other, "Other", client_msg_id="same")]
    others.append(await alice.say(channel, "Case", client_msg_id="SAME"))
    assert message not in {answer["message_id"] for answer in others}
    assert await bodies(bob, channel) == ["", "Bob", "Case"]


async def test_a_retry_among_many_others_is_still_one_message(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    channel = await alice.channel(await alice.workspace("Team", {"member": bob}))
    sends = [(alice, bob)[n % 2].say(channel, f"{n // 4}", client_msg_id=f"m{n // 4}") for n in range(160)]
    answers = await asyncio.gather(*sends)
    by_name = {(n % 2, n // 4): answer["message_id"] for n, answer in enumerate(answers)}
    assert [by_name[n % 2, n // 4] for n in range(160)] == [answer["message_id"] for answer in answers]
    page, _ = await alice.page("/api/messages/", channel_id=channel, limit=200)
    assert sorted(message["id"] for message in page) == sorted(by_name.values())
    assert sorted(message["seq"] for message in page) == list(range(1, 81))


async def test_one_refused_message_does_not_harm_those_that_came_with_it(sign_up: SignUp) -> None:
    alice, stranger = await sign_up("alice"), await sign_up("stranger")
    workspace = await alice.workspace()
    channel, archived = await alice.channel(workspace), await alice.channel(workspace, "archived")
    await alice.post(f"/api/channels/{archived}/archive/")

    async def send(caller: Caller, where: int) -> int:
        return (await caller.call("POST", "/api/messages/", {"channel_id": where, "body": "Hello"})).status_code

    cases = [(alice, channel, 201), (stranger, channel, 404), (alice, archived, 403), (alice, 2**40, 404)] * 8
    assert await asyncio.gather(*(send(caller, where) for caller, where, _ in cases)) == [status for _, _, status in cases]
    assert len(await bodies(alice, channel)) == 8


async def test_a_message_is_edited_by_its_sender_alone(sign_up: SignUp) -> None:
    owner, alice, bob = await sign_up("owner"), await sign_up("alice"), await sign_up("bob")
    channel = await owner.channel(await owner.workspace("Team", {"member": [alice, bob]}))
    message = (await alice.say(channel, "Before"))["message_id"]
    path = f"/api/messages/{message}/"
    before = await bob.get(path)
    for caller in (owner, bob):
        assert await caller.refusal(403, "PATCH", path, {"body": "Mine"}) == "Only its sender may change a message"
    assert await bob.get(path) == before
    changed = (await alice.patch(path, {"body": "After"}))["data"]
    assert changed == {**before, "body": "After", "edited_at": changed["edited_at"]}
    assert changed["edited_at"] >= before["created_at"]
    assert await bob.get(path) == changed
    assert await bob.page("/api/messages/", channel_id=channel) == ([changed], False)
    assert (await alice.patch(path, {"body": "After"}))["data"]["body"] == "After"


async def test_a_deletion_leaves_a_tombstone_and_nothing_of_the_text(sign_up: SignUp, database: Database) -> None:
    owner, admin, alice, bob = [await sign_up(name) for name in ("owner", "admin", "alice", "bob")]
    channel = await owner.channel(await owner.workspace("Team", {"admin": admin, "member": [alice, bob]}))
    messages = [(await alice.say(channel, f"secret words {n}"))["message_id"] for n in range(3)]
    assert await bob.refusal(403, "DELETE", f"/api/messages/{messages[0]}/") == "Only its sender may change a message"
    for message, caller in zip(messages, (alice, admin, owner), strict=True):
        path = f"/api/messages/{message}/"
        before = await bob.get(path)
        tombstone = (await caller.delete(path))["data"]
        assert tombstone == {**before, "body": "", "deleted_at": tombstone["deleted_at"]}
        assert tombstone["deleted_at"] >= before["created_at"]
        assert (await caller.delete(path))["data"] == tombstone == await bob.get(path)
        assert await alice.refusal(404, "PATCH", path, {"body": "Back"}) == "There is no such message"
    assert [m["id"] for m in await bob.get("/api/messages/", channel_id=channel)] == messages
    assert await database.query("SELECT body FROM messages WHERE channel_id = %s", [channel]) == [{"body": ""}] * 3


async def test_edits_deletions_and_messages_share_one_order(sign_up: SignUp) -> None:
    alice = await sign_up("alice")
    channel = await alice.channel(await alice.workspace())
    messages = [(await alice.say(channel, f"{n}"))["message_id"] for n in range(10)]
    calls = [alice.patch(f"/api/messages/{message}/", {"body": "edited"}) for message in messages[:5]]
    calls += [alice.delete(f"/api/messages/{message}/") for message in messages[5:]]
    calls += [alice.say(channel, "between") for _ in range(10)]
    await asyncio.gather(*calls)
    assert (await alice.get(f"/api/channels/{channel}/"))["last_seq"] == 30
    assert await bodies(alice, channel) == ["edited"] * 5 + [""] * 5 + ["between"] * 10


async def test_whoever_lost_a_private_channel_cannot_touch_what_they_wrote_there(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace = await alice.workspace("Team", {"member": bob})
    secret = await alice.channel(workspace, "secret", [bob], is_private=True)
    message = (await bob.say(secret, "Mine"))["message_id"]
    await alice.delete(f"/api/channels/{secret}/members/{bob.id}/")
    for method, body in (("GET", None), ("PATCH", {"body": "Changed"}), ("DELETE", None)):
        assert await bob.refusal(404, method, f"/api/messages/{message}/", body) == "There is no such message"
    assert await bodies(alice, secret) == ["Mine"]


async def test_messages_bear_their_senders_name_of_today_on_every_process(sign_up: SignUp) -> None:
    alice = await sign_up("alice", "Alice Before")
    channel = await alice.channel(await alice.workspace())
    await alice.say(channel)
    for _ in range(2):  # once a process
        assert (await alice.get("/api/messages/", channel_id=channel))[0]["sender_name"] == "Alice Before"
    assert (await alice.patch("/api/me/", {"full_name": " Alice After "}))["data"]["full_name"] == "Alice After"
    for _ in range(2):
        async with asyncio.timeout(2):
            while (await alice.get("/api/messages/", channel_id=channel))[0]["sender_name"] != "Alice After":
                await asyncio.sleep(0.05)
        assert (await alice.get("/api/me/"))["full_name"] == "Alice After"


async def test_a_page_begins_at_a_time_however_the_messages_are_spread(sign_up: SignUp, database: Database) -> None:
    alice = await sign_up("alice")
    channel = await alice.channel(await alice.workspace())
    days = [1, 1, 3, 3, 3, 4, 9]
    for number, day in enumerate(days):
        sent = await alice.say(channel, f"{number}")
        await alice.patch(f"/api/messages/{sent['message_id']}/", {"body": f"Message {number}"})  # holes between the messages
        moved = "UPDATE messages SET created_at = %s WHERE id = %s"
        await database.query(moved, [f"2025-01-{day:02} 12:00:00", sent["message_id"]])
    everything = [f"Message {number}" for number in range(len(days))]
    for time, first in (
        ("01T00:00:00", 0),
        ("01T12:00:00", 0),
        ("01T12:00:01", 2),
        ("03T12:00:00", 2),
        ("04T00:00:00", 5),
        ("05T00:00:00", 6),
    ):
        assert await bodies(alice, channel, since=f"2025-01-{time}") == everything[first:], time
    assert await bodies(alice, channel, since="2025-01-09T12:00:01") == []
    assert await alice.refusal(400, "GET", "/api/messages/", channel_id=channel, since="yesterday") == (
        "since must be a time in UTC such as 2025-01-15T10:30:00"
    )
