"""An asynchronous client for bots and tests: sign in, send with retries, listen with resume.

    async with Client("http://localhost:8000") as client:
        await client.request_code("john@example.com")
        await client.sign_in("john@example.com", code)
        await client.send(channel_id, "Hello")
        async for frame in client.listen(channels=[channel_id]):
            ...

What a client must do for what the server promises (docs/realtime.md) is done here: a message carries a `client_msg_id` and is
sent again until it is acknowledged, which writes it once; a socket that broke is opened again, after a growing and random pause,
and every channel is joined with the seq that was seen last, so that nothing is lost or doubled.
"""

import asyncio
import json
import random
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Self

import httpx
import websockets

MAX_PAUSE_SECONDS = 5.0
SIGNED_OUT = 4401
TRANSIENT = {429, 502, 503, 504}
TRY_AGAIN = {"rate_limited": 429, "unavailable": 503}  # of error frames


class ClientError(Exception):
    """The server refused: `status`, `code` and `message` as in the answer; `retry_after` seconds, where it says so."""

    def __init__(self, status: int, code: str, message: str, retry_after: float = 0) -> None:
        self.status, self.code, self.message, self.retry_after = status, code, message, retry_after
        super().__init__(f"{status} {code}: {message}")


class Client:
    """One signed-in user. Cookies are kept and renewed by the server's answers; `token` takes an access token instead."""

    def __init__(self, url: str, *, token: str | None = None, timeout: float = 10) -> None:
        self._url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.AsyncClient(base_url=self._url, headers=headers, timeout=timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._http.aclose()

    async def register(self, username: str, email: str, full_name: str, password: str) -> None:
        await self.call("POST", "/api/register/", username=username, email=email, full_name=full_name, password=password)

    async def request_code(self, email: str) -> None:
        await self.call("POST", "/api/request-otp/", email=email)

    async def sign_in(self, email: str, code: str) -> None:
        await self.call("POST", "/api/verify-otp/", email=email, otp=code)

    async def call(self, method: str, path: str, **body: Any) -> Any:
        """One call; `data` of the answer where there is one, else the whole answer. Raises ClientError, httpx.TransportError."""
        response = await self._http.request(method, path, json=body or None)
        answer = response.json() if response.content else {}
        if response.is_error:
            message = answer.get("message", response.text[:200])
            raise ClientError(response.status_code, answer.get("code", ""), message, _retry_after(response.headers))
        return answer.get("data", answer)

    async def send(self, channel_id: int, body: str, *, client_msg_id: str | None = None, patience: float = 60) -> dict[str, Any]:
        """Send a message until it is acknowledged; {"message_id", "seq", "created_at"}.

        Raises ClientError when it is refused, TimeoutError after `patience` seconds (it may have been written all the same: send
        it again with the same `client_msg_id` to know).
        """
        key = client_msg_id or secrets.token_hex(12)
        async with asyncio.timeout(patience):
            async for pause in _pauses():
                asked = 0.0
                try:
                    answer = await self.call("POST", "/api/messages/", channel_id=channel_id, body=body, client_msg_id=key)
                    return dict(answer)
                except httpx.TransportError:
                    pass
                except ClientError as error:
                    if error.status not in TRANSIENT:
                        raise
                    asked = error.retry_after
                await asyncio.sleep(_at_least(asked, pause))
        raise AssertionError("unreachable")

    async def listen(
        self,
        *,
        channels: Iterable[int] = (),
        workspaces: Iterable[int] = (),
        notifications: bool = False,
        presence: bool = False,
        since: "Seqs | None" = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """Frames of these topics, each topic's in order and once, over however many connections it takes; with `presence` also
        who of one's workspaces comes and goes.

        `since` says from where to begin (see Seqs), and is kept up to date. A `resync_required` frame is passed on: what lies
        before its seq must be fetched over HTTP; listening goes on from there. Ends when the session is revoked.
        """
        seqs = since if since is not None else Seqs()
        wanted = [("channel_id", id_) for id_ in channels] + [("workspace_id", id_) for id_ in workspaces]
        if notifications:
            wanted.append(("user", 0))
        pauses = _pauses()
        while True:
            asked = 0.0
            try:
                async for frame in self._connection(wanted, seqs):
                    pauses = _pauses()
                    if presence or frame["type"] != "presence_update":
                        yield frame
            except websockets.InvalidStatus as error:
                asked = _retry_after(error.response.headers)
            except (OSError, httpx.TransportError, websockets.InvalidHandshake):
                pass
            except ClientError as error:
                if error.status not in TRANSIENT:
                    raise
                asked = error.retry_after
            except websockets.ConnectionClosed as error:
                if error.rcvd is not None and error.rcvd.code == SIGNED_OUT:
                    return
            await asyncio.sleep(_at_least(asked, await anext(pauses)))

    async def _connection(self, wanted: list[tuple[str, int]], seqs: "Seqs") -> AsyncIterator[dict[str, Any]]:
        ticket = (await self.call("POST", "/api/ws-ticket/"))["ticket"]
        address = self._url.replace("http", "ws", 1)
        async with websockets.connect(f"{address}/ws/?ticket={ticket}", max_size=None) as socket:
            for topic in wanted:
                await socket.send(json.dumps(_subscription(topic, seqs.get(topic))))
            async for text in socket:
                frame = json.loads(text)
                if frame["type"] == "error":
                    raise ClientError(TRY_AGAIN.get(frame["code"], 400), frame["code"], frame["message"])
                of = _topic_of(frame)
                if frame["type"] in ("ack", "resync_required"):
                    # Where the topic stands: from here on it is live.
                    seqs[of] = max(frame["seq"], seqs.get(of) or 0)
                    if frame["type"] == "ack":
                        continue
                    if of is not None:
                        await socket.send(json.dumps(_subscription(of, frame["seq"])))
                elif of is not None and "seq" in frame:
                    if frame["seq"] <= (seqs.get(of) or 0):
                        continue
                    seqs[of] = frame["seq"]
                yield frame


class Seqs(dict[Any, Any]):
    """("channel_id" | "workspace_id" | "user", id) -> the last seq seen. Keep it, and listening goes on where it ended."""


def _subscription(topic: tuple[str, int], since_seq: int | None) -> dict[str, Any]:
    kind, id_ = topic
    frame: dict[str, Any] = {"type": "join_channel" if kind == "channel_id" else "subscribe", "ref": f"{kind}:{id_}"}
    if kind != "user":
        frame[kind] = id_
    if since_seq is not None:
        frame["since_seq"] = since_seq
    return frame


def _topic_of(frame: dict[str, Any]) -> tuple[str, int] | None:
    if frame["type"] in ("notification", "notifications_read", "channel_read"):
        return "user", 0
    for kind in ("channel_id", "workspace_id"):
        if kind in frame:
            return kind, frame[kind]
    return ("user", 0) if frame["type"] in ("ack", "resync_required") else None


def _retry_after(headers: Mapping[str, str]) -> float:
    value = headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else 0


def _at_least(asked: float, pause: float) -> float:
    """What a refusal asks for is the least; up to as much again, so that nobody returns together with all the others."""
    return max(pause, asked * random.uniform(1, 2))  # noqa: S311


async def _pauses() -> AsyncIterator[float]:
    """Growing, random: a thousand clients that lost one server do not come back at one moment."""
    longest = 0.2
    while True:
        yield random.uniform(0.05, longest)  # noqa: S311
        longest = min(longest * 2, MAX_PAUSE_SECONDS)
