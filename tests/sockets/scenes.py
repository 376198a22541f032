"""A team, its channels, and short ways to act and to look: what the socket tests share."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from http.cookiejar import CookieJar
from typing import Any

import httpx
from websockets.exceptions import InvalidStatus

from tests.conftest import Person, Socket
from tests.servers import MailServer, ServerProcess

Json = dict[str, Any]
MakePerson = Callable[..., Awaitable[Person]]
PATHS = ["/ws/chat/", "/ws/activity/", "/ws/presence/", "/ws/notifications/", "/ws/"]
ORIGIN = {"Origin": "http://localhost:3000"}


async def call(client: httpx.AsyncClient, method: str, path: str, **body: Any) -> Json:
    """The answer to a request that succeeds."""
    answer = await client.request(method, path, json=body if body or method == "POST" else None)
    assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else {}


async def second_device(someone: Person, mail: MailServer, server: ServerProcess | None = None) -> Person:
    """The same person, signed in once more."""
    device = replace(someone, cookies=CookieJar(), server=server or someone.server)
    assert (await device.sign_in(mail)).is_success and device.access_token != someone.access_token
    return device


async def own_id(someone: Person) -> int:
    return int((await call(someone.http, "GET", "/api/me/"))["data"]["id"])


async def make_workspace(owner: Person, *members: Person, role: str = "member") -> int:
    workspace_id = (await call(owner.http, "POST", "/api/workspaces/", name="Wonderland"))["workspace_id"]
    for member in members:
        await add_member(owner, workspace_id, member, role)
    return int(workspace_id)


async def add_member(owner: Person, workspace_id: int, member: Person, role: str = "member") -> None:
    await call(owner.http, "POST", f"/api/workspaces/{workspace_id}/members/", email=member.email, role=role)


async def make_channel(owner: Person, workspace_id: int, name: str = "general", *members: Person, private: bool = False) -> int:
    made = await call(owner.http, "POST", "/api/channels/", workspace_id=workspace_id, name=name, is_private=private)
    for member in members:
        await call(owner.http, "POST", f"/api/channels/{made['channel_id']}/members/", user_id=await own_id(member))
    return int(made["channel_id"])


async def make_team(owner: Person, *members: Person) -> tuple[int, int]:
    """A workspace and its public channel #general."""
    workspace_id = await make_workspace(owner, *members)
    return workspace_id, await make_channel(owner, workspace_id)


async def post(someone: Person, channel_id: int, body: str, server: ServerProcess | None = None) -> Json:
    return await call(someone.on(server or someone.server), "POST", "/api/messages/", channel_id=channel_id, body=body)


async def ask(socket: Socket, type: str, **fields: Any) -> Json:
    """Send a frame and wait for its ack; whatever comes before it is lost."""
    ref = f"ask {time.monotonic_ns()}"
    await socket.send({"type": type, **fields, "ref": ref})
    while (answer := await socket.receive()).get("ref") != ref:
        pass
    assert answer["type"] == "ack", answer
    return answer


async def nothing_waits(socket: Socket) -> None:
    """The server has sent nothing that was not read: the answer to a frame sent now is the next that comes."""
    await socket.send({"type": "nothing", "ref": "nothing"})
    answer = await socket.receive()
    assert answer.get("ref") == "nothing", answer


async def refusal(socket: Socket, type: str, **fields: Any) -> str:
    """The code of the error that answers a frame; nothing else comes before it."""
    await socket.send({"type": type, **fields, "ref": "refusal"})
    answer = await socket.receive()
    assert (answer["type"], answer.get("ref")) == ("error", "refusal"), answer
    return str(answer["code"])


@asynccontextmanager
async def joined(someone: Person, channel_id: int, server: ServerProcess, path: str = "/ws/chat/") -> AsyncIterator[Socket]:
    async with someone.socket(path, server) as socket:
        await ask(socket, "join_channel", channel_id=channel_id)
        yield socket


@asynccontextmanager
async def subscribed(
    someone: Person, server: ServerProcess, path: str = "/ws/notifications/", **fields: Any
) -> AsyncIterator[Socket]:
    async with someone.socket(path, server) as socket:
        await ask(socket, "subscribe", **fields)
        yield socket


async def messages(socket: Socket, count: int, timeout: float = 10) -> list[Json]:  # noqa: ASYNC109
    """The next `count` frames, all of them new messages; the messages."""
    async with asyncio.timeout(timeout):
        frames = [await socket.receive(timeout) for _ in range(count)]
    assert {frame["type"] for frame in frames} <= {"new_message"}, frames
    return [frame["message"] for frame in frames]


async def refused(someone: Person, path: str, server: ServerProcess, **options: Any) -> int:
    """The status by which a handshake is refused."""
    try:
        async with someone.socket(path, server, **options):
            raise AssertionError(f"{path} was opened")
    except InvalidStatus as refusal:
        return refusal.response.status_code


async def opens(someone: Person, path: str, server: ServerProcess, **options: Any) -> bool:
    """Whether a socket can be opened and is alive."""
    try:
        async with someone.socket(path, server, **options) as socket:
            await nothing_waits(socket)
            return True
    except InvalidStatus:
        return False


async def raw(socket: Socket, data: str | bytes) -> None:
    """What no JSON encoder of ours would send."""
    await socket.connection.send(data)


async def send_text(socket: Socket, frame: Json) -> None:
    """As a browser encodes it: characters stand for themselves."""
    await raw(socket, json.dumps(frame, ensure_ascii=False))


@asynccontextmanager
async def many_sockets(places: list[tuple[Person, ServerProcess]], path: str = "/ws/chat/") -> AsyncIterator[list[Socket]]:
    async with AsyncExitStack() as stack:
        yield list(await asyncio.gather(*(stack.enter_async_context(who.socket(path, server)) for who, server in places)))
