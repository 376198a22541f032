"""Which pages may act for a signed-in user: shared by HTTP writes and sockets."""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from pluseboard.auth import bearer_token
from pluseboard.errors import Forbidden
from pluseboard.headers import header
from pluseboard.settings import Settings


def check_origin(settings: Settings, request: HTTPConnection) -> None:
    """Raises Forbidden for a write that a foreign page makes with the user's cookies."""
    origin = header(request.scope, b"origin")
    if origin and not bearer_token(request) and not is_allowed_origin(settings, request, origin):
        raise Forbidden("This origin may not write here")


def is_allowed_origin(settings: Settings, request: HTTPConnection, origin: str) -> bool:
    """Listed in ALLOWED_ORIGINS, or the address under which the request itself came."""
    try:
        netloc = urlsplit(origin).netloc
    except ValueError:
        return False
    return origin in settings.allowed_origins or netloc == header(request.scope, b"host")
