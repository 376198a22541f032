"""Several private Redis servers that belong together: a master with a replica and three Sentinels, or a Cluster of three."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from redis import Redis

from pluseboard.private_servers import HOST, PrivateRedis, first_byte, free_port

SLOTS = 16384


class Server(PrivateRedis):
    """A Redis with options of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        super().__init__(folder)
        self._options = options

    def command(self) -> list[str]:
        return [*super().command(), *self._options]

    def ask(self, *words: str | int) -> Any:
        with Redis(host=self.host, port=self.port, protocol=2, decode_responses=True) as client:
            return client.execute_command(*words)


class Sentinel(Server):
    """It rewrites its configuration with what it learns."""

    name = "sentinel"

    def __init__(self, folder: Path, master_port: int) -> None:
        super().__init__(folder)
        self._monitor = f"sentinel monitor main {HOST} {master_port} 2"

    def command(self) -> list[str]:
        times = ["sentinel down-after-milliseconds main 1000", "sentinel failover-timeout main 6000"]
        file = self.folder / "sentinel.conf"
        file.write_text("\n".join([f"port {self.port}", f"bind {HOST}", f"dir {self.folder}", self._monitor, *times, ""]))
        return [str(self.folder / "redis-server"), str(file), "--sentinel"]

    def answers(self) -> bool:
        return first_byte((self.host, self.port), b"PING\r\n") == b"+"

    def knows_all(self) -> bool:
        return len(self.ask("SENTINEL", "REPLICAS", "main")) == 1 and len(self.ask("SENTINEL", "SENTINELS", "main")) == 2


class TLSServer(Server):
    """Speaks TLS at `tls_port`, with a certificate of its own making in `certificate`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.tls_port = free_port()
        self.certificate, key = self.folder / "certificate.pem", self.folder / "key.pem"
        self._options = ("--tls-port", str(self.tls_port), "--tls-cert-file", str(self.certificate), "--tls-key-file", str(key))
        self._options += ("--tls-ca-cert-file", str(self.certificate), "--tls-auth-clients", "no")
        self._key = key

    def prepare(self) -> None:
        super().prepare()
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
        made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        made = made.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        self.certificate.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
        self._key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


class Topology:
    """Starts its servers one by one, and ends them all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = ExitStack()

    def __enter__(self) -> Self:
        try:
            self.assemble()
        except BaseException:
            self._running.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def assemble(self) -> None:
        raise NotImplementedError


class Sentinels(Topology):
    def assemble(self) -> None:
        start = self._running.enter_context
        first = start(Server(self._folder / "redis0"))
        self.servers = [first, start(Server(self._folder / "redis1", "--replicaof", HOST, str(first.port)))]
        self.sentinels = [start(Sentinel(self._folder / f"sentinel{number}", first.port)) for number in range(3)]
        until(lambda: all(sentinel.knows_all() for sentinel in self.sentinels))

    @property
    def url(self) -> str:
        return f"redis+sentinel://{','.join(f'{HOST}:{sentinel.port}' for sentinel in self.sentinels)}/main/0"

    def master(self) -> Server:
        """As the last Sentinel sees it."""
        _, port = self.sentinels[-1].ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")
        return next(server for server in self.servers if server.port == int(port))


class Cluster(Topology):
    """Three masters with a third of the keys each."""

    def assemble(self) -> None:
        self.nodes: list[Server] = []
        for number in range(3):
            bus = free_port()
            options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", str(bus)]
            node = self._running.enter_context(Server(self._folder / f"node{number}", *options))
            node.ask("CLUSTER", "ADDSLOTSRANGE", number * SLOTS // 3, (number + 1) * SLOTS // 3 - 1)
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            self.nodes.append(node)
            self.nodes[0].ask("CLUSTER", "MEET", HOST, node.port, bus)
        until(lambda: all(self.complete(node) for node in self.nodes))

    @property
    def url(self) -> str:
        return f"redis+cluster://{','.join(f'{HOST}:{node.port}' for node in self.nodes)}"

    @staticmethod
    def complete(node: Server) -> bool:
        """Whether the node sees the others, and every key served."""
        info = node.ask("CLUSTER", "INFO")
        text = info if isinstance(info, str) else "\n".join(f"{key}:{value}" for key, value in info.items())
        return "cluster_state:ok" in text and "cluster_known_nodes:3" in text


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
