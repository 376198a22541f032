"""Workspaces: made, seen, renamed and deleted by the right people."""

from collections.abc import Awaitable, Callable

import pytest

from tests.api import SignUp, signing_up
from tests.conftest import Cluster, Person


@pytest.fixture
def sign_up(person: Callable[..., Awaitable[Person]], cluster: Cluster) -> SignUp:
    return signing_up(person, cluster)


async def test_whoever_makes_a_workspace_owns_it_and_it_has_no_channel_yet(sign_up: SignUp) -> None:
    alice = await sign_up("alice")
    made = await alice.post("/api/workspaces/", {"name": " Engineering ", "description": " Everything \n we build "})
    workspace = await alice.get(f"/api/workspaces/{made['workspace_id']}/")
    assert workspace == {
        "id": made["workspace_id"],
        "name": "Engineering",
        "description": "Everything \n we build",
        "created_by": alice.email,
        "created_at": workspace["created_at"],
        "role": "owner",
    }
    assert await alice.get("/api/workspaces/") == [workspace]
    assert await alice.get("/api/channels/", workspace_id=workspace["id"]) == []
    (member,) = await alice.get(f"/api/workspaces/{workspace['id']}/members/")
    assert (member["user_id"], member["role"]) == (alice.id, "owner")


async def test_a_workspace_is_there_for_its_members_and_for_nobody_else(sign_up: SignUp) -> None:
    alice, bob, stranger = await sign_up("alice"), await sign_up("bob"), await sign_up("stranger")
    first = await alice.workspace("First", {"member": bob})
    second = await alice.workspace("Second", {"guest": bob})
    own = await stranger.workspace("Elsewhere")
    assert [(w["id"], w["name"], w["role"]) for w in await bob.get("/api/workspaces/")] == [
        (first, "First", "member"),
        (second, "Second", "guest"),
    ]
    assert [w["id"] for w in await stranger.get("/api/workspaces/")] == [own]
    missing = await stranger.refusal(404, "GET", f"/api/workspaces/{2**40}/")
    for method, body in (("GET", None), ("PATCH", {"name": "Mine"}), ("DELETE", None)):
        assert await stranger.refusal(404, method, f"/api/workspaces/{first}/", body) == missing
    assert (await bob.get(f"/api/workspaces/{first}/"))["name"] == "First"


async def test_two_workspaces_may_have_one_name(sign_up: SignUp) -> None:
    alice = await sign_up("alice")
    assert await alice.workspace("Twin") != await alice.workspace("Twin")


@pytest.mark.parametrize("role", ["admin", "owner"])
async def test_an_admin_renames_and_describes_a_workspace(sign_up: SignUp, role: str) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace = await alice.workspace("Before", {"admin": bob})
    editor = alice if role == "owner" else bob
    path = f"/api/workspaces/{workspace}/"
    renamed = (await editor.patch(path, {"name": " After "}))["data"]
    assert (renamed["name"], renamed["description"]) == ("After", "")
    described = (await editor.patch(path, {"description": "New words"}))["data"]
    assert (described["name"], described["description"]) == ("After", "New words")
    assert (await editor.patch(path, {}))["data"] == described
    assert (await editor.patch(path, {"description": ""}))["data"] == renamed
    assert await alice.get(path) == {**renamed, "role": "owner"}
    assert await bob.get(path) == {**renamed, "role": "admin"}
    feed = (await bob.post("/api/activities/", {"workspace_id": workspace}))["data"]
    assert [(a["type"], a["ref_id"], a["actor_email"], a["summary"]) for a in feed if a["type"] == "workspace_renamed"] == [
        ("workspace_renamed", workspace, editor.email, f"{editor.first_name} renamed the workspace to After")
    ]


async def test_members_and_guests_change_nothing_of_a_workspace(sign_up: SignUp) -> None:
    alice, bob, gus = await sign_up("alice"), await sign_up("bob"), await sign_up("gus")
    workspace = await alice.workspace("Team", {"member": bob, "guest": gus})
    path = f"/api/workspaces/{workspace}/"
    for caller in (bob, gus):
        assert await caller.refusal(403, "PATCH", path, {"name": "Mine"}) == "Only an admin or the owner may do this"
        assert await caller.refusal(403, "DELETE", path) == "Only the owner may delete a workspace"
    assert (await alice.get(path))["name"] == "Team"
    assert (await alice.patch(path, {"name": "Ours"}))["data"]["name"] == "Ours"


async def test_a_deleted_workspace_is_gone_for_everybody_and_everything_in_it(sign_up: SignUp) -> None:
    alice, bob, cleo = await sign_up("alice"), await sign_up("bob"), await sign_up("cleo")
    workspace, other = await alice.workspace("Team", {"admin": bob}), await alice.workspace("Other", {"member": bob})
    channel, elsewhere = await alice.channel(workspace), await alice.channel(other)
    message = (await bob.say(channel, f"Hello @{alice.username}"))["message_id"]
    link = await alice.post(f"/api/workspaces/{workspace}/invite-links/", {})
    assert await bob.refusal(403, "DELETE", f"/api/workspaces/{workspace}/") == "Only the owner may delete a workspace"
    assert (await alice.delete(f"/api/workspaces/{workspace}/"))["message"] == "Workspace deleted"
    for caller in (alice, bob):
        assert [w["id"] for w in await caller.get("/api/workspaces/")] == [other]
        for path in (f"workspaces/{workspace}", f"workspaces/{workspace}/members", f"channels/{channel}", f"messages/{message}"):
            await caller.refusal(404, "GET", f"/api/{path}/")
        await caller.refusal(404, "GET", "/api/channels/", workspace_id=workspace)
        await caller.refusal(404, "GET", "/api/messages/", channel_id=channel)
        await caller.refusal(404, "POST", "/api/messages/", {"channel_id": channel, "body": "Anybody?"})
        await caller.refusal(404, "POST", "/api/activities/", {"workspace_id": workspace})
        await caller.refusal(404, "POST", "/api/metrics/messages-per-day", {"workspace_id": workspace})
        assert [state["channel_id"] for state in (await caller.get("/api/unread/"))["channels"]] == []
        assert (await caller.get(f"/api/channels/{elsewhere}/"))["is_member"] == 1
    assert await cleo.refusal(404, "POST", f"/api/invite-links/{link['token']}/accept/") == "This link does not work any more"
    await alice.refusal(404, "DELETE", f"/api/workspaces/{workspace}/")
