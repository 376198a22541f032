"""Sessions: their cookies, how they are refreshed, listed and ended, on every process."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from http.cookies import Morsel
from pathlib import Path

import pytest

from pluseboard.private_servers import PrivateRedis
from tests.answers import assert_error, assert_success, cookies_of
from tests.browsing import NAMES, Jar, claims_of, expired
from tests.conftest import Cluster, Person
from tests.servers import Database, MailServer, ServerProcess

MakePerson = Callable[..., Awaitable[Person]]
StartServer = Callable[..., Awaitable[ServerProcess]]
MAX_AGES = {"access_token": 15 * 60, "refresh_token": 30 * 24 * 3600, "id_token": 15 * 60}


async def sign_in_again(person: Person, mail: MailServer, **headers: str | bytes) -> Jar:
    """The same person on another device."""
    await person.http.post("/api/request-otp/", json={"email": person.email})
    body = {"email": person.email, "otp": await mail.code_for(person.email)}
    answer = await Jar().ask(person.server, "POST", "/api/verify-otp/", json=body, headers=headers)
    assert_success(answer)
    jar = Jar()
    jar.take(answer)
    return jar


async def refused_after(jar: Jar, server: ServerProcess, since: float) -> float:
    """Seconds from `since` until the server refuses the access token."""
    while (answer := await Jar(jar.access_token).ask(server, "GET", "/api/me/")).status_code == 200:
        assert time.monotonic() - since < 5, "still accepted after 5 s"
    assert_error(answer, 401, "Invalid or expired token$")
    return time.monotonic() - since


# --- cookies ------------------------------------------------------------------------------------------------------


def assert_guarded(cookie: Morsel[str], *, secure: bool, samesite: str = "lax") -> None:
    attributes = (cookie["httponly"], cookie["samesite"].lower(), cookie["path"], cookie["domain"], bool(cookie["secure"]))
    assert attributes == (True, samesite, "/", "", secure)


async def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(person: MakePerson) -> None:
    alice = await person("alice")
    cookies = cookies_of(await alice.http.post("/api/refresh/"))
    assert cookies.keys() == set(NAMES)
    for name, cookie in cookies.items():
        assert_guarded(cookie, secure=False)
        assert int(cookie["max-age"]) == MAX_AGES[name]
        claims = claims_of(cookie.value)
        assert claims["exp"] - claims["iat"] == MAX_AGES[name]
    gone = cookies_of(await alice.http.post("/api/logout/"))
    assert gone.keys() == set(NAMES)
    for cookie in gone.values():
        assert_guarded(cookie, secure=False)
        assert (cookie.value, cookie["max-age"]) == ("", "0")


@pytest.mark.parametrize(
    ("settings", "secure", "samesite"),
    [
        ({"DEBUG": "False", "SECRET_KEY": "x" * 40}, True, "lax"),
        ({"COOKIE_SAMESITE": "strict"}, False, "strict"),
        ({"COOKIE_SAMESITE": "none"}, True, "none"),
    ],
)
async def test_cookies_are_secure_outside_debug_and_as_strict_as_asked(
    person: MakePerson, start_server: StartServer, settings: dict[str, str], secure: bool, samesite: str
) -> None:
    server, alice = await start_server(**settings), await person("alice")
    for path in ("/api/refresh/", "/api/logout/"):
        cookies = cookies_of(await Jar.of(alice).ask(server, "POST", path))
        assert cookies.keys() == set(NAMES)
        for cookie in cookies.values():
            assert_guarded(cookie, secure=secure, samesite=samesite)


# --- refreshing ---------------------------------------------------------------------------------------------------


async def test_refreshing_answers_204_with_three_new_cookies(person: MakePerson, cluster: Cluster) -> None:
    jar = Jar.of(await person("alice"))
    old = jar.refresh_token
    answer = await jar.ask(cluster.b, "POST", "/api/refresh/")
    assert (answer.status_code, answer.content) == (204, b"")
    jar.take(answer)
    assert jar.refresh_token != old
    assert_success(await jar.ask(cluster.a, "GET", "/api/me/"))


@pytest.mark.parametrize("access", ["expired", "missing", "garbled"])
async def test_a_request_with_a_stale_access_cookie_is_refreshed_on_the_way(
    person: MakePerson, cluster: Cluster, access: str
) -> None:
    alice = await person("alice")
    jar = Jar.of(alice)
    fresh, old = jar.access_token or "", jar.refresh_token
    jar.access_token = {"expired": expired(cluster.a, fresh), "missing": None, "garbled": fresh[:-4] + "AAAA"}[access]
    assert_error(await Jar(jar.access_token).ask(cluster.b, "GET", "/api/me/"), 401)  # it is stale

    answer = await jar.ask(cluster.b, "POST", "/api/workspaces/", json={"name": "Engineering Team"})
    assert_success(answer, 201)
    assert cookies_of(answer).keys() == set(NAMES)
    jar.take(answer)
    assert jar.refresh_token != old
    again = await jar.ask(cluster.a, "GET", "/api/workspaces/")
    assert len(assert_success(again)["data"]) == 1
    assert not cookies_of(again)  # a live access cookie is left as it is


@pytest.mark.parametrize("request_", [("GET", "/api/messages/9999999999/", 404), ("POST", "/api/workspaces/", 400)])
async def test_a_refused_request_brings_the_new_cookies_too(
    person: MakePerson, database: Database, cluster: Cluster, request_: tuple[str, str, int]
) -> None:
    """Else the next request would show a used refresh token and end the session."""
    method, path, status = request_
    jar = Jar.of(await person("alice"))
    jar.access_token = expired(cluster.a, jar.access_token or "")
    answer = await jar.ask(cluster.a, method, path, json={} if method == "POST" else None)
    assert_error(answer, status)
    assert cookies_of(answer).keys() == set(NAMES)
    jar.take(answer)
    await long_after_rotation(database, jar)
    assert_success(await jar.ask(cluster.a, "GET", "/api/me/"))


async def long_after_rotation(database: Database, jar: Jar) -> None:
    """As if the last refresh had been 11 s ago: the grace is over."""
    sid = claims_of(jar.refresh_token or "")["sid"]
    await database.query("UPDATE sessions SET rotated_at = rotated_at - INTERVAL 11 SECOND WHERE id = %s", [sid])


async def test_a_page_that_loads_with_many_requests_at_once_is_refreshed_once(person: MakePerson, cluster: Cluster) -> None:
    jar = Jar.of(await person("alice"))
    jar.access_token = expired(cluster.a, jar.access_token or "")
    answers = await asyncio.gather(*(jar.ask(server, "GET", "/api/me/") for server in cluster.both * 4))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({cookies_of(answer)["refresh_token"].value for answer in answers}) == 1


async def test_without_a_live_refresh_token_nothing_is_refreshed(
    person: MakePerson, cluster: Cluster, database: Database
) -> None:
    alice = await person("alice")
    live = Jar.of(alice)
    stale = expired(cluster.a, live.access_token or "")
    dead = [
        Jar(stale),
        Jar(stale, expired(cluster.a, live.refresh_token or "")),
        Jar(stale, live.access_token),
        Jar(stale, "x.y.z"),
    ]
    for jar in dead:
        assert_error(await jar.ask(cluster.a, "GET", "/api/me/"), 401, "Invalid or expired token$")
        refused = await jar.ask(cluster.a, "POST", "/api/refresh/")
        assert_error(refused, 401, "Invalid or expired token$")
        assert {cookie.value for cookie in cookies_of(refused).values()} == {""}  # nothing is left to try again with
    # A bearer is a program's: it refreshes by itself.
    bearer = {"Authorization": f"Bearer {stale}"}
    assert_error(await live.ask(cluster.a, "GET", "/api/me/", headers=bearer), 401)
    assert_success(await Jar(None, live.refresh_token).ask(cluster.a, "GET", "/api/me/"))


async def test_a_session_that_was_not_used_for_30_days_is_over(person: MakePerson, cluster: Cluster, database: Database) -> None:
    jar = Jar.of(await person("alice"))
    sid = claims_of(jar.refresh_token or "")["sid"]
    (row,) = await database.query("SELECT DATEDIFF(expires_at, UTC_TIMESTAMP()) AS days FROM sessions WHERE id = %s", [sid])
    assert row["days"] == 30
    await database.query("UPDATE sessions SET expires_at = UTC_TIMESTAMP() WHERE id = %s", [sid])
    assert_error(await jar.ask(cluster.b, "POST", "/api/refresh/"), 401)
    assert_error(await jar.ask(cluster.b, "GET", "/api/me/"), 401)


# --- devices ------------------------------------------------------------------------------------------------------


async def test_a_person_sees_their_devices_and_signs_one_out(person: MakePerson, mail: MailServer, cluster: Cluster) -> None:
    alice = await person("alice")
    phone = await sign_in_again(alice, mail, **{"User-Agent": b"Phone " + "é".encode() * 300, "X-Forwarded-For": "203.0.113.7"})
    devices = assert_success(await phone.ask(cluster.b, "GET", "/api/sessions/"))["data"]
    assert [device["is_current"] for device in devices] == [1, 0]
    assert devices[0]["device"].startswith("Phone ") and len(devices[0]["device"]) <= 255
    assert devices[0]["ip"] == "203.0.113.7"
    assert devices[1]["device"].startswith("python-httpx") and devices[1]["ip"] == "127.0.0.1"

    laptop = Jar.of(alice)
    async with alice.socket("/ws/chat/", cluster.b) as open_on_laptop:
        assert_success(await laptop.ask(cluster.b, "GET", "/api/me/"))  # remembered there
        answer = await phone.ask(cluster.a, "DELETE", f"/api/sessions/{devices[1]['id']}/")
        since = time.monotonic()
        assert_success(answer)
        assert await open_on_laptop.closed(1) == 4401
        assert await refused_after(laptop, cluster.b, since) < 1
    assert_error(await laptop.ask(cluster.b, "POST", "/api/refresh/"), 401)
    assert_success(await phone.ask(cluster.b, "GET", "/api/me/"))
    assert_error(await phone.ask(cluster.a, "DELETE", f"/api/sessions/{devices[1]['id']}/"), 404, "There is no such session$")


async def test_a_proxy_is_believed_only_where_it_is_trusted(
    person: MakePerson, mail: MailServer, start_server: StartServer
) -> None:
    alice = await person("alice", server=await start_server(FORWARDED_ALLOW_IPS="192.0.2.1"))
    spoofing = await sign_in_again(alice, mail, **{"X-Forwarded-For": "203.0.113.7"})
    devices = assert_success(await spoofing.ask(alice.server, "GET", "/api/sessions/"))["data"]
    assert [device["ip"] for device in devices] == ["127.0.0.1", "127.0.0.1"]


async def test_a_person_signs_out_everywhere_else(person: MakePerson, mail: MailServer, cluster: Cluster) -> None:
    alice, bob = await person("alice"), await person("bob")
    others = [await sign_in_again(alice, mail) for _ in range(2)]
    done = assert_success(await alice.http.request("DELETE", "/api/sessions/"))
    assert done["message"] == "2 other sessions ended"
    since = time.monotonic()
    for jar in others:
        assert await refused_after(jar, cluster.b, since) < 1
    for someone in (alice, bob):
        assert_success(await someone.on(cluster.b).get("/api/me/"))


# --- signing out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["access", "refresh", "bearer"])
async def test_signing_out_takes_any_token_of_the_session(person: MakePerson, cluster: Cluster, by: str) -> None:
    jar = Jar.of(await person("alice"))
    stale = expired(cluster.a, jar.access_token or "")
    shown = {"access": Jar(jar.access_token), "refresh": Jar(stale, jar.refresh_token), "bearer": Jar()}[by]
    headers = {"Authorization": f"Bearer {jar.access_token}"} if by == "bearer" else {}
    done = await shown.ask(cluster.a, "POST", "/api/logout/", headers=headers)
    assert assert_success(done) == {"status": "success", "message": "Logged out"}
    assert await refused_after(jar, cluster.b, time.monotonic()) < 1
    assert_error(await jar.ask(cluster.b, "POST", "/api/refresh/"), 401)


async def test_signing_out_succeeds_for_whoever_is_not_signed_in(cluster: Cluster) -> None:
    for jar in (Jar(), Jar("garbled", "garbled", "garbled")):
        answer = await jar.ask(cluster.a, "POST", "/api/logout/")
        assert assert_success(answer) == {"status": "success", "message": "Logged out"}
        assert cookies_of(answer).keys() == set(NAMES)


async def assert_signed_out_elsewhere(alice: Person, here: ServerProcess, there: ServerProcess) -> None:
    """Signs out here; within a second `there` refuses every token and has closed the sockets."""
    jar = Jar.of(alice)
    async with alice.socket("/ws/chat/", there) as chat, alice.socket("/ws/notifications/", here) as notifications:
        assert_success(await jar.ask(there, "GET", "/api/me/"))  # remembered there
        assert_success(await jar.ask(here, "POST", "/api/logout/"))
        since = time.monotonic()
        assert_error(await jar.ask(there, "POST", "/api/refresh/"), 401)
        assert await refused_after(jar, there, since) <= 1
        assert await chat.closed(1) == 4401
        assert await notifications.closed(1) == 4401
        assert time.monotonic() - since <= 1
    with pytest.raises(Exception, match="403"):
        async with alice.socket("/ws/chat/", there):
            pass


async def test_without_redis_signing_out_still_reaches_the_other_process(person: MakePerson, start_server: StartServer) -> None:
    here, there = await asyncio.gather(start_server(REDIS_URL=""), start_server(REDIS_URL=""))
    for _ in range(3):  # the poll may be anywhere in its second
        await assert_signed_out_elsewhere(await person("alice", server=here), here, there)


async def test_when_redis_has_stopped_signing_out_still_reaches_the_other_process(
    person: MakePerson, start_server: StartServer, tmp_path: Path
) -> None:
    with PrivateRedis(tmp_path / "redis") as redis:
        here, there = await asyncio.gather(start_server(REDIS_URL=redis.url), start_server(REDIS_URL=redis.url))
        alice, bob = await person("alice", server=here), await person("bob", server=here)
        await assert_signed_out_elsewhere(alice, here, there)
    await assert_signed_out_elsewhere(bob, here, there)
