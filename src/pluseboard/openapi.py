"""The OpenAPI 3.1 document, made from the route table: the same signatures and structs that decode and validate requests.

A handler's docstring is its summary and description; `Raises Unauthorized.` in it adds to the errors that its signature implies.
The docstring of its module describes the tag.
"""

import inspect
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from starlette.responses import Response

from pluseboard import __version__, errors
from pluseboard.about import ABOUT, SOCKETS
from pluseboard.components import Components
from pluseboard.examples import example_of
from pluseboard.fields import Id
from pluseboard.http import Endpoint
from pluseboard.schemas import Error

Json = dict[str, Any]

# The order in which a newcomer meets them; the route table has what is asked for most first.
TAGS = ["accounts", "sessions", "workspaces", "members", "invitations", "channels", "messages", "activities", "metrics"]
TAGS += ["notifications", "audit", "health", "docs", "dev"]
SAFE_METHODS = ("GET", "HEAD")
# The seed writes these without the trailing slash that all others have; the server takes both forms.
WITHOUT_SLASH = ("/api/metrics/messages-per-day", "/api/metrics/active-users", "/api/docs", "/livez", "/readyz", "/dev/mailbox")

_FAILURES: list[tuple[errors.ApiError, str]] = [
    (errors.BadInput("channel_id is required, must be a positive whole number"), "A field is wrong; `message` names it."),
    (errors.Unauthorized(), "Nobody is signed in, or the session has ended."),
    (errors.Forbidden(), "Your role does not allow this, or the request comes from an Origin that is not on the list."),
    (errors.NotFound(), "Not there, or not yours to know."),
    (errors.Conflict(), "It contradicts what is already there."),
    (errors.TooLarge(), "The body is longer than 1 MiB."),
    (errors.UnsupportedMedia(), "The body is not declared as `application/json`."),
    (errors.TooManyRequests(30), "Too many requests; `Retry-After` says when to try again."),
    (errors.Unavailable(), "Busy or restarting; `Retry-After` says when to try again."),
]
_STATUS_OF = {type(error).__name__: str(error.status) for error, _ in _FAILURES}
_RAISES = re.compile(r"\s*\bRaises ([^.]*)\.")


@dataclass(frozen=True)
class SocketDoc:
    """A WebSocket path and the frames that travel on it: structs tagged by `type`."""

    path: str
    summary: str
    client: Sequence[type]
    server: Sequence[type]


def build_document(endpoints: Sequence[Endpoint], version: str = __version__, sockets: Sequence[SocketDoc] = ()) -> Json:
    """The whole document. Two handlers of one name in one module would clash in `operationId`; a test looks."""
    endpoints = sorted(endpoints, key=lambda e: TAGS.index(_tag(e)) if _tag(e) in TAGS else len(TAGS))
    asked = [hints[part] for hints in (e.signature for e in endpoints) for part in ("body", "query") if part in hints]
    answered = [answer for e in endpoints if (answer := answer_of(e)) is not None]
    asked += [frame for socket in sockets for frame in socket.client]
    answered += [frame for socket in sockets for frame in socket.server]
    components = Components(asked, [Error, *answered])

    paths: dict[str, Json] = {}
    for endpoint in endpoints:
        paths.setdefault(written(endpoint.path), {})[endpoint.method.lower()] = _operation(endpoint, components)
    document: Json = {
        "openapi": "3.1.0",
        "info": {"title": "pluseboard", "version": version, "description": ABOUT},
        "tags": _tags(endpoints),
        "security": [{"cookie": []}, {"bearer": []}],
        "paths": paths,
    }
    if sockets:
        document["x-websockets"] = {"description": SOCKETS, "paths": [_socket(socket, components) for socket in sockets]}
    responses = {type(error).__name__: _failure(error, words, components) for error, words in _FAILURES}
    document["components"] = {
        "schemas": components.used_in(document, responses),
        "responses": responses,
        "securitySchemes": {
            "cookie": {
                "type": "apiKey",
                "in": "cookie",
                "name": "access_token",
                "description": "Set by `POST /api/verify-otp/`.",
            },
            "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "The access token."},
        },
    }
    return document


def written(path: str) -> str:
    """A path of the route table as clients write it: `/api/messages/`; what looks like a file has no slash."""
    path = re.sub(r"\{(\w+):\w+\}", r"{\1}", path)
    return path if path in WITHOUT_SLASH or path.endswith("/") or "." in path.rpartition("/")[2] else f"{path}/"


def _operation(endpoint: Endpoint, components: Components) -> Json:
    hints = endpoint.signature
    summary, description = _words(endpoint)
    operation: Json = {
        "operationId": f"{_tag(endpoint)}_{endpoint.handler.__name__}",
        "tags": [_tag(endpoint)],
        "summary": summary,
        "description": description,
        "parameters": [*_path_parameters(endpoint), *_query_parameters(hints.get("query"), components)],
    }
    if "body" in hints:
        schema = components.of(hints["body"])
        example = example_of(schema, components.schemas, whole=False)
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}
    operation["responses"] = {
        **_success(endpoint, components),
        **{_STATUS_OF[name]: {"$ref": f"#/components/responses/{name}"} for name in _failures(endpoint)},
    }
    if "user" not in hints:
        operation["security"] = []
    return {key: value for key, value in operation.items() if value or key == "security"}


