"""Who may open a socket: refusals before accept, tickets, the limit a user, and that no credential is in a log."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import jwt
import pytest
from websockets.exceptions import InvalidStatus

from tests.conftest import Cluster, Person
from tests.servers import MailServer, ServerProcess
from tests.sockets.scenes import (
    ORIGIN,
    PATHS,
    Json,
    MakePerson,
    ask,
    call,
    make_team,
    nothing_waits,
    opens,
    refused,
    second_device,
)

StartServer = Callable[..., Awaitable[ServerProcess]]


def cookie(someone: Person, **headers: str) -> dict[str, str]:
    return {"Cookie": f"access_token={someone.access_token}", **headers}


def forged(someone: Person, server: ServerProcess, **claims: Any) -> str:
    """Their token with other claims, signed with the server's own key."""
    key = server.env["JWT_SECRET_KEY"]
    return jwt.encode({**jwt.decode(someone.access_token, key, ["HS256"]), **claims}, key, "HS256")


async def ticket(someone: Person, server: ServerProcess | None = None) -> str:
    answer = await call(someone.on(server or someone.server), "POST", "/api/ws-ticket/")
    assert answer["expires_in"] == 30
    return str(answer["ticket"])


@pytest.mark.parametrize("path", PATHS)
async def test_r17_a_cookie_needs_an_allowed_origin(path: str, cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    options: Json = {"query": {}}
    assert await opens(alice, path, cluster.b, **options, headers=cookie(alice, **ORIGIN))
    assert await opens(alice, path, cluster.b, **options, headers=cookie(alice, Origin=cluster.b.url)), (
        "the page of the server itself"
    )
    assert await refused(alice, path, cluster.b, **options, headers=cookie(alice)) == 403
    for origin in (
        "http://evil.example",
        "http://localhost:3000.evil.example",
        "http://evil.example/http://localhost:3000",
        "http://localhost:30000",
        "https://localhost:3000",
        "http://LOCALHOST:3000@evil.example",
        cluster.a.url,
        "null",
        "",
    ):
        assert await refused(alice, path, cluster.b, **options, headers=cookie(alice, Origin=origin)) == 403, origin
    assert await refused(alice, path, cluster.b, **options, headers=ORIGIN) == 403, "an origin alone opens nothing"


@pytest.mark.parametrize("nothing", ["undefined", "null", ""])
async def test_a_token_that_the_page_could_not_read_leaves_the_cookie_to_speak(
    nothing: str, cluster: Cluster, person: MakePerson
) -> None:
    alice = await person("alice")
    _, channel_id = await make_team(alice)
    query = {"token": nothing}
    async with alice.socket("/ws/chat/", cluster.b, query=query, headers=cookie(alice, **ORIGIN)) as socket:
        await ask(socket, "send_message", channel_id=channel_id, body="Hello team!")
    assert await refused(alice, "/ws/chat/", cluster.b, query=query) == 403, "without the cookie"
    assert await refused(alice, "/ws/chat/", cluster.b, query=query, headers=cookie(alice)) == 403, "without the origin"
    foreign = cookie(alice, Origin="http://evil.example")
    assert await refused(alice, "/ws/chat/", cluster.b, query=query, headers=foreign) == 403


@pytest.mark.parametrize("path", PATHS)
async def test_r17_a_bad_token_is_refused_before_accept_whatever_else_is_good(
    path: str, cluster: Cluster, person: MakePerson
) -> None:
    alice = await person("alice")
    assert await opens(alice, path, cluster.b)
    tokens = {stored.name: stored.value or "" for stored in alice.cookies}
    good = tokens["access_token"]
    bad = {
        "no token": "garbage",
        "a flipped byte": good[:-10] + ("A" if good[-10] != "A" else "B") + good[-9:],
        "cut off": good[:-1],
        "a refresh token": tokens["refresh_token"],
        "an id token": tokens["id_token"],
        "expired": forged(alice, cluster.b, exp=int(time.time()) - 1),
        "another's session": forged(alice, cluster.b, sub="1"),
        "no such session": forged(alice, cluster.b, sid=2**62),
        "unsigned": jwt.encode(jwt.decode(good, options={"verify_signature": False}), None, "none"),
        "another key": jwt.encode(jwt.decode(good, options={"verify_signature": False}), "k" * 48, "HS256"),
        "NUL": "\0",
        "very long": "x" * 5000,
    }
    for what, token in bad.items():
        query = {"token": token}
        assert await refused(alice, path, cluster.b, query=query, headers=cookie(alice, **ORIGIN)) == 403, what
    assert await opens(alice, path, cluster.b)


async def test_a_bearer_header_opens_a_socket(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    assert await opens(alice, "/ws/", cluster.b, query={}, headers={"Authorization": f"Bearer {alice.access_token}"})
    assert await refused(alice, "/ws/", cluster.b, query={}, headers={"Authorization": "Bearer garbage"}) == 403


async def test_an_unknown_path_is_refused_like_a_bad_token(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    for path in ("/ws/nothing/", "/api/messages/", "/ws/chat/more/"):
        assert await refused(alice, path, cluster.b) == 403


async def test_r20_a_socket_lives_as_long_as_its_session_not_as_its_token(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    _, channel_id = await make_team(alice)
    expires_at = int(time.time()) + 2
    query = {"token": forged(alice, cluster.b, exp=expires_at)}
    async with alice.socket("/ws/chat/", cluster.b, query=query) as socket:
        await asyncio.sleep(expires_at + 0.1 - time.time())
        assert await refused(alice, "/ws/chat/", cluster.b, query=query) == 403
        await ask(socket, "send_message", channel_id=channel_id, body="still here")
        await call(alice.http, "POST", "/api/logout/")
        assert await socket.closed(1) == 4401


async def test_r18_a_ticket_opens_one_socket_on_any_process(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    query = {"ticket": await ticket(alice, cluster.a)}
    assert await opens(alice, "/ws/", cluster.b, query=query)
    for server in cluster.both:
        assert await refused(alice, "/ws/", server, query=query, headers=cookie(alice, **ORIGIN)) == 403
    query = {"ticket": await ticket(alice)}
    tries = await asyncio.gather(*(opens(alice, "/ws/", server, query=query) for server in cluster.both * 4))
    assert tries.count(True) == 1
    for wrong in ("garbage", query["ticket"][:-1], "\0", "x" * 5000):
        assert await refused(alice, "/ws/", cluster.b, query={"ticket": wrong}) == 403


async def test_r18_a_ticket_is_good_for_thirty_seconds(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    [[session]] = [(await call(alice.http, "GET", "/api/sessions/"))["data"]]
    later = "UPDATE ws_tickets SET expires_at = expires_at - INTERVAL %s SECOND WHERE session_id = %s"
    for seconds, alive in ((27, True), (31, False)):
        query = {"ticket": await ticket(alice)}
        await cluster.a.database.query(later, [seconds, session["id"]])
        assert await opens(alice, "/ws/", cluster.b, query=query) is alive, f"after {seconds} s"


async def test_r18_a_ticket_is_bound_to_the_session_that_asked_for_it(
    cluster: Cluster, person: MakePerson, mail: MailServer
) -> None:
    laptop = await person("alice")
    phone = await second_device(laptop, mail)
    unused = {"ticket": await ticket(phone)}
    async with (
        phone.socket("/ws/", cluster.b, query={"ticket": await ticket(phone)}) as by_phone,
        laptop.socket("/ws/", cluster.b, query={"ticket": await ticket(laptop)}) as by_laptop,
    ):
        await nothing_waits(by_phone)
        await call(phone.http, "POST", "/api/logout/")
        assert await by_phone.closed(1) == 4401
        assert await refused(laptop, "/ws/", cluster.b, query=unused) == 403
        await nothing_waits(by_laptop)


async def test_the_database_does_not_hold_what_opens_a_socket(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    value = await ticket(alice)
    rows = await cluster.a.database.query("SELECT ticket_hash FROM ws_tickets ORDER BY expires_at DESC LIMIT 50")
    assert rows and all(value.encode() not in row["ticket_hash"] for row in rows)


async def test_a_user_has_so_many_sockets_and_no_more(person: MakePerson, start_server: StartServer) -> None:
    alice, bob = await person("alice"), await person("bob")
    server = await start_server(MAX_SOCKETS_PER_USER="3")
    async with alice.socket("/ws/", server), alice.socket("/ws/chat/", server):
        async with alice.socket("/ws/presence/", server):
            assert await refused(alice, "/ws/", server) == 403
            assert await opens(bob, "/ws/", server), "everybody has their own"
        deadline = time.monotonic() + 3
        while not await opens(alice, "/ws/", server):
            assert time.monotonic() < deadline, "a place that became free is given again"

    async def held(seconds: float) -> bool:
        try:
            async with alice.socket("/ws/", server):
                await asyncio.sleep(seconds)
                return True
        except InvalidStatus:
            return False

    await asyncio.sleep(0.2)
    assert (await asyncio.gather(*(held(1) for _ in range(12)))).count(True) == 3, "at once, too"


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
async def test_r17_no_token_and_no_ticket_is_in_a_log(level: str, person: MakePerson, start_server: StartServer) -> None:
    alice = await person("alice")
    server = await start_server(LOG_LEVEL=level)
    secrets = [alice.access_token, *(stored.value or "" for stored in alice.cookies)]
    for path in PATHS:
        assert await opens(alice, path, server)
        assert await opens(alice, path, server, query={}, headers=cookie(alice, **ORIGIN))
        secrets += [used := await ticket(alice, server), unused := await ticket(alice, server)]
        assert await opens(alice, path, server, query={"ticket": used})
        assert await refused(alice, path, server, query={"ticket": used}) == 403
        assert await refused(alice, path, server, query={"ticket": f"{unused}x"}) == 403
        secrets += [escaped := await ticket(alice, server), wrong := f"{alice.access_token}x"]
        assert await opens(alice, f"{path}?%74icket={escaped}", server, query={})
        assert await refused(alice, path, server, query={"token": wrong}) == 403
    await server.stop()
    log = server.log()
    for path in PATHS:
        assert log.count(f"WebSocket {path.rstrip('/')}?[redacted]") >= 4, "every socket is logged, without its query"
    for secret in secrets:
        assert secret not in log and secret.rpartition(".")[2] not in log
