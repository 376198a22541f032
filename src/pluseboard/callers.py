"""Where a request comes from. The middleware notes it, so that actions need not be handed it."""

from contextvars import ContextVar
from typing import NamedTuple

from starlette.requests import HTTPConnection
from starlette.types import Scope

from pluseboard.headers import header

current: ContextVar[Scope | None] = ContextVar("current", default=None)


class Caller(NamedTuple):
    """As wide as the columns that keep it. Empty for what no request asked for."""

    ip: str = ""
    user_agent: str = ""


def caller() -> Caller:
    scope = current.get()
    if scope is None:
        return Caller()
    return Caller(client_ip(HTTPConnection(scope))[:45], (header(scope, b"user-agent") or "unknown")[:255])


def client_ip(request: HTTPConnection) -> str:
    """The peer, or what a trusted proxy says of it (uvicorn checks FORWARDED_ALLOW_IPS)."""
    return request.client.host if request.client else ""
