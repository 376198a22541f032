"""Every HTTP request and response block of the contract (seed.md), as written there, field by field, on two processes."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from http.cookiejar import CookieJar
from typing import Any

import httpx
import pytest

from pluseboard.http import Endpoint
from pluseboard.routes import ENDPOINTS
from tests.answers import assert_error
from tests.api import SignUp, signing_up
from tests.conftest import Cluster, Person
from tests.servers import MailServer, ServerProcess

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PATHS = sorted({endpoint.path for endpoint in ENDPOINTS})
ALLOWED = {path: sorted(e.method for e in ENDPOINTS if e.path == path) for path in PATHS}
POST_ONLY = ["register", "request-otp", "verify-otp", "logout", "refresh", "metrics/messages-per-day", "metrics/active-users"]
POST_ONLY += ["activities"]


@pytest.fixture
def sign_up(person: Callable[..., Awaitable[Person]], cluster: Cluster) -> SignUp:
    return signing_up(person, cluster)


@pytest.fixture(params=["a then b", "b then a"])
def pair(request: pytest.FixtureRequest, cluster: Cluster) -> tuple[ServerProcess, ServerProcess]:
    """The process that is asked to do something, and the one that is then asked about it."""
    return cluster.both if request.param == "a then b" else cluster.both[::-1]


def assert_like(answer: Any, example: Any, where: str = "answer") -> None:
    """The example's fields with values of its types, times in its form; the answer may carry more fields, and more rows."""
    assert type(answer) is type(example), f"{where} is {answer!r}, not like {example!r}"
    if isinstance(example, dict):
        assert answer.keys() >= example.keys(), f"{where} lacks {example.keys() - answer.keys()}"
        for name, value in example.items():
            assert_like(answer[name], value, f"{where}.{name}")
    elif isinstance(example, list):
        assert answer, f"{where} is empty"
        for row in answer:
            assert_like(row, example[0], where)
    elif isinstance(example, str):
        form = re.sub(r"\d", r"\\d", re.escape(example)) if re.match(r"\d{4}-", example) else r".+"
        assert re.fullmatch(form, answer, re.S), f"{where} is {answer!r}, not of the form {example!r}"


def test_an_answer_that_is_unlike_its_example_would_be_found() -> None:
    example = {"data": [{"id": 1, "is_private": 0, "created_at": "2025-01-15T10:30:00"}]}
    right = {"data": [{"id": 7, "is_private": 1, "created_at": "2026-11-25T23:59:59", "more": True}], "has_more": False}
    assert_like(right, example)
    row = right["data"][0]
    wrong = [[], [{**row, "id": "7"}], [{**row, "is_private": True}], [{"id": 7}], [row, {**row, "id": 7.0}]]
    wrong += [[{**row, "created_at": time}] for time in ("2026-11-25T23:59:59Z", "2026-11-25 23:59:59", "2026-11-25T23:59:59.1")]
    for rows in wrong:
        with pytest.raises(AssertionError):
            assert_like({**right, "data": rows}, example)


async def test_authentication(pair: tuple[ServerProcess, ServerProcess], mail: MailServer) -> None:
    first, second = pair
    name = "johndoe" + first.url[-5:]
    email, jar = f"{name}@example.com", CookieJar()
    async with _client(first, jar) as one, _client(second, jar) as other:
        registration = {"username": name, "password": "securePassword123", "email": email, "full_name": "John Doe"}
        answer = await one.post("/api/register/", json=registration)
        assert (answer.status_code, answer.json()) == (201, {"status": "success", "message": "User registered successfully!"})

        answer = await other.post("/api/request-otp/", json={"email": email})
        assert (answer.status_code, answer.json()) == (200, {"status": "success", "message": f"OTP sent to {email}"})
        code = await mail.code_for(email)
        assert re.fullmatch(r"[0-9]{6}", code)

        answer = await one.post("/api/verify-otp/", json={"email": email, "otp": code})
        assert (answer.status_code, answer.json()) == (200, {"status": "success", "message": "Login successful!"})
        assert {cookie.name for cookie in jar} == {"access_token", "refresh_token", "id_token"}
        assert (await other.get("/api/workspaces/")).json() == {"status": "success", "data": []}

        before = {cookie.name: cookie.value for cookie in jar}
        answer = await other.post("/api/refresh/")
        assert (answer.status_code, answer.content) == (204, b"")
        after = {cookie.name: cookie.value for cookie in jar}
        assert after.keys() == before.keys() and after["refresh_token"] != before["refresh_token"]
        assert (await one.get("/api/workspaces/")).status_code == 200

        answer = await one.post("/api/logout/")
        assert (answer.status_code, answer.json()) == (200, {"status": "success", "message": "Logged out"})
        assert list(jar) == []
    # The old cookies open nothing any more, on either process.
    for server in pair:
        async with _client(server, after) as client:
            async with asyncio.timeout(2):
                while (answer := await client.get("/api/workspaces/")).is_success:
                    await asyncio.sleep(0.05)
            assert_error(answer, 401, "Invalid or expired token$")
            assert_error(await client.post("/api/refresh/"), 401, "Invalid or expired token$")


