"""`pluseboard demo` leaves a workspace that looks used, as often as it is run."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from tests.servers import ServerProcess, run_command


@asynccontextmanager
async def signed_in(server: ServerProcess, email: str) -> AsyncIterator[httpx.AsyncClient]:
    """With the code from the development mailbox."""
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client, asyncio.timeout(60):
        before = await mails(client, email)
        await client.post("/api/request-otp/", json={"email": email})
        while len(found := await mails(client, email)) == len(before):
            await asyncio.sleep(0.05)
        code = re.search(r"\d{6}", found[0]["text"])
        assert code
        assert (await client.post("/api/verify-otp/", json={"email": email, "otp": code[0]})).is_success
        yield client


async def mails(client: httpx.AsyncClient, email: str) -> list[dict[str, str]]:
    found = (await client.get("/dev/mailbox?format=json")).json()["data"]
    return [mail for mail in found if mail["recipient"] == email]


async def get(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    response = await client.get(path, params=query)
    assert response.is_success, response.text
    return response.json()["data"]


async def ask(client: httpx.AsyncClient, path: str, **body: Any) -> Any:
    response = await client.post(path, json=body)
    assert response.is_success, response.text
    return response.json()["data"]


async def test_it_fills_two_weeks_and_can_be_run_twice(start_server: Any, tmp_path: Path) -> None:
    server = await start_server(own_database=True, EMAIL_HOST="")
    first = await run_command(server.env, tmp_path, "demo", "--url", server.url)
    assert first.returncode == 0, first.stdout
    assert "messages of two weeks are in" in first.stdout
    assert "ann@example.com" in first.stdout
    assert server.url in first.stdout

    async with signed_in(server, "ann@example.com") as ann, signed_in(server, "hana@example.com") as hana:
        [workspace] = await get(ann, "/api/workspaces/")
        assert workspace["role"] == "owner"
        members = await get(ann, f"/api/workspaces/{workspace['id']}/members/")
        assert Counter(member["role"] for member in members) == {"owner": 1, "admin": 1, "member": 5, "guest": 1}
        channels = await get(ann, "/api/channels/", workspace_id=workspace["id"], include_archived=1)
        assert len([it for it in channels if not it["is_archived"]]) == 6
        assert [it["name"] for it in channels if it["is_archived"]] == ["old-website"]
        assert [it["name"] for it in channels if it["is_private"]] == ["launch"]
        assert {it["name"] for it in await get(hana, "/api/channels/", workspace_id=workspace["id"])} == {"general", "launch"}
        assert await get(ann, f"/api/workspaces/{workspace['id']}/invitations/") != []
        assert await get(ann, f"/api/workspaces/{workspace['id']}/invite-links/") != []
        assert sum(it["unread_count"] for it in channels) > 0
        assert await get(ann, "/api/notifications/", unread=1) != []

        days = await ask(ann, "/api/metrics/messages-per-day/", workspace_id=workspace["id"])
        assert len(days) == 14
        assert all(day["count"] > 0 for day in days)
        said = int(re.search(r"(\d+) messages", first.stdout)[1])  # type: ignore[index]
        assert said >= 280
        assert sum(day["count"] for day in days) == said + 1  # and the one that was deleted

        today = datetime.now(UTC).date().isoformat()
        [general] = [it for it in channels if it["name"] == "general"]
        page = await get(ann, "/api/messages/", channel_id=general["id"], limit=200)
        assert [message["created_at"] for message in page] == sorted(message["created_at"] for message in page)
        assert page[0]["created_at"] < today <= page[-1]["created_at"]
        feed = await ask(ann, "/api/activities/", workspace_id=workspace["id"], limit=200)
        assert len({activity["created_at"][:10] for activity in feed}) > 5
        assert "archived #old-website" in feed[0]["summary"] or any("archived" in it["summary"] for it in feed[:3])

        # Again, and from a place that does not lead to the server's database.
        elsewhere = {**server.env, "DB_NAME": "information_schema"}
        second = await run_command(elsewhere, tmp_path, "demo", "--url", server.url)
        assert second.returncode == 0, second.stdout
        assert "All messages are of today" in second.stdout
        assert await ask(ann, "/api/metrics/messages-per-day/", workspace_id=workspace["id"]) == days
        other = (await get(ann, "/api/workspaces/"))[1]
        days = await ask(ann, "/api/metrics/messages-per-day/", workspace_id=other["id"])
        assert sum(day["count"] for day in days) == sum(day["count"] for day in days[-2:]) == said + 1  # midnight may pass


async def test_it_says_what_is_missing(cluster: Any, tmp_path: Path) -> None:
    with_mail = await run_command(cluster.a.env, tmp_path, "demo", "--url", cluster.a.url)
    assert with_mail.returncode == 1
    assert "no development mailbox" in with_mail.stdout
    nobody = await run_command(cluster.a.env, tmp_path, "demo", "--url", "http://127.0.0.1:9")
    assert nobody.returncode == 1
    assert "does not answer" in nobody.stdout
    assert "bin/run" in nobody.stdout
    for done in (with_mail, nobody):
        assert "Traceback" not in done.stdout
