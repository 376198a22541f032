"""The activity feed: what happened in a workspace, in words, for those who may know."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.api import Caller, Json, SignUp, signing_up
from tests.conftest import Cluster, Person


@pytest.fixture
def sign_up(person: Callable[..., Awaitable[Person]], cluster: Cluster) -> SignUp:
    return signing_up(person, cluster)


async def feed(caller: Caller, workspace: int, **more: int) -> list[Json]:
    found: list[Json] = (await caller.post("/api/activities/", {"workspace_id": workspace, **more}))["data"]
    return found


async def test_everything_that_happens_is_told_in_a_sentence(sign_up: SignUp) -> None:
    john = await sign_up("john", "John Doe")
    bob, cleo, gus = [await sign_up(name, f"{name.capitalize()} Example") for name in ("bob", "cleo", "gus")]
    workspace = await john.workspace("Team", {"member": [bob, cleo], "guest": gus})
    path = f"/api/workspaces/{workspace}/"
    general, random = await john.channel(workspace, "general"), await bob.channel(workspace, "random")
    sent = (await john.say(general))["message_id"]
    await john.patch(path, {"name": "Crew"})
    await bob.patch(f"/api/channels/{random}/", {"name": "fun", "topic": "Only fun"})
    await cleo.post(f"/api/channels/{random}/join/")
    await bob.post(f"/api/channels/{random}/members/", {"user_id": gus.id})
    await bob.delete(f"/api/channels/{random}/members/{cleo.id}/")
    await gus.post(f"/api/channels/{random}/leave/")
    await bob.post(f"/api/channels/{random}/archive/")
    await bob.post(f"/api/channels/{random}/unarchive/")
    await john.patch(f"{path}members/{bob.id}/", {"role": "admin"})
    await john.patch(f"{path}members/{gus.id}/", {"role": "member"})
    await cleo.post(f"{path}leave/")
    await bob.delete(f"{path}members/{gus.id}/")
    await john.post(f"{path}transfer/", {"user_id": bob.id})
    expected = [
        (john, "workspace_created", workspace, "John created the workspace", None),
        (bob, "member_joined", bob.id, "Bob joined the workspace", None),
        (cleo, "member_joined", cleo.id, "Cleo joined the workspace", None),
        (gus, "member_joined", gus.id, "Gus joined the workspace", None),
        (john, "channel_created", general, "John created #general", general),
        (bob, "channel_created", random, "Bob created #random", random),
        (john, "message_sent", sent, "John sent a message in #general", general),
        (john, "workspace_renamed", workspace, "John renamed the workspace to Crew", None),
        (bob, "channel_renamed", random, "Bob renamed #random to #fun", random),
        (bob, "channel_updated", random, "Bob set the topic of #fun", random),
        (cleo, "channel_member_joined", cleo.id, "Cleo joined #fun", random),
        (bob, "channel_member_joined", gus.id, "Bob added Gus Example to #fun", random),
        (bob, "channel_member_left", cleo.id, "Bob removed Cleo Example from #fun", random),
        (gus, "channel_member_left", gus.id, "Gus left #fun", random),
        (bob, "channel_archived", random, "Bob archived #fun", random),
        (bob, "channel_unarchived", random, "Bob unarchived #fun", random),
        (john, "member_role_changed", bob.id, "John made Bob Example an admin", None),
        (john, "member_role_changed", gus.id, "John made Gus Example a member", None),
        (cleo, "member_left", cleo.id, "Cleo left the workspace", None),
        (bob, "member_left", gus.id, "Bob removed Gus Example from the workspace", None),
        (john, "ownership_transferred", bob.id, "John made Bob Example the owner", None),
    ]
    found = await feed(bob, workspace)
    told = [(a["actor_email"], a["type"], a["ref_id"], a["summary"], a["channel_id"]) for a in reversed(found)]
    assert told == [(actor.email, *rest) for actor, *rest in expected]
    assert [activity["seq"] for activity in found] == list(range(len(expected), 0, -1))
    assert all(activity["workspace_id"] == workspace for activity in found)
    assert [activity["id"] for activity in found] == sorted((activity["id"] for activity in found), reverse=True)


async def test_nothing_is_told_when_nothing_changed(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace = await alice.workspace("Team", {"member": bob})
    general = await alice.channel(workspace)
    before = await feed(alice, workspace)
    await alice.patch(f"/api/workspaces/{workspace}/", {"name": "Team"})
    await alice.patch(f"/api/channels/{general}/", {"name": "general", "topic": ""})
    await bob.post(f"/api/channels/{general}/join/")
    await alice.post(f"/api/channels/{general}/unarchive/")
    await alice.patch(f"/api/workspaces/{workspace}/members/{bob.id}/", {"role": "member"})
    await alice.refusal(404, "DELETE", f"/api/channels/{general}/members/{2**40}/")
    assert await feed(alice, workspace) == before


async def test_what_happens_in_private_is_told_to_who_is_in(sign_up: SignUp) -> None:
    owner, bob, cleo, gus = [await sign_up(name) for name in ("owner", "bob", "cleo", "gus")]
    workspace = await owner.workspace("Team", {"member": [bob, cleo], "guest": gus})
    general = await owner.channel(workspace, "general")
    secret = await bob.channel(workspace, "secret", [cleo], is_private=True)
    for channel, caller in ((general, owner), (secret, cleo)):
        await caller.say(channel)

    async def seen(caller: Caller) -> list[str]:
        return [activity["summary"] for activity in await feed(caller, workspace) if activity["channel_id"] is not None]

    public = ["Owner sent a message in #general", "Owner created #general"]
    private = ["Cleo sent a message in #secret", "Bob added Cleo Example to #secret", "Bob created #secret"]
    assert await seen(owner) == public
    assert await seen(bob) == await seen(cleo) == [private[0], public[0], *private[1:], public[1]]
    # A guest knows of the workspace, and of the channels that it is in.
    assert await seen(gus) == []
    assert "member_joined" in {activity["type"] for activity in await feed(gus, workspace)}
    await owner.post(f"/api/channels/{general}/members/", {"user_id": gus.id})
    assert await seen(gus) == ["Owner added Gus Example to #general", *public]
    await bob.delete(f"/api/channels/{secret}/members/{cleo.id}/")
    assert not [summary for summary in await seen(cleo) if "secret" in summary]
    # The feed of a channel that was private by then tells nothing new to whoever is invited later: it is all theirs to read.
    await bob.post(f"/api/channels/{secret}/members/", {"user_id": owner.id})
    assert len([summary for summary in await seen(owner) if "secret" in summary]) == 5


async def test_the_feed_goes_back_by_pages(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace, other = await alice.workspace("Team", {"member": bob}), await alice.workspace("Other")
    general = await alice.channel(workspace, "general")
    secret = await alice.channel(workspace, "secret", is_private=True)
    await asyncio.gather(*(alice.say((general, secret)[n % 2]) for n in range(60)))
    everything = await feed(bob, workspace, limit=200)
    assert len(everything) == 33
    pages: list[Json] = []
    before: dict[str, int] = {}
    more = True
    while more:
        body = await bob.post("/api/activities/", {"workspace_id": workspace, "limit": 10, **before})
        pages += body["data"]
        more = body["has_more"]
        assert len(body["data"]) == 10 or not more
        before = {"before_id": pages[-1]["id"]}
    assert pages == everything
    assert await feed(bob, workspace, before_id=everything[-1]["id"]) == []
    for foreign in ((await feed(alice, other))[0]["id"], 2**40):
        body = {"workspace_id": workspace, "before_id": foreign}
        message = await bob.refusal(404, "POST", "/api/activities/", body)
        assert message == "before_id is not an activity of this workspace"


async def test_fifty_are_told_unless_asked_otherwise(sign_up: SignUp) -> None:
    alice = await sign_up("alice")
    workspace = await alice.workspace()
    general = await alice.channel(workspace)
    await asyncio.gather(*(alice.say(general) for _ in range(60)))
    assert [len(await feed(alice, workspace, **more)) for more in ({}, {"limit": 1}, {"limit": 200})] == [50, 1, 62]


async def test_a_very_busy_private_channel_hides_no_public_activity(sign_up: SignUp) -> None:
    """More private activities than one page holds stand between what somebody may see."""
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace = await alice.workspace("Team", {"member": bob})
    general = await alice.channel(workspace, "general")
    await alice.say(general)
    secret = await alice.channel(workspace, "secret", is_private=True)
    await asyncio.gather(*(alice.say(secret) for _ in range(250)))
    newest = await feed(bob, workspace, limit=2)
    assert [activity["summary"] for activity in newest] == ["Alice sent a message in #general", "Alice created #general"]
