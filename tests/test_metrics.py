"""Analytics: counted as messages are written, and never different from what counting the messages would give."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from secrets import token_hex

import pytest

from tests.api import Caller, SignUp, signing_up
from tests.conftest import Cluster, Person
from tests.servers import Database, ServerProcess, run_command

COUNTS = "SELECT CAST(day AS CHAR) day, channel_id, count FROM message_counts WHERE workspace_id = %s ORDER BY day, channel_id"
FROM_MESSAGES = """SELECT CAST(DATE(m.created_at) AS CHAR) day, c.id channel_id, COUNT(*) count FROM messages m
    JOIN channels c ON c.id = m.channel_id WHERE c.workspace_id = %s GROUP BY CAST(DATE(m.created_at) AS CHAR), c.id
    ORDER BY day, channel_id"""
Recount = Callable[[], Awaitable[int]]


@pytest.fixture
def sign_up(person: Callable[..., Awaitable[Person]], cluster: Cluster) -> SignUp:
    return signing_up(person, cluster)


@pytest.fixture
def recount(settings_env: Callable[..., dict[str, str]], database: Database, tmp_path: Path) -> Recount:
    """`pluseboard recount`, as an operator runs it beside the servers; how many workspaces it did."""

    async def run() -> int:
        done = await run_command(settings_env(**database.environment), tmp_path, "recount")
        assert done.returncode == 0, done.stdout
        return int(done.stdout.split()[-3])

    return run


async def per_day(caller: Caller, workspace: int) -> list[int]:
    """The counts of the last 14 days; that the days are right is checked on the way."""
    while True:
        before = datetime.now(UTC).date()
        data = (await caller.post("/api/metrics/messages-per-day", {"workspace_id": workspace}))["data"]
        if datetime.now(UTC).date() == before:  # not over midnight
            break
    assert [entry["day"] for entry in data] == [str(before - timedelta(days=back)) for back in range(13, -1, -1)]
    assert {type(entry["count"]) for entry in data} == {int}
    return [entry["count"] for entry in data]


async def active(caller: Caller, workspace: int, **minutes: int) -> int:
    body = {"workspace_id": workspace, **minutes}
    data = (await caller.post("/api/metrics/active-users", body))["data"]
    assert data == {"active_count": data["active_count"]}
    return int(data["active_count"])


async def agree(database: Database, workspace: int) -> bool:
    return await database.query(COUNTS, [workspace]) == await database.query(FROM_MESSAGES, [workspace])


async def test_there_are_fourteen_days_zeros_included_and_today_is_the_last(sign_up: SignUp) -> None:
    alice = await sign_up("alice")
    workspace = await alice.workspace()
    assert await per_day(alice, workspace) == [0] * 14
    channel = await alice.channel(workspace)
    assert await per_day(alice, workspace) == [0] * 14
    for n in range(1, 4):
        await alice.say(channel)
        assert await per_day(alice, workspace) == [0] * 13 + [n]


async def test_days_within_the_fortnight_count_and_days_before_it_do_not(
    sign_up: SignUp, database: Database, recount: Recount
) -> None:
    alice = await sign_up("alice")
    workspace = await alice.workspace()
    channel = await alice.channel(workspace)
    for days_ago in (0, 1, 1, 7, 13, 14, 400):
        message = (await alice.say(channel))["message_id"]
        move = "UPDATE messages SET created_at = created_at - INTERVAL %s DAY WHERE id = %s"
        await database.query(move, [days_ago, message])
    assert (await per_day(alice, workspace))[-1] == 7
    assert await recount() >= 1
    assert await per_day(alice, workspace) == [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 1]
    days = [row["day"] for row in await database.query(COUNTS, [workspace])]
    assert len(days) == 6 and date.fromisoformat(days[0]) < datetime.now(UTC).date() - timedelta(days=390)


async def test_edits_and_deletions_change_no_count_and_a_retry_adds_none(sign_up: SignUp, database: Database) -> None:
    alice = await sign_up("alice")
    workspace = await alice.workspace()
    channel = await alice.channel(workspace)
    for name in ("one", "two", "two"):
        message = (await alice.say(channel, client_msg_id=name))["message_id"]
    await alice.patch(f"/api/messages/{message}/", {"body": "edited"})
    await alice.delete(f"/api/messages/{message}/")
    assert (await per_day(alice, workspace))[-1] == 2
    assert await agree(database, workspace)


async def test_everybody_sees_the_counts_of_the_channels_that_they_see(sign_up: SignUp) -> None:
    alice, bob, gus, stranger = [await sign_up(name) for name in ("alice", "bob", "gus", "stranger")]
    workspace, other = await alice.workspace("Team", {"member": bob, "guest": gus}), await alice.workspace("Other")
    general, archived = await alice.channel(workspace, "general"), await alice.channel(workspace, "archived")
    secret = await alice.channel(workspace, "secret", is_private=True)
    for channel in (general, general, archived, secret, secret, secret, secret, await alice.channel(other)):
        await alice.say(channel)
    await alice.post(f"/api/channels/{archived}/archive/")
    assert [(await per_day(caller, workspace))[-1] for caller in (alice, bob, gus)] == [7, 3, 0]
    await alice.post(f"/api/channels/{general}/members/", {"user_id": gus.id})
    assert (await per_day(gus, workspace))[-1] == 2
    for path in ("messages-per-day", "active-users"):
        for where in (workspace, 2**40):
            message = await stranger.refusal(404, "POST", f"/api/metrics/{path}", {"workspace_id": where})
            assert message == "There is no such workspace"


async def test_what_was_counted_is_what_a_recount_finds(sign_up: SignUp, database: Database, recount: Recount) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspaces = [await alice.workspace(name, {"member": bob}) for name in ("First", "Second")]
    channels = [await alice.channel(workspace, name) for workspace in workspaces for name in ("general", "random")]
    await asyncio.gather(*((alice, bob)[n % 2].say(channels[n % 4]) for n in range(48)))
    before = [await database.query(COUNTS, [workspace]) for workspace in workspaces]
    assert [sum(row["count"] for row in rows) for rows in before] == [24, 24]
    # A wrong count is put right, a missing and a superfluous one too.
    await database.query("UPDATE message_counts SET count = count + 5 WHERE channel_id = %s", [channels[0]])
    await database.query("DELETE FROM message_counts WHERE channel_id = %s", [channels[1]])
    await database.query("INSERT INTO message_counts VALUES (%s, '2020-01-01', %s, 9)", [workspaces[1], channels[2]])
    assert not await agree(database, workspaces[0])
    assert await recount() >= 2
    assert [await database.query(COUNTS, [workspace]) for workspace in workspaces] == before
    assert await agree(database, workspaces[0]) and await agree(database, workspaces[1])


async def test_a_recount_while_messages_are_written_counts_each_once(
    sign_up: SignUp, database: Database, recount: Recount
) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace = await alice.workspace("Team", {"member": bob})
    channels = [await alice.channel(workspace, name) for name in ("general", "random")]
    # Many wrong rows, after those of today: removing them takes so long that messages are written meanwhile.
    wrong = ", ".join(f"({workspace}, '2999-12-31', {n}, 1)" for n in range(30_000))
    writing = True
    sent = 0

    async def write(caller: Caller, channel: int) -> None:
        """In turn a day that is counted already, and the first message of a new channel."""
        nonlocal sent
        while writing:
            await caller.say(channel)
            await caller.say(await caller.channel(workspace, token_hex(8)))
            sent += 2

    writers = [asyncio.create_task(write(caller, channel)) for caller in (alice, bob) for channel in channels * 2]
    try:
        for _ in range(2):
            at_start = sent
            await database.query(f"INSERT INTO message_counts VALUES {wrong}")
            await recount()
            assert sent > at_start
    finally:
        writing = False
        await asyncio.gather(*writers)
    assert await agree(database, workspace)
    assert (await per_day(bob, workspace))[-1] == sent


async def test_active_users_are_the_members_seen_within_so_many_minutes(sign_up: SignUp, database: Database) -> None:
    alice, bob, cleo, stranger = [await sign_up(name) for name in ("alice", "bob", "cleo", "stranger")]
    workspace = await alice.workspace("Team", {"member": bob, "guest": cleo})
    async with asyncio.timeout(5):  # whoever was seen is written within a second or so
        while await active(alice, workspace) < 3:
            await asyncio.sleep(0.1)
    # Alice asks, and is therefore here; the others were seen a while ago.
    seen = "UPDATE user_activity SET last_seen_at = UTC_TIMESTAMP() - INTERVAL %s SECOND WHERE user_id = %s"
    for caller, seconds in ((bob, 16 * 60 + 30), (cleo, 23 * 3600 + 30)):
        await database.query(seen, [seconds, caller.id])
    expected = {1: 1, 15: 1, 16: 1, 17: 2, 23 * 60: 2, 23 * 60 + 1: 3, 1440: 3}
    assert {minutes: await active(alice, workspace, minutes=minutes) for minutes in expected} == expected
    assert await active(alice, workspace) == expected[15]
    await database.query(seen, [25 * 3600, cleo.id])
    assert await active(alice, workspace, minutes=1440) == 2
    # Whoever is no member is not counted, however active.
    async with asyncio.timeout(5):
        while not await database.query("SELECT user_id FROM user_activity WHERE user_id = %s", [stranger.id]):
            await asyncio.sleep(0.1)
    await alice.delete(f"/api/workspaces/{workspace}/members/{bob.id}/")
    assert await active(alice, workspace, minutes=1440) == 1


async def test_whoever_opens_a_socket_is_active(
    sign_up: SignUp, database: Database, start_server: Callable[..., Awaitable[ServerProcess]]
) -> None:
    alice, bob = await sign_up("alice"), await sign_up("bob")
    workspace = await alice.workspace("Team", {"member": bob})
    async with asyncio.timeout(5):
        while await active(alice, workspace) < 2:
            await asyncio.sleep(0.1)
    # On a process that has not seen Bob yet: one that has, writes him down every 20 s only.
    fresh = await start_server()
    await database.query("UPDATE user_activity SET last_seen_at = '2020-01-01' WHERE user_id = %s", [bob.id])
    assert await active(alice, workspace, minutes=1440) == 1
    async with bob.person.socket("/ws/chat/", fresh), asyncio.timeout(5):
        while await active(alice, workspace, minutes=1) < 2:
            await asyncio.sleep(0.1)
