"""A Galera cluster of three private MariaDBs, and HAProxy in front of it.

A new node gets the whole database (SST, by bin/wsrep_sst_copy); one that crashed comes back with its own, and gets what it lacks
(IST).
"""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Self

import pymysql

from pluseboard.private_servers import HOST, SEARCH_PATH, PrivateServer, PrivateServerError, find, first_byte, free_port
from tests.servers import ROOT, SuiteMariaDB
from tests.topologies import until

SCRIPTS = ROOT / "tests" / "ha" / "bin"
PROVIDER = "/usr/lib/galera/libgalera_smm.so"
STATE = "wsrep_local_state_comment"


class Node(SuiteMariaDB):
    """`others` are asked for the cluster; without them the node begins one."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.group_port, self.transfer_port = free_port(), free_port()
        self.others: list[Node] = []
        self._position: list[str] = []

    def prepare(self) -> None:
        super().prepare()
        self._position = self._recovered() if self.others else []

    def command(self) -> list[str]:
        provider = {"gmcast.listen_addr": f"tcp://{HOST}:{self.group_port}", "ist.recv_addr": f"{HOST}:{self.transfer_port}"}
        return [
            "env",
            f"PATH={SCRIPTS}{os.pathsep}{SEARCH_PATH}",
            *super().command(),
            "--wsrep-on=ON",
            f"--wsrep-provider={PROVIDER}",
            f"--wsrep-provider-options={';'.join(f'{name}={value}' for name, value in provider.items())}",
            f"--wsrep-cluster-address=gcomm://{','.join(f'{HOST}:{node.group_port}' for node in self.others)}",
            f"--wsrep-node-address={HOST}",
            "--wsrep-sst-method=copy",
            "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2",
            *self._position,
        ]

    def _recovered(self) -> list[str]:
        """Where a node that was killed had come to; one that was stopped in order knows it by itself."""
        state = self.data / "grastate.dat"
        if not state.exists() or "seqno:   -1" not in state.read_text():
            return []
        self._position = []
        log = subprocess.run(
            [*self.command(), "--wsrep-recover"], cwd=self.data, capture_output=True, text=True, check=False
        ).stderr
        found = re.search(r"WSREP: Recovered position: ?(\S+)", log)
        if found is None:
            raise PrivateServerError(f"no position was recovered:\n{log[-2000:]}")
        return [f"--wsrep-start-position={found[1]}"]

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        place = {"host": HOST, "port": self.port, "user": self.user, "password": self.password}
        with pymysql.connect(**place, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def status(self, name: str) -> str:
        [(_, value)] = self.ask(f"SHOW GLOBAL STATUS LIKE '{name}'")
        return str(value)

    def synced(self, size: int) -> bool:
        try:
            return self.status(STATE) == "Synced" and self.status("wsrep_cluster_size") == str(size)
        except pymysql.MySQLError:
            return False


class Galera:
    def __init__(self, folder: Path) -> None:
        self.nodes = [Node(folder / f"node{number}") for number in range(3)]

    def __enter__(self) -> Self:
        first = self.nodes[0]
        first.start()
        first.ask("CREATE USER IF NOT EXISTS haproxy@'%'")
        for number, node in enumerate(self.nodes[1:], start=2):
            node.folder.mkdir(parents=True)
            shutil.copy(first.folder / "password", node.folder)
            node.others = self.nodes[: number - 1]
            node.start()
            until(lambda node=node, number=number: node.synced(number))  # type: ignore[misc]
        for node in self.nodes:
            node.others = [other for other in self.nodes if other is not node]
        return self

    def __exit__(self, *_: object) -> None:
        for node in reversed(self.nodes):
            node.stop()

    def conflicts(self) -> dict[str, int]:
        """Transactions that lost against another node's: at their commit, and while they held a lock."""
        names = ("wsrep_local_cert_failures", "wsrep_local_bf_aborts")
        return {name: sum(int(node.status(name)) for node in self.nodes if node.running) for name in names}


class HAProxy(PrivateServer):
    """Each of its ports leads to one node, and to the next when that is down."""

    name = "haproxy"

    def __init__(self, folder: Path, nodes: list[Node]) -> None:
        super().__init__(folder)
        self._nodes = nodes
        self.ports = [free_port() for _ in nodes]

    @property
    def environment(self) -> dict[str, str]:
        return {"DB_HOST": HOST, "DB_PORT": str(self.ports[0])}

    def prepare(self) -> None:
        lines = ["global", "    maxconn 2000", "defaults", "    mode tcp", "    retries 3", "    option redispatch"]
        lines += ["    timeout connect 1s", "    timeout client 1h", "    timeout server 1h", "    timeout check 1s"]
        for number, port in enumerate(self.ports):
            lines += [f"listen database{number}", f"    bind {HOST}:{port}", "    option mysql-check user haproxy"]
            lines += ["    default-server check inter 500 fall 2 rise 2 on-marked-down shutdown-sessions"]
            ordered = self._nodes[number:] + self._nodes[:number]
            lines += [
                f"    server node{node.port} {HOST}:{node.port}{' backup' if place else ''}" for place, node in enumerate(ordered)
            ]
        (self.folder / "haproxy.cfg").write_text("\n".join([*lines, ""]))

    def command(self) -> list[str]:
        return [find("haproxy"), "-C", str(self.folder), "-f", "haproxy.cfg", "-db"]

    def answers(self) -> bool:
        return all(first_byte((HOST, port)) is not None for port in self.ports)
