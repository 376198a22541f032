"""Members: who may add, change and remove whom, and that a workspace always has exactly one owner."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import product

import pytest

from tests.api import Caller, Json, SignUp, refused, signing_up, succeeded
from tests.conftest import Cluster, Person

ROLES = ("owner", "admin", "member", "guest")
# Who may do something to whom, written down apart from the code: an admin manages members and guests, the owner everybody else.
MANAGES = {"owner": {"admin", "member", "guest"}, "admin": {"member", "guest"}, "member": set(), "guest": set()}


@pytest.fixture
def sign_up(person: Callable[..., Awaitable[Person]], cluster: Cluster) -> SignUp:
    return signing_up(person, cluster)


@pytest.fixture
async def team(sign_up: SignUp) -> dict[str, Caller]:
    """Two people of each role but the owner, of whom there is one, in one workspace; its id is `team["owner"].workspace_id`."""
    names = ["owner", *(f"{role}{n}" for role in ROLES[1:] for n in (1, 2))]
    return dict(zip(names, await asyncio.gather(*(sign_up(name) for name in names)), strict=True))


async def workspace_of(team: dict[str, Caller]) -> int:
    by_role: dict[str, Caller | list[Caller]] = {role: [team[f"{role}1"], team[f"{role}2"]] for role in ROLES[1:]}
    return await team["owner"].workspace("Team", by_role)


async def roles(caller: Caller, workspace: int) -> dict[int, str]:
    members = await caller.get(f"/api/workspaces/{workspace}/members/")
    return {member["user_id"]: member["role"] for member in members}


def role_of(name: str) -> str:
    return name.rstrip("12")


async def test_a_member_is_listed_with_name_role_and_presence(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob", "Bob  von Müller 🎈")
    workspace = await alice.workspace("Team", {"guest": bob})
    _, listed = await bob.get(f"/api/workspaces/{workspace}/members/")
    assert listed == {
        "user_id": bob.id,
        "username": bob.username,
        "email": bob.email,
        "full_name": "Bob  von Müller 🎈",
        "role": "guest",
        "joined_at": listed["joined_at"],
        "presence": "offline",
    }
    async with bob.person.socket("/ws/presence/") as socket:
        await socket.send({"type": "heartbeat", "status": "idle"})
        async with asyncio.timeout(10):
            while (await alice.get(f"/api/workspaces/{workspace}/members/"))[1]["presence"] != "idle":
                await asyncio.sleep(0.1)
        assert await alice.get(f"/api/workspaces/{workspace}/presence/") == [
            {"user_id": bob.id, "user_email": bob.email, "status": "idle"}
        ]


async def test_the_list_of_members_goes_by_pages(team: dict[str, Caller]) -> None:
    workspace = await workspace_of(team)
    found: list[Json] = []
    more = True
    while more:
        after = found[-1]["user_id"] if found else 0
        page, more = await team["guest1"].page(f"/api/workspaces/{workspace}/members/", limit=3, after_id=after)
        assert len(page) == 3 or not more
        found += page
    assert [member["user_id"] for member in found] == sorted(caller.id for caller in team.values())
    assert await team["guest1"].page(f"/api/workspaces/{workspace}/members/", limit=7) == (found, False)


async def test_somebody_with_an_account_is_added_at_once_whatever_the_case_of_the_address(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace = await alice.workspace()
    path = f"/api/workspaces/{workspace}/members/"
    await bob.refusal(404, "GET", path)
    added = await alice.post(path, {"email": bob.email.upper()})
    assert added == {"status": "success", "result": "added", "message": f"{bob.email} was added"}
    assert await roles(bob, workspace) == {alice.id: "owner", bob.id: "member"}
    for role in ("member", "admin"):
        message = await alice.refusal(409, "POST", path, {"email": bob.email, "role": role})
        assert message == "email is already that of a member"
    assert await roles(bob, workspace) == {alice.id: "owner", bob.id: "member"}


async def test_of_many_who_add_one_person_at_once_one_succeeds(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace = await alice.workspace()
    body = {"email": bob.email}
    answers = await asyncio.gather(*(alice.call("POST", f"/api/workspaces/{workspace}/members/", body) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert await roles(bob, workspace) == {alice.id: "owner", bob.id: "member"}
    feed = (await alice.post("/api/activities/", {"workspace_id": workspace}))["data"]
    assert [activity["type"] for activity in feed].count("member_joined") == 1


async def test_admins_and_the_owner_add_people_and_nobody_else(team: dict[str, Caller], sign_up: SignUp) -> None:
    workspace, newcomer, stranger = await workspace_of(team), await sign_up("newcomer"), await sign_up("stranger")
    path = f"/api/workspaces/{workspace}/members/"
    for name, role in product(("member1", "guest1"), ROLES[1:]):
        message = await team[name].refusal(403, "POST", path, {"email": newcomer.email, "role": role})
        assert message == "Only an admin or the owner may do this"
    await stranger.refusal(404, "POST", path, {"email": newcomer.email})
    for name, role in product(("owner", "admin1"), ROLES[1:]):
        await team[name].post(path, {"email": newcomer.email, "role": role})
        assert (await roles(newcomer, workspace))[newcomer.id] == role
        await team["owner"].delete(f"{path}{newcomer.id}/")


async def test_a_role_is_changed_by_somebody_of_a_higher_one(team: dict[str, Caller]) -> None:
    workspace = await workspace_of(team)
    for actor, target, role in product(("owner", "admin1", "member1", "guest1"), team, ROLES[1:]):
        before = await roles(team["owner"], workspace)
        path = f"/api/workspaces/{workspace}/members/{team[target].id}/"
        answer = await team[actor].call("PATCH", path, {"role": role})
        may = role_of(target) in MANAGES[role_of(actor)]
        if may:
            assert succeeded(answer)["message"] == "Role changed"
        else:
            refused(answer, 403)
        after = await roles(team["owner"], workspace)
        assert after == {**before, team[target].id: role if may else before[team[target].id]}, (actor, target, role)
        if may:
            await team["owner"].patch(path, {"role": role_of(target)})


async def test_nobody_changes_their_own_role(team: dict[str, Caller]) -> None:
    workspace = await workspace_of(team)
    for name, role in product(team, ROLES[1:]):
        path = f"/api/workspaces/{workspace}/members/{team[name].id}/"
        await team[name].refusal(403, "PATCH", path, {"role": role})
    assert (await roles(team["owner"], workspace)) == {caller.id: role_of(name) for name, caller in team.items()}


async def test_nobody_is_made_an_owner_by_a_change_of_role(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace = await alice.workspace("Team", {"member": bob})
    path = f"/api/workspaces/{workspace}/members/"
    for method, where, body in (("PATCH", f"{path}{bob.id}/", {}), ("POST", path, {"email": bob.email})):
        message = await alice.refusal(400, method, where, {**body, "role": "owner"})
        assert message == "role must be admin, member or guest"


async def test_people_are_removed_by_somebody_of_a_higher_role(team: dict[str, Caller]) -> None:
    workspace = await workspace_of(team)
    for actor, target in product(("owner", "admin1", "member1", "guest1"), team):
        if actor == target:
            continue
        before = await roles(team["owner"], workspace)
        path = f"/api/workspaces/{workspace}/members/{team[target].id}/"
        answer = await team[actor].call("DELETE", path)
        if role_of(target) in MANAGES[role_of(actor)]:
            assert succeeded(answer)["message"] == "Member removed"
            await team[target].refusal(404, "GET", f"/api/workspaces/{workspace}/")
            del before[team[target].id]
        else:
            refused(answer, 403)
            await team[target].get(f"/api/workspaces/{workspace}/")
        assert await roles(team["owner"], workspace) == before, (actor, target)
        again = {"email": team[target].email, "role": role_of(target)}
        await team["owner"].call("POST", f"/api/workspaces/{workspace}/members/", again)


async def test_everybody_but_the_owner_may_leave(team: dict[str, Caller]) -> None:
    workspace = await workspace_of(team)
    leave = f"/api/workspaces/{workspace}/leave/"
    for path, method in ((leave, "POST"), (f"/api/workspaces/{workspace}/members/{team['owner'].id}/", "DELETE")):
        message = await team["owner"].refusal(409, method, path)
        assert message == "The owner cannot leave: transfer the workspace first, or delete it"
    for name in ("admin1", "member1", "guest1"):
        assert (await team[name].post(leave))["message"] == "Left the workspace"
        await team[name].refusal(404, "POST", leave)
    for name in ("admin2", "member2", "guest2"):
        await team[name].delete(f"/api/workspaces/{workspace}/members/{team[name].id}/")
        await team[name].refusal(404, "GET", f"/api/workspaces/{workspace}/")
    assert await roles(team["owner"], workspace) == {team["owner"].id: "owner"}


async def test_whoever_left_and_returns_is_only_where_everybody_is(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace = await alice.workspace("Team", {"member": bob})
    general = await alice.channel(workspace)
    private = await alice.channel(workspace, "secret", [bob], is_private=True)
    assert {channel["id"] for channel in await bob.get("/api/channels/", workspace_id=workspace)} == {general, private}
    await bob.post(f"/api/workspaces/{workspace}/leave/")
    assert [member["user_id"] for member in await alice.get(f"/api/channels/{private}/members/")] == [alice.id]
    await alice.post(f"/api/workspaces/{workspace}/members/", {"email": bob.email})
    channels = await bob.get("/api/channels/", workspace_id=workspace)
    assert [(channel["id"], channel["is_member"]) for channel in channels] == [(general, 1)]
    await bob.refusal(404, "GET", f"/api/channels/{private}/")


async def test_strangers_and_people_of_other_workspaces_are_no_members(sign_up: SignUp) -> None:
    alice, stranger = await sign_up("alice"), await sign_up("stranger")
    workspace, theirs = await alice.workspace(), await stranger.workspace()
    for method, body in (("PATCH", {"role": "guest"}), ("DELETE", None)):
        for user in (stranger.id, 2**40):
            path = f"/api/workspaces/{workspace}/members/{user}/"
            assert await alice.refusal(404, method, path, body) == "There is no such member"
        # Nor does the owner of another workspace reach into this one.
        await stranger.refusal(404, method, f"/api/workspaces/{workspace}/members/{alice.id}/", body)
        await stranger.refusal(404, method, f"/api/workspaces/{theirs}/members/{alice.id}/", body)
    assert await roles(alice, workspace) == {alice.id: "owner"}


async def test_the_owner_hands_the_workspace_over_and_stays_as_an_admin(team: dict[str, Caller], sign_up: SignUp) -> None:
    workspace, stranger = await workspace_of(team), await sign_up("stranger")
    path = f"/api/workspaces/{workspace}/transfer/"
    owner, heir = team["owner"], team["guest1"]
    for name in ("admin1", "member1", "guest1"):
        message = await team[name].refusal(403, "POST", path, {"user_id": heir.id})
        assert message == "Only the owner may transfer a workspace"
    assert await owner.refusal(400, "POST", path, {"user_id": owner.id}) == "user_id must be another member"
    assert await owner.refusal(404, "POST", path, {"user_id": stranger.id}) == "There is no such member"
    await stranger.refusal(404, "POST", path, {"user_id": stranger.id})
    assert (await owner.post(path, {"user_id": heir.id}))["message"] == "Ownership transferred"
    now = await roles(owner, workspace)
    assert (now[owner.id], now[heir.id]) == ("admin", "owner")
    assert list(now.values()).count("owner") == 1
    await owner.refusal(403, "POST", path, {"user_id": owner.id})
    await owner.refusal(403, "DELETE", f"/api/workspaces/{workspace}/")
    assert (await owner.post(f"/api/workspaces/{workspace}/leave/"))["message"] == "Left the workspace"


async def test_however_many_transfers_and_departures_come_at_once_there_is_one_owner(team: dict[str, Caller]) -> None:
    workspace = await workspace_of(team)
    heirs = [caller for name, caller in team.items() if name != "owner"]
    for _ in range(3):
        now = await roles(heirs[0], workspace)
        owner = next(caller for caller in team.values() if now.get(caller.id) == "owner")
        others = [caller for caller in heirs if caller is not owner]
        calls = [owner.call("POST", f"/api/workspaces/{workspace}/transfer/", {"user_id": heir.id}) for heir in others]
        # An heir who leaves at the same moment either was too early to inherit, or stays as the owner.
        calls += [others[-1].call("POST", f"/api/workspaces/{workspace}/leave/")]
        answers = await asyncio.gather(*calls)
        assert {answer.status_code for answer in answers} <= {200, 403, 404, 409}
        assert [answer.status_code for answer in answers[:-1]].count(200) == 1
        after = await roles(others[0], workspace)
        assert list(after.values()).count("owner") == 1
        assert after[owner.id] == "admin"
        body = {"email": others[-1].email, "role": "guest"}
        await owner.call("POST", f"/api/workspaces/{workspace}/members/", body)


async def test_people_join_a_busy_workspace_without_a_failure(sign_up: SignUp) -> None:
    alice = await sign_up("alice")
    workspace = await alice.workspace()
    channel = await alice.channel(workspace)
    people = await asyncio.gather(*(sign_up("bob") for _ in range(6)))
    joins = [alice.call("POST", f"/api/workspaces/{workspace}/members/", {"email": bob.email}) for bob in people]
    messages = [alice.call("POST", "/api/messages/", {"channel_id": channel, "body": f"Hello {n}"}) for n in range(60)]
    answers = await asyncio.gather(*(call for pair in zip(messages[:6], joins, strict=True) for call in pair), *messages[6:])
    assert {answer.status_code for answer in answers} == {201}
    assert len(await alice.get(f"/api/channels/{channel}/members/")) == 7
