"""Frames delivered a second: 500 sockets in one channel, to which others send over HTTP as fast as they are answered."""

import time

from bench.figures import Figure, Scenario, Values
from bench.load import BODY, WARM_UP_SECONDS, Crowd, Wrk, message, posts, socket_paths
from bench.processes import Running

SOCKETS = 500
SENDERS = 16


class Deliveries(Scenario):
    name = "deliveries"
    figures = (Figure(name, "frames delivered a second to 500 sockets", "/s", against={"limit": 0.75, "peer": 40}),)

    def prepare(self) -> None:
        self.channel = self.stage.channel(self.name)

    def ours(self) -> Values:
        with self.stage.pluseboard() as server:
            return self._deliver(server)

    def limit(self) -> Values:
        with self.stage.limits() as server, Crowd([server.port], SOCKETS, "/crowd", self.stage.seconds, "-e", "200") as crowd:
            return self._count(server, crowd, [f"POST\t/shout?frames=100&bytes={len(BODY)}\t\t{{}}"], 1)

    def peer(self) -> Values:
        with self.stage.peer() as server:
            return self._deliver(server)

    def _deliver(self, server: Running) -> Values:
        joining = ["-s", f'{{"type":"join_channel","channel_id":{self.channel},"ref":1}}', "-r", '"ack"']
        paths = socket_paths(self.stage, "/ws/chat/")
        with Crowd([server.port], SOCKETS, paths, self.stage.seconds, "-e", "200", *joining) as crowd:
            sends = posts(self.stage.people[:SENDERS], "/api/messages/", message(self.channel))
            return self._count(server, crowd, sends, SENDERS)

    def _count(self, server: Running, crowd: Crowd, requests: list[str], clients: int) -> Values:
        with Wrk(self.stage, server.port, requests, clients, WARM_UP_SECONDS + self.stage.seconds + 1) as load:
            time.sleep(WARM_UP_SECONDS)
            before = self.stage.cpu_of(server=server)
            crowd.start()
            result = crowd.result()
            after = self.stage.cpu_of(server=server)
            sent = load.result()
        spent = {f"cpu_ns_{part}": round((after[part] - before[part]) / result["frames"] * 1e9) for part in after}
        return {self.name: result["per_second"], "sends": sent["per_second"], "cpu_of_load": result["cpu"], **spent}
