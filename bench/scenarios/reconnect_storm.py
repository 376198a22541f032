"""Ten thousand people of one workspace are cut off at once, and all come back at once: what does another client notice?"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.figures import Figure, Scenario, Values
from bench.people import CROWD, crowd_sql, crowd_tokens
from bench.stage import KEY
from bench.storm import HELLO, CrowdProcess, OtherClient

PEOPLE = 10_000
QUIET_SECONDS = 5.0


class ReconnectStorm(Scenario):
    """`before`: all are there and nothing happens. `ours`: from the cut until all are back. Then once more, having been away for
    so long that everybody was told they were gone: each return is news to ten thousand."""

    name = "reconnect_storm"
    sides = ("ours", "before", "news")
    figures = (
        Figure("storm_p50", "send to receive, p50, while 10,000 sockets come back at once", "ms", "less"),
        Figure("storm_p99", "the same, p99", "ms", "less", at_most=250),
        Figure("storm_page_p99", "a page of messages meanwhile, p99", "ms", "less", at_most=250),
        Figure("storm_health_max", "/livez meanwhile, the longest: how long the process kept everybody waiting", "ms", "less"),
    )
    people = PEOPLE

    def prepare(self) -> None:
        self.channel = self.stage.channel(self.name)
        for statement in crowd_sql(self.people, self.stage.workspace):
            self.stage.sql(statement)
        self.paths = self.stage.folder / "crowd.txt"
        self.paths.write_text("".join(f"/ws/?token={token}\n" for token in crowd_tokens(self.people, KEY)))

    @contextmanager
    def _gathered(self) -> Iterator[tuple[CrowdProcess, OtherClient]]:
        with (
            self.stage.pluseboard() as server,
            OtherClient(server.port, self.stage.people[0].token, self.channel) as other,
            CrowdProcess([server.port], self.paths, HELLO) as crowd,
        ):
            self.first = crowd.ask("open")
            self._settled(crowd)
            other.since()
            yield crowd, other

    def before(self) -> Values:
        with self._gathered() as (crowd, other):
            time.sleep(4 * QUIET_SECONDS)
            return self._values(other, crowd, self.first)

    def ours(self) -> Values:
        with self._gathered() as (crowd, other):
            crowd.ask("cut")
            back = crowd.ask("open")
            time.sleep(QUIET_SECONDS)
            return self._values(other, crowd, back)

    def news(self) -> Values:
        """The first ten seconds of telling ten thousand that ten thousand are back."""
        with self._gathered() as (crowd, other):
            crowd.ask("cut")
            while self.stage.sql("SELECT COUNT(*) FROM presence WHERE user_id >= %s", [CROWD])[0][0]:
                time.sleep(1)
            other.since()
            back = crowd.ask("open")
            time.sleep(2 * QUIET_SECONDS)
            return self._values(other, crowd, back)

    def _settled(self, crowd: CrowdProcess) -> None:
        """Until presence has been told, or for half a minute."""
        crowd.ask("told")
        for _ in range(15):
            time.sleep(2)
            if crowd.ask("told")["frames"] < 100:
                return

    def _values(self, other: OtherClient, crowd: CrowdProcess, back: Values) -> Values:
        found = other.since().figures()
        return {
            "storm_p50": found["heard_p50"],
            "storm_p99": found["heard_p99"],
            "storm_page_p99": found["page_p99"],
            "storm_health_max": found["health_max"],
            **{name: value for name, value in found.items() if name not in ("heard_p50", "heard_p99", "page_p99", "health_max")},
            **back,
            **{f"told_{name}": value for name, value in crowd.ask("told").items()},
        }
