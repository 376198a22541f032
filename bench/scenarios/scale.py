"""Whether reading gets slower as messages pile up: the same calls with a tenth of the messages, and with all of them."""

import random
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from bench.figures import Figure, Note, Scenario, Values
from bench.load import gets, posts, wrk
from bench.people import call, client_of
from bench.processes import Running
from bench.stage import Stage
from pluseboard.private_servers import HOST

CHANNELS = 200
POOL_BYTES = 5 * 1024**3
SETTLE_SECONDS = 120
CALLS = {
    "page": "page of the newest 50, kept ready",
    "page_older": "page of 50 from anywhere",
    "channel_list": "channel list with unread counts, 200 channels",
    "unread": "unread counts of everything",
    "messages_per_day": "messages per day",
    "active_users": "active users",
}
WITH_A_GOAL = {"channel_list", "unread", "messages_per_day", "active_users"}

# Made by the database itself (seq_1_to_N is MariaDB's), in the order of the table: a year of messages, 64 people in turn.
FILL = """
INSERT INTO messages (channel_id, seq, number, sender_id, client_msg_id, body, created_at)
SELECT {channel}, seq, seq, 1 + seq % 64, CONCAT('~bench', seq), CONCAT('Message ', seq, ' ', REPEAT('word ', seq % 40)),
    UTC_TIMESTAMP() - INTERVAL ({each} - seq) * (31536000 DIV {each}) SECOND FROM seq_1_to_{each}
"""
COUNT = (
    "UPDATE channels SET last_seq = {each}, message_count = {each} WHERE workspace_id = {workspace}",
    "UPDATE channel_members m JOIN channels c ON c.id = m.channel_id "
    "SET m.read_seq = {each} - 7, m.read_count = {each} - 7 WHERE c.workspace_id = {workspace}",
    "DELETE FROM message_counts WHERE workspace_id = {workspace}",
    "INSERT INTO message_counts (workspace_id, day, channel_id, count) "
    "SELECT {workspace}, DATE(created_at), channel_id, COUNT(*) FROM messages GROUP BY DATE(created_at), channel_id",
    "ANALYZE TABLE messages, channels, channel_members, message_counts",
)


def _figures() -> tuple[Figure, ...]:
    made = []
    for name, title in CALLS.items():
        most = 5 if name in WITH_A_GOAL else None
        made.append(Figure(f"scale_{name}_db", f"{title}: database time", "ms", "less", {"small": 1.2}, most))
        made.append(Figure(f"scale_{name}_http", f"{title}: over HTTP, one client, p50", "ms", "less", {"small": 1.2}))
    return tuple(made)


