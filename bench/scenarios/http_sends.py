"""Messages accepted a second over HTTP: 64 people on 64 keep-alive connections, each sends when the one before is durable."""

from bench.figures import Figure, Scenario, Values
from bench.load import WARM_UP_SECONDS, message, posts, wrk
from bench.processes import Running

CLIENTS = 64


class HttpSends(Scenario):
    name = "http_sends"
    figures = (Figure(name, "messages accepted a second over HTTP", "/s", against={"limit": 0.75, "peer": 14}),)

    def prepare(self) -> None:
        self.channel = self.stage.channel(self.name)

    def ours(self) -> Values:
        with self.stage.pluseboard() as server:
            return self._send(server, "/api/messages/")

    def limit(self) -> Values:
        with self.stage.limits() as server:
            return self._send(server, "/echo")

    def peer(self) -> Values:
        with self.stage.peer() as server:
            return self._send(server, "/api/messages/")

    def _send(self, server: Running, path: str) -> Values:
        requests = posts(self.stage.people, path, message(self.channel))
        wrk(self.stage, server.port, requests, CLIENTS, WARM_UP_SECONDS)
        before = self.stage.cpu_of(server=server)
        result = wrk(self.stage, server.port, requests, CLIENTS, self.stage.seconds)
        after = self.stage.cpu_of(server=server)
        spent = {f"cpu_us_{part}": round((after[part] - before[part]) / result["requests"] * 1e6, 1) for part in after}
        return {self.name: result["per_second"], "p50_ms": result["p50_ms"], "p99_ms": result["p99_ms"], **spent}
