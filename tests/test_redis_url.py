"""REDIS_URL in its three forms, each with and without TLS and credentials."""

from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from pluseboard import redis_client, redis_url
from tests.topologies import TLSServer

SENTINEL = (
    "redis+sentinel://alice:p%40ss@one.test:1000,two.test,[::1]:3000/main/4?ssl_check_hostname=false&sentinel_password=s%26s"
)


def test_a_server_has_defaults() -> None:
    place = redis_url.parse("redis://localhost")
    assert (place.kind, place.tls, place.hosts) == ("", False, (("localhost", 6379),))
    assert redis_url.parse("rediss://:secret@redis.test:7000/3").hosts == (("redis.test", 7000),)


def test_sentinels_name_their_master_and_may_have_a_password_of_their_own() -> None:
    place = redis_url.parse(SENTINEL)
    assert place.hosts == (("one.test", 1000), ("two.test", 26379), ("::1", 3000))
    assert (place.kind, place.master, place.sentinel_options) == ("sentinel", "main", {"password": "s&s"})
    pool = redis_client.keyless_client(SENTINEL.replace("redis", "rediss", 1)).connection_pool
    kept = {name: pool.connection_kwargs[name] for name in ("username", "password", "db", "ssl_check_hostname")}
    assert kept == {"username": "alice", "password": "p@ss", "db": 4, "ssl_check_hostname": False}
    sentinel = pool.sentinel_manager.sentinels[0].connection_pool.connection_kwargs
    assert (sentinel["host"], sentinel["port"], sentinel["password"], sentinel["username"]) == ("one.test", 1000, "s&s", None)
    assert "SSL" in pool.connection_class.__name__
    assert "SSL" in pool.sentinel_manager.sentinels[0].connection_pool.connection_class.__name__


def test_a_cluster_is_its_nodes() -> None:
    url = "rediss+cluster://:secret@one.test,two.test:7001?ssl_ca_certs=/ca.pem"
    place = redis_url.parse(url)
    assert (place.kind, place.tls, place.hosts) == ("cluster", True, (("one.test", 6379), ("two.test", 7001)))
    options = redis_client.cluster_options(url)
    assert (options["password"], options["ssl"], options["ssl_ca_certs"]) == ("secret", True, "/ca.pem")
    assert [(node.host, node.port) for node in options["startup_nodes"]] == list(place.hosts)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost",
        "localhost:6379",
        "redis+unix:///run/redis.sock",
        "redis://one,two",
        "redis://host:port",
        "redis://localhost/first",
        "redis+sentinel://one,two",
        "redis+sentinel://one/main/first",
        "redis+cluster://one,two/3",
        "redis+cluster://one,tw o",
    ],
)
def test_anything_else_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match="host") as refusal:
        redis_url.parse(url)
    assert url not in str(refusal.value)


def test_a_password_is_in_no_repr() -> None:
    assert "p%40ss" not in repr(redis_url.parse(SENTINEL)) and "s&s" not in repr(redis_url.parse(SENTINEL))


async def test_tls_is_verified(tmp_path: Path) -> None:
    with TLSServer(tmp_path / "redis") as server:
        url = f"rediss://{server.host}:{server.tls_port}"
        knowing = redis_client.keyless_client(f"{url}?ssl_ca_certs={server.certificate}")
        stranger = redis_client.keyless_client(url)
        try:
            assert await knowing.publish("topic", "message") == 0
            with pytest.raises(RedisConnectionError, match="certificate verify failed"):
                await stranger.publish("topic", "message")
        finally:
            await redis_client.close(knowing)
            await redis_client.close(stranger)
