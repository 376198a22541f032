"""Long channels in the web app: thousands of messages, a few hundred rows."""

from typing import Any

import pytest

from tests.browser.conftest import AppTeam
from tests.browser.web_app import AppPage, OpenApp
from tests.servers import Database

MANY = 10_000
MOST_ROWS = 300  # of the page, however long the channel is
FILL = """INSERT INTO messages (channel_id, seq, number, sender_id, client_msg_id, body, created_at)
    SELECT %s, n, n, %s, CONCAT('~', n), CONCAT('Message ', n, REPEAT(' and so on', n MOD 23)),
        UTC_TIMESTAMP() - INTERVAL (%s - n) MINUTE
    FROM (SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS n FROM {digits} a, {digits} b, {digits} c, {digits} e) numbers"""
DIGITS = "(" + " UNION ALL ".join(f"SELECT {n} AS d" for n in range(10)) + ")"
NUMBERS = "[...document.querySelectorAll('.message .text')].map((text) => Number(/^Message (\\d+)/.exec(text.innerText)[1]))"
# The row at the middle of the list, and where it stands.
MIDDLE = """() => {
  const box = document.querySelector('.messages').getBoundingClientRect();
  const row = document.elementFromPoint(box.left + 200, box.top + box.height / 2).closest('.message');
  return row && [row.dataset.id, row.getBoundingClientRect().top];
}"""


@pytest.fixture
async def long_channel(app_team: AppTeam, database: Database) -> int:
    channel = await app_team.ann.channel(app_team.workspace, "long", [app_team.bob])
    await app_team.bob.post("/api/notifications/read/")
    await database.query(FILL.format(digits=DIGITS), [channel, app_team.ann.id, MANY])
    await database.query("UPDATE channels SET last_seq = %s, message_count = %s WHERE id = %s", [MANY, MANY, channel])
    # Bob has read up to 4,000; Ann everything.
    mark = "UPDATE channel_members SET read_seq = %s, read_count = %s WHERE channel_id = %s AND user_id = %s"
    for someone, seq in ((app_team.bob, 4000), (app_team.ann, MANY)):
        await database.query(mark, [seq, seq, channel, someone.id])
    return channel


async def shown(someone: AppPage) -> list[int]:
    """The numbers of the messages on the page: without a hole, in order, not too many."""
    numbers: list[int] = await someone.page.evaluate(NUMBERS)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len(numbers) <= MOST_ROWS
    return numbers


async def until_shown(someone: AppPage, number: int) -> None:
    await someone.until(f"(number) => {NUMBERS}.includes(number)", number)


async def test_ten_thousand_messages_scroll_in_a_window_without_a_hole(
    open_app: OpenApp, app_team: AppTeam, long_channel: int
) -> None:
    ann = await open_app(app_team.ann, f"/w/{app_team.workspace}/c/{long_channel}")
    await until_shown(ann, MANY)
    messages = ann.page.locator(".messages")
    await messages.hover()
    reached = MANY
    for _ in range(60):
        await ann.page.mouse.wheel(0, -4000)
        await ann.page.wait_for_timeout(30)
        reached = (await shown(ann))[0]
        if reached < MANY - 700:
            break
    assert reached < MANY - 700
    await app_team.bob.say(long_channel, f"Message {MANY + 1}")
    await ann.page.get_by_role("button", name="1 new").click()
    await until_shown(ann, MANY + 1)
    assert (await shown(ann))[-1] == MANY + 1


async def test_what_is_read_stays_in_its_place_while_pages_come_above_and_below(
    open_app: OpenApp, app_team: AppTeam, long_channel: int
) -> None:
    ann = await open_app(app_team.ann, f"/w/{app_team.workspace}/c/{long_channel}")
    await until_shown(ann, MANY)
    jumped = await ann.page.evaluate(
        """async () => {
        const list = document.querySelector('.messages');
        const frame = () => new Promise(requestAnimationFrame);
        const first = () => document.querySelector('.message').dataset.id;
        const jumps = [];
        for (let page = 0; page < 4; page++) {
            const before = first();
            list.scrollTop = 300;
            await frame();
            const middle = ("""
        + MIDDLE
        + """)();
            for (let wait = 0; first() === before && wait < 300; wait++) await frame();
            if (first() === before) throw new Error(`page ${page} did not come`);
            await frame();
            const row = document.querySelector(`[data-id="${middle[0]}"]`);
            jumps.push(Math.abs(row.getBoundingClientRect().top - middle[1]));
        }
        return jumps;
    }"""
    )
    assert max(jumped) < 2, jumped


async def test_one_jumps_to_the_first_unread_to_a_date_to_the_beginning_and_to_a_link(
    open_app: OpenApp, app_team: AppTeam, long_channel: int
) -> None:
    path = f"/w/{app_team.workspace}/c/{long_channel}"
    bob = await open_app(app_team.bob, path)
    await bob.page.get_by_role("button", name="Jump to the first unread").click()
    await until_shown(bob, 4001)
    await bob.page.locator(".new").wait_for()
    assert await in_view(bob, 4001)
    await bob.page.get_by_role("button", name="Go to a date").click()
    await bob.page.get_by_role("button", name="The beginning").click()
    await bob.sees("This is where #long begins")
    assert (await shown(bob))[0] == 1
    row = bob.page.locator(".message", has_text="Message 30 ")
    await row.hover()
    message_id = int(await row.get_attribute("data-id"))
    await bob.page.get_by_role("button", name="Go to a date").click()
    await bob.page.get_by_role("button", name="Yesterday").click()
    await bob.until("() => [...document.querySelectorAll('.day')].some((day) => day.innerText === 'Yesterday')")
    assert (await shown(bob))[0] > 5000
    await bob.go(f"{path}/m/{message_id}")
    await bob.page.locator(".message.goal", has_text="Message 30 ").wait_for()
    assert await in_view(bob, 30)
    await bob.page.get_by_role("button", name="To the newest").click()
    await until_shown(bob, MANY)
    await bob.until("() => !document.querySelector('.nav .badge')")  # at the end everything has been read


async def in_view(someone: AppPage, number: int) -> Any:
    return await someone.page.evaluate(
        """(number) => {
            const box = document.querySelector('.messages').getBoundingClientRect();
            const row = [...document.querySelectorAll('.message')].find((each) => each.innerText.includes(`Message ${number}`));
            const place = row.getBoundingClientRect();
            return place.top >= box.top && place.bottom <= box.bottom;
        }""",
        number,
    )
