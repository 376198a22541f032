"""Thousands who come at once are answered together, use a part of the pool, and pass one after the other."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from pluseboard.crowds import MOST_TOGETHER, DatabaseShare, Together, Turnstile
from pluseboard.database import Database as Pool
from pluseboard.errors import Unavailable
from pluseboard.settings import load_settings
from tests.servers import Database


class Work:
    """Doubles numbers; each statement waits for its turn, and one may fail."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.go_on = asyncio.Semaphore(0)
        self.failure: Exception | None = None

    async def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.asked.append(list(numbers))
        await self.go_on.acquire()
        if self.failure:
            raise self.failure
        return [2 * number for number in numbers]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_asked_while_a_statement_is_under_way_is_answered_by_the_next() -> None:
    work = Work()
    together = Together[int, int](work)
    first = asyncio.create_task(together.ask(1))
    await settle()
    others = [asyncio.create_task(together.ask(number)) for number in range(2, 10)]
    await settle()
    assert work.asked == [[1]]
    work.go_on.release()
    assert await first == 2
    await settle()
    assert work.asked == [[1], list(range(2, 10))]
    work.go_on.release()
    assert await asyncio.gather(*others) == [2 * number for number in range(2, 10)]


async def test_a_crowd_is_cut_into_statements_of_a_bounded_size_and_who_goes_away_harms_nobody() -> None:
    work = Work()
    together = Together[int, int](work)
    asking = [asyncio.create_task(together.ask(number)) for number in range(2 * MOST_TOGETHER + 1)]
    await settle()
    asking[5].cancel()
    for _ in range(3):
        work.go_on.release()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(answers.pop(5), asyncio.CancelledError)
    assert answers == [2 * number for number in range(2 * MOST_TOGETHER + 1) if number != 5]
    assert [len(asked) for asked in work.asked] == [MOST_TOGETHER, MOST_TOGETHER, 1]


async def test_a_failure_is_told_to_everybody_who_waits_and_the_next_question_is_a_new_try() -> None:
    work = Work()
    together = Together[int, int](work)
    asking = [asyncio.create_task(together.ask(number)) for number in range(MOST_TOGETHER + 10)]
    await settle()
    work.failure = Unavailable("away")
    work.go_on.release()
    told = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(error) for error in told} == {Unavailable}
    assert len({id(error) for error in told}) == len(told), "each has a traceback of their own"
    assert len(work.asked) == 1
    work.failure = None
    work.go_on.release()
    assert await together.ask(4) == 8


async def test_so_many_pass_in_a_turn_of_the_event_loop_in_the_order_in_which_they_came() -> None:
    turnstile = Turnstile(3)
    turn, passed = 0, []
    for number in range(10):
        turnstile.call(lambda number=number: passed.append((turn, number)))  # type: ignore[misc]
    while turnstile.waiting:
        turn += 1
        await asyncio.sleep(0)
    assert [number for _, number in passed] == list(range(10))
    assert max([turn for turn, _ in passed].count(each) for each in range(turn + 1)) == 3
    await asyncio.wait_for(turnstile.passed(), 1)


@pytest.fixture
async def pool(database: Database, settings_env: Callable[..., dict[str, str]]) -> Pool:
    return Pool(load_settings(settings_env(**database.environment, DB_POOL_MIN="1", DB_POOL_MAX="4")))


async def test_a_share_leaves_the_rest_of_the_pool_to_others(pool: Pool) -> None:
    await pool.connect()
    share = DatabaseShare(pool, 2)
    slow: list[Awaitable[object]] = [asyncio.create_task(share.all("SELECT SLEEP(0.3)")) for _ in range(6)]
    await asyncio.sleep(0.05)
    async with asyncio.timeout(0.25):  # nobody is in front of it
        assert await pool.one("SELECT 1") == (1,)
    assert await asyncio.gather(*slow) == [((0,),)] * 6
    assert await share.transaction(lambda tx: tx.one("SELECT 2")) == (2,)
    await pool.close()