def _words(endpoint: Endpoint) -> tuple[str, str]:
    """The first line of the docstring, and the rest without what it raises."""
    words = _RAISES.sub("", inspect.getdoc(endpoint.handler) or "")
    summary, _, description = words.partition("\n")
    return summary.strip().rstrip("."), description.strip()


def _tag(endpoint: Endpoint) -> str:
    return endpoint.handler.__module__.rpartition(".")[2]


def _tags(endpoints: Sequence[Endpoint]) -> list[Json]:
    """The handlers' modules, in their order."""
    modules = {_tag(endpoint): inspect.getdoc(sys.modules[endpoint.handler.__module__]) or "" for endpoint in endpoints}
    return [{"name": name, "description": words.partition("\n\n")[0]} for name, words in modules.items()]


def _path_parameters(endpoint: Endpoint) -> list[Json]:
    hints = endpoint.signature
    return [
        {"name": name, "in": "path", "required": True, **_path_parameter(name, hints[name])}
        for name in re.findall(r"\{(\w+)", endpoint.path)
    ]


def _path_parameter(name: str, kind: Any) -> Json:
    schema = msgspec.json.schema(Id if kind is int else kind)
    words = schema.pop("description", "")
    if get_origin(kind) is not Annotated:
        words = f"id of the {name[:-3].replace('_', ' ')}" if name.endswith("_id") else f"the {name.replace('_', ' ')}"
    return {"description": words, "schema": {"minLength": 1, **schema} if schema.get("type") == "string" else schema}


def _query_parameters(kind: Any, components: Components) -> list[Json]:
    if kind is None:
        return []
    struct = components.resolve(components.of(kind))
    parameters = []
    for name, whole in struct["properties"].items():
        schema = _never_null(whole)
        parameter = {"name": name, "in": "query", "required": name in struct.get("required", ()), "schema": schema}
        if words := schema.pop("description", ""):
            parameter["description"] = words
        parameters.append(parameter)
    return parameters


def _never_null(schema: Json) -> Json:
    """A query has no null: what may be null may be left out."""
    if "anyOf" not in schema:
        return dict(schema)
    choices = [choice for choice in schema["anyOf"] if choice != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf" and value is not None}
    return {**choices[0], **rest} if len(choices) == 1 else {"anyOf": choices, **rest}


def answer_of(endpoint: Endpoint) -> Any:
    """The type of the JSON that the handler returns; None for no body, or for a Response that it makes itself."""
    hint = endpoint.signature["return"]
    kinds = [kind for kind in get_args(hint) if not _is_response(kind)] if get_origin(hint) in (UnionType, Union) else [hint]
    return None if kinds[0] is type(None) or _is_response(kinds[0]) else kinds[0]


def _is_response(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Response)


def _success(endpoint: Endpoint, components: Components) -> Json:
    returned = endpoint.signature["return"]
    status = 204 if returned is type(None) else endpoint.status
    response: Json = {"description": HTTPStatus(status).phrase}
    if (answer := answer_of(endpoint)) is not None:
        schema = components.of(answer)
        example = example_of(schema, components.schemas, whole=True)
        response["content"] = {"application/json": {"schema": schema, "example": example}}
    elif media_type := getattr(returned, "media_type", None):
        response["content"] = {media_type: {}}
    return {str(status): response}


def _failures(endpoint: Endpoint) -> list[str]:
    """What can go wrong, read off the signature and the docstring, in the order of the status."""
    hints = endpoint.signature
    unsafe = endpoint.method not in SAFE_METHODS
    names_something = "{" in endpoint.path or any(_has_id(hints.get(part)) for part in ("body", "query"))
    happens = {
        "BadInput": "body" in hints or "query" in hints,
        "Unauthorized": "user" in hints,
        "Forbidden": unsafe or ("user" in hints and names_something),
        "NotFound": names_something,
        "Conflict": unsafe,
        "TooLarge": "body" in hints,
        "UnsupportedMedia": "body" in hints,
        "TooManyRequests": True,
        "Unavailable": True,
    }
    told = re.findall(r"\w+", " ".join(_RAISES.findall(inspect.getdoc(endpoint.handler) or "")))
    return [name for name in _STATUS_OF if happens[name] or name in told]


def _has_id(kind: Any) -> bool:
    structs = () if kind is None else get_args(kind) or (kind,)
    return any(name.endswith("_id") and name != "client_msg_id" for struct in structs for name in get_type_hints(struct))


def _failure(error: errors.ApiError, words: str, components: Components) -> Json:
    example = {"status": "error", "code": error.code, "message": error.message}
    response: Json = {
        "description": words,
        "content": {"application/json": {"schema": components.of(Error), "example": example}},
    }
    if "Retry-After" in error.headers:
        response["headers"] = {"Retry-After": {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 1}}}
    if isinstance(error, errors.TooManyRequests):
        for name, words in (("RateLimit", "what is left of each limit"), ("RateLimit-Policy", "the limits that were counted")):
            response["headers"][name] = {"description": words, "schema": {"type": "string"}}
    return response


def _socket(socket: SocketDoc, components: Components) -> Json:
    def frames(kinds: Sequence[type]) -> list[Json]:
        refs = [components.of(kind) for kind in kinds]
        return [{"schema": ref, "example": example_of(ref, components.schemas, whole=False)} for ref in refs]

    return {
        "path": written(socket.path),
        "summary": socket.summary,
        "client": frames(socket.client),
        "server": frames(socket.server),
    }
