"""What this process tells the others: gathered, and sent over the bus in one round trip after the other."""

import asyncio
import contextlib
import logging
from collections import deque

from redis.exceptions import RedisError

from pluseboard.realtime.bus import RedisBackend

log = logging.getLogger(__name__)

MAX_UNSENT_LINES = 10_000
CONTROL, PRESENCE = "control", "presence"


class Publisher:
    """`send` never waits. What the bus does not take is dropped: the others' polls find it in the database."""

    def __init__(self, backend: RedisBackend, node: str) -> None:
        self._backend = backend
        self._node = node
        self._unsent: deque[tuple[str, str]] = deque(maxlen=MAX_UNSENT_LINES)
        self._something_unsent = asyncio.Event()
        self._sent = asyncio.Condition()

    def send(self, topic: str, line: str) -> None:
        self._unsent.append((topic, line))
        self._something_unsent.set()

    async def flushed(self) -> None:
        """Wait, at most a second, until what was given has left for the bus."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1), self._sent:
                await self._sent.wait_for(lambda: not self._unsent)

    async def run(self) -> None:
        while True:
            await self._something_unsent.wait()
            self._something_unsent.clear()
            count = len(self._unsent)
            batch: dict[str, list[str]] = {}
            for topic, line in list(self._unsent):
                batch.setdefault(topic, [self._node]).append(line)
            # Control first, whatever came between: ending access early harms nobody.
            ordered = sorted(batch.items(), key=lambda item: item[0] != CONTROL)
            try:
                await self._backend.publish_many([(topic, "\n".join(lines)) for topic, lines in ordered])
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("not published; the others' polls will find it", extra={"error": type(error).__name__})
                await asyncio.sleep(0.1)
            async with self._sent:
                for _ in range(min(count, len(self._unsent))):
                    self._unsent.popleft()
                self._sent.notify_all()
