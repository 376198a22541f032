"""One socket: authentication, a reader that handles frames strictly in order, an outbox, and the reasons for which it ends.

1000  the client closed           4008  the client does not read
1008  ten bad frames in a row     4029  over 100 frames in 10 s
1009  a frame over 64 KiB         4401  signed out
1011  no pong for 20 s            1012  the server restarts

Whatever can fail is asked for before accept: a client is refused with 503 and Retry-After, or it is served.
"""

import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar, Union

from msgspec import UNSET, Struct, UnsetType
from starlette.websockets import WebSocket

from pluseboard.auth import CurrentUser, bearer_token
from pluseboard.decoding import JsonDecoder
from pluseboard.errors import ApiError, BadInput, Forbidden, TooManyRequests, Unauthorized, Unavailable, error_response
from pluseboard.fields import Ref
from pluseboard.origins import is_allowed_origin
from pluseboard.realtime.events import Ack, ErrorFrame, Frame, Frames, ResyncRequired, Unsubscribed, frame, user_topic
from pluseboard.realtime.hub import TooFarBehindError
from pluseboard.repositories import sessions
from pluseboard.repositories.access import Change
from pluseboard.services import Services
from pluseboard.sockets.feeds import ActivityFeed
from pluseboard.sockets.frames import Heartbeat
from pluseboard.sockets.outbox import Outbox, SlowClientError

log = logging.getLogger(__name__)

MAX_FRAMES, FRAME_SECONDS = 100, 10.0
MAX_ERRORS = 10
BAD_FRAMES, TOO_MANY_FRAMES, SLOW, SIGNED_OUT = 1008, 4029, 4008, 4401

# Access changes that end what a socket receives of a workspace, and the reason that its client is told.
ENDS = {"workspace_left": "removed", "workspace_deleted": "deleted", "role_changed": "role_changed"}

_numbers = itertools.count(1)

T = TypeVar("T")
FrameHandler = Callable[["Connection", Any], Awaitable[dict[str, Any] | None]]


