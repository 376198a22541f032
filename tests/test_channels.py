"""Channels: who sees and joins them, that names are unique among live ones, and that an archive is read-only."""

import asyncio
import unicodedata
from collections.abc import Awaitable, Callable

import pytest

from tests.api import Caller, Json, SignUp, signing_up
from tests.conftest import Cluster, Person

NAME_TAKEN = "name is already that of a live channel in this workspace"
READ_ONLY = "This channel is archived: it is read-only"
NO_CHANNEL = "There is no such channel"
# Pairs that people take for one name: case, compatibility forms, composed and decomposed letters, and both at once.
SAME_NAME = [
    ("general", "GENERAL"),
    ("general", "  General "),
    ("straße", "STRASSE"),
    ("café", "cafe\u0301"),
    ("ﬁle", "FILE"),
    ("ｇｅｎｅｒａｌ", "general"),
    ("２０２５", "2025"),
    ("Ω", "ω"),
    ("ΐ", "ΐ".upper()),
    ("ﾊﾞｸﾞ", "バグ"),
    ("ς", "Σ"),
    ("①", "1"),
]
OTHER_NAMES = ["🍏", "🍎", "resume", "résumé", "a b", "ab", "a-b", "💩" * 80, "ﷺ" * 80, "ﷺ" * 79 + "ﷻ", "#", "\\", "%", "_", "'"]


@pytest.fixture
def sign_up(person: Callable[..., Awaitable[Person]], cluster: Cluster) -> SignUp:
    return signing_up(person, cluster)


async def names(caller: Caller, workspace: int, **query: int) -> list[str]:
    return [channel["name"] for channel in await caller.get("/api/channels/", workspace_id=workspace, **query)]


async def member_ids(caller: Caller, channel: int) -> list[int]:
    return [member["user_id"] for member in await caller.get(f"/api/channels/{channel}/members/")]


async def test_a_channel_is_made_as_it_was_asked_for(sign_up: SignUp) -> None:
    alice = await sign_up("alice")
    workspace = await alice.workspace()
    more = {"topic": " Company news ", "description": " For \n everyone ", "is_private": True}
    channel = await alice.channel(workspace, " General ", **more)
    found = await alice.get(f"/api/channels/{channel}/")
    assert found == {
        "id": channel,
        "workspace_id": workspace,
        "name": "General",
        "is_private": 1,
        "created_at": found["created_at"],
        "topic": "Company news",
        "description": "For \n everyone",
        "is_default": 0,
        "is_archived": 0,
        "is_member": 1,
        "last_seq": 0,
        "read_seq": 0,
        "unread_count": 0,
        "mention_count": 0,
    }
    assert await alice.get("/api/channels/", workspace_id=workspace) == [found]


@pytest.mark.parametrize(("value", "stored"), [(True, 1), (False, 0), (1, 1), (0, 0)])
async def test_is_private_is_taken_as_a_flag_or_as_the_number_that_answers_carry(
    sign_up: SignUp, value: object, stored: int
) -> None:
    alice = await sign_up("alice")
    channel = await alice.channel(await alice.workspace(), is_private=value)
    assert (await alice.get(f"/api/channels/{channel}/"))["is_private"] == stored


async def test_names_that_look_the_same_are_the_same(sign_up: SignUp) -> None:
    alice = await sign_up("alice")
    for first, second in SAME_NAME:
        workspace = await alice.workspace()
        await alice.channel(workspace, first)
        other = await alice.channel(workspace, "other")
        body = {"workspace_id": workspace, "name": second}
        assert await alice.refusal(409, "POST", "/api/channels/", body) == NAME_TAKEN, (first, second)
        assert await alice.refusal(409, "PATCH", f"/api/channels/{other}/", {"name": second}) == NAME_TAKEN
        assert await names(alice, workspace) == [first.strip(), "other"]


async def test_whoever_can_tell_two_names_apart_may_use_both(sign_up: SignUp) -> None:
    alice = await sign_up("alice")
    workspace, other = await alice.workspace(), await alice.workspace()
    for name in OTHER_NAMES:
        await alice.channel(workspace, name)
    assert await names(alice, workspace) == OTHER_NAMES
    await alice.channel(other, OTHER_NAMES[0])


