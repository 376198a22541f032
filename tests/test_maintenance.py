"""`pluseboard purge` takes all of a deleted workspace, and what expired long ago, and nothing else."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.api import Caller, SignUp, signing_up
from tests.conftest import Cluster, Person
from tests.servers import Database, run_command


@pytest.fixture
def sign_up(person: Callable[..., Awaitable[Person]], cluster: Cluster) -> SignUp:
    return signing_up(person, cluster)


async def rows_of(database: Database, workspace: int, channel: int) -> dict[str, int]:
    """How many rows each table holds of a workspace."""
    columns = await database.query(
        """SELECT table_name AS t, column_name AS c FROM information_schema.columns WHERE table_schema = DATABASE()
        AND column_name IN ('workspace_id', 'channel_id') AND table_name NOT IN ('access_changes', 'audit_log', 'message_rows')"""
    )
    found = {"workspaces": (await database.query("SELECT COUNT(*) AS n FROM workspaces WHERE id = %s", (workspace,)))[0]["n"]}
    for it in columns:
        place = workspace if it["c"] == "workspace_id" else channel
        rows = await database.query(f"SELECT COUNT(*) AS n FROM {it['t']} WHERE {it['c']} = %s", (place,))
        found[f"{it['t']}.{it['c']}"] = rows[0]["n"]
    return found


async def busy_workspace(owner: Caller, member: Caller) -> tuple[int, int]:
    """With a row in every table that can have one."""
    workspace = await owner.workspace(members={"member": member})
    channel = await owner.channel(workspace, is_private=True, members=[member])
    await owner.say(channel, f"Hello @{member.username}")
    sent = await member.say(channel, "Helo")
    await member.patch(f"/api/messages/{sent['message_id']}/", {"body": "Hello"})
    await owner.post(f"/api/workspaces/{workspace}/members/", {"email": f"new-{owner.email}"})
    await owner.post(f"/api/workspaces/{workspace}/invite-links/", {"role": "member"})
    return workspace, channel


async def test_purge_takes_all_of_a_deleted_workspace_and_nothing_else(
    sign_up: SignUp, database: Database, cluster: Cluster, tmp_path: Path
) -> None:
    ann, bob = await sign_up("ann"), await sign_up("bob")
    gone, gone_channel = await busy_workspace(ann, bob)
    kept, kept_channel = await busy_workspace(ann, bob)
    before = await rows_of(database, kept, kept_channel)
    assert [table for table, rows in before.items() if not rows] == [], "every table has something to lose"

    await ann.delete(f"/api/workspaces/{gone}/")
    done = await run_command(cluster.a.env, tmp_path, "purge")
    assert done.returncode == 0, done.stdout
    assert {table: rows for table, rows in (await rows_of(database, gone, gone_channel)).items() if rows} == {}
    assert await rows_of(database, kept, kept_channel) == before
    assert await bob.get("/api/me/")


async def test_purge_takes_what_expired_a_month_ago(
    sign_up: SignUp, database: Database, cluster: Cluster, tmp_path: Path
) -> None:
    ann, bob = await sign_up("ann"), await sign_up("bob")
    workspace, channel = await busy_workspace(ann, bob)
    await ann.post(f"/api/workspaces/{workspace}/invite-links/", {"role": "guest"})
    await ann.post(f"/api/workspaces/{workspace}/members/", {"email": f"newer-{ann.email}"})
    await bob.post(f"/api/channels/{channel}/read/", {})

    async def age(table: str, key: str, value: Any, days: int) -> None:
        await database.query(f"UPDATE {table} SET expires_at = UTC_TIMESTAMP() - INTERVAL {days} DAY WHERE {key} = %s", (value,))

    await age("invitations", "email", f"new-{ann.email}", 31)
    await age("invitations", "email", f"newer-{ann.email}", 29)
    links = await ann.get(f"/api/workspaces/{workspace}/invite-links/")
    for link, days in zip(links, (31, 29), strict=True):
        await age("invite_links", "id", link["id"], days)
    await age("sessions", "user_id", bob.id, 31)
    await database.query("UPDATE inboxes SET last_seq = last_seq + 20000 WHERE user_id = %s", (bob.id,))
    done = await run_command(cluster.a.env, tmp_path, "purge")
    assert done.returncode == 0, done.stdout

    async def left(column: str, table: str, key: str, value: Any) -> list[Any]:
        return [row["x"] for row in await database.query(f"SELECT {column} AS x FROM {table} WHERE {key} = %s", (value,))]

    assert await left("email", "invitations", "workspace_id", workspace) == [f"newer-{ann.email}"]
    assert await left("id", "invite_links", "workspace_id", workspace) == [links[1]["id"]]
    assert await left("id", "sessions", "user_id", bob.id) == []
    assert len(await left("id", "sessions", "user_id", ann.id)) == 1
    assert await left("seq", "inbox_changes", "user_id", bob.id) == []
    assert await left("seq", "notifications", "user_id", bob.id) != [], "only read marks are forgotten"
