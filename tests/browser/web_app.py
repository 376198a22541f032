"""People at the web app: pages of a browser that are signed in, and what a person looks for on them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.api import Caller
from tests.conftest import Person

OpenApp = Callable[..., Awaitable["AppPage"]]
# What a page must never do: each is written down as it happens.
WATCH = """
window.wrongs = [];
addEventListener('securitypolicyviolation', (event) => wrongs.push(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
addEventListener('error', (event) => wrongs.push(`error: ${event.message}`));
addEventListener('unhandledrejection', (event) => wrongs.push(`rejection: ${event.reason}`));
"""


class AppPage:
    """Somebody at the app."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self.url = url

    async def go(self, path: str) -> "AppPage":
        await self.page.goto(f"{self.url}{path}")
        return self

    @property
    def composer(self) -> Any:
        return self.page.locator(".composer textarea")

    async def write(self, text: str) -> None:
        await self.composer.fill(text)
        await self.composer.press("Enter")

    def message(self, text: str) -> Any:
        return self.page.locator(".message", has_text=text)

    async def sees(self, text: str, timeout: float = 8) -> None:  # noqa: ASYNC109
        """Waits until that text is on the page."""
        await self.page.get_by_text(text).first.wait_for(timeout=timeout * 1000)

    async def texts(self) -> list[str]:
        """The messages on the page, from the top."""
        found: list[str] = await self.page.locator(".message .text").all_inner_texts()
        return found

    async def until(self, script: str, argument: Any = None) -> None:
        """Waits until an expression of the page is true."""
        await self.page.wait_for_function(script, arg=argument, timeout=10_000)

    async def assert_nothing_wrong(self) -> None:
        assert await self.page.evaluate("window.wrongs") == []


@asynccontextmanager
async def app_page(browser: Any, url: str, person: Person | Caller | None = None, **options: Any) -> AsyncIterator[AppPage]:
    """A profile of its own with one page; `person` is signed in."""
    options = {"locale": "en-GB", "timezone_id": "UTC", "viewport": {"width": 1280, "height": 800}, **options}
    context = await browser.new_context(**options)
    await context.add_init_script(WATCH)
    if person is not None:
        someone = person.person if isinstance(person, Caller) else person
        kept = [{"name": c.name, "value": c.value, "domain": "localhost", "path": "/"} for c in someone.cookies]
        await context.add_cookies(kept)
    try:
        yield AppPage(await context.new_page(), url)
    finally:
        await context.close()
