"""Invitations by mail, and links: who gets in by them, as what, how often and until when."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from tests.api import Caller, SignUp, signing_up
from tests.conftest import Cluster, Person
from tests.servers import Database, MailServer

DEAD_LINK = "This link does not work any more"


@pytest.fixture
def sign_up(person: Callable[..., Awaitable[Person]], cluster: Cluster) -> SignUp:
    return signing_up(person, cluster)


@pytest.fixture
def newcomer(cluster: Cluster, mail: MailServer) -> Callable[[Person, str], Awaitable[Caller]]:
    """Registers and signs in with an address that was invited. `friend` lends the tidying up."""

    async def register(friend: Person, email: str) -> Caller:
        person = Person(re.sub(r"\W", "", email)[:32], email, "Nina Newcomer", cluster.b, friend.cleanup)
        for answer in (await person.register(), await person.sign_in(mail)):
            assert answer.is_success, answer.text
        return await Caller(person, cluster).introduce()

    return register


def hours_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)) / timedelta(hours=1)


async def test_an_invited_address_becomes_a_member_by_registering_and_signing_in(
    sign_up: SignUp, mail: MailServer, newcomer: Callable[[Person, str], Awaitable[Caller]]
) -> None:
    alice = await sign_up("alice", "Alice Inviter")
    workspace = await alice.workspace("Engineering")
    general = await alice.channel(workspace)
    address = f"nina.{alice.username}@example.com"
    answer = await alice.post(f"/api/workspaces/{workspace}/members/", {"email": address.upper(), "role": "admin"})
    assert answer == {"status": "success", "result": "invited", "message": f"Invitation sent to {address}"}
    (invitation,) = await mail.wait_for(address)
    assert "Alice Inviter" in invitation.text and "Engineering" in invitation.text and address in invitation.text
    (listed,) = await alice.get(f"/api/workspaces/{workspace}/invitations/")
    assert listed == {
        "id": listed["id"],
        "email": address,
        "role": "admin",
        "invited_by": alice.email,
        "created_at": listed["created_at"],
        "expires_at": listed["expires_at"],
    }
    assert hours_between(listed["created_at"], listed["expires_at"]) == 30 * 24
    assert len(await alice.get(f"/api/workspaces/{workspace}/members/")) == 1

    nina = await newcomer(alice.person, address.replace("nina", "Nina"))
    assert [(w["id"], w["role"]) for w in await nina.get("/api/workspaces/")] == [(workspace, "admin")]
    assert (await nina.get(f"/api/channels/{general}/"))["is_member"] == 1
    (notification,) = await nina.get("/api/notifications/")
    assert (notification["kind"], notification["actor_email"]) == ("workspace_added", alice.email)
    newest = (await alice.post("/api/activities/", {"workspace_id": workspace, "limit": 1}))["data"][0]
    assert (newest["type"], newest["actor_email"], newest["ref_id"]) == ("member_joined", nina.email, nina.id)
    assert await alice.get(f"/api/workspaces/{workspace}/invitations/") == []


async def test_an_invitation_waits_for_exactly_its_address_and_may_be_taken_back_or_run_out(
    sign_up: SignUp, database: Database, newcomer: Callable[[Person, str], Awaitable[Caller]]
) -> None:
    alice = await sign_up("alice")
    workspace = await alice.workspace()
    path = f"/api/workspaces/{workspace}/invitations/"
    addresses = {word: f"{word}.{alice.username}@example.com" for word in ("welcome", "revoked", "expired")}
    for address in addresses.values():
        await alice.post(f"/api/workspaces/{workspace}/members/", {"email": address})
    listed = {invitation["email"]: invitation["id"] for invitation in await alice.get(path)}
    assert set(listed) == set(addresses.values())
    assert (await alice.delete(f"{path}{listed[addresses['revoked']]}/"))["message"] == "Invitation taken back"
    missing = await alice.refusal(404, "DELETE", f"{path}{listed[addresses['revoked']]}/")
    assert missing == "There is no such invitation"
    long_ago = "UPDATE invitations SET expires_at = UTC_TIMESTAMP() - INTERVAL 1 SECOND WHERE email = %s"
    await database.query(long_ago, [addresses["expired"]])
    assert [invitation["email"] for invitation in await alice.get(path)] == [addresses["welcome"]]
    expected = {"welcome": [workspace], "revoked": [], "expired": []}
    for word, workspaces in expected.items():
        nina = await newcomer(alice.person, addresses[word])
        assert [w["id"] for w in await nina.get("/api/workspaces/")] == workspaces, word


async def test_inviting_an_address_again_renews_its_invitation_with_the_new_role(
    sign_up: SignUp, newcomer: Callable[[Person, str], Awaitable[Caller]]
) -> None:
    alice = await sign_up("alice")
    workspace, other = await alice.workspace(), await alice.workspace("Other")
    general = await alice.channel(workspace)
    address = f"nina.{alice.username}@example.com"
    for role in ("admin", "guest"):
        await alice.post(f"/api/workspaces/{workspace}/members/", {"email": address, "role": role})
    await alice.post(f"/api/workspaces/{other}/members/", {"email": address})
    assert [i["role"] for i in await alice.get(f"/api/workspaces/{workspace}/invitations/")] == ["guest"]
    nina = await newcomer(alice.person, address)
    assert [(w["id"], w["role"]) for w in await nina.get("/api/workspaces/")] == [(workspace, "guest"), (other, "member")]
    # A guest is in no channel that it was not added to.
    await nina.refusal(404, "GET", f"/api/channels/{general}/")


async def test_invitations_and_links_are_the_admins_business(sign_up: SignUp) -> None:
    alice, bob, gus, stranger = [await sign_up(name) for name in ("alice", "bob", "gus", "stranger")]
    workspace = await alice.workspace("Team", {"member": bob, "guest": gus})
    elsewhere = await stranger.workspace()
    await alice.post(f"/api/workspaces/{workspace}/members/", {"email": f"nina.{alice.username}@example.com"})
    (invitation,) = await alice.get(f"/api/workspaces/{workspace}/invitations/")
    link = (await alice.post(f"/api/workspaces/{workspace}/invite-links/", {}))["link_id"]
    calls = [
        ("GET", "invitations/", None),
        ("DELETE", f"invitations/{invitation['id']}/", None),
        ("GET", "invite-links/", None),
        ("POST", "invite-links/", {}),
        ("DELETE", f"invite-links/{link}/", None),
    ]
    for method, path, body in calls:
        for caller in (bob, gus):
            await caller.refusal(403, method, f"/api/workspaces/{workspace}/{path}", body)
        await stranger.refusal(404, method, f"/api/workspaces/{workspace}/{path}", body)
        if method == "DELETE":
            # Nor by way of a workspace of one's own.
            await stranger.refusal(404, method, f"/api/workspaces/{elsewhere}/{path}", body)
    assert len(await alice.get(f"/api/workspaces/{workspace}/invitations/")) == 1
    assert len(await alice.get(f"/api/workspaces/{workspace}/invite-links/")) == 1


async def test_a_link_says_where_it_leads_and_lets_people_in(sign_up: SignUp) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace = await alice.workspace("Engineering")
    general = await alice.channel(workspace)
    links = f"/api/workspaces/{workspace}/invite-links/"
    made = await alice.post(links, {"max_uses": 3, "expires_in_hours": 2})
    assert made == {"status": "success", "link_id": made["link_id"], "token": made["token"], "url": made["url"]}
    assert made["url"].startswith("http") and made["url"].endswith(made["token"]) and len(made["token"]) >= 22
    path = f"/api/invite-links/{made['token']}/"
    preview = await bob.get(path)
    assert preview == {"workspace_name": "Engineering", "role": "member", "expires_at": preview["expires_at"]}
    for _ in range(2):
        assert await bob.post(f"{path}accept/") == {"status": "success", "workspace_id": workspace}
    (listed,) = await alice.get(links)
    assert listed == {
        "id": made["link_id"],
        "role": "member",
        "max_uses": 3,
        "uses": 1,
        "created_by": alice.email,
        "created_at": listed["created_at"],
        "expires_at": preview["expires_at"],
    }
    assert hours_between(listed["created_at"], listed["expires_at"]) == 2
    assert (await bob.get(f"/api/workspaces/{workspace}/"))["role"] == "member"
    assert (await bob.get(f"/api/channels/{general}/"))["is_member"] == 1
    # Whoever is in already keeps their role and uses nothing up.
    assert (await alice.post(f"{path}accept/"))["workspace_id"] == workspace
    assert (await alice.get(f"/api/workspaces/{workspace}/"))["role"] == "owner"
    assert (await alice.get(links))[0]["uses"] == 1


async def test_of_twenty_who_use_a_link_for_five_at_once_five_get_in(sign_up: SignUp) -> None:
    alice = await sign_up("alice")
    workspace = await alice.workspace()
    await alice.channel(workspace)
    links = f"/api/workspaces/{workspace}/invite-links/"
    made = await alice.post(links, {"max_uses": 5, "role": "guest"})
    people = await asyncio.gather(*(sign_up(f"guest{n}") for n in range(20)))
    path = f"/api/invite-links/{made['token']}/accept/"
    # The first two click twice: that is one use each.
    clicks = [person.call("POST", path) for person in (*people, *people[:2])]
    answers = await asyncio.gather(*clicks)
    assert {answer.status_code for answer in answers} == {200, 404}
    members = await alice.get(f"/api/workspaces/{workspace}/members/")
    inside = {member["user_id"] for member in members if member["role"] == "guest"}
    assert len(inside) == 5
    assert {person.id for person, answer in zip((*people, *people[:2]), answers, strict=True) if answer.is_success} == inside
    assert await people[0].refusal(404, "GET", f"/api/invite-links/{made['token']}/") == DEAD_LINK
    assert await alice.get(links) == []


async def test_a_link_ends_with_its_time_by_its_maker_or_with_its_workspace(sign_up: SignUp, database: Database) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace, doomed = await alice.workspace(), await alice.workspace("Doomed")
    links = f"/api/workspaces/{workspace}/invite-links/"
    expired, revoked = [await alice.post(links, {}) for _ in range(2)]
    orphaned = await alice.post(f"/api/workspaces/{doomed}/invite-links/", {})
    for link in (expired, revoked, orphaned):
        assert (await bob.get(f"/api/invite-links/{link['token']}/"))["role"] == "member"
    long_ago = "UPDATE invite_links SET expires_at = UTC_TIMESTAMP() - INTERVAL 1 SECOND WHERE id = %s"
    await database.query(long_ago, [expired["link_id"]])
    assert (await alice.delete(f"{links}{revoked['link_id']}/"))["message"] == "Link ended"
    assert await alice.refusal(404, "DELETE", f"{links}{revoked['link_id']}/") == "There is no such link"
    await alice.delete(f"/api/workspaces/{doomed}/")
    for token in (expired["token"], revoked["token"], orphaned["token"], "unknown", "%00", "ünknown"):
        assert await bob.refusal(404, "GET", f"/api/invite-links/{token}/") == DEAD_LINK
        assert await bob.refusal(404, "POST", f"/api/invite-links/{token}/accept/") == DEAD_LINK
    assert await bob.get("/api/workspaces/") == []
    assert await alice.get(links) == []


async def test_a_token_is_nowhere_in_the_database(sign_up: SignUp, database: Database) -> None:
    alice = await sign_up("alice")
    made = await alice.post(f"/api/workspaces/{await alice.workspace()}/invite-links/", {})
    (row,) = await database.query("SELECT * FROM invite_links WHERE id = %s", [made["link_id"]])
    assert len(row["token_hash"]) == 32
    assert made["token"] not in str(row)
