"""What the fault tests measure with: steady writers who remember what was acknowledged, and a listener who counts what came.

The listener is a bare WebSocket that rejoins with `since_seq`; it shares no code with the server or with pluseboard.client.
"""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx
import websockets

from tests.conftest import Person
from tests.servers import ServerProcess

RATE = 50


@dataclass
class Ledger:
    """Acknowledged: client_msg_id -> seq. Slowest: the longest wait for an acknowledgement, in seconds."""

    acknowledged: dict[str, int] = field(default_factory=dict)
    slowest: float = 0.0
    statuses: list[int] = field(default_factory=list)


@dataclass
class Witness:
    """Frames as they came: (client_msg_id, seq, time)."""

    seen: list[tuple[str, int, float]] = field(default_factory=list)
    joins: int = 0
    last_seq: int = 0
    cut: Callable[[], None] | None = None

    @property
    def seqs(self) -> list[int]:
        return [seq for _, seq, _ in self.seen]

    def verdict(self, ledger: Ledger) -> dict[str, int]:
        """How many acknowledged messages never came, came twice, or came out of order: all must be 0."""
        seqs = self.seqs
        return {
            "missing": len(set(ledger.acknowledged) - {key for key, _, _ in self.seen}),
            "duplicates": len(seqs) - len(set(seqs)),
            "out of order": sum(1 for earlier, later in itertools.pairwise(seqs) if later <= earlier),
            "holes": sum(1 for earlier, later in itertools.pairwise(seqs) if later > earlier + 1),
        }


FAULTLESS = {"missing": 0, "duplicates": 0, "out of order": 0, "holes": 0}


@asynccontextmanager
async def writing(person: Person, servers: list[ServerProcess], channel_id: int) -> AsyncIterator[Ledger]:
    """50 messages a second, alternately to each server, each tried until it is acknowledged (at most 30 s after the end)."""
    ledger = Ledger()
    tasks: set[asyncio.Task[None]] = set()
    ended = asyncio.Event()

    async def send(number: int) -> None:
        key = f"m{number}"
        started = time.monotonic()
        for attempt in itertools.count():
            server = servers[(number + attempt) % len(servers)]
            with suppress(httpx.TransportError):
                answer = await person.on(server).post(
                    "/api/messages/", json={"channel_id": channel_id, "body": f"number {number}", "client_msg_id": key}
                )
                ledger.statuses.append(answer.status_code)
                if answer.status_code == 201:
                    ledger.acknowledged[key] = answer.json()["seq"]
                    ledger.slowest = max(ledger.slowest, time.monotonic() - started)
                    return
                assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.1)

    async def steadily() -> None:
        for number in itertools.count():
            if ended.is_set():
                return
            task = asyncio.create_task(send(number))
            tasks.add(task)
            await asyncio.sleep(1 / RATE)

    writer = asyncio.create_task(steadily())
    try:
        yield ledger
    finally:
        ended.set()
        await writer
        async with asyncio.timeout(30):
            await asyncio.gather(*tasks)


@asynccontextmanager
async def listening(person: Person, server: ServerProcess, channel_id: int) -> AsyncIterator[Witness]:
    """One listener on one server, from the beginning of the channel; it comes back after every break."""
    witness = Witness()

    async def once() -> None:
        url = f"{server.ws_url}/ws/chat/?token={person.access_token}"
        async with websockets.connect(url, open_timeout=2, max_size=None) as socket:
            witness.joins += 1
            witness.cut = socket.transport.abort
            await socket.send(json.dumps({"type": "join_channel", "channel_id": channel_id, "since_seq": witness.last_seq}))
            async for text in socket:
                frame = json.loads(text)
                assert frame["type"] == "new_message", frame
                witness.seen.append((frame["message"]["client_msg_id"], frame["seq"], time.monotonic()))
                witness.last_seq = frame["seq"]

    async def for_ever() -> None:
        while True:
            with suppress(OSError, TimeoutError, websockets.WebSocketException):
                await once()
            await asyncio.sleep(0.05)

    task = asyncio.create_task(for_ever())
    try:
        yield witness
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def settled(ledger: Ledger, *witnesses: Witness, seconds: float = 15) -> None:
    """Until every witness has seen as far as the newest acknowledged message."""
    newest = max(ledger.acknowledged.values())
    async with asyncio.timeout(seconds):
        while any(witness.last_seq < newest for witness in witnesses):
            await asyncio.sleep(0.05)
