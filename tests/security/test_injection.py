"""R14: an injection corpus in every field that a client can fill, over the table of routes and the frames.

A field that this module has no right value for fails the test, and so does a text that comes back otherwise than it was written.
"""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, get_type_hints
from urllib.parse import quote

import httpx
import msgspec
import pytest

from pluseboard.http import Endpoint
from pluseboard.routes import ENDPOINTS
from pluseboard.sockets.frames import ClientFrame
from tests.api import Caller, signing_up
from tests.conftest import Cluster, Person
from tests.fuzz.scene import Scene
from tests.servers import Database, MailServer
from tests.sockets.scenes import refused

CORPUS = [
    "' OR '1'='1",
    '" OR ""="',
    "1 OR 1=1",
    "1; DROP TABLE users; --",
    "1' AND SLEEP(5)#",
    "1) UNION SELECT password_hash FROM users -- x",
    "0x31303235343830303536",
    "1/**/UNION/**/ALL/**/SELECT/**/@@version",
    "id DESC, (SELECT 1 FROM users)",
    "\\'; SELECT 1; #",
    "\u02bc OR 1=1",
    "%s %(id)s %% %c0",
    "{0.__class__} ${7*7} {{7*7}} #{7*7}",
    "$(id) `id` ; id | id && id",
    "<script>alert(1)</script>",
    "../../../../etc/passwd",
    "*)(uid=*))(|(uid=*",
    "=1+1+cmd|' /C calc'!A0",
    "x\r\nSet-Cookie: a=b",
    "-1",
    "1e999",
    "%27%20OR%201=1",
]
# Right values of the fields that are no ids; those of ids come from the scene.
RIGHT: dict[str, Any] = {
    "body": "Hello",
    "client_msg_id": "once",
    "description": "Words",
    "email": "john@example.com",
    "full_name": "John Doe",
    "is_default": False,
    "is_private": False,
    "limit": 50,
    "minutes": 15,
    "name": "Name",
    "otp": "123456",
    "password": "securePassword123",
    "ref": "ref",
    "role": "member",
    "seq": 0,
    "since_seq": 0,
    "status": "online",
    "topic": "Words",
    "unread": 0,
    "username": "johndoe",
}
TEXT_FIELDS = {"body", "description", "email", "full_name", "name", "password", "ref", "topic", "username", "client_msg_id"}
FRAMES = {str(kind.__struct_config__.tag): kind for kind in ClientFrame.__subclasses__()}  # type: ignore[attr-defined]
Ids = dict[str, Any]


@pytest.fixture(scope="module")
async def scene(cluster: Cluster, mail: MailServer) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as cleanup:
        people = [Person(f"{who}.inj", f"{who}.inj@example.com", who, cluster.a, cleanup) for who in ("owner", "bob", "carol")]
        for someone in people:
            await someone.register()
            await someone.sign_in(mail)
        made = Scene(*people)
        yield made
        made.close()


def fields_of(endpoint: Endpoint) -> list[tuple[str, str]]:
    """Every place that a client can fill: (path, query or body; name)."""
    found = [("path", part[1:-1]) for part in endpoint.path.split("/") if part.startswith("{")]
    for place in ("query", "body"):
        if place in endpoint.signature:
            found += [(place, name) for name in get_type_hints(endpoint.signature[place])]
    return found


def right(name: str, scene: Scene) -> Any:
    ids = {**scene.ids, "before_id": scene.ids["message_id"], "after_id": scene.ids["message_id"], "session_id": 2**62}
    return ids[name] if name in ids else 2**62 if name == "user_id" else RIGHT[name]


def needed(kind: Any, scene: Scene) -> Ids:
    """What such a body or query must have."""
    return {field.name: right(field.name, scene) for field in msgspec.structs.fields(kind) if field.required}


async def ask(scene: Scene, endpoint: Endpoint, place: str, name: str, value: Any) -> httpx.Response:
    path = endpoint.path
    for part in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
        path = path.replace(f"{{{part}}}", quote(str(value if (place, name) == ("path", part) else right(part, scene)), safe=""))
    options: dict[str, Any] = {}
    for where, option in (("query", "params"), ("body", "json")):
        if where in endpoint.signature:
            options[option] = needed(endpoint.signature[where], scene) | ({name: value} if place == where else {})
    return await scene.owner.http.request(endpoint.method, path, **options)


async def counted(database: Database) -> dict[str, int]:
    tables = await database.query(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = %s", (database.name,)
    )
    names = sorted(row["name"] for row in tables)
    return {name: (await database.query(f"SELECT COUNT(*) AS n FROM {name}"))[0]["n"] for name in names}


WITH_FIELDS = [endpoint for endpoint in ENDPOINTS if fields_of(endpoint)]


def test_r14_there_are_fields_to_fill() -> None:
    assert len(WITH_FIELDS) > 40
    assert sum(len(fields_of(endpoint)) for endpoint in WITH_FIELDS) > 80


