"""Messages accepted a second over sockets: 64 people, each sends when the one before was acknowledged."""

from pathlib import Path

from bench.figures import Figure, Scenario, Values
from bench.load import BODY, Crowd, message, socket_paths
from bench.processes import Running

SENDERS = 64


class SocketSends(Scenario):
    name = "socket_sends"
    figures = (Figure(name, "messages accepted a second over sockets", "/s", against={"limit": 0.5}, times=("http_sends", 3)),)

    def prepare(self) -> None:
        self.channel = self.stage.channel(self.name)

    def ours(self) -> Values:
        with self.stage.pluseboard() as server:
            return self._send(server, socket_paths(self.stage, "/ws/chat/"))

    def limit(self) -> Values:
        with self.stage.limits() as server:
            return self._send(server, "/echo")

    def peer(self) -> Values:
        with self.stage.peer() as server:
            return self._send(server, socket_paths(self.stage, "/ws/chat/"))

    def _send(self, server: Running, paths: Path | str) -> Values:
        frame = message(self.channel, BODY, type="send_message", ref=1)
        with Crowd([server.port], SENDERS, paths, self.stage.seconds, "-l", frame, "-a", '"ack"') as crowd:
            before = self.stage.cpu_of(server=server)
            crowd.start()
            result = crowd.result()
        after = self.stage.cpu_of(server=server)
        spent = {f"cpu_us_{part}": round((after[part] - before[part]) / result["frames"] * 1e6, 1) for part in after}
        return {self.name: result["per_second"], "p50_ms": result["p50_ms"], "p99_ms": result["p99_ms"], **spent}
