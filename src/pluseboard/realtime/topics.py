"""A topic: a log with local subscribers, brought to each of them in order and once, whatever order its events come in."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from pluseboard.realtime.events import Batch, Event, batches

SLICE = 500  # subscribers between two turns of the event loop: about 2 ms


class Subscriber(Protocol):
    """Somebody who takes a topic's events. `push` never blocks; `drained` waits until what was pushed has left."""

    def push(self, batch: Batch) -> None: ...
    async def drained(self) -> None: ...


class Topic:
    """`last_seq` is None until it has been read; `early` holds what came too early."""

    __slots__ = ("_behind", "_slicing", "early", "filling", "id", "joining", "kind", "last_seq", "lock", "name", "subscribers")

    def __init__(self, name: str) -> None:
        kind, _, id_ = name.partition(":")
        self.name, self.kind, self.id = name, kind, int(id_)
        self.last_seq: int | None = None
        self.early: dict[int, Event] = {}
        self.subscribers: dict[int, Subscriber] = {}
        self.joining = 0
        self.lock = asyncio.Lock()
        self.filling: asyncio.Task[None] | None = None
        self._behind: deque[tuple[Batch, list[tuple[int, Subscriber]]]] = deque()
        self._slicing: asyncio.Task[None] | None = None

    def take(self, events: Sequence[Event]) -> bool:
        """Deliver what follows last_seq, drop what is known, keep what came early. True when something is missing between."""
        ready: list[Event] = []
        for event in events:
            if event.seq == 0:
                ready.append(event)
            elif self.last_seq is None or event.seq > self.last_seq + 1:
                self.early[event.seq] = event
            elif event.seq == self.last_seq + 1:
                self.last_seq = event.seq
                ready.append(event)
        if self.early and self.last_seq is not None:
            while (following := self.early.pop(self.last_seq + 1, None)) is not None:
                self.last_seq += 1
                ready.append(following)
            last_seq = self.last_seq
            self.early = {seq: event for seq, event in self.early.items() if seq > last_seq}
        for batch in batches(ready):
            self._deliver(batch)
        return bool(self.early) and self.last_seq is not None

    def _deliver(self, batch: Batch) -> None:
        if self._slicing is None and len(self.subscribers) <= SLICE:
            for subscriber in list(self.subscribers.values()):
                subscriber.push(batch)
        else:
            self._behind.append((batch, list(self.subscribers.items())))
            if self._slicing is None:
                self._slicing = asyncio.create_task(self._deliver_in_slices())

    async def _deliver_in_slices(self) -> None:
        """Thousands of subscribers hold the event loop for a slice at a time. Who left meanwhile gets nothing more; who came back
        was given what they missed when they came."""
        pushed = 0
        while self._behind:
            batch, recipients = self._behind.popleft()
            for key, subscriber in recipients:
                if self.subscribers.get(key) is subscriber:
                    subscriber.push(batch)
                    pushed += 1
                    if pushed % SLICE == 0:
                        await asyncio.sleep(0)
        self._slicing = None