class Connection:
    """What frame handlers are given: the services as `app`, the `user`, and `send`."""

    def __init__(self, app: Services, websocket: WebSocket, user: CurrentUser) -> None:
        self.app = app
        self.user = user
        self.number = next(_numbers)
        self.channels: dict[int, tuple[int, str]] = {}  # joined here: channel -> (workspace, topic)
        self.feeds: dict[int, ActivityFeed] = {}
        self.workspace_ids: set[int] | None = None  # those whose presence it is shown
        self.accepted = False
        self._renamed = False
        self.access_changes = 0  # how many have been acted on: an answer of the database from before one is out of date
        self._websocket = websocket
        self._outbox = Outbox(websocket, self._cut_off)
        self.closing = False

    # --- sending ----------------------------------------------------------------------------------------------------

    def send(self, shown: Frame | Frames) -> None:
        """Never blocks; a client that does not read is cut off."""
        if not self.closing:
            try:
                self._outbox.put(shown)
            except SlowClientError:
                self._cut_off()

    def _cut_off(self) -> None:
        log.info("a socket does not read", extra={"user_id": self.user.id})
        self.close(SLOW)

    async def drained(self) -> None:
        await self._outbox.drained()

    def close(self, code: int) -> None:
        """Nothing is sent after this; the reader ends."""
        if not self.closing:
            self.closing = True
            if self.accepted:
                self._outbox.close(code)

    def discard(self) -> None:
        """The socket has ended: what waits for it is for nobody."""
        self._outbox.discard()

    # --- access -----------------------------------------------------------------------------------------------------

    def access_changed(self, change: Change) -> None:
        """Synchronous, so that what is delivered next already obeys it."""
        self.access_changes += 1
        kind, workspace_id, channel_id = change.kind, change.workspace_id, change.channel_id
        if kind == "session_revoked":
            if change.session_id == self.user.session_id:
                self.close(SIGNED_OUT)
        elif kind == "profile_changed":
            self._renamed = True
        elif kind == "workspace_joined":
            if self.workspace_ids is not None:
                self.workspace_ids.add(workspace_id)
                if self.accepted:
                    self.app.registry.watch(self, workspace_id)
        elif kind in ENDS:
            self._end_workspace(workspace_id, ENDS[kind])
        elif kind == "channel_joined":
            if feed := self.feeds.get(workspace_id):
                feed.channel_joined(channel_id)
        elif kind == "channel_left":
            if feed := self.feeds.get(workspace_id):
                feed.channel_left(channel_id)
            if channel_id in self.channels:
                self.leave_channel(channel_id)
                self.send(frame(Unsubscribed("removed", workspace_id, channel_id)))

    def _end_workspace(self, workspace_id: int, reason: Any) -> None:
        joined = [channel_id for channel_id, (of, _) in self.channels.items() if of == workspace_id]
        for channel_id in joined:
            self.leave_channel(channel_id)
        had_feed = self.end_feed(workspace_id)
        if reason != "role_changed" and self.workspace_ids is not None:
            self.workspace_ids.discard(workspace_id)
            self.app.registry.unwatch(self, workspace_id)
        if joined or had_feed:
            self.send(frame(Unsubscribed(reason, workspace_id)))

    def leave_channel(self, channel_id: int) -> None:
        if joined := self.channels.pop(channel_id, None):
            self.app.hub.unsubscribe(joined[1], self.number)

    def end_feed(self, workspace_id: int) -> bool:
        feed = self.feeds.pop(workspace_id, None)
        if feed is not None:
            self.app.hub.unsubscribe(feed.topic, self.number)
        return feed is not None

    async def accept(self, *, presence: bool) -> None:
        """With `presence` the socket is shown who comes and goes in the user's workspaces. Raises Unavailable before accept."""
        if presence:
            self.workspace_ids = set(await self.up_to_date(lambda: self.app.registry.workspace_ids.ask(self.user.id)))
        if self.closing:
            raise Unauthorized
        await self._websocket.accept()
        self.accepted = True
        for workspace_id in self.workspace_ids or ():
            self.app.registry.watch(self, workspace_id)

    def watches(self, workspace_ids: Iterable[int]) -> bool:
        """Whether presence in one of these is shown to it."""
        return self.workspace_ids is not None and not self.workspace_ids.isdisjoint(workspace_ids)

    async def up_to_date(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What the database says, asked again when access changed meanwhile: what is noted at once is then found by the next."""
        while True:
            before = self.access_changes
            answer = await ask()
            if self.access_changes == before:
                return answer

    # --- reading ----------------------------------------------------------------------------------------------------

    async def read(self, decoder: JsonDecoder[Any], handlers: Mapping[type, FrameHandler]) -> None:
        """Handle frames one after the other until the socket ends."""
        errors_in_a_row = 0
        window_start, in_window = time.monotonic(), 0
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect" or self.closing:
                return
            now = time.monotonic()
            if now - window_start >= FRAME_SECONDS:
                window_start, in_window = now, 0
            in_window += 1
            if in_window > MAX_FRAMES and self.app.settings.rate_limits:
                self._fail(TooManyRequests(FRAME_SECONDS - (now - window_start)), UNSET)
                return self.close(TOO_MANY_FRAMES)
            if await self._handle(message.get("text"), decoder, handlers):
                errors_in_a_row = 0
            else:
                errors_in_a_row += 1
                if errors_in_a_row >= MAX_ERRORS:
                    return self.close(BAD_FRAMES)

    async def _handle(self, text: str | None, decoder: JsonDecoder[Any], handlers: Mapping[type, FrameHandler]) -> bool:
        """True when the frame was understood and done. Every failure is answered by an error frame."""
        ref: Ref | UnsetType = UNSET
        try:
            if text is None:
                raise BadInput("A frame must be text, not binary")
            asked = decoder.decode(text)
            ref = asked.ref
            self.app.presence.seen(self.user.id, self.user.session_id)
            if self._renamed:
                await self._read_user()
            answer = await handlers[type(asked)](self, asked)
        except TooFarBehindError as error:
            of = {name: id_ for name in ("channel_id", "workspace_id") if (id_ := getattr(asked, name, UNSET)) is not UNSET}
            self.send(frame(ResyncRequired(error.seq, **of, ref=None if isinstance(ref, UnsetType) else ref)))
            return True
        except ApiError as error:
            self._fail(error, ref if ref is not UNSET else _ref_of(text))
            # Only what could not be understood counts against the client; a refusal is an answer.
            return not isinstance(error, BadInput)
        except Exception:
            log.exception("a frame failed")
            self._fail(ApiError(), ref)
            return True
        if not isinstance(ref, UnsetType):
            self.send(frame(Ack(ref, **(answer or {}))))
        return True

    async def _read_user(self) -> None:
        """The name under which the next frame acts."""
        row = await sessions.live(self.app.database, self.user.session_id)
        if row is not None:
            self._renamed, self.user = False, CurrentUser(*row, self.user.session_id)

    def _fail(self, error: ApiError, ref: Ref | UnsetType) -> None:
        self.send(frame(ErrorFrame(error.code, error.message, None if isinstance(ref, UnsetType) else ref)))


def _decoder(handlers: Mapping[type, FrameHandler]) -> JsonDecoder[Any]:
    """For a union of the endpoint's frame types, told apart by "type"."""
    return JsonDecoder(Union[tuple(handlers)])  # noqa: UP007


class _RefOnly(Struct):
    ref: Ref | UnsetType = UNSET


_ref_only = JsonDecoder[_RefOnly](_RefOnly)


def _ref_of(text: str | None) -> Ref | UnsetType:
    """The ref of a frame that is wrong elsewhere, so that its error can be matched."""
    try:
        return _ref_only.decode(text or "").ref
    except BadInput:
        return UNSET


def endpoint(handlers: Mapping[type, FrameHandler], *, presence: bool = False) -> Callable[[WebSocket], Awaitable[None]]:
    """A socket endpoint that takes the frames of `handlers`; with `presence` it is shown presence updates from the start."""
    decoder = _decoder(handlers)

    async def serve(websocket: WebSocket) -> None:
        app: Services = websocket.app.state.services
        connection = None
        try:
            with app.registry.arriving():
                user = await _authenticate(websocket, app)
                await app.registry.turnstile.passed()
                connection = Connection(app, websocket, user)
                # Registered before accept: a revocation from here on finds it.
                app.registry.add(connection)
                await connection.accept(presence=presence)
            # A socket that takes no heartbeat can never say that its user is idle: what the others say counts.
            app.presence.report(user.id, connection.number, "online" if Heartbeat in handlers else "here")
            app.presence.seen(user.id, user.session_id)
            await connection.read(decoder, handlers)
        except ApiError as error:
            log.info("a socket was refused", extra={"reason": error.message, "path": websocket.url.path})
            if isinstance(error, Unavailable):
                await websocket.send_denial_response(error_response(error))
            else:
                await websocket.close(1008)  # before accept: the client sees 403
        except (RuntimeError, OSError):
            # The client went while something was being sent to it.
            pass
        finally:
            if connection is not None:
                _release(connection)

    return serve


def _release(connection: Connection) -> None:
    app = connection.app
    for channel_id in list(connection.channels):
        connection.leave_channel(channel_id)
    for workspace_id in list(connection.feeds):
        connection.end_feed(workspace_id)
    app.hub.unsubscribe(user_topic(connection.user.id), connection.number)
    app.registry.remove(connection)
    app.presence.gone(connection.user.id, connection.number)
    connection.discard()


async def _authenticate(websocket: WebSocket, app: Services) -> CurrentUser:
    """`?ticket=`, else `?token=`, else a bearer, else the cookie with an allowed Origin.

    Raises Unauthorized, Forbidden, TooManyRequests.

    `?token=undefined` counts as absent: the seed's client cannot read its HttpOnly cookie.
    """
    ticket, token = websocket.query_params.get("ticket"), websocket.query_params.get("token")
    if ticket:
        user = await app.auth.user_of_ticket(ticket)
    elif token and token not in ("undefined", "null"):
        user = await app.auth.user_of(token)
    elif bearer := bearer_token(websocket):
        user = await app.auth.user_of(bearer)
    else:
        origin = websocket.headers.get("origin")
        if not (origin and is_allowed_origin(app.settings, websocket, origin)):
            raise Forbidden("This origin may not open sockets with a cookie")
        # No refresh on the way: the successor's cookies could not be counted on to reach the client in a handshake.
        user = await app.auth.user_of(websocket.cookies.get("access_token", ""))
    if not app.registry.has_room(user.id):
        raise TooManyRequests(30)
    return user
