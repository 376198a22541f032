"""Our BroadcastBackend on Redis: it reconnects, resubscribes, and says when something may have been missed.

broadcaster 0.3's own Redis backend goes deaf for good when its connection breaks, and delivers nothing with redis-py 8. Here a
supervisor owns one connection that listens; a canary published every 5 s through Redis proves that it hears. Everything that
is heard comes out of one broadcaster subscription (FEED), in the order in which Redis sent it: so a revocation that was
published before a message is acted on before it.
"""

import asyncio
import contextlib
import logging
import random
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

from broadcaster import BroadcastBackend, Event
from redis.exceptions import RedisError

from pluseboard.redis_client import close, keyless_client
from pluseboard.tasks import ended

log = logging.getLogger(__name__)

FEED = "feed"
CANARY_SECONDS = 5.0
DEAF_SECONDS = 10.0
COMMAND_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 2.0


class RedisBackend(BroadcastBackend):
    """`on_connected` is called whenever listening begins (again): whatever was published before may have been missed."""

    def __init__(self, url: str, prefix: str, on_connected: Callable[[], None]) -> None:
        self._prefix = f"{prefix}:"
        self._on_connected = on_connected
        # RESP2 on every redis-py, so that what is read has one shape; no retries behind our back, they would hide a gap.
        self._redis = keyless_client(
            url, protocol=2, socket_timeout=COMMAND_SECONDS, socket_connect_timeout=COMMAND_SECONDS, decode_responses=False
        )
        self._listener: Any = None
        self._topics: set[str] = set()
        self._confirmations: dict[str, asyncio.Future[None]] = {}
        self._heard: asyncio.Queue[Event] = asyncio.Queue()
        self._writing = asyncio.Lock()
        self._canary = f"canary:{secrets.token_hex(8)}"
        self._heard_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self.connected = False

    @property
    def healthy(self) -> bool:
        """Listening, and the canary was heard within 10 s."""
        return self.connected and time.monotonic() - self._heard_at < DEAF_SECONDS

    async def connect(self) -> None:
        self._topics.add(self._canary)
        self._tasks = [asyncio.create_task(self._supervise()), asyncio.create_task(self._sing())]

    async def disconnect(self) -> None:
        await ended(self._tasks)
        await close(self._redis)

    async def subscribe(self, group: str) -> None:
        """Hear a topic; returns when Redis has confirmed it, or at once while it is away (then it is made up for later)."""
        if group == FEED:
            return
        self._topics.add(group)
        confirmation = self._confirmations.setdefault(group, asyncio.get_running_loop().create_future())
        try:
            if await self._command("SUBSCRIBE", group):
                async with asyncio.timeout(COMMAND_SECONDS):
                    await asyncio.shield(confirmation)
        except TimeoutError:
            log.warning("subscription not confirmed", extra={"topic": group})
        finally:
            self._confirmations.pop(group, None)

    async def unsubscribe(self, group: str) -> None:
        if group in self._topics:
            self._topics.discard(group)
            await self._command("UNSUBSCRIBE", group)

    async def publish(self, channel: str, message: Any) -> None:
        await self.publish_many([(channel, message)])

    async def publish_many(self, messages: Sequence[tuple[str, str]]) -> None:
        """One round trip for all. Raises RedisError or TimeoutError."""
        async with asyncio.timeout(COMMAND_SECONDS), self._redis.pipeline(transaction=False) as pipeline:
            for topic, message in messages:
                pipeline.publish(self._prefix + topic, message)
            await pipeline.execute()

    async def next_published(self) -> Event:
        return await self._heard.get()

    async def _command(self, name: str, *topics: str) -> bool:
        """Send on the listening connection; False when there is none. The supervisor sees what is wrong with it."""
        async with self._writing:
            if not self.connected:
                return False
            try:
                async with asyncio.timeout(COMMAND_SECONDS):
                    await self._listener.send_command(name, *[self._prefix + topic for topic in topics])
            except (RedisError, OSError, TimeoutError, AttributeError):  # the last when it is dropped at this very moment
                return False
            return True

    async def _supervise(self) -> None:
        backoff = 0.05
        while True:
            try:
                await self._open()
                backoff = 0.05
                while True:
                    self._take(await self._listener.read_response(timeout=DEAF_SECONDS))
            except (RedisError, OSError, TimeoutError, EOFError) as error:
                if self.connected:
                    log.warning("the bus is deaf", extra={"error": type(error).__name__})
            except Exception:
                log.exception("the bus failed")
            self.connected = False
            if self._listener is not None:
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(COMMAND_SECONDS):
                        await self._listener.disconnect()
            await asyncio.sleep(backoff * random.uniform(0.5, 1.5))  # noqa: S311
            backoff = min(backoff * 2, MAX_BACKOFF_SECONDS)

    async def _open(self) -> None:
        """Connect, then subscribe to everything that is wanted: only then is the bus healthy again."""
        self._listener = self._redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        async with asyncio.timeout(COMMAND_SECONDS * 2):
            await self._listener.connect()
            topics = sorted(self._topics)
            for start in range(0, len(topics), 500):
                await self._listener.send_command("SUBSCRIBE", *[self._prefix + topic for topic in topics[start : start + 500]])
        async with self._writing:
            self.connected = True
            # What was asked for while the commands above were on their way.
            missed = self._topics.difference(topics)
        if missed:
            await self._command("SUBSCRIBE", *sorted(missed))
        self._heard_at = time.monotonic()
        log.info("the bus is connected", extra={"topics": len(topics)})
        self._on_connected()

    def _take(self, response: Any) -> None:
        kind, channel = bytes(response[0]), bytes(response[1]).decode()
        topic = channel.removeprefix(self._prefix)
        if kind == b"subscribe":
            if (waiting := self._confirmations.get(topic)) and not waiting.done():
                waiting.set_result(None)
        elif kind == b"message":
            if topic == self._canary:
                self._heard_at = time.monotonic()
            else:
                self._heard.put_nowait(Event(FEED, (topic, bytes(response[2]).decode())))  # type: ignore[arg-type]

    async def _sing(self) -> None:
        """Publish the canary. When it is not heard, a connection is half open, or leads to a server that is the master no more:
        drop all, the supervisor and the next publish make new ones."""
        while True:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                await self.publish(self._canary, "1")
            await asyncio.sleep(CANARY_SECONDS)
            if self.connected and not self.healthy:
                log.warning("the canary was not heard")
                with contextlib.suppress(Exception):
                    await self._listener.disconnect(nowait=True)
                    await self._redis.connection_pool.disconnect(inuse_connections=False)
