"""What the tests of HTTP resources share: people whose calls go to both server processes in turn, and two kinds of answer."""

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from tests.answers import assert_error, assert_success
from tests.conftest import Cluster, Person
from tests.servers import ServerProcess

Json = dict[str, Any]
SignUp = Callable[..., Awaitable["Caller"]]


def succeeded(answer: httpx.Response) -> Json:
    """The body of a success, whether something was made or not."""
    body: Json = assert_success(answer, answer.status_code if answer.is_success else 200)
    return body


def refused(answer: httpx.Response, status: int) -> str:
    """The message of an error of that status."""
    assert_error(answer, status)
    return str(answer.json()["message"])


class Caller:
    """A signed-in person. Each call goes to the other process than the one before, so that every test is one across processes."""

    def __init__(self, person: Person, cluster: Cluster) -> None:
        self.person = person
        self._servers = itertools.cycle(cluster.both)

    async def introduce(self) -> "Caller":
        """To be called first: who they are, as the API tells it."""
        me = await self.get("/api/me/")
        self.id: int = me["id"]
        self.username, self.email, self.full_name = str(me["username"]), str(me["email"]), str(me["full_name"])
        self.first_name = self.full_name.split()[0]
        return self

    @property
    def next_server(self) -> ServerProcess:
        return next(self._servers)

    async def call(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        content = {} if body is None else {"json": body}
        return await self.person.on(self.next_server).request(method, path, params=query or None, **content)

    async def get(self, path: str, **query: Any) -> Any:
        """The `data` of the answer."""
        return succeeded(await self.call("GET", path, **query))["data"]

    async def page(self, path: str, **query: Any) -> tuple[list[Json], bool]:
        """The `data` of the answer, and its `has_more`."""
        body = succeeded(await self.call("GET", path, **query))
        return body["data"], body["has_more"]

    async def post(self, path: str, body: Any = None) -> Json:
        return succeeded(await self.call("POST", path, body))

    async def patch(self, path: str, body: Any) -> Json:
        return succeeded(await self.call("PATCH", path, body))

    async def delete(self, path: str) -> Json:
        return succeeded(await self.call("DELETE", path))

    async def refusal(self, status: int, method: str, path: str, body: Any = None, **query: Any) -> str:
        """The message with which the call is refused."""
        return refused(await self.call(method, path, body, **query), status)

    # What most tests begin with.

    async def workspace(self, name: str = "Team", members: dict[str, "Caller | list[Caller]"] | None = None) -> int:
        """A new workspace's id; `members` by role."""
        workspace_id: int = (await self.post("/api/workspaces/", {"name": name}))["workspace_id"]
        for role, callers in (members or {}).items():
            for caller in callers if isinstance(callers, list) else [callers]:
                await self.post(f"/api/workspaces/{workspace_id}/members/", {"email": caller.email, "role": role})
        return workspace_id

    async def channel(self, workspace_id: int, name: str = "general", members: list["Caller"] | None = None, **more: Any) -> int:
        """A new channel's id."""
        body = {"workspace_id": workspace_id, "name": name, **more}
        channel_id: int = (await self.post("/api/channels/", body))["channel_id"]
        for member in members or []:
            await self.post(f"/api/channels/{channel_id}/members/", {"user_id": member.id})
        return channel_id

    async def say(self, channel_id: int, text: str = "Hello", **more: Any) -> Json:
        """What the answer tells of the new message: message_id, seq, created_at."""
        return await self.post("/api/messages/", {"channel_id": channel_id, "body": text, **more})


def signing_up(person: Callable[..., Awaitable[Person]], cluster: Cluster) -> SignUp:
    """For a `sign_up` fixture: `alice = await sign_up("alice")`."""

    async def sign_up(name: str, full_name: str | None = None) -> Caller:
        return await Caller(await person(name, full_name), cluster).introduce()

    return sign_up
