"""Fixtures of the web app: `team`, and `open_app` for pages that are signed in."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from tests.api import Caller, SignUp, signing_up
from tests.browser.web_app import AppPage, OpenApp, app_page
from tests.conftest import Cluster, Person


@dataclass
class AppTeam:
    """Ann owns a workspace, Bob is a member; both are in #general."""

    ann: Caller
    bob: Caller
    workspace: int
    general: int

    @property
    def path(self) -> str:
        return f"/w/{self.workspace}/c/{self.general}"


@pytest.fixture
def sign_up(person: Callable[..., Awaitable[Person]], cluster: Cluster) -> SignUp:
    return signing_up(person, cluster)


@pytest.fixture
async def app_team(sign_up: SignUp) -> AppTeam:
    ann, bob = await sign_up("ann", "Ann Example"), await sign_up("bob", "Bob Example")
    workspace = await ann.workspace("Engineering Team", {"member": bob})
    general = await ann.channel(workspace)
    await bob.post("/api/notifications/read/")  # that he was added
    return AppTeam(ann, bob, workspace, general)


@pytest.fixture
async def open_app(browser: Any, cluster: Cluster) -> AsyncIterator[OpenApp]:
    """`ann = await open_app(team.ann, "/w/1/c/2")`; without a person nobody is signed in. No page may do wrong."""
    pages: list[AppPage] = []
    async with AsyncExitStack() as stack:

        async def open_page(person: Caller | Person | None, path: str = "/", url: str | None = None, **options: Any) -> AppPage:
            where = (url or cluster.a.url).replace("127.0.0.1", "localhost")
            page = await stack.enter_async_context(app_page(browser, where, person, **options))
            pages.append(page)
            return await page.go(path)

        yield open_page
        for page in pages:
            await page.assert_nothing_wrong()
