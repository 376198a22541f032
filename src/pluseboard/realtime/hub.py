"""The hub: brings every event of a topic to every local subscriber, in order and once, whoever published it.

It remembers the last seq of each topic that has local subscribers. An event with a seq at or below it is an echo and is dropped;
the next one is delivered; a later one means a gap, which is read from the database. The bus only makes this fast: a poll of the
logs' counters finds what was never announced (every 10 s, every half second while the bus is deaf).
"""

import asyncio
import contextlib
import logging
import math
import secrets
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol

import msgspec
from broadcaster import Broadcast
from redis.exceptions import RedisError

from pluseboard.database import Database
from pluseboard.errors import ApiError
from pluseboard.realtime.bus import FEED, RedisBackend
from pluseboard.realtime.events import Event, Frame
from pluseboard.realtime.logs import LOGS
from pluseboard.repositories import access
from pluseboard.repositories.access import Change
from pluseboard.tasks import ended

log = logging.getLogger(__name__)

MAX_REPLAY = 1000
REPLAY_CHUNK = 100
REPLAY_CHARS = 128 * 1024  # pushed before the client must have taken them: well within its outbox
GAP_PATIENCE_SECONDS = 0.02  # the missing event is nearly always on its way: two local commits announced in the wrong order
POLL_SECONDS, DEAF_POLL_SECONDS = 10, 0.5  # ended access is polled for at the shorter one: known everywhere within a second
ACCESS_WINDOW_SECONDS = 10
MAX_UNSENT_EVENTS = 10_000
CONTROL, PRESENCE = "control", "presence"


class TooFarBehindError(Exception):
    """The log cannot be replayed from there; `seq` is its newest."""

    def __init__(self, seq: int) -> None:
        self.seq = seq


class Subscriber(Protocol):
    """Somebody who takes a topic's events. `push` never blocks; `drained` waits until what was pushed has left."""

    def push(self, event: Event) -> None: ...
    async def drained(self) -> None: ...


class Topic:
    """A log with local subscribers. `last_seq` is None until it has been read; `early` holds what came too early."""

    __slots__ = ("early", "filling", "id", "joining", "kind", "last_seq", "lock", "name", "subscribers")

    def __init__(self, name: str) -> None:
        kind, _, id_ = name.partition(":")
        self.name, self.kind, self.id = name, kind, int(id_)
        self.last_seq: int | None = None
        self.early: dict[int, Event] = {}
        self.subscribers: dict[int, Subscriber] = {}
        self.joining = 0
        self.lock = asyncio.Lock()
        self.filling: asyncio.Task[None] | None = None


