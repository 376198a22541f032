"""The clients that REDIS_URL asks for. Each gives up at once when a server fails: whoever calls knows what to do without it."""

import random
from typing import Any

from redis import asyncio as redis
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import Connection, ConnectionPool, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from pluseboard import redis_url
from pluseboard.redis_url import RedisUrl


def keyless_client(url: str, **options: Any) -> redis.Redis:
    """A client for what needs no key's own server, such as PUBLISH: at one server, at the master of the moment, or at whichever
    node of a Cluster answers. Nothing is tried twice."""
    place = redis_url.parse(url)
    options |= _options(place)
    if place.kind == "sentinel":
        security = {name: value for name, value in options.items() if name.startswith(("ssl", "socket_"))}
        asking = {**security, **place.sentinel_options, "protocol": 2, "retry": Retry(NoBackoff(), 0)}
        sentinel = Sentinel(place.hosts, sentinel_kwargs=asking, **options)  # type: ignore[no-untyped-call]
        return sentinel.master_for(place.master)  # type: ignore[no-any-return]
    kind = _TLSToOneOf if options.pop("ssl", False) else _ToOneOf
    return redis.Redis.from_pool(ConnectionPool(connection_class=kind, hosts=place.hosts, **options))


async def close(client: Any) -> None:
    """End its connections, those to the Sentinels too."""
    await client.aclose()
    if isinstance(client, redis.RedisCluster):  # closes nothing by itself while it still looks for its nodes
        await client.nodes_manager.aclose()
        await client.nodes_manager.aclose("startup_nodes")
    pool: Any = getattr(client, "connection_pool", None)
    for sentinel in pool.sentinel_manager.sentinels if hasattr(pool, "sentinel_manager") else ():
        await sentinel.aclose()


def cluster_options(url: str) -> dict[str, Any]:
    """What redis-py's RedisCluster takes, which finds the server of each key."""
    place = redis_url.parse(url)
    options = _options(place)
    del options["db"]  # a Cluster has one
    nodes = [ClusterNode(host, port) for host, port in place.hosts]
    return {**options, "startup_nodes": nodes, "retry": Retry(NoBackoff(), 1)}  # once more, where the key has moved to


def _options(place: RedisUrl) -> dict[str, Any]:
    options: dict[str, Any] = {**parse_url(place.options)}
    del options["host"]
    if options.pop("connection_class", None) is not None:
        options["ssl"] = True
    return options


class _OneOf:
    """Connects to the first of its hosts that answers, in an order drawn anew each time."""

    def __init__(self, *, hosts: tuple[tuple[str, int], ...], **options: Any) -> None:
        super().__init__(**options)
        self._hosts = hosts

    async def connect(self) -> None:
        if self.is_connected:  # type: ignore[attr-defined]
            return
        error: Exception | None = None
        for host, port in random.sample(self._hosts, len(self._hosts)):
            self.host, self.port = host, port
            try:
                await super().connect()  # type: ignore[misc]
                return
            except (RedisConnectionError, RedisTimeoutError) as failure:
                error = failure
        assert error is not None
        raise error


class _ToOneOf(_OneOf, Connection):
    pass


class _TLSToOneOf(_OneOf, SSLConnection):
    pass
