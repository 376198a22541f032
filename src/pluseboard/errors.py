"""Every failure that a client sees, and the one renderer of the error envelope.

    ApiError                status  code
    ├── BadInput            400     bad_input        a field is wrong; the message names it
    ├── Unauthorized        401     unauthorized     Invalid or expired token
    ├── Forbidden           403     forbidden
    ├── NotFound            404     not_found        not there, or not yours to know
    ├── MethodNotAllowed    405     method_not_allowed
    ├── Conflict            409     conflict
    ├── TooLarge            413     too_large
    ├── UnsupportedMedia    415     unsupported_media_type
    ├── TooManyRequests     429     rate_limited     with Retry-After
    └── Unavailable         503     unavailable      with Retry-After

On a socket the same errors become `{"type": "error", "code", "message", "ref"}` frames.
"""

import math

import msgspec
from starlette.responses import Response


class ApiError(Exception):
    status = 500
    code = "internal_error"
    message = "Something went wrong on our side; it has been logged"

    def __init__(self, message: str | None = None, *, headers: dict[str, str] | None = None) -> None:
        self.message = message or self.message
        self.headers = headers or {}
        super().__init__(self.message)


class BadInput(ApiError):
    status, code, message = 400, "bad_input", "The request could not be understood"


class Unauthorized(ApiError):
    status, code, message = 401, "unauthorized", "Invalid or expired token"


class Forbidden(ApiError):
    status, code, message = 403, "forbidden", "You are not allowed to do this"


class NotFound(ApiError):
    status, code, message = 404, "not_found", "Not found"


class MethodNotAllowed(ApiError):
    status, code = 405, "method_not_allowed"

    def __init__(self, allowed: list[str]) -> None:
        super().__init__(f"{' or '.join(allowed)} method required", headers={"Allow": ", ".join(allowed)})


class Conflict(ApiError):
    status, code, message = 409, "conflict", "Already exists"


class TooLarge(ApiError):
    status, code, message = 413, "too_large", "The body may be at most 1 MiB"


class UnsupportedMedia(ApiError):
    status, code, message = 415, "unsupported_media_type", "Content-Type must be application/json"


class TooManyRequests(ApiError):
    status, code = 429, "rate_limited"

    def __init__(self, retry_after: float) -> None:
        seconds = max(1, math.ceil(retry_after))
        super().__init__(f"Too many requests; try again in {seconds} seconds", headers={"Retry-After": str(seconds)})


class Unavailable(ApiError):
    status, code, message = 503, "unavailable", "The service is busy or restarting; try again"

    def __init__(self, message: str | None = None, retry_after: int = 1) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after)})


def error_response(error: ApiError) -> Response:
    """The error envelope: {"status": "error", "code", "message"}."""
    body = msgspec.json.encode({"status": "error", "code": error.code, "message": error.message})
    return Response(body, error.status, error.headers, "application/json")
