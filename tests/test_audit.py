"""The audit log: who did what, when, from where; written with the change, read by the owner, changed by nobody."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pymysql
import pytest

from pluseboard.actions import auditing
from tests.answers import assert_error
from tests.api import Caller, Json, SignUp, signing_up
from tests.browsing import Jar
from tests.conftest import WORKER, Cluster, Person
from tests.servers import Database, MailServer, run_command

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture
def sign_up(person: Callable[..., Awaitable[Person]], cluster: Cluster) -> SignUp:
    return signing_up(person, cluster)


def triggers() -> list[str]:
    """The statements between DELIMITER // and DELIMITER ; of database.md."""
    part = (DOCS / "database.md").read_text("utf-8").split("\nDELIMITER //\n")[1].split("\nDELIMITER ;\n")[0]
    return [statement for statement in part.split("//") if statement.strip()]


async def log(owner: Caller, workspace: int, **query: Any) -> list[Json]:
    records: list[Json] = await owner.get(f"/api/workspaces/{workspace}/audit/", **query)
    return records


def told(records: list[Json]) -> list[tuple[str, str, str, int, Json]]:
    """The oldest first, without ids, time and place."""
    return [(r["actor_email"], r["action"], r["target_type"], r["target_id"], r["details"]) for r in reversed(records)]


async def test_everything_that_changes_who_may_do_what_in_a_workspace_is_in_its_log(
    sign_up: SignUp, mail: MailServer, cluster: Cluster
) -> None:
    ann, bob, eve = await sign_up("ann"), await sign_up("bob"), await sign_up("eve")
    w = await ann.workspace("Team")
    base = f"/api/workspaces/{w}"
    await ann.patch(f"{base}/", {"name": "Crew", "description": "Not worth a record"})
    await ann.post(f"{base}/members/", {"email": bob.email, "role": "guest"})
    await ann.patch(f"{base}/members/{bob.id}/", {"role": "admin"})
    invited = f"new.{ann.email}"
    await bob.post(f"{base}/members/", {"email": invited, "role": "member"})
    invitation = (await ann.get(f"{base}/invitations/"))[0]["id"]
    await ann.delete(f"{base}/invitations/{invitation}/")
    link = await ann.post(f"{base}/invite-links/", {"role": "guest", "max_uses": 5, "expires_in_hours": 2})
    await eve.post(f"/api/invite-links/{link['token']}/accept/")
    await ann.delete(f"{base}/invite-links/{link['link_id']}/")
    channel = await ann.channel(w, "plans")
    said = await ann.say(channel)
    await ann.delete(f"/api/messages/{said['message_id']}/")  # one's own: no record
    said = await ann.say(channel)
    await bob.delete(f"/api/messages/{said['message_id']}/")
    await bob.delete(f"/api/messages/{said['message_id']}/")  # is deleted already
    await ann.patch(f"/api/channels/{channel}/", {"name": "news", "is_default": False, "topic": "Not worth a record"})
    await ann.post(f"/api/channels/{channel}/archive/")
    await ann.post(f"/api/channels/{channel}/archive/")  # is archived already
    await ann.post(f"/api/channels/{channel}/unarchive/")
    await bob.delete(f"{base}/members/{eve.id}/")
    await ann.post(f"{base}/transfer/", {"user_id": bob.id})
    await ann.post(f"{base}/leave/")
    assert told(await log(bob, w, limit=100)) == [
        (ann.email, "workspace_created", "workspace", w, {"name": "Team"}),
        (ann.email, "workspace_renamed", "workspace", w, {"name": "Crew", "old_name": "Team"}),
        (ann.email, "member_added", "user", bob.id, {"email": bob.email, "role": "guest"}),
        (ann.email, "member_role_changed", "user", bob.id, {"email": bob.email, "role": "admin", "old_role": "guest"}),
        (bob.email, "invitation_sent", "invitation", invitation, {"email": invited, "role": "member"}),
        (ann.email, "invitation_ended", "invitation", invitation, {"email": invited}),
        (
            ann.email,
            "invite_link_created",
            "invite_link",
            link["link_id"],
            {"role": "guest", "max_uses": 5, "expires_in_hours": 2},
        ),
        (eve.email, "member_joined", "user", eve.id, {"role": "guest", "invite_link_id": link["link_id"]}),
        (ann.email, "invite_link_ended", "invite_link", link["link_id"], {}),
        (ann.email, "channel_created", "channel", channel, {"name": "plans", "is_private": 0}),
        (bob.email, "message_deleted", "message", said["message_id"], {"channel_id": channel, "sender_id": ann.id}),
        (ann.email, "channel_default_changed", "channel", channel, {"is_default": 0}),
        (ann.email, "channel_renamed", "channel", channel, {"name": "news", "old_name": "plans"}),
        (ann.email, "channel_archived", "channel", channel, {"name": "news"}),
        (ann.email, "channel_unarchived", "channel", channel, {"name": "news"}),
        (bob.email, "member_removed", "user", eve.id, {"email": eve.email, "role": "guest"}),
        (ann.email, "ownership_transferred", "user", bob.id, {"email": bob.email, "old_role": "admin"}),
        (ann.email, "member_left", "user", ann.id, {}),
    ]