async def test_no_letter_escapes_the_comparison_by_its_case_or_form(sign_up: SignUp) -> None:
    """A sample of those letters whose folded form is not normalized: each is refused in its other forms."""
    alice = await sign_up("alice")
    workspace = await alice.workspace()
    letters = [chr(n) for n in range(0xA0, 0x2000) if unicodedata.normalize("NFC", chr(n).casefold()) != chr(n).casefold()]
    assert len(letters) > 20
    for letter in letters[:: len(letters) // 12]:
        await alice.channel(workspace, f"x{letter}")
        for form in (letter.upper(), letter.casefold(), unicodedata.normalize("NFD", letter)):
            body = {"workspace_id": workspace, "name": f"X{form}"}
            assert await alice.refusal(409, "POST", "/api/channels/", body) == NAME_TAKEN, (letter, form)


async def test_of_many_channels_of_one_name_made_at_once_one_comes_to_be(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace = await alice.workspace("Team", {"member": bob})
    forms = ("Random", "RANDOM", "random", "ｒandom")
    bodies = [{"workspace_id": workspace, "name": forms[n % 4]} for n in range(20)]
    answers = await asyncio.gather(*((alice, bob)[n % 2].call("POST", "/api/channels/", body) for n, body in enumerate(bodies)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    assert len(await names(bob, workspace)) == 1


async def test_the_first_public_channel_is_the_default_and_there_is_one_first(sign_up: SignUp) -> None:
    alice, bob, gus = await sign_up("alice"), await sign_up("bob"), await sign_up("gus")
    workspace = await alice.workspace("Team", {"member": bob, "guest": gus})
    await alice.channel(workspace, "private", is_private=True)
    bodies = [{"workspace_id": workspace, "name": f"channel {n}"} for n in range(10)]
    answers = await asyncio.gather(*((alice, bob)[n % 2].call("POST", "/api/channels/", body) for n, body in enumerate(bodies)))
    assert {answer.status_code for answer in answers} == {201}
    listed = await alice.get("/api/channels/", workspace_id=workspace)
    (default,) = [channel["id"] for channel in listed if channel["is_default"]]
    assert await member_ids(alice, default) == [alice.id, bob.id]


async def test_everybody_but_guests_is_in_the_default_channels(sign_up: SignUp) -> None:
    alice, bob, gus, late = [await sign_up(name) for name in ("alice", "bob", "gus", "late")]
    workspace = await alice.workspace("Team", {"admin": bob, "guest": gus})
    general, news = await alice.channel(workspace, "general"), await alice.channel(workspace, "news")
    assert await member_ids(alice, general) == [alice.id, bob.id]
    assert await member_ids(alice, news) == [alice.id]
    made = (await bob.patch(f"/api/channels/{news}/", {"is_default": True}))["data"]
    assert (made["is_default"], made["is_member"]) == (1, 1)
    assert await member_ids(alice, news) == [alice.id, bob.id]
    await alice.post(f"/api/workspaces/{workspace}/members/", {"email": late.email})
    assert [c["id"] for c in await late.get("/api/channels/", workspace_id=workspace) if c["is_member"]] == [general, news]
    await bob.patch(f"/api/channels/{news}/", {"is_default": 0})
    assert (await late.get(f"/api/channels/{news}/"))["is_member"] == 1
    private = await alice.channel(workspace, "private", is_private=True)
    message = await alice.refusal(409, "PATCH", f"/api/channels/{private}/", {"is_default": True})
    assert message == "is_default must be false for a private channel"


async def test_a_channel_is_changed_by_its_maker_by_admins_and_the_owner(sign_up: SignUp) -> None:
    alice, bob, cleo, dan, gus = [await sign_up(name) for name in ("alice", "bob", "cleo", "dan", "gus")]
    workspace = await alice.workspace("Team", {"admin": bob, "member": [cleo, dan], "guest": gus})
    channel = await cleo.channel(workspace, "cleos", [gus])
    path = f"/api/channels/{channel}/"
    for caller in (dan, gus):
        for call in (("PATCH", path, {"name": "mine"}), ("POST", f"{path}archive/"), ("POST", f"{path}unarchive/")):
            assert await caller.refusal(403, *call) == "Only who made the channel, an admin or the owner may do this"
    for caller in (alice, bob, cleo):
        topic = f"Set by {caller.username}"
        assert (await caller.patch(path, {"topic": topic}))["data"]["topic"] == topic
        await caller.post(f"{path}archive/")
        await caller.post(f"{path}unarchive/")
    message = await cleo.refusal(403, "PATCH", f"/api/channels/{await cleo.channel(workspace, 'two')}/", {"is_default": True})
    assert message == "Only an admin or the owner may make a channel the default"


async def test_a_rename_keeps_what_it_does_not_mention(sign_up: SignUp) -> None:
    alice = await sign_up("alice")
    channel = await alice.channel(await alice.workspace(), "before", topic="Topic", description="Words")
    path = f"/api/channels/{channel}/"
    before = await alice.get(path)
    for change in ({"name": "after"}, {"topic": ""}, {"description": "Other words"}, {}, {"name": "AFTER"}):
        changed = (await alice.patch(path, change))["data"]
        assert changed == {**before, **change} == await alice.get(path)
        before = changed


async def test_an_archived_channel_is_read_only_and_its_name_is_free(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace = await alice.workspace("Team", {"member": bob})
    await alice.channel(workspace, "general")
    channel = await alice.channel(workspace, "project")
    path = f"/api/channels/{channel}/"
    message = (await alice.say(channel, "Before"))["message_id"]
    assert (await alice.post(f"{path}archive/"))["message"] == "Channel archived"
    assert (await alice.post(f"{path}archive/"))["message"] == "Channel archived"
    assert await names(alice, workspace) == ["general"]
    assert await names(alice, workspace, include_archived=1) == ["general", "project"]
    writes: list[tuple[str, str, Json | None]] = [
        ("POST", "/api/messages/", {"channel_id": channel, "body": "After"}),
        ("PATCH", f"/api/messages/{message}/", {"body": "After"}),
        ("DELETE", f"/api/messages/{message}/", None),
        ("PATCH", path, {"name": "after"}),
        ("POST", f"{path}members/", {"user_id": bob.id}),
    ]
    for write in writes:
        assert await alice.refusal(403, *write) == READ_ONLY
    assert await bob.refusal(403, "POST", f"{path}join/") == READ_ONLY
    for caller in (alice, bob):
        assert (await caller.get(path))["is_archived"] == 1
        assert [m["body"] for m in await caller.get("/api/messages/", channel_id=channel)] == ["Before"]
    taker = await bob.channel(workspace, "Project")
    assert await alice.refusal(409, "POST", f"{path}unarchive/") == NAME_TAKEN
    await bob.patch(f"/api/channels/{taker}/", {"name": "another"})
    assert (await alice.post(f"{path}unarchive/"))["message"] == "Channel unarchived"
    assert (await alice.post(f"{path}unarchive/"))["message"] == "Channel unarchived"
    await alice.say(channel, "Again")
    body = {"workspace_id": workspace, "name": "PROJECT"}
    assert await bob.refusal(409, "POST", "/api/channels/", body) == NAME_TAKEN
    feed = (await bob.post("/api/activities/", {"workspace_id": workspace}))["data"]
    types = [activity["type"] for activity in feed if activity["channel_id"] == channel and activity["type"] != "message_sent"]
    assert types == ["channel_unarchived", "channel_archived", "channel_created"]


async def test_a_private_channel_exists_for_its_members_alone(sign_up: SignUp) -> None:
    """Not even for the owner. Every answer is that of a channel which is not there."""
    owner, bob, cleo = await sign_up("owner"), await sign_up("bob"), await sign_up("cleo")
    workspace = await owner.workspace("Team", {"member": [bob, cleo]})
    await owner.channel(workspace, "general")
    secret = await bob.channel(workspace, "secret", [cleo], is_private=True)
    message = (await bob.say(secret, f"Hello @{owner.username} and @{cleo.username}"))["message_id"]

    def calls(channel: int, message: int) -> list[tuple[str, str, Json | None]]:
        path = f"/api/channels/{channel}/"
        return [
            ("GET", path, None),
            ("PATCH", path, {"name": "mine"}),
            ("GET", f"{path}members/", None),
            ("POST", f"{path}members/", {"user_id": owner.id}),
            ("DELETE", f"{path}members/{bob.id}/", None),
            ("DELETE", f"{path}members/{owner.id}/", None),
            ("GET", f"/api/messages/?channel_id={channel}", None),
            ("POST", "/api/messages/", {"channel_id": channel, "body": "Let me in"}),
            *(("POST", f"{path}{verb}/", None) for verb in ("join", "leave", "archive", "unarchive")),
            ("POST", f"{path}read/", {}),
            ("GET", f"/api/messages/{message}/", None),
            ("PATCH", f"/api/messages/{message}/", {"body": "Mine"}),
            ("DELETE", f"/api/messages/{message}/", None),
        ]

    async def of_secret(caller: Caller) -> list[object]:
        feed = (await caller.post("/api/activities/", {"workspace_id": workspace}))["data"]
        per_day = (await caller.post("/api/metrics/messages-per-day", {"workspace_id": workspace}))["data"]
        listed = await caller.get("/api/channels/", workspace_id=workspace, include_archived=1)
        unread = await caller.get("/api/unread/")
        told = await caller.get("/api/notifications/")
        return [
            [channel["name"] for channel in listed if channel["id"] == secret],
            sorted(activity["type"] for activity in feed if activity["channel_id"] == secret),
            sum(day["count"] for day in per_day),
            [state["unread_count"] for state in unread["channels"] if state["channel_id"] == secret],
            [notification["kind"] for notification in told if notification["channel_id"] == secret],
        ]

    # First that there is something to see.
    activities = ["channel_created", "channel_member_joined", "message_sent"]
    assert await of_secret(cleo) == [["secret"], activities, 1, [1], ["mention", "channel_added"]]
    assert await of_secret(owner) == [[], [], 0, [], []]
    missing = 2**40
    for call, impossible in zip(calls(secret, message), calls(missing, missing), strict=True):
        assert await owner.refusal(404, *call) == await owner.refusal(404, *impossible)
    assert await member_ids(bob, secret) == [bob.id, cleo.id]
    assert (await bob.get(f"/api/channels/{secret}/"))["name"] == "secret"
    # Its name is taken all the same: two live channels of one name would be told apart by nobody who is in both.
    await owner.refusal(409, "POST", "/api/channels/", {"workspace_id": workspace, "name": "Secret"})


async def test_members_of_a_private_channel_come_and_go(sign_up: SignUp) -> None:
    alice, bob, cleo, stranger = [await sign_up(name) for name in ("alice", "bob", "cleo", "stranger")]
    workspace = await alice.workspace("Team", {"member": [bob, cleo]})
    secret = await alice.channel(workspace, "secret", is_private=True)
    members = f"/api/channels/{secret}/members/"
    assert (await alice.post(members, {"user_id": bob.id}))["message"] == "Member added"
    assert await alice.refusal(409, "POST", members, {"user_id": bob.id}) == "user_id is already a member of this channel"
    for user in (stranger.id, 2**40):
        message = await alice.refusal(404, "POST", members, {"user_id": user})
        assert message == "There is no such member in this workspace"
    # Any member may bring in others; only who made it, or an admin, puts somebody out.
    await bob.post(members, {"user_id": cleo.id})
    listed, more = await cleo.page(members, limit=2)
    assert (listed[1], more) == (
        {
            "user_id": bob.id,
            "username": bob.username,
            "email": bob.email,
            "full_name": bob.full_name,
            "joined_at": listed[1]["joined_at"],
        },
        True,
    )
    assert [member["user_id"] for member in (await cleo.page(members, limit=2, after_id=bob.id))[0]] == [cleo.id]
    message = await bob.refusal(403, "DELETE", f"{members}{cleo.id}/")
    assert message == "Only who made the channel, an admin or the owner may do this"
    assert (await alice.delete(f"{members}{cleo.id}/"))["message"] == "Member removed"
    assert await alice.refusal(404, "DELETE", f"{members}{cleo.id}/") == "There is no such member in this channel"
    assert await cleo.refusal(404, "GET", members) == NO_CHANNEL
    assert (await bob.post(f"/api/channels/{secret}/leave/"))["message"] == "Left the channel"
    assert await bob.refusal(404, "POST", "/api/messages/", {"channel_id": secret, "body": "Back"}) == NO_CHANNEL
    assert await member_ids(alice, secret) == [alice.id]


async def test_a_private_channel_that_its_last_member_leaves_gives_its_name_back(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace = await alice.workspace("Team", {"member": bob})
    public = await alice.channel(workspace, "general")
    first = await bob.channel(workspace, "secret", is_private=True)
    taken = {"workspace_id": workspace, "name": "secret", "is_private": True}
    assert (await alice.refusal(409, "POST", "/api/channels/", taken)).startswith("name is already")
    await bob.post(f"/api/channels/{first}/leave/")
    second = await bob.channel(workspace, "secret", is_private=True)
    # The same for who leaves the whole workspace; a public channel stays, with nobody in it.
    await bob.post(f"/api/workspaces/{workspace}/leave/")
    assert await alice.channel(workspace, "secret", is_private=True) not in (first, second)
    await alice.post(f"/api/channels/{public}/leave/")
    assert (await alice.get(f"/api/channels/{public}/"))["is_archived"] == 0


async def test_public_channels_are_joined_and_left_at_will(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace = await alice.workspace("Team", {"member": bob})
    await alice.channel(workspace, "general")
    channel = await alice.channel(workspace, "random")
    path = f"/api/channels/{channel}/"
    assert (await bob.get(path))["is_member"] == 0
    for _ in range(2):
        assert (await bob.post(f"{path}join/"))["message"] == "Joined the channel"
        assert await member_ids(alice, channel) == [alice.id, bob.id]
    for _ in range(2):
        assert (await bob.post(f"{path}leave/"))["message"] == "Left the channel"
        assert await member_ids(alice, channel) == [alice.id]
    # It can be read without joining; writing joins.
    assert await bob.get("/api/messages/", channel_id=channel) == []
    await bob.say(channel)
    assert (await bob.get(path))["is_member"] == 1


async def test_many_clicks_on_join_at_once_are_one(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace = await alice.workspace("Team", {"member": bob})
    await alice.channel(workspace, "general")
    channel = await alice.channel(workspace, "random")
    answers = await asyncio.gather(*(bob.call("POST", f"/api/channels/{channel}/join/") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    feed = (await alice.post("/api/activities/", {"workspace_id": workspace}))["data"]
    assert [activity["type"] for activity in feed].count("channel_member_joined") == 1


async def test_a_guest_sees_and_does_only_where_it_was_added(sign_up: SignUp) -> None:
    alice, gus = await sign_up("alice"), await sign_up("gus")
    workspace = await alice.workspace("Team", {"guest": gus})
    general = await alice.channel(workspace, "general")
    assert await names(gus, workspace) == []
    assert await gus.refusal(403, "POST", "/api/channels/", {"workspace_id": workspace, "name": "mine"}) == (
        "A guest may not make channels"
    )
    for call in (
        ("GET", f"/api/channels/{general}/"),
        ("POST", f"/api/channels/{general}/join/"),
        ("GET", f"/api/messages/?channel_id={general}"),
        ("POST", "/api/messages/", {"channel_id": general, "body": "Hello?"}),
    ):
        assert await gus.refusal(404, *call) == NO_CHANNEL
    for name, private in (("open", False), ("closed", True)):
        channel = await alice.channel(workspace, name, [gus], is_private=private)
        await gus.say(channel, f"In {name}")
        assert [member["email"] for member in await gus.get(f"/api/channels/{channel}/members/")] == [alice.email, gus.email]
        message = await gus.refusal(403, "POST", f"/api/channels/{channel}/members/", {"user_id": alice.id})
        assert message == "A guest may not add members"
    assert await names(gus, workspace) == ["open", "closed"]
    feed = (await gus.post("/api/activities/", {"workspace_id": workspace}))["data"]
    assert general not in {activity["channel_id"] for activity in feed}
    per_day = (await gus.post("/api/metrics/messages-per-day", {"workspace_id": workspace}))["data"]
    await alice.say(general, "Not for guests")
    assert (await gus.post("/api/metrics/messages-per-day", {"workspace_id": workspace}))["data"] == per_day
    assert per_day[-1]["count"] == 2
