"""The reference client of docs/realtime.md, as it is printed there, in a real browser against real servers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.browser.pages import open_client, profile
from tests.conftest import Cluster, Person
from tests.servers import ServerProcess
from tests.sockets.scenes import MakePerson, call, make_channel, make_team, own_id, post
from tests.test_docs import REALTIME, blocks

HARNESS = """
const seen = {events: [], sent: [], rejected: [], resyncs: [], ends: []};
const client = new Pluseboard(location.origin, {
  onEvent: (event) => seen.events.push(event),
  onResync: async (log, seq) => seen.resyncs.push([log, seq]),
  onEnd: (log) => seen.ends.push(log),
});
// While `seen.deaf`, acknowledgements of messages are lost on the way.
const receive = client.receive.bind(client);
client.receive = (frame) => seen.deaf && frame.type === 'ack' && frame.message_id ? undefined : receive(frame);
"""


class Page:
    """A page on which the reference client runs."""

    def __init__(self, page: Any) -> None:
        self._page = page

    async def run(self, script: str) -> Any:
        return await self._page.evaluate(script)

    async def until(self, condition: str) -> None:
        async with asyncio.timeout(30):
            while not await self.run(f"Boolean({condition})"):
                await asyncio.sleep(0.05)

    async def seqs(self, log: str) -> list[int]:
        found: list[int] = await self.run(f"seen.events.filter((e) => e.seq && logOf(e) === '{log}').map((e) => e.seq)")
        return found


@asynccontextmanager
async def reference_client(browser: Any, person: Person) -> AsyncIterator[Page]:
    async with profile(browser) as context:
        cookies = [{"name": cookie.name, "value": cookie.value, "url": person.server.url} for cookie in person.cookies]
        await context.add_cookies(cookies)
        page = (await open_client(context, person.server.url, person.username)).page
        # Through the debugger, so that the page's Content-Security-Policy does not count.
        session = await page.context.new_cdp_session(page)
        await session.send("Runtime.evaluate", {"expression": blocks(REALTIME, "js")[0] + HARNESS})
        yield Page(page)


async def test_it_misses_and_doubles_nothing_over_a_restart_and_a_kill(
    browser: Any, cluster: Cluster, person: MakePerson, start_server: Callable[..., Awaitable[ServerProcess]]
) -> None:
    server = await start_server()
    jane, bob = await person("jane", server=server), await person("bob", server=cluster.b)
    workspace_id, channel_id = await make_team(jane, bob)
    async with reference_client(browser, jane) as page:
        await page.run(
            f"client.follow('user'), client.follow('workspace:{workspace_id}'), client.follow('channel:{channel_id}', 0)"
        )
        await page.run(
            f"""void setInterval(() => seen.asked < 60 && client.send({channel_id}, `jane ${{seen.asked++}}`)
                .then((sent) => seen.sent.push(sent.seq), (error) => seen.rejected.push(error.message)), 50), seen.asked = 0"""
        )
        await page.until("seen.sent.length > 3")
        await page.run("seen.deaf = true, seen.before = seen.events.length")
        await page.until("seen.events.length > seen.before + 10")
        count = 0
        for end in (server.stop, lambda: asyncio.to_thread(server.kill)):
            await end()
            await page.run("seen.deaf = false")
            for _ in range(10):
                await post(bob, channel_id, f"@{jane.username} {count}")
                count += 1
            await server.start()
            await page.until(f"seen.events.filter((e) => e.type === 'notification').length === {count}")
        await page.until("seen.sent.length === 60")
        total = 60 + count
        await page.until(f"seen.events.filter((e) => e.type === 'new_message').length >= {total}")
        assert await page.seqs(f"channel:{channel_id}") == list(range(1, total + 1))
        assert len(set(await page.run("seen.sent"))) == 60
        assert await page.run("[seen.rejected, seen.resyncs, seen.ends]") == [[], [], []]
        for log in ("user", f"workspace:{workspace_id}"):
            seqs = await page.seqs(log)
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))


async def test_it_asks_for_a_new_page_when_it_cannot_resume_and_then_goes_on(
    browser: Any, cluster: Cluster, person: MakePerson
) -> None:
    jane = await person("jane")
    _, channel_id = await make_team(jane)
    await post(jane, channel_id, "before")
    async with reference_client(browser, jane) as page:
        await page.run(f"client.follow('channel:{channel_id}', 5000)")
        await page.until("seen.resyncs.length")
        assert await page.run("seen.resyncs") == [[f"channel:{channel_id}", 1]]
        await post(jane, channel_id, "after", cluster.b)
        await page.until("seen.events.some((e) => e.type === 'new_message')")
        assert await page.seqs(f"channel:{channel_id}") == [2]


async def test_it_says_what_has_ended_and_follows_the_rest(browser: Any, cluster: Cluster, person: MakePerson) -> None:
    jane, bob = await person("jane"), await person("bob", server=cluster.b)
    workspace_id, open_id = await make_team(bob, jane)
    private_id = await make_channel(bob, workspace_id, "private", jane, private=True)
    async with reference_client(browser, jane) as page:
        await page.run(f"for (const id of [{open_id}, {private_id}]) client.follow(`channel:${{id}}`, 0)")
        for channel_id in (open_id, private_id):
            await post(bob, channel_id, "hello")
        await page.until("seen.events.filter((e) => e.type === 'new_message').length === 2")
        await call(bob.http, "DELETE", f"/api/channels/{private_id}/members/{await own_id(jane)}/")
        await page.until("seen.ends.length")
        for channel_id in (private_id, open_id):
            await post(bob, channel_id, "and now?")
        await page.until(f"client.logs.get('channel:{open_id}') === 2")
        assert await page.seqs(f"channel:{private_id}") == [1]
        await call(jane.on(cluster.b), "POST", "/api/logout/")
        await page.until("seen.ends.length === 2")
        assert await page.run("seen.ends") == [f"channel:{private_id}", "session"]