async def test_a_record_says_from_where_and_a_refused_change_leaves_none(sign_up: SignUp) -> None:
    ann, bob = await sign_up("ann"), await sign_up("bob")
    w = await ann.workspace("Team", {"member": bob})
    ann.person.http.headers["user-agent"] = "Tests/1.0 " + "x" * 300
    await ann.person.http.delete(f"/api/workspaces/{w}/members/{bob.id}/")
    [record] = await log(ann, w, action="member_removed")
    assert (record["ip"], record["user_agent"]) == ("127.0.0.1", ("Tests/1.0 " + "x" * 300)[:255])
    assert (record["actor_id"], record["workspace_id"]) == (ann.id, w)
    age = datetime.now(UTC) - datetime.fromisoformat(record["created_at"]).replace(tzinfo=UTC)
    assert timedelta(seconds=-5) < age < timedelta(minutes=5)
    await ann.refusal(404, "DELETE", f"/api/workspaces/{w}/members/{bob.id}/")
    await ann.refusal(409, "POST", f"/api/workspaces/{w}/leave/")
    await ann.refusal(404, "DELETE", f"/api/workspaces/{w}/invite-links/1/")
    assert len(await log(ann, w)) == 3


async def test_a_private_channel_is_in_the_log_for_its_members_alone(sign_up: SignUp) -> None:
    ann, bob, eve = await sign_up("ann"), await sign_up("bob"), await sign_up("eve")
    w = await ann.workspace("Team", {"admin": [bob, eve]})
    hidden = await bob.channel(w, "board", is_private=True)
    await bob.post(f"/api/channels/{hidden}/members/", {"user_id": eve.id})
    await bob.patch(f"/api/channels/{hidden}/", {"name": "boardroom"})
    said = await eve.say(hidden)
    await bob.delete(f"/api/messages/{said['message_id']}/")
    await eve.post(f"/api/channels/{hidden}/leave/")
    await bob.post(f"/api/channels/{hidden}/archive/")
    await bob.post(f"/api/channels/{hidden}/unarchive/")
    public = [("workspace_created", ann.email), ("member_added", ann.email), ("member_added", ann.email)]
    seen = [(r["action"], r["actor_email"]) for r in reversed(await log(ann, w))]
    assert seen == public
    assert "board" not in str(await log(ann, w))
    await bob.post(f"/api/channels/{hidden}/members/", {"user_id": ann.id})
    await ann.delete(f"/api/channels/{hidden}/members/{bob.id}/")
    actions = [r["action"] for r in reversed(await log(ann, w))]
    assert actions[3:] == [
        *("channel_created", "channel_member_added", "channel_renamed", "message_deleted", "channel_member_left"),
        *("channel_archived", "channel_unarchived", "channel_member_added", "channel_member_removed"),
    ]


