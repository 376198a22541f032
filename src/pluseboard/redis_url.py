"""REDIS_URL, taken apart: one server, the master that Sentinels name, or a Cluster.

    redis://[[user]:password@]host[:6379][/db]
    redis+sentinel://[[user]:password@]host[:26379],host2[:26379]/name-of-the-master[/db]
    redis+cluster://[[user]:password@]host[:6379],host2[:6379]

`rediss` instead of `redis` is TLS, to every host. After `?` come options of redis-py (`ssl_ca_certs=/path`), and for Sentinels
that ask for a password of their own `sentinel_username=` and `sentinel_password=`.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

DEFAULT_PORTS = {"": 6379, "sentinel": 26379, "cluster": 6379}
OF_SENTINELS = "sentinel_"
FORMS = "redis://host, redis+sentinel://host,host/master or redis+cluster://host,host (rediss with TLS)"


@dataclass(frozen=True, kw_only=True)
class RedisUrl:
    """`options` is a URL of redis-py's own form for what holds at every server: credentials, database, TLS."""

    kind: str
    tls: bool
    hosts: tuple[tuple[str, int], ...]
    master: str = ""
    options: str = field(repr=False)
    sentinel_options: dict[str, str] = field(repr=False, default_factory=dict)


def parse(url: str) -> RedisUrl:
    """Raises ValueError, whose message never shows the URL."""
    parts = urlsplit(url)
    scheme, _, kind = parts.scheme.partition("+")
    credentials, at, places = parts.netloc.rpartition("@")
    path = [step for step in parts.path.split("/") if step]
    master = path.pop(0) if kind == "sentinel" and path else ""
    database = path.pop(0) if path and kind != "cluster" else "0"
    malformed = path or not database.isdecimal() or (kind == "sentinel") != bool(master)
    if scheme not in ("redis", "rediss") or kind not in DEFAULT_PORTS or malformed:
        raise ValueError(f"must be {FORMS}")
    hosts = tuple(_host(place, DEFAULT_PORTS[kind]) for place in places.split(","))
    if not kind and len(hosts) > 1:
        raise ValueError("names several hosts: that is for redis+sentinel:// and redis+cluster://")
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    of_sentinels = {name.removeprefix(OF_SENTINELS): query.pop(name) for name in list(query) if name.startswith(OF_SENTINELS)}
    return RedisUrl(
        kind=kind,
        tls=scheme == "rediss",
        hosts=hosts,
        master=master,
        options=urlunsplit((scheme, f"{credentials}{at}localhost", f"/{database}", urlencode(query), "")),
        sentinel_options=of_sentinels,
    )


def _host(place: str, default_port: int) -> tuple[str, int]:
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]/\s]*))(?::(\d{1,5}))?", place)
    if not match:
        raise ValueError(f"has a host that is not one: {FORMS}")
    return match[1] or match[2] or "localhost", int(match[3] or default_port)
