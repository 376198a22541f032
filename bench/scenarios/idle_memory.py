"""What a socket that only listens costs: resident memory with 3,000 of them, divided by their number."""

import time
from collections.abc import Sequence
from pathlib import Path

from bench.figures import Figure, Scenario, Values
from bench.load import Crowd, socket_paths
from bench.processes import Running

SOCKETS = 3000
WARM_UP_SOCKETS = 100
SETTLE_SECONDS = 3  # presence is written and shown in batches


class IdleMemory(Scenario):
    """Ours listens to all that there is; the peer's socket to a channel alone."""

    name = "idle_memory"
    figures = (Figure(name, "memory an idle socket, 3,000 of them", "KB", "less", at_most=40),)

    def prepare(self) -> None:
        self.channel = self.stage.channel(self.name)

    def ours(self) -> Values:
        frames = [
            f'{{"type":"join_channel","channel_id":{self.channel},"ref":1}}',
            f'{{"type":"subscribe","workspace_id":{self.stage.workspace},"ref":2}}',
            '{"type":"subscribe","ref":3}',
            '{"type":"heartbeat","status":"online","ref":4}',
        ]
        with self.stage.pluseboard() as server:
            return self._open(server, socket_paths(self.stage, "/ws/"), frames)

    def limit(self) -> Values:
        with self.stage.limits() as server:
            return self._open(server, "/crowd", [])

    def peer(self) -> Values:
        with self.stage.peer() as server:
            frames = [f'{{"type":"join_channel","channel_id":{self.channel},"ref":1}}']
            return self._open(server, socket_paths(self.stage, "/ws/chat/"), frames)

    def _open(self, server: Running, paths: Path | str, frames: Sequence[str]) -> Values:
        options = [option for frame in frames for option in ("-s", frame)] + (["-r", '"ack"'] if frames else [])
        with Crowd([server.port], WARM_UP_SOCKETS, paths, 1, *options):
            time.sleep(1)
        time.sleep(1)
        before = server.resident_kb
        start = time.monotonic()
        with Crowd([server.port], SOCKETS, paths, 1, *options):
            joined = time.monotonic() - start
            time.sleep(SETTLE_SECONDS)
            return {self.name: (server.resident_kb - before) / SOCKETS, "before_kb": before, "seconds_to_join": round(joined, 1)}
