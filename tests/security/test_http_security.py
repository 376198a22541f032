"""What every call of the API owes its user, generated from the route table (R10, R11, R12, R15)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from pluseboard.http import Endpoint
from pluseboard.middleware import UNSAFE_METHODS
from pluseboard.routes import ENDPOINTS
from tests.answers import assert_error, assert_success
from tests.api import Caller
from tests.browsing import NO_TLS, Jar
from tests.conftest import Cluster, Person
from tests.servers import MailServer, ServerProcess

MakePerson = Callable[..., Awaitable[Person]]
StartServer = Callable[..., Awaitable[ServerProcess]]
LISTED = "http://localhost:3000"
MIB = 1024 * 1024
MISSING = 2**62
WRITES = [endpoint for endpoint in ENDPOINTS if endpoint.method in UNSAFE_METHODS]
WITH_BODY = [endpoint for endpoint in WRITES if "body" in endpoint.signature]


def name_of(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def path_of(endpoint: Endpoint, id_: int | str = MISSING) -> str:
    """With an id that nothing has."""
    return "/".join(str(id_) if part.startswith("{") else part for part in endpoint.path.split("/"))


def look_alikes(server: ServerProcess) -> list[str]:
    own = server.url.removeprefix("http://")
    return [
        *(
            "http://localhost:3001",
            "https://localhost:3000",
            "http://localhost",
            "http://localhost:30000",
            "http://127.0.0.1:3000",
        ),
        *("http://localhost:3000.evil.example", "http://evil-localhost:3000", "http://app.localhost:3000", "http://evil.example"),
        *(
            "http://localhost:3000/",
            "http://localhost:3000@evil.example",
            f"http://evil.example/{own}",
            f"http://{own}.evil.example",
        ),
        *(f"http://evil.example@{own}", f"http://evil.example:{server.env['PORT']}", "null", "file://", "http://[", "undefined"),
    ]


@pytest.fixture
async def anybody(cluster: Cluster) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=cluster.a.url, verify=NO_TLS, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
async def visitor(cluster: Cluster, mail: MailServer) -> AsyncIterator[Person]:
    """Signed in."""
    async with AsyncExitStack() as cleanup:
        visitor = Person("visitor.http", "visitor.http@example.com", "Visitor Example", cluster.a, cleanup)
        for answer in (await visitor.register(), await visitor.sign_in(mail)):
            assert answer.is_success, answer.text
        yield visitor


async def workspaces_of(person: Person) -> int:
    return len(assert_success(await person.http.get("/api/workspaces/"))["data"])


# --- R10: origins, content types ----------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", WRITES, ids=name_of)
async def test_r10_no_write_is_taken_from_a_foreign_page(anybody: httpx.AsyncClient, endpoint: Endpoint) -> None:
    """Signing in counts too: a page must not sign its visitor in as somebody else."""
    refused = await anybody.request(endpoint.method, path_of(endpoint), json={}, headers={"Origin": "http://evil.example"})
    assert_error(refused, 403, "This origin may not write here$")
    for headers in ({"Origin": LISTED}, {"Origin": str(anybody.base_url)}, {}):
        answer = await anybody.request(endpoint.method, path_of(endpoint), json={}, headers=headers)
        assert answer.status_code in (200, 400, 401), answer.text  # not signed in, or a field is missing


async def test_r10_a_foreign_write_changes_nothing_whatever_the_origin_looks_like(person: MakePerson, cluster: Cluster) -> None:
    alice = await person("alice")
    jar = Jar.of(alice)
    for origin in look_alikes(cluster.a):
        for more in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}):
            headers = {"Origin": origin, **more}
            refused = await jar.ask(cluster.a, "POST", "/api/workspaces/", json={"name": "Foreign"}, headers=headers)
            assert_error(refused, 403)
            assert "access-control-allow-origin" not in refused.headers
    assert_error(await jar.ask(cluster.a, "POST", "/api/logout/", headers={"Origin": "null"}), 403)
    assert assert_success(await jar.ask(cluster.a, "GET", "/api/workspaces/"))["data"] == []
    for origin in (LISTED, cluster.a.url):
        answer = await jar.ask(cluster.a, "POST", "/api/workspaces/", json={"name": "Own"}, headers={"Origin": origin})
        assert_success(answer, 201)
    # A bearer is nothing that a browser adds by itself.
    bearer = {"Origin": "http://evil.example", "Authorization": f"Bearer {jar.access_token}"}
    assert_success(await Jar().ask(cluster.a, "POST", "/api/workspaces/", json={"name": "Program"}, headers=bearer), 201)


async def test_r10_cors_echoes_a_listed_origin_only(anybody: httpx.AsyncClient, cluster: Cluster) -> None:
    preflight = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "content-type"}
    for method, headers in (("GET", {}), ("POST", {}), ("OPTIONS", preflight)):
        answer = await anybody.request(method, "/api/me/", headers={**headers, "Origin": LISTED})
        assert answer.headers["access-control-allow-origin"] == LISTED
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert "origin" in answer.headers["vary"].lower()
        for origin in look_alikes(cluster.a):
            answer = await anybody.request(method, "/api/me/", headers={**headers, "Origin": origin})
            assert "access-control-allow-origin" not in answer.headers
    allowed = await anybody.options("/api/me/", headers={**preflight, "Origin": LISTED})
    assert allowed.status_code == 200
    assert {"GET", "POST", "PATCH", "DELETE"} <= set(allowed.headers["access-control-allow-methods"].split(", "))
    assert "content-type" in allowed.headers["access-control-allow-headers"].lower()
    limited = await anybody.get("/api/me/", headers={"Origin": LISTED})
    assert "retry-after" in limited.headers["access-control-expose-headers"].lower()


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=name_of)
async def test_r10_a_body_is_json_by_its_content_type(endpoint: Endpoint, visitor: Person) -> None:
    json, others = (
        "application/json",
        ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json", "", None),
    )
    for kind in (*others, "application/jsonp", "application/json-patch+json", "text/plain; application/json"):
        headers = {} if kind is None else {"Content-Type": kind}
        answer = await visitor.http.request(endpoint.method, path_of(endpoint), content=b"{}", headers=headers)
        assert_error(answer, 415, f"Content-Type must be {json}$")
    for kind in (json, "application/json; charset=utf-8", "Application/JSON"):
        answer = await visitor.http.request(endpoint.method, path_of(endpoint), content=b"[]", headers={"Content-Type": kind})
        assert_error(answer, 400)


async def test_r10_a_call_without_a_body_needs_no_content_type(visitor: Person) -> None:
    made = assert_success(await visitor.http.post("/api/workspaces/", json={"name": "Team"}), 201)
    assert_success(await visitor.http.post(f"/api/workspaces/{made['workspace_id']}/invite-links/"), 201)
    # What is required is still asked for.
    assert_error(await visitor.http.post("/api/workspaces/"), 400, "^name ")


# --- R11: sizes and shapes ----------------------------------------------------------------------------------------


async def test_r11_a_body_may_be_1_mib_and_no_more(visitor: Person) -> None:
    json, before = {"Content-Type": "application/json"}, await workspaces_of(visitor)
    whole = b'{"name": "Team"}'.ljust(MIB)
    assert_success(await visitor.http.post("/api/workspaces/", content=whole, headers=json), 201)
    assert_error(
        await visitor.http.post("/api/workspaces/", content=whole + b" ", headers=json), 413, "The body may be at most 1 MiB$"
    )

    async def chunks(size: int) -> AsyncIterator[bytes]:
        for start in range(0, size, 65536):
            yield whole.strip().ljust(size)[start : start + 65536]

    for size, status in ((MIB, 201), (MIB + 1, 413), (4 * MIB, 413)):
        answer = await visitor.http.post("/api/workspaces/", content=chunks(size), headers=json)
        assert answer.request.headers["transfer-encoding"] == "chunked"
        assert answer.status_code == status, (size, answer.text)
    assert await workspaces_of(visitor) == before + 2


DEEP = b"[" * 1000 + b"]" * 1000
MALFORMED = [
    *(
        b"",
        b"{",
        b"{]",
        b'{"name": "Team"',
        b"[]",
        b'["name"]',
        b'"name"',
        b"null",
        b"true",
        b"7",
        b"NaN",
        b"name=Team",
        b"\xff\xfe{}",
    ),
    *(
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b"{'name': 'Team'}",
        b'{"name": "Team",}',
        b'{"name": "Te\nam"}',
        b'{"name": "\xff"}',
    ),
    *(
        b'{"name": "\\ud800"}',
        b'{"name": "\\udc00\\ud800"}',
        b'{"name": "\xed\xa0\x80"}',
        b'{"name": "Team"} x',
        b"\xef\xbb\xbf{}",
    ),
    *(DEEP, b'{"name": ' + DEEP + b"}", b'{"x": ' + b"[" * 100_000, b'{"name": "Team", "x": ' + b'{"x":' * 50_000),
    *('{"name": "Team"}'.encode("utf-16"), b'{"name": "Te\\u0000am"}', b'{"name": "Te\x00am"}', b'{"name": 1e999}'),
]


async def test_r11_what_is_no_object_of_json_is_bad_input(visitor: Person) -> None:
    before = await workspaces_of(visitor)
    for content in MALFORMED:
        answer = await visitor.http.post("/api/workspaces/", content=content, headers={"Content-Type": "application/json"})
        assert_error(answer, 400, "The body |name ")
        assert "Traceback" not in answer.text and len(answer.text) < 300
    assert await workspaces_of(visitor) == before


NO_IDS = ("0", "-1", "+1", "abc", "1e3", "1.0", "0x1", "%00", "٣", "9223372036854775808", "1%0a", "%20", "1;2")


async def test_r11_what_is_no_id_names_nothing(visitor: Person) -> None:
    for endpoint in ENDPOINTS:
        if "_id}" in endpoint.path:
            for id_ in NO_IDS:
                assert_error(await visitor.http.request(endpoint.method, path_of(endpoint, id_), json={}), 404)
    for id_ in ("9" * 5000, "0" * 19 + "1" + "9" * 5000):
        assert_error(await visitor.http.get(f"/api/messages/{id_}/"), 404)


async def test_r11_unknown_paths_and_methods_are_refused_in_the_envelope(anybody: httpx.AsyncClient) -> None:
    for path in ("/api/", "/api/nothing/", "/nothing", "/api/me/x/", "/api/%ff/", "/API/me/", "/api/me%2fx"):
        assert_error(await anybody.get(path), 404, "Not found$")
    for endpoint in ENDPOINTS:
        allowed = {other.method for other in ENDPOINTS if other.path == endpoint.path}
        for method in ("PUT", *({"GET", "POST", "PATCH", "DELETE"} - allowed)):
            refused = await anybody.request(method, path_of(endpoint))
            assert_error(refused, 405, ".* method required$")
            assert set(refused.headers["allow"].split(", ")) == allowed
    assert (await anybody.get("/api/verify-otp/")).json()["message"] == "POST method required"


# --- R12: fields that do not belong -------------------------------------------------------------------------------

FOREIGN: dict[str, Any] = {
    **dict.fromkeys(("id", "user_id", "sender_id", "channel_id", "workspace_id", "message_id", "session_id", "seq"), 999_999),
    **dict.fromkeys(("last_seq", "message_count", "activity_seq", "generation", "read_seq", "uses", "otp_failures"), 999_999),
    **dict.fromkeys(("created_at", "edited_at", "deleted_at", "archived_at", "joined_at", "expires_at"), "1999-01-01T00:00:00"),
    **dict.fromkeys(("created_by", "sender_email", "actor_email", "invited_by"), "evil@example.com"),
    **{
        "role": "owner",
        "is_admin": True,
        "is_member": 1,
        "is_archived": 1,
        "password_hash": "x",
        "live_name": "x",
        "status": "x",
    },
}


def beside(own: dict[str, Any]) -> dict[str, Any]:
    """What belongs there wins."""
    return {**FOREIGN, **own}


async def test_r12_what_does_not_belong_in_a_body_changes_nothing(cluster: Cluster, person: MakePerson, mail: MailServer) -> None:
    eve = await person("eve")
    new = {"username": f"{eve.username}new", "email": f"new{eve.email}", "password": "securePassword123", "full_name": "Eve New"}
    assert (await eve.http.post("/api/register/", json=beside(new))).status_code == 201
    newcomer = Person(new["username"], new["email"], new["full_name"], eve.server, eve.cleanup)
    assert_success(await newcomer.sign_in(mail))

    caller, newcomers = await Caller(eve, cluster).introduce(), await Caller(newcomer, cluster).introduce()
    assert newcomers.id < 999_999
    profile = await caller.get("/api/me/")
    assert (await caller.patch("/api/me/", beside({"full_name": profile["full_name"]})))["data"] == profile

    team = (await caller.post("/api/workspaces/", beside({"name": "Team", "description": "One"})))["workspace_id"]
    workspace = await caller.get(f"/api/workspaces/{team}/")
    assert (workspace["id"], workspace["created_by"]) == (team, caller.email) and workspace["created_at"] > "2025"
    assert (await caller.patch(f"/api/workspaces/{team}/", beside({"name": "Team"})))["data"] == workspace
    await caller.post(f"/api/workspaces/{team}/members/", beside({"email": newcomers.email, "role": "member"}))
    members = await caller.get(f"/api/workspaces/{team}/members/")
    assert [(each["user_id"], each["role"]) for each in members] == [(caller.id, "owner"), (newcomers.id, "member")]

    room = (await caller.post("/api/channels/", beside({"workspace_id": team, "name": "random"})))["channel_id"]
    channel = await caller.get(f"/api/channels/{room}/")
    assert (channel["id"], channel["workspace_id"], channel["last_seq"], channel["is_archived"]) == (room, team, 0, 0)
    assert channel["created_at"] > "2025"
    assert (await caller.patch(f"/api/channels/{room}/", beside({"name": "random"})))["data"] == channel

    said = await caller.post("/api/messages/", beside({"channel_id": room, "body": "Hello"}))
    message = await caller.get(f"/api/messages/{said['message_id']}/")
    assert (message["id"], message["seq"], message["channel_id"], message["sender_email"]) == (
        said["message_id"],
        1,
        room,
        caller.email,
    )
    assert message["created_at"] > "2025" and message["edited_at"] is None and message["deleted_at"] is None
    changed = (await caller.patch(f"/api/messages/{said['message_id']}/", beside({"body": "Hello again"})))["data"]
    assert changed["edited_at"] > "2025"
    assert {**changed, "body": "Hello", "edited_at": None} == message

    link = await caller.post(f"/api/workspaces/{team}/invite-links/", {**beside({"role": "member"}), "token": "mine"})
    assert link["token"] != "mine"
    (listed,) = await caller.get(f"/api/workspaces/{team}/invite-links/")
    assert (listed["id"], listed["uses"], listed["role"], listed["created_by"]) == (link["link_id"], 0, "member", caller.email)
    assert listed["expires_at"] > listed["created_at"] > "2025"


# --- R15: headers -------------------------------------------------------------------------------------------------

EXPECTED = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}
HSTS = "strict-transport-security"


def assert_guarded(answer: httpx.Response) -> None:
    for name, value in EXPECTED.items():
        assert answer.headers.get_list(name) == [value], (answer.request.url, name)
    policy = answer.headers["content-security-policy"]
    for part in ("default-src 'self'", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    assert "server" not in answer.headers
    if answer.request.url.path.startswith("/api"):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-type"] in ("application/json", "text/html; charset=utf-8", "text/css; charset=utf-8")
        assert answer.headers["content-type"] == "application/json" or answer.request.url.path.startswith("/api/docs")


async def test_r15_every_answer_carries_the_guarding_headers(anybody: httpx.AsyncClient, visitor: Person) -> None:
    for endpoint in ENDPOINTS:
        for client in (anybody, visitor.http):
            if endpoint.method == "GET":
                answer = await client.get(path_of(endpoint))
                assert_guarded(answer)
                assert HSTS not in answer.headers
    for answer in (
        await anybody.get("/api/nothing/"),
        await anybody.put("/api/me/"),
        await anybody.post("/api/workspaces/", headers={"Origin": "http://evil.example"}),
        await visitor.http.post("/api/workspaces/", content=b"{", headers={"Content-Type": "application/json"}),
        await visitor.http.post("/api/workspaces/", content=b"{}", headers={"Content-Type": "text/plain"}),
        await visitor.http.post("/api/workspaces/", content=b" " * (MIB + 1), headers={"Content-Type": "application/json"}),
        await visitor.http.post("/api/workspaces/", json={"name": "Team"}),
    ):
        assert_guarded(answer)


async def test_r15_outside_debug_browsers_are_told_to_use_https_only(start_server: StartServer) -> None:
    server = await start_server(DEBUG="False", SECRET_KEY="x" * 40)
    for path, status in (("/api/me/", 401), ("/api/docs/", 200), ("/livez", 200), ("/nothing", 404), ("/dev/mailbox", 404)):
        answer = await Jar().ask(server, "GET", path)
        assert answer.status_code == status
        assert_guarded(answer)
        assert "max-age=31536000" in answer.headers[HSTS]


async def test_r15_a_request_id_is_given_or_kept_and_never_a_header_of_somebodys_own(anybody: httpx.AsyncClient) -> None:
    answer = await anybody.get("/livez", headers={"X-Request-Id": "abcd-1234"})
    assert answer.headers.get_list("x-request-id") == ["abcd-1234"]
    for asked in ("short", "x" * 65, "with space", "bad;chars=1"):
        given = (await anybody.get("/livez", headers={"X-Request-Id": asked})).headers.get_list("x-request-id")
        assert len(given) == 1 and given != [asked]


# --- addresses that are too long ----------------------------------------------------------------------------------


KEY = "A" * 22 + "=="


async def test_a_socket_address_that_is_too_long_is_refused_and_does_not_hinder_the_shutdown(start_server: StartServer) -> None:
    """uvicorn alone would neither answer nor close it, and then fail to shut down."""
    server = await start_server()
    headers = [
        "Host: localhost",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {KEY}",
    ]
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.env["PORT"]))
    writer.write("\r\n".join([f"GET /ws/?token={'a' * 9000} HTTP/1.1", *headers, "", ""]).encode())
    async with asyncio.timeout(2):
        assert (await reader.read()).startswith(b"HTTP/1.1 414 ")
    await server.stop()
    assert server.process and server.process.returncode == 0
    writer.close()
