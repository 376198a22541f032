"""Pages in a real browser, and people who sign in from them by fetch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.conftest import PASSWORD, numbers
from tests.servers import MailServer

HERE = Path(__file__).parent


@asynccontextmanager
async def web_server() -> AsyncIterator[str]:
    """Serves an empty page to whoever asks; its origin. A single-page app comes from such a place."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        page = b"<!doctype html><title>An app</title>"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n" + page)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://localhost:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def profile(browser: Any) -> AsyncIterator[Any]:
    """A fresh person's profile, in which every page knows client.js."""
    context = await browser.new_context()
    try:
        await context.add_init_script(path=HERE / "client.js")
        yield context
    finally:
        await context.close()


class Client:
    """Somebody at a page of the server's own origin."""

    def __init__(self, page: Any, username: str) -> None:
        self.page = page
        self.username = username
        self.email = f"{username}@example.com"

    async def call(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """The answer to a fetch that succeeds."""
        script = "([method, path, body]) => call(method, path, body ?? undefined)"
        answer: dict[str, Any] = await self.page.evaluate(script, [method, path, body or None])
        assert answer["status"] == "success", answer
        return answer

    async def connect(self, *names: str) -> None:
        for name in names:
            await self.page.evaluate("(name) => connect(name)", name)

    async def send(self, socket: str, type: str, **fields: Any) -> None:
        await self.page.evaluate("([name, frame]) => send(name, frame)", [socket, {"type": type, **fields}])

    async def ask(self, socket: str, type: str, **fields: Any) -> None:
        """Send a frame and wait until it is done."""
        await self.send(socket, type, **fields, ref="ask")
        await self.expect(socket, "ack")

    async def expect(self, socket: str, type: str) -> dict[str, Any]:
        """The next frame of that type."""
        frame: dict[str, Any] = await self.page.evaluate("([name, type]) => next(name, type)", [socket, type])
        return frame

    async def register(self) -> None:
        fields = {"username": self.username, "email": self.email, "full_name": "Ann Example", "password": PASSWORD}
        await self.call("POST", "/api/register/", **fields)

    async def sign_in(self, mail: MailServer) -> None:
        await self.call("POST", "/api/request-otp/", email=self.email)
        await self.call("POST", "/api/verify-otp/", email=self.email, otp=await mail.code_for(self.email))


async def open_client(context: Any, url: str, username: str) -> Client:
    page = await context.new_page()
    assert (await page.goto(f"{url}/api/docs")).ok
    return Client(page, username)


async def sign_up(context: Any, url: str, mail: MailServer, name: str) -> Client:
    """Somebody new, at a page of the server, signed in."""
    client = await open_client(context, url, f"{name}{next(numbers)}")
    await client.register()
    await client.sign_in(mail)
    return client
