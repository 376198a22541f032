"""Every field of every body and query: what its type says it takes is taken, and anything else is refused in words that help.

Made from the table of routes and the types of their bodies: a new field is tested by being there.
"""

import itertools
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from msgspec import inspect as types

from pluseboard.http import Endpoint
from pluseboard.routes import ENDPOINTS
from tests.answers import assert_error
from tests.api import Caller
from tests.conftest import Cluster, Person
from tests.servers import MailServer
from tests.values import Values, query_values_of, values_of

numbers = itertools.count(1)


@dataclass(frozen=True)
class Field:
    """One field of a body or a query."""

    endpoint: Endpoint
    place: str
    name: str
    required: bool
    values: Values

    def __str__(self) -> str:
        return f"{self.endpoint.method} {self.endpoint.path} {self.place}.{self.name}"


def fields() -> list[Field]:
    found = []
    for endpoint in ENDPOINTS:
        for place, read in (("body", values_of), ("query", query_values_of)):
            if place in endpoint.signature:
                struct = types.type_info(endpoint.signature[place])
                assert isinstance(struct, types.StructType)
                found += [Field(endpoint, place, f.encode_name, f.required, read(f.type)) for f in struct.fields]
    return found


FIELDS = fields()
EVERY_FIELD = pytest.mark.parametrize("field", FIELDS, ids=str)
EVERY_BODY = pytest.mark.parametrize(
    "endpoint", [e for e in ENDPOINTS if "body" in e.signature], ids=lambda e: f"{e.method} {e.path}"
)


class World:
    """A workspace with one of everything, which the caller owns; and requests that are right but for what a test changes."""

    def __init__(self, caller: Caller, member: Caller) -> None:
        self.caller, self.member = caller, member

    async def build(self) -> "World":
        workspace = await self.caller.workspace("Team", {"member": self.member})
        await self.caller.channel(workspace, "general")
        channel = await self.caller.channel(workspace, "random")
        message = (await self.caller.say(channel))["message_id"]
        self.ids = {"workspace_id": workspace, "channel_id": channel, "message_id": message, "user_id": self.member.id}
        return self

    async def looks(self) -> list[Any]:
        """Everything in it, but for the names of people."""
        workspace, channel = self.ids["workspace_id"], self.ids["channel_id"]
        kinds = ["", "/invitations", "/invite-links"]
        paths = [f"workspaces/{workspace}{kind}" for kind in kinds] + [f"channels?workspace_id={workspace}"]
        found = [await self.caller.get(f"/api/{path}") for path in paths]
        members = [f"workspaces/{workspace}/members", f"channels/{channel}/members"]
        found += [[(m["user_id"], m.get("role")) for m in await self.caller.get(f"/api/{path}")] for path in members]
        found.append([(m["id"], m["body"]) for m in await self.caller.get(f"/api/messages?channel_id={channel}")])
        return found

    def base(self, endpoint: Endpoint, place: str) -> dict[str, Any]:
        """The required fields, and what else there must be to come through."""
        return {
            field.name: self._right(field)
            for field in FIELDS
            if (field.endpoint, field.place) == (endpoint, place) and field.required
        }

    def _right(self, field: Field) -> Any:
        unique = f"fresh{next(numbers)}"
        made = {"email": f"{unique}@example.com", "username": unique, "name": unique, "otp": "123456", **self.ids}
        return made.get(field.name, field.values.good[-1])

    async def call(self, endpoint: Endpoint, place: str, values: dict[str, Any] | bytes) -> httpx.Response:
        path = re.sub(r"\{(\w+)\}", lambda name: str(self.ids.get(name[1], 1)), endpoint.path)
        client = self.caller.person.on(self.caller.next_server)
        if place == "query":
            return await client.request(endpoint.method, path, params=values)
        content = values if isinstance(values, bytes) else json.dumps(values).encode()
        return await client.request(endpoint.method, path, content=content, headers={"content-type": "application/json"})

    async def call_with(self, field: Field, value: Any) -> httpx.Response:
        return await self.call(field.endpoint, field.place, {**self.base(field.endpoint, field.place), field.name: value})


@pytest.fixture(scope="module")
async def people(cluster: Cluster, mail: MailServer) -> AsyncIterator[tuple[Caller, Caller]]:
    """Two for all fields: what is tested here is no matter of persons."""
    async with AsyncExitStack() as cleanup:
        found = []
        for name in ("olga", "mia"):
            person = Person(f"{name}.fields", f"{name}.fields@example.com", f"{name} Example", cluster.a, cleanup)
            for answer in (await person.register(), await person.sign_in(mail)):
                assert answer.is_success, answer.text
            found.append(await Caller(person, cluster).introduce())
        yield found[0], found[1]


