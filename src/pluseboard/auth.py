"""Token -> CurrentUser, shared by HTTP and the sockets.

A token is verified once; then it is remembered until it expires or its session is revoked. Revocations reach every process
over the bus, and within a second by a poll of the database when the bus is away (access.py), so the memory is never older.
"""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import Response

from pluseboard.callers import caller
from pluseboard.crowds import Together
from pluseboard.database import Database
from pluseboard.errors import Unauthorized
from pluseboard.headers import header
from pluseboard.repositories import sessions
from pluseboard.tokens import ACCESS_SECONDS, REFRESH_SECONDS, Tokens, hash_secret

ROTATION_GRACE_SECONDS = 10
MAX_REMEMBERED = 100_000
MAX_REVOKED = 10_000
COOKIES = {"access_token": ACCESS_SECONDS, "refresh_token": REFRESH_SECONDS, "id_token": ACCESS_SECONDS}


@dataclass(frozen=True, slots=True)
class CurrentUser:
    """Who asks, through which session."""

    id: int
    username: str
    email: str
    full_name: str
    session_id: int

    @property
    def first_name(self) -> str:
        """What a summary calls them: John, of John Doe."""
        return self.full_name.split()[0]


@dataclass(frozen=True, slots=True)
class Grant:
    """A session's three tokens, on their way into cookies."""

    user: CurrentUser
    access_token: str
    refresh_token: str
    id_token: str


class Authenticator:
    """Verifies access tokens, rotates refresh tokens, and forgets what is revoked."""

    def __init__(self, database: Database, tokens: Tokens) -> None:
        self._database = database
        self._tokens = tokens
        self._live = Together[int, sessions.User | None](lambda ids: sessions.live_many(database, ids))
        self._new_tickets = Together[tuple[bytes, int], None](self._insert_tickets)
        self._used_tickets = Together[bytes, int | None](lambda hashes: sessions.consume_tickets(database, hashes))
        self._remembered: dict[str, tuple[CurrentUser, float]] = {}
        self._tokens_of: dict[int, set[str]] = {}
        self._revoked: dict[int, float] = {}

    async def user_of(self, token: str) -> CurrentUser:
        """The user of a live access token. Raises Unauthorized."""
        if (known := self._remembered.get(token)) and known[1] > time.time():
            return known[0]
        claims = self._tokens.verify(token, "access")
        row = await self._live.ask(claims["sid"])
        # A revocation that arrived while the query ran is newer than its answer.
        if row is None or row.id != claims["sub"] or self.is_revoked(claims["sid"]):
            raise Unauthorized
        user = CurrentUser(row.id, row.username, row.email, row.full_name, claims["sid"])
        self._remember(token, user, claims["exp"])
        return user

    async def new_ticket(self, session_id: int) -> str:
        """Opens one socket within 30 s."""
        ticket = secrets.token_urlsafe(32)
        await self._new_tickets.ask((hash_secret(ticket), session_id))
        return ticket

    async def user_of_ticket(self, ticket: str) -> CurrentUser:
        """The user to whom a ticket was given, once. Raises Unauthorized."""
        session_id = await self._used_tickets.ask(hash_secret(ticket))
        row = await self._live.ask(session_id) if session_id else None
        if session_id is None or row is None or self.is_revoked(session_id):
            raise Unauthorized
        return CurrentUser(*row, session_id)

    async def _insert_tickets(self, tickets: Sequence[tuple[bytes, int]]) -> Sequence[None]:
        await sessions.insert_tickets(self._database, tickets)
        return [None] * len(tickets)

    async def rotate(self, refresh_token: str) -> Grant:
        """The successor of a refresh token. Two uses of one token within 10 s get the same successor; a later one is taken
        for theft and ends the session everywhere. Raises Unauthorized."""
        claims = self._tokens.verify(refresh_token, "refresh")
        now = int(time.time())
        session = await sessions.rotate(self._database, claims["sid"], claims["gen"], now, ROTATION_GRACE_SECONDS, *caller())
        if session is None or session.user.id != claims["sub"]:
            raise Unauthorized
        return self.grant(CurrentUser(*session.user, claims["sid"]), session.generation, session.rotated_at)

    def grant(self, user: CurrentUser, generation: int, rotated_at: int) -> Grant:
        profile = {"email": user.email, "username": user.username, "full_name": user.full_name}
        return Grant(
            user,
            self._tokens.access(user.id, user.session_id, generation),
            self._tokens.refresh(user.id, user.session_id, generation, rotated_at),
            self._tokens.identity(user.id, user.session_id, generation, profile),
        )

    def session_of(self, token: str, kind: str) -> int:
        """The session of a token by its signature alone. Raises Unauthorized."""
        session_id: int = self._tokens.verify(token, kind)["sid"]
        return session_id

    def is_revoked(self, session_id: int) -> bool:
        """Whether this process was told so: newer than an answer of the database that was asked for before."""
        return session_id in self._revoked

    def forget_session(self, session_id: int) -> None:
        now = time.time()
        if len(self._revoked) >= MAX_REVOKED:
            self._revoked = {session: until for session, until in self._revoked.items() if until > now}
        self._revoked[session_id] = now + ACCESS_SECONDS
        for token in self._tokens_of.pop(session_id, ()):
            self._remembered.pop(token, None)

    def forget_user(self, user_id: int) -> None:
        """Their name changed: the next request reads it anew."""
        for token in [token for token, (user, _) in self._remembered.items() if user.id == user_id]:
            self._remembered.pop(token)

    def _remember(self, token: str, user: CurrentUser, expires_at: float) -> None:
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
            self._tokens_of.clear()
        self._remembered[token] = (user, expires_at)
        self._tokens_of.setdefault(user.session_id, set()).add(token)


async def authenticate(request: HTTPConnection) -> CurrentUser:
    """The user behind a request: `Authorization: Bearer`, else the cookie; an expired cookie is refreshed on the way.

    Raises Unauthorized.
    """
    services = request.app.state.services
    if bearer := bearer_token(request):
        user: CurrentUser = await services.auth.user_of(bearer)
    else:
        user = await _user_of_cookies(request, services.auth)
    services.presence.seen(user.id, user.session_id)
    return user


def bearer_token(request: HTTPConnection) -> str | None:
    """The token of an `Authorization: Bearer` header."""
    scheme, _, token = header(request.scope, b"authorization").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


async def _user_of_cookies(request: HTTPConnection, auth: Authenticator) -> CurrentUser:
    access, refresh = request.cookies.get("access_token"), request.cookies.get("refresh_token")
    if access:
        try:
            return await auth.user_of(access)
        except Unauthorized:
            if not refresh:
                raise
    if not refresh:
        raise Unauthorized
    grant = await auth.rotate(refresh)
    request.state.grant = grant
    return grant.user


def set_session_cookies(request: HTTPConnection, response: Response) -> None:
    """Put on the answer what the handler or the refresh on the way decided: `request.state.grant`, a Grant, or None to clear."""
    if "grant" not in request.scope.get("state", ()):
        return
    settings = request.app.state.services.settings
    grant: Grant | None = request.state.grant
    common: dict[str, Any] = {
        "path": "/",
        "httponly": True,
        "secure": not settings.debug or settings.cookie_samesite == "none",
        "samesite": settings.cookie_samesite,
    }
    for name, seconds in COOKIES.items():
        if grant is None:
            response.delete_cookie(name, **common)
        else:
            response.set_cookie(name, getattr(grant, name), max_age=seconds, **common)