async def test_only_the_owner_reads_a_workspaces_log(sign_up: SignUp) -> None:
    people = dict(zip(("ann", "bob", "eve", "dan"), [await sign_up(n) for n in ("ann", "bob", "eve", "dan")], strict=True))
    ann = people["ann"]
    w = await ann.workspace("Team", {"admin": people["bob"], "member": people["eve"], "guest": people["dan"]})
    for name in ("bob", "eve", "dan"):
        assert await people[name].refusal(403, "GET", f"/api/workspaces/{w}/audit/") == "Only the owner may read the audit log"
    assert len(await log(ann, w)) == 4


async def test_pages_go_on_and_filters_hold_also_within_one_second(sign_up: SignUp, database: Database) -> None:
    ann, bob = await sign_up("ann"), await sign_up("bob")
    w = await ann.workspace("Team", {"admin": bob})
    for n in range(6):
        await (ann, bob)[n % 2].patch(f"/api/workspaces/{w}/", {"name": f"Team {n}"})
    everything = await log(ann, w)
    ids = [record["id"] for record in everything]
    assert ids == sorted(ids, reverse=True) and len(ids) == 8
    # Three seconds of two or three records each, so that pages end within a second.
    for place, id_ in enumerate(reversed(ids)):
        when = f"2025-01-15 10:30:0{place // 3}"
        await database.query("UPDATE audit_log SET created_at = %s WHERE id = %s", (when, id_))
    path = f"/api/workspaces/{w}/audit/"

    async def walk(limit: int, **query: Any) -> list[int]:
        found: list[int] = []
        while True:
            records, more = await ann.page(path, limit=limit, **query, **({"before_id": found[-1]} if found else {}))
            found += [record["id"] for record in records]
            if not more:
                return found
            assert len(records) == limit

    def where(condition: Callable[[Json], bool]) -> list[int]:
        return [record["id"] for record in everything if condition(record)]

    for limit in (1, 2, 3, 50):
        assert await walk(limit) == ids
        assert await walk(limit, actor_id=bob.id) == where(lambda r: r["actor_id"] == bob.id)
        assert await walk(limit, action="workspace_renamed") == where(lambda r: r["action"] == "workspace_renamed")
        both = {"actor_id": ann.id, "action": "workspace_renamed"}
        assert await walk(limit, **both) == where(lambda r: (r["actor_id"], r["action"]) == (ann.id, "workspace_renamed"))
        second = {"since": "2025-01-15T10:30:01", "until": "2025-01-15T10:30:02"}
        assert await walk(limit, **second) == ids[2:5]
        assert await walk(limit, since="2025-01-15T10:30:02") == ids[:2]
        assert await walk(limit, until="2025-01-15T10:30:01") == ids[5:]
    assert [r["id"] for r in await log(ann, w, before_id=ids[0], until="2025-01-15T10:30:01")] == ids[5:]
    assert await ann.refusal(400, "GET", path, since="2025-02-29T00:00:00") == "since must be a day that there is"


async def test_ones_own_log_has_sign_ins_failures_and_ended_sessions(
    sign_up: SignUp, mail: MailServer, cluster: Cluster, database: Database
) -> None:
    ann, bob = await sign_up("ann"), await sign_up("bob")
    await guess(cluster, ann.email, mail)
    await guess(cluster, f"nobody.{ann.email}", None)
    tablet, phone = await device(ann, cluster, mail), await device(ann, cluster, mail)
    tablet_id, phone_id = sorted(s["id"] for s in await ann.get("/api/sessions/") if not s["is_current"])
    await ann.delete(f"/api/sessions/{tablet_id}/")
    assert (await phone.http.post("/api/logout/")).is_success
    assert (await phone.http.post("/api/logout/")).is_success  # is out already
    assert (await tablet.http.get("/api/me/")).status_code == 401
    records = await ann.get("/api/audit/")
    assert [(r["action"], r["details"]) for r in reversed(records)] == [
        ("signed_in", {}),
        ("sign_in_failed", {}),
        ("signed_in", {}),
        ("signed_in", {}),
        ("session_revoked", {"reason": "revoked"}),
        ("session_revoked", {"reason": "signed_out"}),
    ]
    assert {(r["actor_email"], r["actor_id"], r["workspace_id"]) for r in records} == {(ann.email, ann.id, None)}
    assert [r["target_id"] for r in records[:2]] == [phone_id, tablet_id]
    assert len(await bob.get("/api/audit/")) == 1
    assert len(await ann.get("/api/audit/", action="sign_in_failed")) == 1
    [stranger] = await database.query("SELECT * FROM audit_log WHERE actor_email = %s", [f"nobody.{ann.email}"])
    assert (stranger["action"], stranger["actor_id"], stranger["ip"]) == ("sign_in_failed", 0, "127.0.0.1")


