"""Rate limits and their headers, in one process and across two. Those of signing in: reliability/test_auth_requirements.py."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from pluseboard.errors import TooManyRequests
from pluseboard.private_servers import free_port
from pluseboard.rate_limits import LOCAL, NAMES, RateLimits, Usage, headers
from pluseboard.settings import Limit, Settings, load_settings
from tests.answers import assert_error
from tests.conftest import Person
from tests.servers import ServerProcess

API = Path(__file__).parent.parent / "docs" / "api.md"
PROMISED = {
    "register_ip": (30, 3600),
    "otp_account": (5, 900),
    "otp_ip": (30, 3600),
    "verify_ip": (30, 600),
    "invite_user": (50, 3600),
    "invite_workspace": (200, 3600),
    "report_user": (300, 60),
    "message_user": (600, 60),
}


@pytest.fixture
def settings(settings_env: Callable[..., dict[str, str]]) -> Settings:
    return load_settings(settings_env(RATE_LIMITS="on", REDIS_URL=""))


def test_every_limit_is_the_promised_one_and_has_its_setting(settings: Settings) -> None:
    named = {field.name.removeprefix("limit_") for field in fields(Settings) if field.name.startswith("limit_")}
    assert set(NAMES) == set(PROMISED) == named
    assert {name: getattr(settings, f"limit_{name}") for name in NAMES} == PROMISED
    listed = dict(re.findall(r"^\| `(\w+)` \| .* \| (\d+ .*) \|$", API.read_text("utf-8"), flags=re.M))
    spans = {"an hour": 3600, "a minute": 60, "in 15 minutes": 900, "in 10 minutes": 600}
    words = {name: text.partition(" ") for name, text in listed.items() if name in PROMISED}
    assert {name: (int(amount), spans[span]) for name, (amount, _, span) in words.items()} == PROMISED


async def assert_limited(limits: RateLimits) -> None:
    for name, (times, seconds) in PROMISED.items():
        for _ in range(times):
            await limits.hit(name, "one")
        with pytest.raises(TooManyRequests) as refusal:
            await limits.hit(name, "one")
        assert seconds - 45 <= int(refusal.value.headers["Retry-After"]) <= seconds
        await limits.hit(name, "another")


async def test_past_a_limit_one_waits_and_others_do_not(settings: Settings) -> None:
    await assert_limited(RateLimits(settings))


async def test_without_its_redis_a_process_counts_for_itself(settings: Settings) -> None:
    """Neither an open door nor a closed one."""
    await assert_limited(RateLimits(replace(settings, redis_url=f"redis://127.0.0.1:{free_port()}/0")))


async def test_limits_can_be_turned_off_all_or_one(settings: Settings) -> None:
    for changed in (replace(settings, rate_limits=False), replace(settings, limit_otp_account=Limit(0, 1))):
        limits = RateLimits(changed)
        for _ in range(100):
            await limits.hit("otp_account", "one")
    for _ in range(30):
        await limits.hit("otp_ip", "one")
    with pytest.raises(TooManyRequests):
        await limits.hit("otp_ip", "one")


def test_the_headers_are_structured_fields() -> None:
    usages = [Usage("otp_ip", Limit(30, 3600), 27, 2944), Usage("otp_account", Limit(5, 900), 0, 512)]
    example = re.findall(r"^(RateLimit[\w-]*): (.*)$", API.read_text("utf-8"), flags=re.M)
    assert [(name.lower().encode(), value.encode()) for name, value in example] == headers(usages)


# --- a Redis that says nothing ------------------------------------------------------------------------------------


@pytest.fixture
async def silence() -> AsyncIterator[tuple[str, list[Any]]]:
    """The address of a Redis that takes connections and never answers, and who has connected."""
    connected: list[Any] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append(writer)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0", connected
    server.close()
    for writer in connected:
        writer.close()


async def test_a_silent_redis_is_waited_for_once_in_a_while_not_each_time(
    settings: Settings, silence: tuple[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, connected = silence
    limits = RateLimits(replace(settings, redis_url=url))
    started = time.monotonic()
    for number in range(30):
        await limits.hit("otp_ip", "one")
        assert number or time.monotonic() - started > 0.2, "Redis was asked"
    with pytest.raises(TooManyRequests):
        await limits.hit("otp_ip", "one")
    assert time.monotonic() - started < 10, "half a second each would be 15"
    asked = len(connected)
    assert asked >= 1
    monkeypatch.setattr(limits, "_away_until", 0.001)  # five seconds later
    started = time.monotonic()
    with pytest.raises(TooManyRequests):
        await limits.hit("otp_ip", "one")
    assert time.monotonic() - started > 0.2, "it is asked again"
    await asyncio.gather(*(limits.hit("otp_ip", f"other {number}") for number in range(20)))


# --- over HTTP, two processes -------------------------------------------------------------------------------------


def told(answer: httpx.Response) -> dict[str, tuple[int, int, int, int]]:
    """Of each limit that was counted: amount, span, what is left, seconds until there is more."""
    policies = re.findall(r'"(\w+)";q=(\d+);w=(\d+)(?:, |$)', answer.headers.get("ratelimit-policy", ""))
    left = re.findall(r'"(\w+)";r=(\d+);t=(\d+)(?:, |$)', answer.headers.get("ratelimit", ""))
    assert [name for name, *_ in policies] == [name for name, *_ in left]
    return {name: (int(q), int(w), int(r), int(t)) for (name, q, w), (_, r, t) in zip(policies, left, strict=True)}


async def test_headers_tell_what_the_limiter_does_across_processes(
    start_server: Callable[..., Awaitable[ServerProcess]], person: Callable[..., Awaitable[Person]]
) -> None:
    env = {"RATE_LIMITS": "on", "LIMIT_INVITE_USER": "4/50", "LIMIT_REPORT_USER": "3/2", "LIMIT_REGISTER_IP": "0/1"}
    env |= {"LIMIT_OTP_IP": "0/1", "LIMIT_VERIFY_IP": "0/1"}
    a = await start_server(own_database=True, **env)
    b = await start_server(database=a.database, **env)
    ann, bob = await person("ann", server=a), await person("bob", server=b)
    assert told(await ann.http.get("/api/me/")) == {}
    w = (await ann.http.post("/api/workspaces/", json={"name": "Team"})).json()["workspace_id"]
    path, invited = f"/api/workspaces/{w}/members/", 0

    async def invite(server: ServerProcess) -> httpx.Response:
        nonlocal invited
        invited += 1
        return await ann.on(server).post(path, json={"email": f"new{invited}.{ann.email}"})

    assert told(await ann.http.post(path, json={"email": bob.email})) == {}  # no mail, so not counted
    for number in range(4):
        answer = await invite((a, b)[number % 2])
        assert answer.status_code == 201
        usage = told(answer)
        assert usage.keys() == {"invite_user", "invite_workspace"}
        amount, span, left, seconds = usage["invite_user"]
        assert (amount, span, left) == (4, 50, 3 - number)
        assert 1 <= seconds <= 50
        assert usage["invite_workspace"][:3] == (200, 3600, 199 - number)
        assert "retry-after" not in answer.headers
    for server in (a, b):
        answer = await invite(server)
        assert_error(answer, 429, "Too many requests; try again in ")
        amount, span, left, seconds = told(answer)["invite_user"]
        assert (amount, span, left) == (4, 50, 0)
        assert answer.headers["retry-after"] == str(seconds)
    assert (await a.database.query("SELECT COUNT(*) AS n FROM invitations"))[0]["n"] == 4

    # Retry-After is true: after it one gets through.
    body = {"workspace_id": w}
    while (answer := await bob.http.post("/api/metrics/active-users", json=body)).status_code == 200:
        assert told(answer)["report_user"][:2] == (3, 2)
    assert_error(answer, 429)
    await asyncio.sleep(int(answer.headers["retry-after"]))
    assert (await bob.on(a).post("/api/metrics/active-users", json=body)).status_code == 200


async def test_messages_are_limited_over_http_and_sockets_together(
    start_server: Callable[..., Awaitable[ServerProcess]], person: Callable[..., Awaitable[Person]]
) -> None:
    server = await start_server(RATE_LIMITS="on", LIMIT_MESSAGE_USER="5/1000", LIMIT_REGISTER_IP="0/1", LIMIT_OTP_IP="0/1")
    ann = await person("ann", server=server)
    w = (await ann.http.post("/api/workspaces/", json={"name": "Team"})).json()["workspace_id"]
    made = await ann.http.post("/api/channels/", json={"workspace_id": w, "name": "general"})
    message = {"channel_id": made.json()["channel_id"], "body": "Hello"}
    for left in (4, 3, 2):
        assert told(await ann.http.post("/api/messages/", json=message))["message_user"][2] == left
    async with ann.socket("/ws/chat/") as socket:
        for ref in ("4", "5"):
            await socket.send({"type": "send_message", **message, "ref": ref})
            assert (await socket.expect("ack"))["ref"] == ref
        await socket.send({"type": "send_message", **message, "ref": "6"})
        refused = await socket.expect("error")
        assert (refused["code"], refused["ref"]) == ("rate_limited", "6")
        assert re.fullmatch(r"Too many requests; try again in \d+ seconds", refused["message"])
    assert_error(await ann.http.post("/api/messages/", json=message), 429)
    rows = await server.database.query("SELECT COUNT(*) AS n FROM messages WHERE channel_id = %s", [message["channel_id"]])
    assert rows[0]["n"] == 5
    assert {"message_user"} == LOCAL
