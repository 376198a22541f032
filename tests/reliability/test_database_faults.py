"""What is promised when the database is busy, silent or gone in the middle (R25, R26, R28), and of the queue before it."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest

from pluseboard.actions.posting import WRITERS
from pluseboard.database import Connection
from pluseboard.database import Database as Pool
from pluseboard.errors import Unavailable
from pluseboard.settings import load_settings
from tests.answers import assert_error
from tests.conftest import Person
from tests.reliability.faults import Proxy, locked
from tests.servers import Database, ServerProcess
from tests.sockets.scenes import joined, make_channel, make_team, messages, post

MakePerson = Callable[..., Awaitable[Person]]
StartServer = Callable[..., Awaitable[ServerProcess]]
WAITING_FOR_ROWS = (
    "SELECT id AS number FROM information_schema.processlist WHERE db = %s AND info LIKE '%%channels%%' AND id <> CONNECTION_ID()"
)
DEADLOCK = "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213"  # the server's own error, whenever it is wanted


async def timed(answer: Awaitable[httpx.Response]) -> tuple[httpx.Response, float]:
    started = time.monotonic()
    return await answer, time.monotonic() - started


@pytest.fixture
async def make_pool(database: Database) -> AsyncIterator[Callable[[int], Awaitable[Pool]]]:
    """A pool of ours with so many connections at most."""
    made: list[Pool] = []

    async def make(most: int) -> Pool:
        changes = {"DEBUG": "True", "JWT_SECRET_KEY": "j" * 32, "SECRET_KEY": "s" * 32}
        limits = {"DB_POOL_MIN": "1", "DB_POOL_MAX": str(most)}
        pool = Pool(load_settings({**database.environment, **changes, **limits}))
        made.append(pool)
        await pool.connect()
        return pool

    yield make
    for pool in made:
        await pool.close()


# --- R25: the pool ------------------------------------------------------------------------------------------------


async def test_r25_an_exhausted_pool_is_503_after_3_s_and_a_killed_holder_lets_the_next_go_on(
    start_server: StartServer, person: MakePerson
) -> None:
    server = await start_server(own_database=True, DB_POOL_MIN="1", DB_POOL_MAX="2")
    alice = await person("alice", server=server)
    workspace, channel = await make_team(alice)

    def holders() -> list["asyncio.Task[httpx.Response]"]:
        path = f"/api/channels/{channel}/"
        return [asyncio.create_task(alice.http.patch(path, json={"topic": f"T{number}"})) for number in range(2)]

    async def listed() -> httpx.Response:
        return await alice.http.get("/api/channels/", params={"workspace_id": workspace})

    assert (await listed()).status_code == 200
    async with locked(server.database, channel):
        holding = holders()
        await asyncio.sleep(0.3)
        answer, seconds = await timed(listed())
        assert_error(answer, 503)
        assert int(answer.headers["Retry-After"]) >= 1
        assert 2 < seconds < 4.5
    await asyncio.gather(*holding)

    async with locked(server.database, channel):
        holding = holders()
        await asyncio.sleep(0.3)
        waiting = asyncio.create_task(listed())
        await asyncio.sleep(0.3)
        assert not waiting.done(), "it could fail"
        started = time.monotonic()
        for row in await server.database.query(WAITING_FOR_ROWS, (server.database.name,)):
            with suppress(Exception):  # it may have gone already
                await server.database.query(f"KILL {int(row['number'])}")
        assert (await waiting).status_code == 200
        assert time.monotonic() - started < 1
    for answer in await asyncio.gather(*holding):
        assert answer.status_code in (200, 503)
    assert (await listed()).status_code == 200


async def test_r25_a_cancelled_holder_lets_the_next_go_on(make_pool: Callable[[int], Awaitable[Pool]]) -> None:
    pool = await make_pool(1)
    for statement in ("DO SLEEP(30)", "SELECT 1"):  # cancelled within a statement, and between two

        async def hold(statement: str = statement) -> None:
            async with pool.connection() as connection:
                await connection.run(statement)
                await asyncio.sleep(30)

        holder = asyncio.create_task(hold())
        await asyncio.sleep(0.2)
        waiter = asyncio.create_task(pool.one("SELECT 7"))
        await asyncio.sleep(0.2)
        assert not waiter.done(), "it could fail"
        started = time.monotonic()
        holder.cancel()
        assert await waiter == (7,)
        assert time.monotonic() - started < 1


# --- R26: silence -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "end",
    [
        pytest.param("restore", id="old connections wake up", marks=pytest.mark.chaos),
        pytest.param("forget", id="old connections stay dead"),
    ],
)
async def test_r26_while_the_database_is_silent_everything_fails_within_5_s_and_is_well_5_s_after_its_return(
    end: str, start_server: StartServer, person: MakePerson, database_proxy: Proxy
) -> None:
    server = await start_server(DB_PORT=str(database_proxy.port))
    alice = await person("alice", server=server)
    workspace, channel = await make_team(alice)
    quiet = await make_channel(alice, workspace, "quiet")
    call = alice.http.request

    def calls() -> list[Awaitable[httpx.Response]]:
        return [
            call("GET", f"/api/messages/?channel_id={channel}&limit=1"),
            call("GET", "/api/workspaces/"),
            call("POST", "/api/messages/", json={"channel_id": channel, "body": "Hello"}),
            call("POST", "/api/messages/", json={"channel_id": quiet, "body": "Hello", "client_msg_id": "hello"}),
            call("PATCH", f"/api/channels/{channel}/", json={"topic": f"At {time.monotonic()}"}),
            call("POST", "/api/workspaces/", json={"name": "Another"}),
            call("POST", "/api/request-otp/", json={"email": "nobody@example.com"}),
            call("POST", "/api/ws-ticket/"),
        ]

    async with joined(alice, channel, server) as socket:
        # So that many connections of the pool are open.
        for _ in range(3):
            assert {answer.status_code for answer in await asyncio.gather(*calls())} <= {200, 201}
        database_proxy.silence()
        waves = []
        for _ in range(4):
            waves += [asyncio.create_task(timed(each)) for _ in range(3) for each in calls()]
            await asyncio.sleep(1.1)
        started = time.monotonic()
        await socket.send({"type": "send_message", "channel_id": channel, "body": "Hello", "ref": "silent"})
        while (frame := await socket.receive(5)).get("ref") != "silent":
            pass
        assert (frame["type"], frame["code"]) == ("error", "unavailable")
        assert time.monotonic() - started < 5
        for answer, seconds in await asyncio.gather(*waves):
            assert_error(answer, 503)
            assert seconds < 5, answer.request.url

        getattr(database_proxy, end)()
        returned = time.monotonic()
        while True:
            answers = await asyncio.gather(*(each for _ in range(3) for each in calls()))
            if all(answer.is_success for answer in answers):
                break
            assert {answer.status_code for answer in answers} <= {200, 201, 503}
        assert time.monotonic() - returned < 5
        for _ in range(3):
            assert all(answer.is_success for answer in await asyncio.gather(*(each for _ in range(3) for each in calls())))


# --- R28: again, and at most three times more ---------------------------------------------------------------------


async def test_r28_a_deadlock_is_tried_again_at_most_three_times_with_jitter(
    make_pool: Callable[[int], Awaitable[Pool]],
) -> None:
    pool = await make_pool(1)
    pauses = set()
    for _ in range(3):
        times: list[float] = []

        async def work(connection: Connection, times: list[float] = times) -> None:
            times.append(time.monotonic())
            await connection.run(DEADLOCK)

        with pytest.raises(Unavailable):
            await pool.transaction(work)
        assert len(times) == 4
        pauses |= {round(later - earlier, 4) for earlier, later in itertools.pairwise(times)}
    assert len(pauses) > 5, "a different pause each time"


async def test_r28_two_transactions_that_deadlock_both_succeed(
    make_pool: Callable[[int], Awaitable[Pool]], database: Database, person: MakePerson
) -> None:
    alice = await person("alice")
    workspace, first = await make_team(alice)
    second = await make_channel(alice, workspace, "random")
    pool = await make_pool(2)
    attempts = 0
    both = asyncio.Barrier(2)

    async def work(connection: Connection, channels: tuple[int, int]) -> None:
        nonlocal attempts
        attempts += 1
        for number, channel in enumerate(channels):
            await connection.run("UPDATE channels SET last_seq = last_seq + 1 WHERE id = %s", channel)
            if number == 0 and attempts <= 2:
                await both.wait()

    await asyncio.gather(
        pool.transaction(lambda connection: work(connection, (first, second))),
        pool.transaction(lambda connection: work(connection, (second, first))),
    )
    assert attempts >= 3, "one was tried again"
    rows = await database.query("SELECT last_seq FROM channels WHERE id IN %s", ((first, second),))
    assert [row["last_seq"] for row in rows] == [2, 2]


async def test_r28_a_lock_wait_is_tried_again(
    make_pool: Callable[[int], Awaitable[Pool]], database: Database, person: MakePerson
) -> None:
    _, channel = await make_team(await person("alice"))
    pool = await make_pool(1)
    attempts = 0
    failed = asyncio.Event()

    async def work(connection: Connection) -> int:
        nonlocal attempts
        attempts += 1
        if attempts == 2:
            failed.set()
        await connection.run("SET SESSION innodb_lock_wait_timeout = 1")
        return await connection.run("UPDATE channels SET last_seq = last_seq + 1 WHERE id = %s", channel)

    async with locked(database, channel):
        writing = asyncio.create_task(pool.transaction(work))
        await failed.wait()
    assert await writing == 1
    assert attempts >= 2


@pytest.mark.parametrize("lost", ["request", "answer"])
async def test_r28_a_lost_commit_leaves_one_row(
    lost: str, start_server: StartServer, person: MakePerson, database_proxy: Proxy
) -> None:
    server = await start_server(DB_PORT=str(database_proxy.port))
    alice = await person("alice", server=server)
    _, channel = await make_team(alice)
    async with joined(alice, channel, server) as socket:
        for number, key in enumerate([None, "of-the-client", None, "of-the-socket"]):
            sent = {"channel_id": channel, "body": f"number {number}", **({"client_msg_id": key} if key else {})}
            database_proxy.lose_commit(lost, of=b"INTO messages")
            if number < 2:
                answer = await alice.http.post("/api/messages/", json=sent)
                assert answer.status_code == 201, answer.text
                told = answer.json()
                [shown] = await messages(socket, 1)
            else:
                await socket.send({"type": "send_message", **sent, "ref": number})
                frames = {frame["type"]: frame for frame in [await socket.receive() for _ in range(2)]}
                told, shown = frames["ack"], frames["new_message"]["message"]
            assert database_proxy.lost == number + 1, "it could fail"
            assert (shown["id"], shown["seq"], shown["body"]) == (told["message_id"], number + 1, sent["body"])
            if key:
                again = await alice.http.post("/api/messages/", json=sent)
                assert again.json()["message_id"] == told["message_id"]
        await post(alice, channel, "The end")
        assert [message["seq"] for message in await messages(socket, 1)] == [5], "nothing was shown twice"
    rows = await server.database.query("SELECT seq FROM messages WHERE channel_id = %s ORDER BY seq", (channel,))
    assert [row["seq"] for row in rows] == [1, 2, 3, 4, 5]
    activities = "SELECT COUNT(*) AS n FROM activities WHERE channel_id = %s AND type = 'message_sent'"
    assert (await server.database.query(activities, (channel,)))[0]["n"] == 5


# --- the bounded queue --------------------------------------------------------------------------------------------


async def test_more_messages_than_may_wait_are_503_and_none_that_was_taken_is_lost(
    start_server: StartServer, person: MakePerson
) -> None:
    server = await start_server(MAX_PENDING_MESSAGES="5")
    alice = await person("alice", server=server)
    _, channel = await make_team(alice)

    async def send(number: int) -> httpx.Response:
        return await alice.http.post("/api/messages/", json={"channel_id": channel, "body": f"number {number}"})

    sent: list[asyncio.Task[httpx.Response]] = []
    async with alice.socket("/ws/chat/") as socket, locked(server.database, channel):
        for number in range(WRITERS + 5):  # so many are being written, five wait
            sent.append(asyncio.create_task(send(number)))
            await asyncio.sleep(0.1)
        answer, seconds = await timed(send(100))
        assert_error(answer, 503)
        assert int(answer.headers["Retry-After"]) >= 1
        assert seconds < 1
        await socket.send({"type": "send_message", "channel_id": channel, "body": "number 101", "ref": 7})
        frame: Any = await socket.receive()
        assert (frame["type"], frame["code"], frame["ref"]) == ("error", "unavailable", 7)
        assert not any(task.done() for task in sent)
    assert {answer.status_code for answer in await asyncio.gather(*sent)} == {201}
    rows = await server.database.query("SELECT body FROM messages WHERE channel_id = %s ORDER BY seq", (channel,))
    assert [row["body"] for row in rows] == [f"number {number}" for number in range(WRITERS + 5)]