async def device(ann: Caller, cluster: Cluster, mail: MailServer) -> Person:
    """Another device of hers, signed in."""
    person = Person(ann.username, ann.email, "", cluster.a, ann.person.cleanup)
    assert (await person.sign_in(mail)).is_success
    return person


async def guess(cluster: Cluster, email: str, mail: MailServer | None) -> None:
    """A wrong code, for an address that may have an account."""
    jar = Jar()
    await jar.ask(cluster.a, "POST", "/api/request-otp/", json={"email": email})
    code = await mail.code_for(email) if mail else "123456"
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    assert_error(await jar.ask(cluster.b, "POST", "/api/verify-otp/", json={"email": email, "otp": wrong}), 401)


async def test_a_stolen_refresh_token_is_in_the_log(sign_up: SignUp, database: Database, cluster: Cluster) -> None:
    ann = await sign_up("ann")
    jar = ann.person.cookies
    old = next(cookie.value for cookie in jar if cookie.name == "refresh_token")
    assert (await ann.person.http.post("/api/refresh/")).status_code == 204
    await database.query("UPDATE sessions SET rotated_at = rotated_at - INTERVAL 60 SECOND WHERE user_id = %s", [ann.id])
    thief = Person("", "", "", cluster.b, ann.person.cleanup)
    thief.http.cookies.set("refresh_token", str(old))
    assert_error(await thief.http.post("/api/refresh/", headers={"user-agent": "Thief/1.0"}), 401)
    [record] = await database.query("SELECT * FROM audit_log WHERE actor_id = %s AND action = 'session_revoked'", [ann.id])
    assert (json.loads(record["details"]), record["user_agent"]) == ({"reason": "reused_token"}, "Thief/1.0")


async def test_an_invitation_accepted_by_signing_in_is_in_the_log(sign_up: SignUp, cluster: Cluster, mail: MailServer) -> None:
    ann = await sign_up("ann")
    w = await ann.workspace("Team")
    new = Person(f"new{ann.id}", f"new{ann.id}@example.com", "New Example", cluster.b, ann.person.cleanup)
    await ann.post(f"/api/workspaces/{w}/members/", {"email": new.email, "role": "guest"})
    assert (await new.register()).is_success and (await new.sign_in(mail)).is_success
    [record] = await log(ann, w, action="member_joined")
    assert (record["actor_email"], record["details"]) == (new.email, {"role": "guest", "invited_by": ann.email})


