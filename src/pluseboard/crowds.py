"""What keeps thousands who come at once from holding up everybody else: their reads are answered together, they use a part of the
pool, and they pass one after the other.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from pluseboard.database import Connection, Database
from pluseboard.errors import ApiError, Unavailable

K = TypeVar("K")
V = TypeVar("V")

MOST_TOGETHER = 250
SHARE_PATIENCE_SECONDS = 20.0


class Together(Generic[K, V]):
    """Group commit for single look-ups: what is asked while a statement is under way is answered by the next one, for all.

    `work` gets what was asked and returns as many answers, in the same order. Nobody gets an answer that is older than their
    question; alone, one goes at once. Raises what `work` raises, to all who wait.
    """

    def __init__(self, work: Callable[[Sequence[K]], Awaitable[Sequence[V]]]) -> None:
        self._work = work
        self._waiting: deque[tuple[K, asyncio.Future[V]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def ask(self, key: K) -> V:
        answer: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, answer))
        if self._task is None:
            self._task = asyncio.create_task(self._answer())
        return await answer

    async def _answer(self) -> None:
        try:
            while self._waiting:
                asked = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_TOGETHER))]
                try:
                    answers = await self._work([key for key, _ in asked])
                except BaseException as error:
                    failure = error if isinstance(error, Exception) else Unavailable()
                    # Those behind them have waited as long as one may; another try each would double that.
                    asked += self._waiting
                    self._waiting.clear()
                    for _, future in asked:
                        if not future.done():
                            future.set_exception(_copy(failure))
                    if failure is not error:
                        raise
                else:
                    for (_, future), answer in zip(asked, answers, strict=True):
                        if not future.done():
                            future.set_result(answer)
        finally:
            self._task = None


def _copy(error: Exception) -> Exception:
    """Each who is told raises it with a traceback of their own."""
    return type(error)(*error.args) if isinstance(error, ApiError) else error


class DatabaseShare(Database):
    """A part of a pool: whoever asks through it waits here while all of the part is in use, and not in front of others."""

    def __init__(self, whole: Database, connections: int) -> None:
        self._whole = whole
        self._answer_seconds = SHARE_PATIENCE_SECONDS
        self._turn = asyncio.Semaphore(connections)

    @asynccontextmanager
    async def connection(self, deadline: float | None = None) -> AsyncIterator[Connection]:
        """Raises Unavailable after 20 s: longer than of the pool itself, for here it is usual that many wait."""
        try:
            async with asyncio.timeout_at(deadline or asyncio.get_running_loop().time() + self._answer_seconds):
                await self._turn.acquire()
        except TimeoutError:
            raise Unavailable("Too many people come at once; try again") from None
        try:
            async with self._whole.connection() as connection:
                yield connection
        finally:
            self._turn.release()


class Turnstile:
    """Lets so many through in each turn of the event loop; between them everybody else has their turn."""

    def __init__(self, a_turn: int) -> None:
        self._most = a_turn
        self._through = 0
        self._turning = False
        self._queue: deque[Callable[[], None]] = deque()

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def call(self, callback: Callable[[], None]) -> None:
        """At once when few have come in this turn, else in one of the next."""
        if not self._turning:
            self._turning = True
            asyncio.get_running_loop().call_soon(self._turn)
        if self._through < self._most and not self._queue:
            self._through += 1
            callback()
        else:
            self._queue.append(callback)

    async def passed(self) -> None:
        through: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.call(lambda: None if through.done() else through.set_result(None))
        await through

    def _turn(self) -> None:
        self._through = min(len(self._queue), self._most)
        self._turning = self._through > 0
        if self._turning:
            asyncio.get_running_loop().call_soon(self._turn)
        for _ in range(self._through):
            self._queue.popleft()()
