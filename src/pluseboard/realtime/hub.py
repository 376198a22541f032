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
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

import msgspec
from broadcaster import Broadcast

from pluseboard.database import Database
from pluseboard.errors import ApiError
from pluseboard.realtime.bus import FEED, RedisBackend
from pluseboard.realtime.events import Event, Frame, batches
from pluseboard.realtime.logs import LOGS
from pluseboard.realtime.publisher import CONTROL, PRESENCE, Publisher
from pluseboard.realtime.topics import Subscriber, Topic
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


class TooFarBehindError(Exception):
    """The log cannot be replayed from there; `seq` is its newest."""

    def __init__(self, seq: int) -> None:
        self.seq = seq


class Hub:
    """`on_change` is told each access change once, `on_presence` each batch of updates, before anything published later."""

    def __init__(self, database: Database, redis_url: str, prefix: str) -> None:
        self._database = database
        self._topics: dict[str, Topic] = {}
        self._node = secrets.token_hex(4)
        self._backend = RedisBackend(redis_url, prefix, self._bus_connected) if redis_url else None
        self._bus = Broadcast(backend=self._backend) if self._backend else None
        self._publisher = Publisher(self._backend, self._node) if self._backend else None
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
        if self._bus and self._backend and self._publisher:
            await self._bus.connect()
            for topic in (CONTROL, PRESENCE):
                await self._backend.subscribe(topic)
            self._spawn(self._listen())
            self._spawn(self._publisher.run())
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
        by_topic: dict[str, list[Event]] = {}
        for event in events:
            by_topic.setdefault(event.topic, []).append(event)
            self._send(event.topic, f"{event.seq} {event.channel_id} {event.is_private} {event.typist} {event.frame.text}")
        for name, of_topic in by_topic.items():
            # After the publisher's turn: the other processes hear of it while this one delivers.
            asyncio.get_running_loop().call_soon(self._offer, name, of_topic)

    def publish_presence(self, updates: str) -> None:
        self.on_presence(updates)
        self._send(PRESENCE, updates)

    async def flushed(self) -> None:
        """Wait, at most a second, until what was published has left for the bus: before an answer that ends access."""
        if self._publisher:
            await self._publisher.flushed()

    def _send(self, topic: str, line: str) -> None:
        if self._publisher:
            self._publisher.send(topic, line)

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
        if name == CONTROL:
            for line in lines:
                self._apply(msgspec.json.decode(line, type=Change))
        elif name == PRESENCE:
            for line in lines:
                self.on_presence(line)
        else:
            self._offer(name, [_event(name, line) for line in lines])

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

    def _offer(self, name: str, events: Sequence[Event]) -> None:
        topic = self._topics.get(name)
        if topic is not None and topic.take(events):
            self._fill(topic)

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
        # While the query ran, the bus may have delivered some of it.
        topic.take(found)
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
                for batch in batches([event for event in missed if event.seq <= last_seq]):
                    subscriber.push(batch)
                    position = batch.events[-1].seq
                    size += batch.frame.size
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
                if topic.take([]):
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


def _event(topic: str, line: str) -> Event:
    """As `publish` wrote it."""
    seq, channel_id, is_private, typist, text = line.split(" ", 4)
    frame = Frame(text, ephemeral=seq == "0")
    return Event(topic, int(seq), frame, channel_id=int(channel_id), is_private=int(is_private), typist=int(typist))
