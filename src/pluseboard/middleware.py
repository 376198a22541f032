"""What happens to every request: an id, the slash, the origin check, security headers, errors, a log line. Pure ASGI."""

import itertools
import logging
import re
import secrets
import time
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pluseboard import rate_limits
from pluseboard.callers import current
from pluseboard.errors import ApiError, BadInput, NotFound, error_response
from pluseboard.headers import header
from pluseboard.logs import request_id
from pluseboard.origins import check_origin
from pluseboard.settings import Settings

log = logging.getLogger("pluseboard.requests")

UNSAFE_METHODS = {"POST", "PUT", "PATCH", "DELETE"}
_REQUEST_ID = re.compile(r"^[A-Za-z0-9_-]{8,64}\Z")
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class FrontDoor:
    """Outermost of ours; CORS stands inside it, so that errors and refusals pass through CORS headers too."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        # A request's id: the process's own, and a number. (Nothing depends on its being hard to guess.)
        self._id = secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._headers = SECURITY_HEADERS if settings.debug else [*SECURITY_HEADERS, HSTS]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        path = scope["path"]
        scope["path"] = path.rstrip("/") or "/"
        current.set(scope)
        if scope["type"] == "websocket":
            # The seed's paths end in a slash; /ws and /ws/ are the same.
            return await self._app(scope, receive, send)
        started = time.perf_counter()
        asked_id = header(scope, b"x-request-id")
        id_ = asked_id if asked_id and _REQUEST_ID.match(asked_id) else f"{self._id}-{next(self._numbers)}"
        reset = request_id.set(id_)
        no_store = path.startswith("/api")
        status = 500
        begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                begun = True
                status = message["status"]
                headers = [*message["headers"], *self._headers, (b"x-request-id", id_.encode())]
                if limits := scope.get("limits"):
                    headers += rate_limits.headers(limits)
                if no_store:
                    headers.append((b"cache-control", b"no-store"))
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            log.exception("a request failed")
            if begun:
                raise
            await error_response(ApiError())(scope, receive, send_with_headers)
        finally:
            # The web app is some sixty files, which nobody wants to read of.
            level = logging.DEBUG if path.startswith("/app/") else logging.INFO
            if log.isEnabledFor(level):
                milliseconds = round((time.perf_counter() - started) * 1000, 1)
                log.log(level, "%s %s %s", scope["method"], path, status, extra={"milliseconds": milliseconds})
            request_id.reset(reset)


class Errors:
    """Innermost: renders our exceptions, and refuses writes from foreign pages."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        try:
            if scope["method"] in UNSAFE_METHODS:
                check_origin(self._settings, HTTPConnection(scope))
            await self._app(scope, receive, send)
        except ApiError as error:
            await error_response(error)(scope, receive, send)
        except HTTPException as error:
            # Starlette's own: no such route.
            refused = NotFound() if error.status_code == 404 else BadInput(error.detail)
            await error_response(refused)(scope, receive, send)


def cors_options(settings: Settings) -> dict[str, Any]:
    """For Starlette's CORSMiddleware: listed origins only, echoed with Vary: Origin."""
    return {
        "allow_origins": list(settings.allowed_origins),
        "allow_credentials": True,
        "allow_methods": ["GET", "POST", "PUT", "PATCH", "DELETE"],
        "allow_headers": ["Content-Type", "Authorization", "X-Request-Id"],
        "expose_headers": ["RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"],
        "max_age": 600,
    }
