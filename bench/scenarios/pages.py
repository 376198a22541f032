"""Pages of 50 messages a second over HTTP, 32 keep-alive connections: the newest one over and over, or pages from anywhere."""

import random
from collections.abc import Sequence
from itertools import cycle

from bench.figures import Figure, Scenario, Values
from bench.load import WARM_UP_SECONDS, gets, message, posts, wrk
from bench.processes import Running
from bench.scenarios.text import bodies

CLIENTS = 32
MESSAGES = 3000
NEWEST = "/api/messages/?channel_id={}"


class Pages(Scenario):
    """The same messages, with the same ids, are in the peer's database."""

    name = "pages"
    figures = (Figure(name, "pages of the newest 50 messages a second", "/s", against={"peer": 7}),)

    def prepare(self) -> None:
        stage = self.stage
        self.channel = stage.channel(self.name)
        sends: list[str] = []
        for person, body in zip(cycle(stage.people), bodies(MESSAGES), strict=False):
            sends += posts([person], "/api/messages/", message(self.channel, body))
        with stage.pluseboard() as server:
            while self._count() < MESSAGES:
                wrk(stage, server.port, sends, 16, 1)
        self.ids = [id_ for (id_,) in stage.sql("SELECT id FROM messages WHERE channel_id = %s ORDER BY seq", [self.channel])]

    def _count(self) -> int:
        return int(self.stage.sql("SELECT COUNT(*) FROM messages WHERE channel_id = %s", [self.channel])[0][0])

    def paths(self) -> Sequence[str]:
        return [NEWEST.format(self.channel)]

    def ours(self) -> Values:
        with self.stage.pluseboard() as server:
            return self._read(server, self.paths())

    def limit(self) -> Values:
        """The same number of bytes."""
        with self.stage.limits() as server:
            return self._read(server, [f"/page?bytes={self._page_bytes()}"])

    def peer(self) -> Values:
        with self.stage.peer() as server:
            self.stage.sql(
                "INSERT IGNORE INTO seed_stack.messages (id, channel_id, sender_id, body, created_at) "
                "SELECT id, channel_id, sender_id, body, created_at FROM pluseboard.messages WHERE channel_id = %s",
                [self.channel],
            )
            return self._read(server, self.paths())

    def _page_bytes(self) -> int:
        newest = self.stage.sql("SELECT json FROM message_rows WHERE channel_id = %s ORDER BY seq DESC LIMIT 50", [self.channel])
        return sum(len(json) for (json,) in newest)

    def _read(self, server: Running, paths: Sequence[str]) -> Values:
        requests = gets(self.stage.people, [paths[number % len(paths)] for number in range(max(len(paths), 64))])
        wrk(self.stage, server.port, requests, CLIENTS, WARM_UP_SECONDS)
        before = self.stage.cpu_of(server=server)
        result = wrk(self.stage, server.port, requests, CLIENTS, self.stage.seconds)
        after = self.stage.cpu_of(server=server)
        spent = {f"cpu_us_{part}": round((after[part] - before[part]) / result["requests"] * 1e6, 1) for part in after}
        return {self.name: result["per_second"], "p50_ms": result["p50_ms"], "p99_ms": result["p99_ms"], **spent}


class OlderPages(Pages):
    """From a random place, so that no page is ready from before."""

    name = "pages_older"
    figures = (Figure(name, "pages of 50 older messages a second", "/s"),)

    def paths(self) -> Sequence[str]:
        chosen = random.Random(1).choices(self.ids[50:], k=2000)
        return [f"{NEWEST.format(self.channel)}&before_id={id_}" for id_ in chosen]
