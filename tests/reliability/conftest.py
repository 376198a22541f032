"""Proxies before the database and Redis."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.reliability.faults import Proxy


@pytest.fixture
async def make_proxy() -> AsyncIterator[Callable[[int], Awaitable[Proxy]]]:
    """A proxy before the server on a port of this machine."""
    made: list[Proxy] = []

    async def make(port: int) -> Proxy:
        proxy = Proxy(port)
        await proxy.start()
        made.append(proxy)
        return proxy

    yield make
    await asyncio.gather(*(proxy.stop() for proxy in made))


@pytest.fixture
async def database_proxy(servers: dict[str, str], make_proxy: Callable[[int], Awaitable[Proxy]]) -> Proxy:
    """`start_server(DB_PORT=str(database_proxy.port))` goes through it."""
    return await make_proxy(int(servers["DB_PORT"]))


@pytest.fixture
async def redis_proxy(servers: dict[str, str], make_proxy: Callable[[int], Awaitable[Proxy]]) -> tuple[Proxy, str]:
    """The proxy, and the REDIS_URL that leads through it."""
    url = urlsplit(servers["REDIS_URL"])
    proxy = await make_proxy(url.port or 6379)
    return proxy, urlunsplit(url._replace(netloc=url.netloc.rpartition(":")[0] + f":{proxy.port}"))