async def test_workspaces(pair: tuple[ServerProcess, ServerProcess], sign_up: SignUp) -> None:
    john = (await sign_up("john")).person
    for slash in ("/", ""):
        body = {"name": "Marketing Team", "description": "Marketing collaboration space"}
        answer = await john.on(pair[0]).post(f"/api/workspaces{slash}", json=body)
        made = answer.json()
        assert (answer.status_code, made) == (201, {"status": "success", "workspace_id": made["workspace_id"]})
        assert type(made["workspace_id"]) is int
        answer = await john.on(pair[1]).get(f"/api/workspaces{slash}")
        example = {
            "id": 1,
            "name": "Engineering Team",
            "description": "Main engineering workspace",
            "created_by": "john@example.com",
            "created_at": "2025-01-15T10:30:00",
        }
        assert answer.status_code == 200
        assert_like(answer.json(), {"status": "success", "data": [example]})
        newest = answer.json()["data"][-1]
        values = {"id": made["workspace_id"], **body, "created_by": john.email, "created_at": newest["created_at"]}
        assert {name: newest[name] for name in example} == values


@pytest.mark.parametrize("is_private", [False, True])
async def test_channels(pair: tuple[ServerProcess, ServerProcess], sign_up: SignUp, is_private: bool) -> None:
    john = await sign_up("john")
    workspace = await john.workspace()
    for slash, name in (("/", "general"), ("", "random")):
        body = {"workspace_id": workspace, "name": name, "is_private": is_private}
        answer = await john.person.on(pair[0]).post(f"/api/channels{slash}", json=body)
        made = answer.json()
        assert (answer.status_code, made) == (201, {"status": "success", "channel_id": made["channel_id"]})
        answer = await john.person.on(pair[1]).get(f"/api/channels{slash}?workspace_id={workspace}")
        example = {"id": 1, "workspace_id": 1, "name": "general", "is_private": 0, "created_at": "2025-01-15T10:35:00"}
        assert answer.status_code == 200
        assert_like(answer.json(), {"status": "success", "data": [example]})
        newest = answer.json()["data"][-1]
        values = {"id": made["channel_id"], **body, "is_private": int(is_private), "created_at": newest["created_at"]}
        assert {field: newest[field] for field in example} == values


async def test_messages(pair: tuple[ServerProcess, ServerProcess], sign_up: SignUp) -> None:
    john = await sign_up("john")
    channel = await john.channel(await john.workspace())
    for slash, text in (("/", "Hello team!"), ("", "Hello everyone!")):
        answer = await john.person.on(pair[0]).post(f"/api/messages{slash}", json={"channel_id": channel, "body": text})
        assert answer.status_code == 201
        assert_like(answer.json(), {"status": "success", "message_id": 5})
        answer_list = await john.person.on(pair[1]).get(f"/api/messages{slash}?channel_id={channel}")
        example = {"id": 1, "sender_email": "john@example.com", "body": "Hello team!", "created_at": "2025-01-15T11:00:00"}
        assert answer_list.status_code == 200
        assert_like(answer_list.json(), {"status": "success", "data": [example]})
        newest = answer_list.json()["data"][-1]
        values = {"id": answer.json()["message_id"], "sender_email": john.email, "body": text, "created_at": newest["created_at"]}
        assert {field: newest[field] for field in example} == values


async def test_analytics(pair: tuple[ServerProcess, ServerProcess], sign_up: SignUp) -> None:
    john = await sign_up("john")
    workspace = await john.workspace()
    channel = await john.channel(workspace)
    for count, slash in ((1, "/"), (2, "")):
        await john.person.on(pair[0]).post("/api/messages/", json={"channel_id": channel, "body": "Hello"})
        path = f"/api/metrics/messages-per-day{slash}"
        answer = await john.person.on(pair[1]).post(path, json={"workspace_id": workspace})
        assert answer.status_code == 200
        assert_like(answer.json(), {"status": "success", "data": [{"day": "2025-01-01", "count": 45}]})
        assert (len(answer.json()["data"]), answer.json()["data"][-1]["count"]) == (14, count)
        path = f"/api/metrics/active-users{slash}"
        async with asyncio.timeout(5):
            while True:
                answer = await john.person.on(pair[1]).post(path, json={"workspace_id": workspace, "minutes": 15})
                assert answer.status_code == 200
                assert_like(answer.json(), {"status": "success", "data": {"active_count": 8}})
                if answer.json()["data"] == {"active_count": 1}:
                    break
                await asyncio.sleep(0.1)


