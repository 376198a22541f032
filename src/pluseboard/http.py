"""From a typed function to a Starlette endpoint: `Endpoint` reads the handler's signature once and feeds it from requests.

    async def send(app: Services, user: CurrentUser, body: NewMessage) -> MessageSent: ...

`app` is what app.py constructed, `user` demands a live session, `body` is the checked JSON body, `query` the checked query
string, `request` Starlette's request; every other parameter is a number (or, annotated str, a word) from the path. The answer is
a struct, a ready Response, or None for 204. The OpenAPI document is made from the same signatures.
"""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, get_type_hints

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from pluseboard.auth import authenticate, set_session_cookies
from pluseboard.decoding import JsonDecoder, QueryDecoder
from pluseboard.errors import ApiError, MethodNotAllowed, NotFound, TooLarge, UnsupportedMedia, error_response
from pluseboard.fields import MAX_ID
from pluseboard.headers import header

Handler = Callable[..., Awaitable[Any]]
MAX_BODY_BYTES = 1024 * 1024
encode = msgspec.json.Encoder().encode


class Ready(Response):
    """An answer that is JSON already."""

    media_type = "application/json"


@dataclass(frozen=True)
class Endpoint:
    """One line of the route table: a method on a path, the handler, and the status of its success."""

    method: str
    path: str
    handler: Handler
    status: int = 200

    @property
    def signature(self) -> dict[str, Any]:
        """Parameter name -> annotation, constraints included; `return` is the answer."""
        return get_type_hints(self.handler, include_extras=True)

    def compile(self) -> Callable[[Request], Awaitable[Response]]:
        handler, status = self.handler, self.status
        hints = self.signature
        names = list(inspect.signature(handler).parameters)
        body = JsonDecoder[Any](hints["body"]) if "body" in names else None
        query = QueryDecoder[Any](hints["query"]) if "query" in names else None
        in_path = {name: hints[name] for name in names if name not in ("app", "user", "request", "body", "query")}
        wants_user, wants_app, wants_request = "user" in names, "app" in names, "request" in names

        async def respond(request: Request) -> Response:
            app = request.app.state.services
            arguments: dict[str, Any] = {}
            try:
                if wants_user:
                    arguments["user"] = await authenticate(request)
                if wants_app:
                    arguments["app"] = app
                if wants_request:
                    arguments["request"] = request
                for name, kind in in_path.items():
                    raw = request.path_params[name]
                    arguments[name] = raw if kind is str else _path_number(raw)
                if query is not None:
                    arguments["query"] = query.decode(request.query_params)
                if body is not None:
                    arguments["body"] = body.decode(await read_json(request))
                answer = await handler(**arguments)
            except ApiError as error:
                # A refusal brings the cookies too: a refresh on the way has used up the old ones.
                answer = error_response(error)
            if isinstance(answer, Response):
                response = answer
            elif answer is None:
                response = Response(status_code=204)
            else:
                response = Response(encode(answer), status, media_type="application/json")
            set_session_cookies(request, response)
            return response

        return respond


def api(method: str, path: str, handler: Handler, status: int = 200) -> Endpoint:
    return Endpoint(method, path, handler, status)


def path_routes(endpoints: list[Endpoint]) -> list[Route]:
    """One Starlette route a path, in the order of the table; a method that the path does not have gets 405 with Allow."""
    by_path: dict[str, dict[str, Callable[[Request], Awaitable[Response]]]] = {}
    for endpoint in endpoints:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint.compile()
    return [Route(path, _dispatcher(methods), methods=None) for path, methods in by_path.items()]


def _dispatcher(methods: dict[str, Callable[[Request], Awaitable[Response]]]) -> Any:
    class Dispatcher:
        """An ASGI class, so that Starlette leaves the methods to us."""

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            request = Request(scope, receive, send)
            respond = methods.get(request.method)
            if respond is None and request.method == "HEAD":
                respond = methods.get("GET")
            if respond is None:
                raise MethodNotAllowed(sorted(methods))
            response = await respond(request)
            await response(scope, receive, send)

    return Dispatcher()


def _path_number(raw: str) -> int:
    """An id in the path; what is not one names nothing, so it is 404."""
    if not (raw.isascii() and raw.isdecimal() and len(raw) < 20) or not 1 <= int(raw) <= MAX_ID:
        raise NotFound
    return int(raw)


async def read_json(request: Request) -> bytes:
    """The body, of at most 1 MiB; none at all counts as {}. Raises UnsupportedMedia, TooLarge."""
    content_type = header(request.scope, b"content-type").partition(";")[0].strip().lower()
    length = header(request.scope, b"content-length")
    if content_type != "application/json":
        if not content_type and length in ("", "0") and not header(request.scope, b"transfer-encoding"):
            return b"{}"
        raise UnsupportedMedia
    if length.isdecimal() and int(length) > MAX_BODY_BYTES:
        raise TooLarge
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise TooLarge
            chunks.append(chunk)
    except ClientDisconnect:
        # Nobody will read the answer; what arrived is not a whole request.
        return b""
    return b"".join(chunks)