class Hub:
    """`on_change` is told each access change once, `on_presence` each batch of updates, before anything published later."""

    def __init__(self, database: Database, redis_url: str, prefix: str) -> None:
        self._database = database
        self._topics: dict[str, Topic] = {}
        self._node = secrets.token_hex(4)
        self._backend = RedisBackend(redis_url, prefix, self._bus_connected) if redis_url else None
        self._bus = Broadcast(backend=self._backend) if self._backend else None
        self._unsent: deque[tuple[str, str]] = deque(maxlen=MAX_UNSENT_EVENTS)
        self._something_unsent = asyncio.Event()
        self._sent = asyncio.Condition()
        self._poll_now = asyncio.Event()
        self._changes_seen: dict[int, None] = {}
        self._polled_at = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_change: Callable[[Change], None] = lambda change: None
        self.on_presence: Callable[[str], None] = lambda updates: None

    @property
    def healthy(self) -> bool:
        """True without a bus: a single process misses nothing."""
        return self._backend is None or self._backend.healthy

    async def start(self) -> None:
        # What was revoked before this process began is no news to it.
        self._changes_seen = {change.id: None for change in await access.recent(self._database, ACCESS_WINDOW_SECONDS)}
        if self._bus and self._backend:
            await self._bus.connect()
            for topic in (CONTROL, PRESENCE):
                await self._backend.subscribe(topic)
            self._spawn(self._listen())
            self._spawn(self._publish())
        self._spawn(self._poll())

    async def stop(self) -> None:
        await ended(self._tasks)
        if self._bus:
            with contextlib.suppress(asyncio.CancelledError):
                await self._bus.disconnect()

    # --- publishing: after commit, never waiting ------------------------------------------------------------------

    def publish(self, events: Iterable[Event], changes: Iterable[Change | None] = ()) -> None:
        """Deliver to this process's subscribers now, to the others' over the bus. Access changes go first."""
        for change in changes:
            if change is not None:
                self._apply(change)
                self._send(CONTROL, msgspec.json.encode(change).decode())
        for event in events:
            self._offer(event)
            self._send(event.topic, f"{event.seq} {event.channel_id} {event.is_private} {event.typist} {event.frame.text}")

    def publish_presence(self, updates: str) -> None:
        self.on_presence(updates)
        self._send(PRESENCE, updates)

    async def flushed(self) -> None:
        """Wait, at most a second, until what was published has left for the bus: before an answer that ends access."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1), self._sent:
                await self._sent.wait_for(lambda: not self._unsent)

    def _send(self, topic: str, line: str) -> None:
        if self._backend:
            self._unsent.append((topic, line))
            self._something_unsent.set()

    async def _publish(self) -> None:
        assert self._backend is not None
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

    # --- listening --------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        assert self._bus is not None
        async with self._bus.subscribe(channel=FEED) as feed:
            while True:
                heard: Any = (await feed.get()).message
                try:
                    self._hear(*heard)
                except Exception:
                    log.exception("a message on the bus could not be read")

    def _hear(self, name: str, payload: str) -> None:
        node, *lines = payload.split("\n")
        if node == self._node:
            return
        for line in lines:
            if name == CONTROL:
                self._apply(msgspec.json.decode(line, type=Change))
            elif name == PRESENCE:
                self.on_presence(line)
            else:
                seq, channel_id, is_private, typist, text = line.split(" ", 4)
                frame = Frame(text, ephemeral=seq == "0")
                self._offer(
                    Event(name, int(seq), frame, channel_id=int(channel_id), is_private=int(is_private), typist=int(typist))
                )

    def _apply(self, change: Change) -> None:
        if change.id not in self._changes_seen:
            self._changes_seen[change.id] = None
            if len(self._changes_seen) > 10_000:
                for old in list(self._changes_seen)[:5_000]:
                    del self._changes_seen[old]
            self.on_change(change)

    def _bus_connected(self) -> None:
        self._poll_now.set()

    # --- order ------------------------------------------------------------------------------------------------------

    def _offer(self, event: Event) -> None:
        topic = self._topics.get(event.topic)
        if topic is None:
            return
        if event.seq == 0:
            self._deliver(topic, event)
        elif topic.last_seq is None:
            topic.early[event.seq] = event
        elif event.seq == topic.last_seq + 1:
            topic.last_seq = event.seq
            self._deliver(topic, event)
            if topic.early:
                self._deliver_early(topic)
        elif event.seq > topic.last_seq:
            topic.early[event.seq] = event
            self._fill(topic)

    def _deliver(self, topic: Topic, event: Event) -> None:
        for subscriber in list(topic.subscribers.values()):
            subscriber.push(event)

    def _deliver_early(self, topic: Topic) -> None:
        assert topic.last_seq is not None
        while (event := topic.early.pop(topic.last_seq + 1, None)) is not None:
            topic.last_seq += 1
            self._deliver(topic, event)
        last = topic.last_seq
        topic.early = {seq: event for seq, event in topic.early.items() if seq > last}

    def _fill(self, topic: Topic) -> None:
        if topic.filling is None:
            topic.filling = self._spawn(self._fill_gap(topic))

    async def _fill_gap(self, topic: Topic) -> None:
        try:
            await asyncio.sleep(GAP_PATIENCE_SECONDS)
            while topic.last_seq is not None and topic.early and self._topics.get(topic.name) is topic:
                if not await self._read_on(topic):
                    await asyncio.sleep(GAP_PATIENCE_SECONDS)
        except ApiError as error:
            log.warning("a gap could not be filled yet", extra={"topic": topic.name, "error": error.message})
        finally:
            topic.filling = None

    async def _read_on(self, topic: Topic) -> int:
        """Deliver what the database has after last_seq; how many events that were."""
        assert topic.last_seq is not None
        found = await LOGS[topic.kind].after(self._database, topic.id, topic.last_seq, REPLAY_CHUNK)
        for event in found:
            # While the query ran, the bus may have delivered some of it.
            if event.seq > topic.last_seq:
                topic.last_seq = event.seq
                self._deliver(topic, event)
        self._deliver_early(topic)
        return len(found)

    # --- subscribing ------------------------------------------------------------------------------------------------

    async def subscribe(self, name: str, key: int, subscriber: Subscriber, since_seq: int | None = None) -> int:
        """Take part in a topic from now on, or from `since_seq` on: first what was missed, then live, nothing lost or doubled
        between. `key` names the subscriber within the topic; a second subscription under it replaces the first.

        Returns the seq at which it goes live. Raises TooFarBehindError (nothing is subscribed then).
        """
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = Topic(name)
        topic.subscribers.pop(key, None)
        topic.joining += 1
        try:
            last_seq = await self._opened(topic)
            position = last_seq if since_seq is None else since_seq
            if position > last_seq:
                # The client heard from another process what this one is yet to hear.
                last_seq = await self._caught_up(topic)
            if position > last_seq or last_seq - position > MAX_REPLAY:
                raise TooFarBehindError(last_seq)
            while position < (last_seq := topic.last_seq or 0):
                missed = await LOGS[topic.kind].after(self._database, topic.id, position, REPLAY_CHUNK)
                if not missed or missed[0].seq != position + 1:
                    raise TooFarBehindError(last_seq)
                size = 0
                for event in missed:
                    if event.seq <= last_seq:
                        subscriber.push(event)
                        position = event.seq
                        size += len(event.frame.text)
                    if size > REPLAY_CHARS:
                        size = 0
                        await subscriber.drained()
                await subscriber.drained()
            # No await since last_seq was read: from here on every event is pushed live.
            topic.subscribers[key] = subscriber
            return position
        finally:
            topic.joining -= 1
            if not topic.subscribers and not topic.joining:
                self._spawn(self._close(topic))

    async def _opened(self, topic: Topic) -> int:
        """Listen first, then read where the log stands: what happens between is caught by its seq."""
        async with topic.lock:
            if topic.last_seq is None:
                if self._backend:
                    await self._backend.subscribe(topic.name)
                seqs = await LOGS[topic.kind].last_seqs(self._database, [topic.id])
                topic.last_seq = seqs.get(topic.id, 0)
                self._deliver_early(topic)
                if topic.early:
                    self._fill(topic)
            return topic.last_seq

    async def _caught_up(self, topic: Topic) -> int:
        newest = (await LOGS[topic.kind].last_seqs(self._database, [topic.id])).get(topic.id, 0)
        while (topic.last_seq or 0) < newest and await self._read_on(topic):
            pass
        return topic.last_seq or 0

    def unsubscribe(self, name: str, key: int) -> None:
        topic = self._topics.get(name)
        if topic is not None:
            topic.subscribers.pop(key, None)
            if not topic.subscribers and not topic.joining:
                self._spawn(self._close(topic))

    async def _close(self, topic: Topic) -> None:
        async with topic.lock:
            if topic.subscribers or topic.joining or self._topics.get(topic.name) is not topic:
                return
            # Out of the table before the await: who joins now makes a new topic, whose SUBSCRIBE follows this UNSUBSCRIBE.
            del self._topics[topic.name]
            if self._backend:
                await self._backend.unsubscribe(topic.name)

    # --- the poll: what the bus did not say ---------------------------------------------------------------------------

    async def _poll(self) -> None:
        ticks = 0
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DEAF_POLL_SECONDS):
                    await self._poll_now.wait()
            ticks += 1
            try:
                # Everything since the last poll that succeeded, and a margin for transactions that took their time.
                polled_at = time.monotonic()
                since = math.ceil(polled_at - self._polled_at) + ACCESS_WINDOW_SECONDS
                for change in await access.recent(self._database, since):
                    self._apply(change)
                self._polled_at = polled_at
                if self._poll_now.is_set() or not self.healthy or ticks * DEAF_POLL_SECONDS % POLL_SECONDS == 0:
                    self._poll_now.clear()
                    await self._poll_topics()
            except ApiError as error:
                log.warning("the poll failed", extra={"error": error.message})
                await asyncio.sleep(DEAF_POLL_SECONDS)
            except Exception:
                log.exception("the poll failed")
                await asyncio.sleep(DEAF_POLL_SECONDS)

    async def _poll_topics(self) -> None:
        for kind, source in LOGS.items():
            topics = [topic for topic in self._topics.values() if topic.kind == kind and topic.last_seq is not None]
            for start in range(0, len(topics), 500):
                chunk = {topic.id: topic for topic in topics[start : start + 500]}
                for id_, seq in (await source.last_seqs(self._database, list(chunk))).items():
                    while (chunk[id_].last_seq or 0) < seq and await self._read_on(chunk[id_]):
                        pass

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
