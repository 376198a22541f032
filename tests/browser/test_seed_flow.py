"""The seed's "Complete Client Flow Example" in a real browser, its text as it stands in seed_example.js."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.browser.pages import HERE, profile, web_server
from tests.servers import MailServer, ServerProcess

EXAMPLE = (HERE / "seed_example.js").read_text()
ALICE = "alice@example.com"
StartServer = Callable[..., Awaitable[ServerProcess]]

READ = "(url) => call('GET', `${url}/api/workspaces/`)"
WRITE = "(url) => call('POST', `${url}/api/workspaces/`, {name: 'Another'})"
# What needs no preflight reaches the server with the cookies, and the page learns nothing of the answer.
WRITE_BLINDLY = "(url) => fetch(`${url}/api/workspaces/`, {method: 'POST', mode: 'no-cors', credentials: 'include', body: '{}'})"
OPEN = "(url) => connect('chat', new URL(url).host)"


@dataclass
class Place:
    """A server as the seed addresses it, and a page of another origin that it allows."""

    server: ServerProcess
    app: str

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server.env['PORT']}"


@asynccontextmanager
async def place(start_server: StartServer) -> AsyncIterator[Place]:
    async with web_server() as app:
        yield Place(await start_server(own_database=True, ALLOWED_ORIGINS=app), app)


async def run_example(page: Any, url: str, mail: MailServer) -> Any:
    """What its `onmessage` prints. Put in are the address, the code, and `accessToken`, which the seed's text does not define."""
    await page.expose_function("codeFromMail", lambda: mail.code_for(ALICE))
    example = EXAMPLE
    for old, new, times in (("localhost:8000", url.removeprefix("http://"), 6), ("'123456'", "await codeFromMail()", 1)):
        assert example.count(old) == times
        example = example.replace(old, new)
    await page.evaluate("globalThis.accessToken = undefined")
    async with page.expect_console_message(lambda line: line.text.startswith("Received:"), timeout=15_000) as printed:
        await page.evaluate(f"async () => {{ {example} }}")
    return await (await printed.value).args[1].json_value()


def assert_is_the_hello(frame: Any) -> None:
    assert frame["type"] == "new_message"
    message = frame["message"]
    assert (message["id"], message["sender_email"], message["body"]) == (1, ALICE, "Hello team!")
    assert len(message["created_at"]) == len("2025-01-15T11:00:00")


async def test_it_runs_from_a_page_of_another_allowed_origin(browser: Any, start_server: StartServer, mail: MailServer) -> None:
    async with place(start_server) as at, profile(browser) as context:
        page = await context.new_page()
        await page.goto(at.app)
        assert_is_the_hello(await run_example(page, at.url, mail))


async def test_it_runs_from_a_page_of_the_server_itself(browser: Any, start_server: StartServer, mail: MailServer) -> None:
    async with place(start_server) as at, profile(browser) as context:
        page = await context.new_page()
        await page.goto(f"{at.url}/api/docs")
        assert_is_the_hello(await run_example(page, at.url, mail))


async def test_the_cookies_outlive_the_page_and_no_script_can_read_them(
    browser: Any, start_server: StartServer, mail: MailServer
) -> None:
    async with place(start_server) as at, profile(browser) as context:
        page = await context.new_page()
        await page.goto(f"{at.url}/api/docs")
        await run_example(page, at.url, mail)
        await page.reload()
        assert (await page.evaluate("call('GET', '/api/me/')"))["data"]["email"] == ALICE
        await page.evaluate("document.cookie = 'readable=yes'")
        assert await page.evaluate("document.cookie") == "readable=yes"
        cookies = {cookie["name"]: cookie for cookie in await context.cookies()}
        assert cookies.keys() == {"access_token", "refresh_token", "id_token", "readable"}
        hidden = [name for name, cookie in cookies.items() if cookie["httpOnly"] and cookie["sameSite"] == "Lax"]
        assert set(hidden) == cookies.keys() - {"readable"}


async def test_a_page_of_any_other_origin_gets_and_changes_nothing(
    browser: Any, start_server: StartServer, mail: MailServer
) -> None:
    from playwright.async_api import Error

    async with place(start_server) as at, web_server() as foreign, profile(browser) as context:
        own, other = await context.new_page(), await context.new_page()
        await own.goto(at.app)
        await other.goto(foreign)
        await run_example(own, at.url, mail)

        # What the allowed page may do, with the same scripts and the same cookies, and the other one may not.
        assert len((await own.evaluate(READ, at.url))["data"]) == 1
        assert (await own.evaluate(WRITE, at.url))["status"] == "success"
        assert await own.evaluate(OPEN, at.url) == "open"
        for script, refusal in ((READ, "Failed to fetch"), (WRITE, "Failed to fetch"), (OPEN, "was closed: 1006")):
            with pytest.raises(Error, match=refusal):
                await other.evaluate(script, at.url)
        async with other.expect_response(lambda answer: answer.url == f"{at.url}/api/workspaces/") as written:
            await other.evaluate(WRITE_BLINDLY, at.url)
        assert (await written.value).status == 403
        assert len((await own.evaluate(READ, at.url))["data"]) == 2
