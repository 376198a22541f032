"""Minutes at half of what the server can do: memory, tasks and descriptors stay flat, and go back when the load goes."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench.figures import Figure, Note, Scenario
from bench.load import Crowd, Wrk, gets, message, posts, socket_paths, wrk
from bench.processes import Running
from bench.stage import HERE

CLIENTS = 32
LISTENERS = 50
PASSERS_BY = 20
SAMPLE_SECONDS = 10.0

Sample = dict[str, float]


class Soak(Scenario):
    """Sends and pages over HTTP, 50 sockets that listen, and 20 others that come, join everything, and go, all the time."""

    name = "soak"
    figures = (
        Figure("soak_memory", "resident memory under load", "MB", "less", {"start": 1.05}),
        Figure("soak_tasks", "asyncio tasks under load", "", "less", {"start": 1.1}),
        Figure("soak_descriptors", "descriptors under load", "", "less", {"start": 1.1}),
        Figure("soak_tasks_left", "asyncio tasks without load, before and after", "", "less", {"start": 1.0}),
        Figure("soak_descriptors_left", "descriptors without load, before and after", "", "less", {"start": 1.1}),
    )
    sides = ("ours", "start")
    only_when_named = True
    minutes = 10.0

    def run(self, rounds: int, note: Note) -> None:
        self.channel = self.stage.channel(self.name)
        self.tasks_file = self.stage.folder / "tasks"
        place = {"WATCHED": str(self.tasks_file), "PYTHONPATH": str(HERE.parent)}
        with self.stage.pluseboard(["-m", "bench.watched"], **place) as server:
            most = self._load_most(server)
            before = self._look(server)
            samples = list(self._soak(server, most / 2))
            time.sleep(5)
            after = self._look(server)
        share = max(1, len(samples) // 10)
        # The first tenth fills caches and pools.
        early, late = samples[share : 3 * share], samples[-2 * share :]
        note(
            "start",
            {**_typical(early), "soak_tasks_left": before["soak_tasks"], "soak_descriptors_left": before["soak_descriptors"]},
        )
        note(
            "ours", {**_typical(late), "soak_tasks_left": after["soak_tasks"], "soak_descriptors_left": after["soak_descriptors"]}
        )
        for number, sample in enumerate(samples):
            note("samples", {"at": (number + 1) * self._every, "requests_per_second": round(most / 2), **sample})

    @property
    def _every(self) -> float:
        return min(SAMPLE_SECONDS, self.minutes * 60 / 20)

    def _requests(self) -> Sequence[str]:
        people = self.stage.people
        pages = gets(people[:16], [f"/api/messages/?channel_id={self.channel}"] * 16)
        return [*posts(people, "/api/messages/", message(self.channel)), *pages]

    def _load_most(self, server: Running) -> float:
        with self._listeners(server, 3600):
            most = wrk(self.stage, server.port, self._requests(), CLIENTS, max(5, self.stage.seconds))["per_second"]
            time.sleep(1)
        time.sleep(2)
        return float(most)

    def _soak(self, server: Running, per_second: float) -> Iterator[Sample]:
        seconds = self.minutes * 60
        with ExitStack() as stack:
            stack.enter_context(self._listeners(server, seconds + 60))
            pause = max(1, round(CLIENTS / per_second * 1000))
            load = stack.enter_context(Wrk(self.stage, server.port, self._requests(), CLIENTS, seconds, pause))
            start = time.monotonic()
            due = self._every
            while time.monotonic() - start < seconds:
                with self._crowd(server, PASSERS_BY, 1):
                    time.sleep(min(0.5, self._every / 4))
                if time.monotonic() - start >= due:
                    due += self._every
                    yield self._look(server)
            load.result()

    def _listeners(self, server: Running, seconds: float) -> Crowd:
        return self._crowd(server, LISTENERS, seconds)

    def _crowd(self, server: Running, count: int, seconds: float) -> Crowd:
        frames = [
            f'{{"type":"join_channel","channel_id":{self.channel},"ref":1}}',
            f'{{"type":"subscribe","workspace_id":{self.stage.workspace},"ref":2}}',
            '{"type":"subscribe","ref":3}',
            '{"type":"heartbeat","status":"online","ref":4}',
        ]
        options = [option for frame in frames for option in ("-s", frame)]
        return Crowd([server.port], count, socket_paths(self.stage, "/ws/"), seconds, *options, "-r", '"ack"')

    def _look(self, server: Running) -> Sample:
        tasks = _tasks(server, self.tasks_file)
        memory = round(server.resident_kb / 1024, 2)
        return {"soak_memory": memory, "soak_tasks": tasks, "soak_descriptors": server.descriptors}


def _tasks(server: Running, file: Path) -> float:
    file.unlink(missing_ok=True)
    os.kill(server.pid, signal.SIGUSR1)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if file.exists() and (told := file.read_text()):
            return float(told)
        time.sleep(0.01)
    raise RuntimeError("the server does not say how many tasks it has")


def _typical(samples: Sequence[Sample]) -> Sample:
    return {name: median(sample[name] for sample in samples) for name in samples[0]}