@pytest.mark.parametrize("endpoint", WITH_FIELDS, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
async def test_r14_no_field_of_a_route_is_taken_for_code(endpoint: Endpoint, scene: Scene, database: Database) -> None:
    before = await counted(database)
    for place, name in fields_of(endpoint):
        for text in CORPUS:
            answer = await ask(scene, endpoint, place, name, text)
            assert answer.status_code in (200, 201, 400, 401, 404, 409), (name, text, answer.text)
            assert answer.elapsed.total_seconds() < 4, (name, text)
            assert "set-cookie" not in answer.headers
            if name not in TEXT_FIELDS:
                # An id, a limit, a cursor, a choice: nothing that looks like it is let through.
                assert answer.status_code == (404 if place == "path" else 400), (name, text, answer.text)
    after = await counted(database)
    assert after.keys() == before.keys()
    assert all(after[table] >= count for table, count in before.items() if table in ("users", "messages", "channels"))


@pytest.mark.parametrize("header", ["Authorization", "Cookie", "X-Request-Id", "User-Agent", "Origin", "X-Forwarded-For"])
async def test_r14_no_header_is_taken_for_code(header: str, cluster: Cluster) -> None:
    async with httpx.AsyncClient(base_url=cluster.a.url, trust_env=False) as client:
        for text in CORPUS:
            line = text.encode().replace(b"\r\n", b" ")
            values = {"Authorization": b"Bearer " + line, "Cookie": b"access_token=" + line + b"; refresh_token=" + line}
            for method, path in (("GET", "/api/me/"), ("POST", "/api/refresh/")):
                answer = await client.request(method, path, headers={header: values.get(header, line)})
                assert answer.status_code in (401, 403), (text, answer.text)


@pytest.mark.parametrize("name", ["token", "ticket"])
async def test_r14_no_token_of_a_socket_is_taken_for_code(name: str, scene: Scene, cluster: Cluster) -> None:
    for text in CORPUS:
        assert await refused(scene.owner, "/ws/", cluster.a, query={name: text}) == 403


@pytest.mark.parametrize("tag", FRAMES)
async def test_r14_no_field_of_a_frame_is_taken_for_code(tag: str, scene: Scene) -> None:
    refs = itertools.count(1)
    async with scene.owner.socket("/ws/") as socket:

        async def told(frame: Ids) -> Ids:
            await socket.send(frame)
            while (answer := await socket.receive())["type"] not in ("ack", "error", "resync_required"):
                pass
            return answer

        kind = FRAMES[tag]
        for name in get_type_hints(kind):
            for text in CORPUS:
                frame = {"type": tag, **needed(kind, scene), "ref": next(refs), name: text}
                answer = await told(frame)
                assert (answer["type"] == "ack") or answer["code"] in ("bad_input", "not_found", "forbidden"), (frame, answer)
                if name not in TEXT_FIELDS:
                    assert answer["code"] == "bad_input", (frame, answer)
                assert (await told({"type": "heartbeat", "ref": 0}))["type"] == "ack", "the socket lives"


# --- what is stored comes back ------------------------------------------------------------------------------------


@pytest.fixture
def sign_up(person: Callable[..., Awaitable[Person]], cluster: Cluster) -> Callable[..., Awaitable[Caller]]:
    return signing_up(person, cluster)


LINES = [text for text in CORPUS if "\n" not in text]


async def test_r14_what_was_stored_comes_back_as_it_was_written(sign_up: Callable[..., Awaitable[Caller]]) -> None:
    owner = await sign_up("owner")
    for text in LINES:
        workspace = (await owner.post("/api/workspaces/", {"name": text, "description": text}))["workspace_id"]
        shown = await owner.get(f"/api/workspaces/{workspace}/")
        assert (shown["name"], shown["description"]) == (text, text)
        channel = await owner.channel(workspace, text, topic=text, description=text)
        [shown] = [each for each in await owner.get("/api/channels/", workspace_id=workspace) if each["id"] == channel]
        assert (shown["name"], shown["topic"], shown["description"]) == (text, text, text)
        message = await owner.say(channel, text)
        assert (await owner.get(f"/api/messages/{message['message_id']}/"))["body"] == text
        assert (await owner.patch("/api/me/", {"full_name": text}))["data"]["full_name"] == text
        assert (await owner.get("/api/messages/", channel_id=channel))[0]["sender_name"] == text
        # Second order: what was stored is used to make something else.
        activities = (await owner.post("/api/activities/", {"workspace_id": workspace}))["data"]
        assert any(text in activity["summary"] for activity in activities)
        for path, name in ((f"/api/workspaces/{workspace}/", "name"), (f"/api/channels/{channel}/", "topic")):
            await owner.patch(path, {name: "Plain"})
            assert (await owner.patch(path, {name: text}))["data"][name] == text
    assert len(await owner.get("/api/workspaces/")) == len(LINES)