async def test_activity_feed(pair: tuple[ServerProcess, ServerProcess], sign_up: SignUp) -> None:
    john = await sign_up("john", "John Doe")
    workspace = await john.workspace()
    channel = await john.channel(workspace)
    for slash in ("/", ""):
        answer = await john.person.on(pair[0]).post("/api/messages/", json={"channel_id": channel, "body": "Hello"})
        body = {"workspace_id": workspace, "limit": 50}
        feed = await john.person.on(pair[1]).post(f"/api/activities{slash}", json=body)
        example = {
            "id": 1,
            "actor_email": "john@example.com",
            "type": "message_sent",
            "ref_id": 5,
            "summary": "John sent a message in #general",
            "created_at": "2025-01-15T11:00:00",
        }
        assert feed.status_code == 200
        assert_like(feed.json(), {"status": "success", "data": [example]})
        newest = feed.json()["data"][0]
        values = {"actor_email": john.email, "type": "message_sent", "ref_id": answer.json()["message_id"]}
        values["summary"] = "John sent a message in #general"
        assert {field: newest[field] for field in values} == values


async def test_the_calls_of_the_complete_client_flow_work_in_their_order(
    pair: tuple[ServerProcess, ServerProcess], mail: MailServer
) -> None:
    """The example's own fields; the browser tests run its very text."""
    name = "alice" + pair[0].url[-5:]
    email, jar = f"{name}@example.com", CookieJar()
    async with _client(pair[0], jar) as one, _client(pair[1], jar) as other:
        alice = {"username": name, "password": "securePass123", "email": email, "full_name": "Alice Johnson"}
        assert (await one.post("/api/register/", json=alice)).is_success
        assert (await other.post("/api/request-otp/", json={"email": email})).is_success
        otp = await mail.code_for(email)
        assert (await one.post("/api/verify-otp/", json={"email": email, "otp": otp})).is_success
        team = {"name": "My Team", "description": "Team workspace"}
        workspace = (await other.post("/api/workspaces/", json=team)).json()["workspace_id"]
        general = {"workspace_id": workspace, "name": "general", "is_private": False}
        assert (await one.post("/api/channels/", json=general)).is_success


@pytest.mark.parametrize("path", [f"/api/{name}" for name in POST_ONLY])
async def test_a_post_is_required_where_the_contract_posts(cluster: Cluster, path: str) -> None:
    for server in cluster.both:
        async with _client(server) as client:
            for method in ("GET", "HEAD", "PUT", "DELETE"):
                for slash in ("/", ""):
                    answer = await client.request(method, path + slash)
                    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
                    if method != "HEAD":
                        assert_error(answer, 405, "POST method required$")


@pytest.mark.parametrize("path", PATHS)
async def test_every_path_works_with_and_without_its_slash_and_says_which_methods_it_takes(cluster: Cluster, path: str) -> None:
    filled = re.sub(r"\{\w+\}", "1", path)
    async with _client(cluster.a) as one, _client(cluster.b) as other:
        for client, slash in ((one, "/"), (other, "")):
            for method in METHODS:
                answer = await client.request(method, filled + slash, follow_redirects=False)
                if method in ALLOWED[path]:
                    assert answer.status_code not in (307, 308, 404, 405) or path == "/dev/mailbox", (method, answer.text)
                else:
                    assert_error(answer, 405, f"{' or '.join(ALLOWED[path])} method required$")
                    assert answer.headers["allow"] == ", ".join(ALLOWED[path])


@pytest.mark.parametrize("endpoint", [e for e in ENDPOINTS if "user" in e.signature], ids=lambda e: f"{e.method} {e.path}")
async def test_whoever_is_not_signed_in_is_told_so(cluster: Cluster, endpoint: Endpoint) -> None:
    path = re.sub(r"\{\w+\}", "1", endpoint.path)
    async with _client(cluster.a) as one, _client(cluster.b) as other:
        for client, slash in ((one, "/"), (other, "")):
            for cookies in ({}, {"access_token": "undefined"}, {"access_token": "a.b.c", "refresh_token": ""}):
                headers = {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}
                answer = await client.request(endpoint.method, path + slash, headers=headers)
                assert_error(answer, 401, "Invalid or expired token$")


ROUTES = ["/api", "/api/", "/api/nothing", "/api/nothing/here/", "/api/workspaces/1/nothing", "/api/messages/1/2"]
ROUTES += [
    "/api/Workspaces",
    "/index.html",
    "/api/login",
    "/admin/",
    "/.env",
    "/api/..%2fworkspaces",
    "/%00",
    "/api/%ff",
    "/api/é",
]
IDS = ["0", "-1", "abc", "1.5", "%31%20", "١", str(2**63 - 1), str(2**63), "9" * 40, "1e3", "+1", "null", "%00", "%ff"]


async def test_what_is_not_there_is_404_in_the_envelope_and_never_html(sign_up: SignUp, cluster: Cluster) -> None:
    john = (await sign_up("john")).person
    missing = [(method, path) for path in ROUTES for method in METHODS]
    missing += [("GET", f"/api/{kind}/{id_}") for kind in ("messages", "channels", "workspaces", "invite-links") for id_ in IDS]
    for number, (method, path) in enumerate(missing):
        client = john.on(cluster.both[number % 2])
        # Beside the API's paths a browser is shown the web app's own page: tests/test_web.py.
        accept = "text/html" if path.startswith("/api") else "*/*"
        assert_error(await client.request(method, path, headers={"accept": accept}), 404)


def _client(server: ServerProcess, cookies: Any = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=server.url, cookies=cookies, verify=False, trust_env=False, timeout=30)
