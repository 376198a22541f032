"""From the moment before a send over HTTP to the frame at a socket, at 10 messages a second."""

import socket
import time
from contextlib import ExitStack
from typing import Any

from bench.figures import Figure, Scenario, Values
from bench.load import BODY, Caller, Crowd, at_rate, message, socket_paths
from bench.processes import Running
from pluseboard.private_servers import HOST

PER_SECOND = 10
JOIN = '{{"type":"join_channel","channel_id":{},"ref":1}}'


class Latency(Scenario):
    """Half of 1,000 sockets on each of two processes; the messages go to the first."""

    name = "latency"
    sides: tuple[str, ...] = ("ours", "limit")
    figures: tuple[Figure, ...] = (
        Figure("latency_p50", "send to receive, p50: 1,000 sockets, 2 processes, 10 messages a second", "ms", "less"),
        Figure("latency_p99", "the same, p99", "ms", "less", against={"limit": 2}),
    )
    sockets = 1000
    processes = 2

    def prepare(self) -> None:
        self.channel = self.stage.channel(self.name)

    def ours(self) -> Values:
        with ExitStack() as stack:
            return self._send([stack.enter_context(self.stage.pluseboard()) for _ in range(self.processes)])

    def limit(self) -> Values:
        """Redis's round trip, and the raw fan-out of the same crowd, stamped where it begins."""
        redis = self._redis_round_trip()
        with ExitStack() as stack:
            servers = [stack.enter_context(self.stage.limits()) for _ in range(self.processes)]
            crowd = stack.enter_context(self._crowd(servers, "/crowd"))
            callers = [Caller(server.port) for server in servers]
            crowd.start()
            for _ in at_rate(PER_SECOND, self._seconds):
                for caller in callers:
                    caller.send(f"/shout?frames=1&bytes={len(BODY)}")
                for caller in callers:
                    caller.answer()
            result = crowd.result()
        return self._values({**result, "p50_ms": result["p50_ms"] + redis[0], "p99_ms": result["p99_ms"] + redis[1]})

    def peer(self) -> Values:
        with self.stage.peer() as server:
            return self._send([server])

    @property
    def _seconds(self) -> float:
        return max(1, round(2 * self.stage.seconds))

    def _crowd(self, servers: list[Running], path: str, *options: str) -> Crowd:
        paths = path if path == "/crowd" else socket_paths(self.stage, path)
        # A second more than the senders take: whatever is late is counted.
        return Crowd([server.port for server in servers], self.sockets, paths, self._seconds + 1, "-e", str(len(BODY)), *options)

    def _send(self, servers: list[Running]) -> Values:
        with self._crowd(servers, "/ws/chat/", "-s", JOIN.format(self.channel), "-r", '"ack"') as crowd:
            caller = Caller(servers[0].port)
            sender = self.stage.people[0]
            caller.send("/api/messages/", sender.cookie, message(self.channel, "warm"))
            caller.answer()
            time.sleep(0.5)  # until the other process has delivered it too
            crowd.start()
            for _ in at_rate(PER_SECOND, self._seconds):
                stamp = f"@{time.monotonic_ns()}@"
                caller.send("/api/messages/", sender.cookie, message(self.channel, stamp.ljust(len(BODY), "m")))
                caller.answer()
            return self._values(crowd.result())

    def _values(self, result: dict[str, Any]) -> Values:
        due = self.sockets * round(PER_SECOND * self._seconds)
        p50, p99 = (figure.name for figure in self.figures)
        return {p50: result["p50_ms"], p99: result["p99_ms"], "max_ms": result["max_ms"], "lost": due - result["frames"]}

    def _redis_round_trip(self) -> tuple[float, float]:
        taken = []
        with socket.create_connection((HOST, self.stage.redis.port)) as redis:
            redis.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in at_rate(100, 2):
                start = time.monotonic_ns()
                redis.sendall(b"PING\r\n")
                redis.recv(64)
                taken.append((time.monotonic_ns() - start) / 1e6)
        taken.sort()
        return taken[len(taken) // 2], taken[int(len(taken) * 0.99)]


class SmallLatency(Latency):
    """What the peer can still do: 100 sockets on one process."""

    name = "latency_100"
    sides = ("ours", "limit", "peer")
    figures = (
        Figure("latency_100_p50", "send to receive, p50: 100 sockets, 1 process, 10 messages a second", "ms", "less"),
        Figure("latency_100_p99", "the same, p99", "ms", "less", against={"peer": 0.333}),
    )
    sockets = 100
    processes = 1
