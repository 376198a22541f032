"""The OpenAPI document: complete, valid, and true to the types that check the requests."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import schemathesis
from msgspec import Struct
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from pluseboard import fields as f
from pluseboard import routes
from pluseboard.app import create_app
from pluseboard.auth import CurrentUser
from pluseboard.decoding import JsonDecoder
from pluseboard.handlers import docs
from pluseboard.http import Endpoint, api
from pluseboard.openapi import SocketDoc, answer_of, build_document, written
from pluseboard.realtime import events
from pluseboard.schemas import Data, EditChannel, MessageQuery, NewMessage, Page, Success, Workspace
from pluseboard.settings import Settings
from pluseboard.socket_catalog import SOCKETS

Json = dict[str, Any]
DOCUMENT = build_document(routes.ENDPOINTS, "1.2.3", SOCKETS)
OPERATIONS = {(e.method, e.path): DOCUMENT["paths"][written(e.path)][e.method.lower()] for e in routes.ENDPOINTS}
EVERY_ENDPOINT = pytest.mark.parametrize("endpoint", routes.ENDPOINTS, ids=lambda e: f"{e.method} {e.path}")


def test_the_document_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    schema.validate()
    assert len(list(schema.get_all_operations())) == len(routes.ENDPOINTS)


def test_no_route_of_the_app_is_missing() -> None:
    app = create_app(Settings(debug=True, jwt_secret_key="x" * 40, secret_key="y" * 40))
    assert app.state.endpoints == routes.ENDPOINTS
    assert app.state.sockets == SOCKETS
    http = {written(route.path) for route in app.routes if isinstance(route, Route) and route not in routes.WEB}
    sockets = {written(route.path) for route in app.routes if isinstance(route, WebSocketRoute)}
    assert http == set(DOCUMENT["paths"])
    assert sockets == {socket["path"] for socket in _sockets(DOCUMENT)}
    others = [route for route in app.routes if not isinstance(route, Route | WebSocketRoute)]
    assert not [route for route in others if getattr(route, "path", "/api").startswith(("/api", "/ws"))]


def test_operation_ids_and_anchors_are_unique() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names) == len(routes.ENDPOINTS)


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    used = {ref for part in ("paths", "x-websockets", "components") for ref in _references(DOCUMENT.get(part))}
    there = {f"#/components/{kind}/{name}" for kind in ("schemas", "responses") for name in DOCUMENT["components"][kind]}
    assert used == there


def test_schemas_have_readable_names() -> None:
    assert [name for name in DOCUMENT["components"]["schemas"] if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name)] == []


@EVERY_ENDPOINT
def test_every_operation_says_what_it_does_and_what_can_go_wrong(endpoint: Endpoint) -> None:
    operation = OPERATIONS[endpoint.method, endpoint.path]
    assert operation["summary"]
    assert operation["tags"] == [endpoint.handler.__module__.rpartition(".")[2]]
    success, *failures = operation["responses"]
    assert success in ("200", "201", "204")
    assert failures == sorted(failures)
    assert {"429", "503"} <= set(failures)
    assert ("security" in operation) == ("user" not in endpoint.signature)


@EVERY_ENDPOINT
def test_every_example_passes_the_types_that_check_it(endpoint: Endpoint) -> None:
    operation = OPERATIONS[endpoint.method, endpoint.path]
    if "requestBody" in operation:
        example = operation["requestBody"]["content"]["application/json"]["example"]
        JsonDecoder[Any](endpoint.signature["body"]).decode(msgspec.json.encode(example))
    _, success = next(iter(operation["responses"].items()))
    if "example" in (content := success.get("content", {}).get("application/json", {})):
        msgspec.convert(content["example"], answer_of(endpoint))


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/refresh/", "401"), ("/api/verify-otp/", "401"), ("/dev/mailbox", "404"), ("/api/register/", "409")],
)
def test_what_a_handler_raises_by_itself_is_told(path: str, status: str) -> None:
    (operation,) = DOCUMENT["paths"][path].values()
    assert status in operation["responses"]


def test_every_tag_is_described() -> None:
    assert all(tag["description"] for tag in DOCUMENT["tags"])
    assert {tag["name"] for tag in DOCUMENT["tags"]} == {operation["tags"][0] for operation in OPERATIONS.values()}


def test_every_field_says_what_it_must_be() -> None:
    """What clients send is described in words; what they get has a type."""
    asked = [refs for operation in OPERATIONS.values() for refs in _references(operation.get("requestBody"))]
    asked += [ref for socket in _sockets(DOCUMENT) for ref in _references(socket["client"])]
    undescribed = [
        f"{name}.{field}"
        for name in {ref.rpartition("/")[2] for ref in asked}
        for field, schema in DOCUMENT["components"]["schemas"][name]["properties"].items()
        if field != "type" and not _described(schema)
    ]
    undescribed += [
        f"{key}?{parameter['name']}"
        for key, operation in OPERATIONS.items()
        for parameter in operation.get("parameters", [])
        if not parameter.get("description")
    ]
    untyped = [
        f"{name}.{field}"
        for name, struct in DOCUMENT["components"]["schemas"].items()
        for field, schema in struct.get("properties", {}).items()
        if not schema.keys() & {"type", "enum", "anyOf", "$ref"}
    ]
    assert undescribed == untyped == []


def test_every_socket_and_its_frames_are_there() -> None:
    assert [socket["path"] for socket in _sockets(DOCUMENT)] == [written(socket.path) for socket in SOCKETS]
    for documented, socket in zip(_sockets(DOCUMENT), SOCKETS, strict=True):
        kinds = [*socket.client, *socket.server]
        for frame, kind in zip([*documented["client"], *documented["server"]], kinds, strict=True):
            assert msgspec.convert(frame["example"], kind)
    shown = {frame for socket in SOCKETS for frame in socket.server}
    assert shown == {kind for kind in vars(events).values() if isinstance(kind, type) and _is_frame(kind)}


# --- the rules, on a small table ----------------------------------------------------------------------------------


class Ping(Struct, tag="ping"):
    n: f.Seq


class Pong(Struct, tag="pong", omit_defaults=True):
    n: int
    late: int = 0


async def send(user: CurrentUser, body: NewMessage) -> Data[list[Workspace]]:
    """Say hello.

    Raises BadInput, Conflict.
    """
    raise NotImplementedError


async def listing(user: CurrentUser, query: MessageQuery) -> Page[Workspace]:
    """List."""
    raise NotImplementedError


async def edit(user: CurrentUser, channel_id: int, body: EditChannel) -> Success:
    """Edit."""
    raise NotImplementedError


async def sign_out() -> None:
    """Leave. Raises Unauthorized."""


async def look(token: str) -> Response:
    """Look."""
    raise NotImplementedError


SMALL = [
    api("POST", "/api/messages", send, 201),
    api("GET", "/api/messages", listing),
    api("PATCH", "/api/channels/{channel_id}", edit),
    api("POST", "/api/metrics/active-users", sign_out),
    api("GET", "/api/links/{token}", look),
    api("GET", "/api/docs", docs.page),
]
SMALL_SOCKETS = [SocketDoc("/ws/ping", "Ping & pong", [Ping], [Pong])]


@pytest.fixture
def small() -> Json:
    return build_document(SMALL, "1", SMALL_SOCKETS)


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        ("/api/messages/", "post", "201 400 401 403 404 409 413 415 429 503"),
        ("/api/messages/", "get", "200 400 401 403 404 429 503"),
        ("/api/channels/{channel_id}/", "patch", "200 400 401 403 404 409 413 415 429 503"),
        ("/api/metrics/active-users", "post", "204 401 403 409 429 503"),
        ("/api/links/{token}/", "get", "200 404 429 503"),
        ("/api/docs", "get", "200 429 503"),
    ],
)
def test_statuses_follow_from_the_signature(small: Json, path: str, method: str, statuses: str) -> None:
    assert " ".join(small["paths"][path][method]["responses"]) == statuses


def test_parameters_carry_their_limits(small: Json) -> None:
    channel, *_ = small["paths"]["/api/channels/{channel_id}/"]["patch"]["parameters"]
    assert channel == {
        "name": "channel_id",
        "in": "path",
        "required": True,
        "description": "id of the channel",
        "schema": {"type": "integer", "minimum": 1, "maximum": f.MAX_ID},
    }
    _, limit, before, *_ = small["paths"]["/api/messages/"]["get"]["parameters"]
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    assert before == {
        "name": "before_id",
        "in": "query",
        "required": False,
        "description": "a positive whole number",
        "schema": {"type": "integer", "minimum": 1, "maximum": f.MAX_ID},
    }


def test_what_may_be_left_out_of_a_request_is_always_in_an_answer(small: Json) -> None:
    schemas = small["components"]["schemas"]
    assert schemas["NewMessage"]["required"] == ["channel_id", "body"]
    assert "default" not in schemas["NewMessage"]["properties"]["client_msg_id"]
    assert schemas["EditChannel"].get("required", []) == []
    assert schemas["WorkspaceListData"]["required"] == ["status", "data"]
    assert schemas["Pong"]["required"] == ["type", "n"]


def test_waiting_times_are_described(small: Json) -> None:
    responses = small["components"]["responses"]
    assert [name for name in responses if "headers" in responses[name]] == ["TooManyRequests", "Unavailable"]


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from _references(inner)


def _sockets(document: Json) -> list[Json]:
    sockets: list[Json] = document.get("x-websockets", {"paths": []})["paths"]
    return sockets


def _is_frame(kind: type) -> bool:
    return kind.__module__ == events.__name__ and issubclass(kind, Struct)


def _described(schema: Json) -> bool:
    return "description" in schema or any("description" in choice for choice in schema.get("anyOf", []))