@pytest.fixture(scope="module")
async def still(people: tuple[Caller, Caller]) -> AsyncIterator[World]:
    """For what is refused: nothing happens in it."""
    world = await World(*people).build()
    before = await world.looks()
    yield world
    assert await world.looks() == before


@pytest.fixture
async def world(people: tuple[Caller, Caller]) -> World:
    return await World(*people).build()


def assert_taken(field: Field, answer: httpx.Response) -> None:
    """A success, or what a right value may get otherwise: an id of nothing, a code that was never sent."""
    may_be = {404, 409} if field.name.endswith("_id") else set()
    if field.endpoint.path == "/api/verify-otp":
        may_be.add(401)
    if field.endpoint.path == "/api/workspaces/{workspace_id}/transfer":
        may_be.add(403)  # the first value has given the workspace away
    assert answer.is_success or answer.status_code in may_be, f"{field}: {answer.status_code} {answer.text}"


def test_there_are_fields_of_every_kind() -> None:
    assert len(FIELDS) > 40
    assert {field.place for field in FIELDS} == {"body", "query"}
    assert all(field.values.good and field.values.bad for field in FIELDS)


@EVERY_FIELD
async def test_what_a_field_may_be_is_taken(field: Field, world: World) -> None:
    for value in field.values.good:
        if value == world.caller.id:
            continue  # one cannot, for one, make oneself the new owner
        assert_taken(field, await world.call_with(field, value))
    if not field.required:
        assert_taken(field, await world.call(field.endpoint, field.place, world.base(field.endpoint, field.place)))


@EVERY_FIELD
async def test_what_a_field_may_not_be_is_refused_with_its_name_and_what_is_right(field: Field, still: World) -> None:
    refusal = re.escape(f"{field.name} must be {field.values.description}") + "$"
    for value in field.values.bad:
        answer = await still.call_with(field, value)
        assert answer.status_code == 400, f"{field} took {value!r}: {answer.status_code} {answer.text}"
        assert_error(answer, 400, refusal)
    if field.required:
        values = still.base(field.endpoint, field.place)
        del values[field.name]
        answer = await still.call(field.endpoint, field.place, values)
        assert_error(answer, 400, re.escape(f"{field.name} is required, must be {field.values.description}") + "$")


@pytest.mark.parametrize("field", [f for f in FIELDS if f.place == "body" and isinstance(f.values.good[-1], str)], ids=str)
async def test_no_text_holds_a_nul_or_half_a_character(field: Field, still: World) -> None:
    answer = await still.call_with(field, "before\0after")
    assert_error(answer, 400, f"{field.name} must ")
    for half in (r'"\ud83c"', r'"\udf41\ud83c"', r'"x\ud83cx"', b'"\xed\xa0\xbc"', b'"\xff"', b'"\xc0\x80"'):
        raw = json.dumps({**still.base(field.endpoint, "body"), field.name: "HALF"}).encode()
        raw = raw.replace(b'"HALF"', half.encode() if isinstance(half, str) else half)
        assert_error(await still.call(field.endpoint, "body", raw), 400, "The body must be well-formed JSON in UTF-8$")


@EVERY_BODY
async def test_fields_that_nobody_asked_for_are_ignored(endpoint: Endpoint, world: World) -> None:
    more = {"surprise": [{"a": None}], "id": 2**80, "created_at": "yesterday", "__proto__": {}, "": "", "größe": 1.5}
    answer = await world.call(endpoint, "body", {**more, **world.base(endpoint, "body")})
    assert answer.is_success or (answer.status_code == 401 and endpoint.path == "/api/verify-otp"), answer.text


@EVERY_BODY
async def test_a_body_is_an_object_in_json(endpoint: Endpoint, still: World) -> None:
    right = json.dumps(still.base(endpoint, "body")).encode()
    for raw in (b"[]", b"null", b"7", b'"text"', b"true", b"[" + right + b"]"):
        assert_error(await still.call(endpoint, "body", raw), 400, "The body is wrong: expected an object, got ")
    broken = [
        b"",
        b"{",
        right[:-1],
        right + b"x",
        b"\xef\xbb\xbf" + right,
        b"a=b",
        b"{'a': 1}",
        b"[" * 1000,
        right.replace(b"}", b',"z":NaN}'),
    ]
    for raw in broken:
        assert_error(await still.call(endpoint, "body", raw), 400)