class Scale(Scenario):
    name = "scale"
    figures = _figures()
    sides = ("ours", "small")
    settings = f"innodb_buffer_pool_size = {POOL_BYTES}, so that the disk plays no part; both databases take turns"
    rows = 10_000_000

    def run(self, rounds: int, note: Note) -> None:
        """Two databases, each in a server of its own, so that the two sizes can take turns."""
        with Stage(self.stage.seconds, self.stage.folder.with_name("stage-small")) as small:
            (pool,) = self.stage.sql("SELECT @@innodb_buffer_pool_size")[0]
            for stage in (small, self.stage):
                stage.sql(f"SET GLOBAL innodb_buffer_pool_size = {POOL_BYTES}")
            sites = {"small": Site(small, self.rows // 10), "ours": Site(self.stage, self.rows)}
            for _ in range(rounds):
                for side, site in sites.items():
                    note(side, site.read())
        self.stage.sql(f"SET GLOBAL innodb_buffer_pool_size = {pool}")


class Site:
    """A workspace with `rows` messages, as many in each of its channels. (Those of other scenarios are gone then.)"""

    def __init__(self, stage: Stage, rows: int) -> None:
        self.stage = stage
        with stage.pluseboard() as server, client_of(f"http://{HOST}:{server.port}", stage.people[0]) as owner:
            self.workspace = call(owner, "POST", "/api/workspaces/", {"name": "Scale"})["workspace_id"]
            asked = {"workspace_id": self.workspace, "is_private": False}
            for number in range(CHANNELS):
                call(owner, "POST", "/api/channels/", {**asked, "name": f"channel-{number}"})
            for person in stage.people[1:]:
                call(owner, "POST", f"/api/workspaces/{self.workspace}/members/", {"email": person.email})
        self.channels = [id_ for (id_,) in stage.sql("SELECT id FROM channels WHERE workspace_id = %s", [self.workspace])]
        self._fill(rows // CHANNELS)

    def _fill(self, each: int) -> None:
        place = {"workspace": self.workspace, "each": each}
        with self.stage.connect(init_command="SET foreign_key_checks = 0, unique_checks = 0") as cursor:
            cursor.execute("TRUNCATE TABLE messages")
            for channel in self.channels:
                cursor.execute(FILL.format(channel=channel, **place))
            for statement in COUNT:
                cursor.execute(statement.format(**place))
        self._settle()

    def _settle(self) -> None:
        """Until the database has written out what filling left behind."""
        self.stage.sql("SET GLOBAL innodb_max_dirty_pages_pct = 0")
        deadline = time.monotonic() + SETTLE_SECONDS
        status = "SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'"
        while int(self.stage.sql(status)[0][1]) > 100 and time.monotonic() < deadline:
            time.sleep(0.5)
        self.stage.sql("SET GLOBAL innodb_max_dirty_pages_pct = DEFAULT")

    def read(self) -> Values:
        stage = self.stage
        log = stage.folder / "slow.log"
        stage.sql(f"SET GLOBAL slow_query_log_file = '{log}', GLOBAL long_query_time = 0, GLOBAL log_output = 'FILE'")
        stage.sql("SET GLOBAL slow_query_log = 1")
        try:
            with stage.pluseboard() as server:
                values: dict[str, float] = {}
                for name, requests in self._requests().items():
                    values |= self._time(server, name, requests, log)
                return values
        finally:
            stage.sql("SET GLOBAL slow_query_log = 0, GLOBAL long_query_time = 10")

    def _requests(self) -> Mapping[str, Sequence[str]]:
        person = self.stage.people[:1]
        page = "/api/messages/?channel_id={}"
        newest = [page.format(channel) for channel in self.channels]
        older = [f"{page.format(channel)}&before_id={id_}" for channel, id_ in self._anywhere()]
        workspace = f'{{"workspace_id":{self.workspace}}}'
        return {
            "page": gets(person, newest),
            "page_older": gets(person, older),
            "channel_list": gets(person, [f"/api/channels/?workspace_id={self.workspace}"]),
            "unread": gets(person, ["/api/unread/"]),
            "messages_per_day": posts(person, "/api/metrics/messages-per-day", workspace),
            "active_users": posts(person, "/api/metrics/active-users", workspace.replace("}", ',"minutes":15}')),
        }

    def _anywhere(self) -> Sequence[tuple[int, int]]:
        chance = random.Random(1)
        (top,) = self.stage.sql("SELECT MAX(seq) FROM messages WHERE channel_id = %s", [self.channels[0]])[0]
        places = tuple((chance.choice(self.channels), chance.randint(51, top)) for _ in range(2000))
        return self.stage.sql("SELECT channel_id, id FROM messages WHERE (channel_id, seq) IN %s ORDER BY RAND(1)", [places])

    def _time(self, server: Running, name: str, requests: Sequence[str], log: Path) -> Values:
        wrk(self.stage, server.port, requests, 1, 1)
        start = log.stat().st_size
        result = wrk(self.stage, server.port, requests, 1, self.stage.seconds)
        spent = _database_ms(log, start, result["requests"])
        return {f"scale_{name}_db": spent, f"scale_{name}_http": result["p50_ms"]}


def _database_ms(log: Path, start: int, requests: int) -> float:
    """A request's statements, each by its name at its median. What runs seldom is the server's own housekeeping."""
    taken: dict[str, list[float]] = defaultdict(list)
    with log.open("rb") as file:
        file.seek(start)
        seconds = 0.0
        for raw in file:
            line = raw.decode(errors="replace")
            if line.startswith("# Query_time:"):
                seconds = float(line.split()[2])
            elif line.startswith("/* "):
                taken[line[3:].partition(" */")[0]].append(seconds)
    often = [times for times in taken.values() if len(times) > requests / 2]
    return sum(median(times) * round(len(times) / requests) for times in often) * 1000