async def test_the_record_is_gone_with_its_change_when_that_is_not_committed(sign_up: SignUp, database: Database) -> None:
    """And there is one record of a change that many ask for at once."""
    ann, bob = await sign_up("ann"), await sign_up("bob")
    w = await ann.workspace("Team", {"member": bob})
    answers = await asyncio.gather(*(ann.call("DELETE", f"/api/workspaces/{w}/members/{bob.id}/") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [404] * 7
    assert len(await log(ann, w, action="member_removed")) == 1
    name = {"workspace_id": w, "name": "general"}
    answers = await asyncio.gather(*(ann.call("POST", "/api/channels/", name) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert len(await log(ann, w, action="channel_created")) == 1


async def test_the_operator_reads_everything_even_of_a_deleted_workspace(
    sign_up: SignUp, cluster: Cluster, tmp_path: Path
) -> None:
    ann, bob = await sign_up("ann"), await sign_up("bob")
    w = await ann.workspace("Ünïcode 🎈", {"member": bob})
    await ann.delete(f"/api/workspaces/{w}/")
    await ann.refusal(404, "GET", f"/api/workspaces/{w}/audit/")

    async def command(*arguments: str) -> list[str]:
        done = await run_command(cluster.a.env, tmp_path, "audit", *arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout.splitlines()

    records = [json.loads(line) for line in await command("--workspace", str(w), "--json")]
    assert [r["action"] for r in records] == ["workspace_created", "member_added", "workspace_deleted"]
    assert records[0]["details"] == {"name": "Ünïcode 🎈"} and records[0]["user_agent"].startswith("python-httpx")
    [line] = await command("--workspace", str(w), "--action", "member_added")
    created, action, email, target, where, ip, details = line.split("  ")
    assert (action, email, target, where, ip) == ("member_added", ann.email, f"user {bob.id}", f"workspace {w}", "127.0.0.1")
    assert json.loads(details)["email"] == bob.email
    assert [json.loads(line)["action"] for line in await command("--user", bob.email, "--json")] == ["signed_in"]
    assert await command("--user", bob.email, "--since", "2199-01-01") == []
    assert len(await command("--user", bob.email, "--since", created[:10])) == 1
    done = await run_command(cluster.a.env, tmp_path, "audit", "--action", "flown")
    assert (done.returncode, done.stdout.count("\n")) == (1, 1)
    assert (await run_command(cluster.a.env, tmp_path, "audit", "--since", "yesterday")).returncode == 2


async def test_a_writer_cannot_change_or_remove_records_once_the_documented_triggers_are_there(
    make_database: Callable[[str], Awaitable[Database]], settings_env: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    database = await make_database(f"test_{WORKER}_audit")
    columns = "workspace_id, private_channel_id, actor_id, actor_email, action, target_type, target_id, details, ip, user_agent"
    add = f"INSERT INTO audit_log ({columns}, created_at) VALUES (1, 0, 1, 'a@example.com', 'x', 'user', 1, '{{}}', '', '', %s)"
    now = datetime.now(UTC).replace(tzinfo=None)
    for days in (0, 10, 100, 400):
        await database.query(add, [now - timedelta(days=days)])
    await database.query("UPDATE audit_log SET ip = '::1' WHERE target_id = 1")  # nothing in the way so far
    for statement in triggers():
        await database.query(statement)
    await database.query(add, [now])
    for statement in ("UPDATE audit_log SET ip = ''", "DELETE FROM audit_log", "DELETE FROM audit_log WHERE id = 2"):
        with pytest.raises(pymysql.MySQLError) as refused:
            await database.query(statement)
        assert refused.value.args[0] == 1644, refused.value  # ER_SIGNAL_EXCEPTION
    assert len(await database.query("SELECT id FROM audit_log")) == 5
    for days, left in ((None, 5), (200, 4), (30, 3)):
        changes = {} if days is None else {"AUDIT_DAYS": str(days)}
        done = await run_command(settings_env(**database.environment, **changes), tmp_path, "purge")
        assert done.returncode == 0, done.stdout
        assert len(await database.query("SELECT id FROM audit_log")) == left


def test_every_action_is_documented_and_no_other() -> None:
    part = (DOCS / "api.md").read_text("utf-8").split("\n## Audit log\n")[1].split("\n## ")[0]
    listed = [line.split("`")[1] for line in part.splitlines() if line.startswith("| `") and "| Target |" not in line]
    assert sorted(listed) == sorted(get_args(auditing.Action))


def test_nothing_in_the_program_changes_a_record() -> None:
    statements = "".join(path.read_text("utf-8") for path in (DOCS.parent / "sql").glob("*.sql"))
    assert "INSERT INTO audit_log" in statements
    assert "UPDATE audit_log" not in statements
    assert statements.count("DELETE FROM audit_log") == 1  # purge, past AUDIT_DAYS
