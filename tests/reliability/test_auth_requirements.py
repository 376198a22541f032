"""What is promised of signing in (R1 to R5), each test named after the requirement that it holds to."""

import asyncio
import hashlib
import hmac
import inspect
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx
import pytest

from pluseboard.actions import sign_in as sign_in_action
from pluseboard.app import create_app
from pluseboard.settings import load_settings
from tests.answers import assert_error, assert_success, cookies_of
from tests.browsing import Jar
from tests.conftest import Cluster, Person
from tests.servers import Database, MailServer, ServerProcess

MakePerson = Callable[..., Awaitable[Person]]
StartServer = Callable[..., Awaitable[ServerProcess]]
MINUTES = "UPDATE users SET otp_failed_at = otp_failed_at - INTERVAL %s MINUTE WHERE email = %s"


async def request_code(server: ServerProcess, email: str, **headers: str) -> httpx.Response:
    return await Jar().ask(server, "POST", "/api/request-otp/", json={"email": email}, headers=headers)


async def try_code(server: ServerProcess, email: str, otp: str, **headers: str) -> httpx.Response:
    return await Jar().ask(server, "POST", "/api/verify-otp/", json={"email": email, "otp": otp}, headers=headers)


async def fresh_code(server: ServerProcess, email: str, mail: MailServer) -> str:
    assert_success(await request_code(server, email))
    return await mail.code_for(email)


def other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def shown(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """All that a client can tell two answers apart by, but for the id and the time that each has."""
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in ("date", "x-request-id")]
    return answer.status_code, answer.content, sorted(headers)


# --- R1: codes ----------------------------------------------------------------------------------------------------


async def test_r01_codes_are_six_random_digits(cluster: Cluster, person: MakePerson, mail: MailServer) -> None:
    assert "secrets.randbelow(1_000_000)" in inspect.getsource(sign_in_action.send_code)
    alice = await person("alice")
    await asyncio.gather(*(request_code(server, alice.email) for server in cluster.both * 6))
    mails = (await mail.wait_for(alice.email, 13))[1:]
    codes = [re.findall(r"(?<!\d)\d+(?!\d)", each.text.replace("5 minutes", "")) for each in mails]
    assert all(len(found) == 1 and re.fullmatch(r"\d{6}", found[0]) for found in codes), codes
    assert len({found[0] for found in codes}) >= 11  # two of twelve are the same once in 15,000 runs


async def test_r01_a_code_keeps_its_leading_zeros(
    database: Database, settings_env: Callable[..., dict[str, str]], person: MakePerson, mail: MailServer, monkeypatch: Any
) -> None:
    alice = await person("alice")
    app = create_app(load_settings(settings_env(**database.environment, REDIS_URL="")))
    async with app.router.lifespan_context(app):
        with monkeypatch.context() as patch:
            patch.setattr("secrets.randbelow", lambda limit: 42)
            await sign_in_action.send_code(app.state.services, alice.email)
        assert await mail.code_for(alice.email) == "000042"
    assert_error(await try_code(alice.server, alice.email, "42"), 400, "otp must be a string of six digits")
    assert_success(await try_code(alice.server, alice.email, "000042"))


async def test_r01_the_database_holds_only_a_keyed_hash(
    database: Database, person: MakePerson, mail_restored: MailServer
) -> None:
    alice = await person("alice")
    mail_restored.refuse()
    assert_success(await request_code(alice.server, alice.email))
    users = await database.query("SELECT * FROM users WHERE email = %s", [alice.email])
    codes = await database.query("SELECT * FROM login_codes WHERE user_id = %s", [users[0]["id"]])
    mails = await database.query("SELECT * FROM mail_outbox WHERE recipient = %s", [alice.email])
    mail_restored.restore()
    code = await mail_restored.code_for(alice.email)
    assert len(users) == len(codes) == len(mails) == 1
    for row in (*users, *codes, *mails):
        for value in row.values():
            assert not stands_in(value.decode("latin-1") if isinstance(value, bytes) else str(value), code)
    keyed = hmac.new(alice.server.env["SECRET_KEY"].encode(), f"otp:{users[0]['id']}:{code}".encode(), hashlib.sha256)
    assert codes[0]["code_hash"] == keyed.digest()
    assert "hmac.compare_digest" in inspect.getsource(sign_in_action)  # the time itself cannot be measured over a network


def stands_in(text: str, code: str) -> bool:
    return re.search(rf"(?<!\d){code}(?!\d)", text) is not None


# --- R2: five minutes, once ---------------------------------------------------------------------------------------


async def test_r02_a_code_signs_in_until_its_last_second_and_then_is_as_wrong_as_any(
    cluster: Cluster, person: MakePerson, mail: MailServer, database: Database
) -> None:
    alice = await person("alice")
    move = """UPDATE login_codes c JOIN users u ON u.id = c.user_id SET c.expires_at = UTC_TIMESTAMP() + INTERVAL %s SECOND
        WHERE u.email = %s"""
    left = """SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), c.expires_at) AS seconds FROM login_codes c
        JOIN users u ON u.id = c.user_id WHERE u.email = %s"""

    code = await fresh_code(cluster.a, alice.email, mail)
    assert 290 <= (await database.query(left, [alice.email]))[0]["seconds"] <= 300
    await database.query(move, [2, alice.email])
    assert_success(await try_code(cluster.b, alice.email, code))

    code = await fresh_code(cluster.a, alice.email, mail)
    await database.query(move, [-1, alice.email])
    late, wrong = await try_code(cluster.a, alice.email, code), await try_code(cluster.a, alice.email, other(code))
    assert_error(late, 401, "Invalid or expired code$")
    assert shown(late) == shown(wrong) == shown(await try_code(cluster.a, "nobody@example.com", code))


async def test_r02_of_20_parallel_submits_of_a_right_code_exactly_one_signs_in(
    cluster: Cluster, person: MakePerson, mail: MailServer
) -> None:
    alice = await person("alice")
    code = await fresh_code(cluster.a, alice.email, mail)
    answers = await asyncio.gather(*(try_code(server, alice.email, code) for server in cluster.both * 10))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 19
    assert [len(cookies_of(answer)) for answer in answers if answer.status_code == 401] == [0] * 19


# --- R3, R4: guessing ---------------------------------------------------------------------------------------------


async def test_r03_after_five_wrong_tries_a_right_code_is_refused_until_time_has_passed(
    cluster: Cluster, person: MakePerson, mail: MailServer, database: Database
) -> None:
    alice, bob = await person("alice"), await person("bob")
    code = await fresh_code(cluster.a, alice.email, mail)
    for _ in range(4):
        assert_error(await try_code(cluster.a, alice.email, other(code)), 401)
    assert_success(await try_code(cluster.b, alice.email, code))  # four are forgiven, and forgotten

    code = await fresh_code(cluster.a, alice.email, mail)
    for server in (*cluster.both, *cluster.both, cluster.a):
        assert_error(await try_code(server, alice.email, other(code)), 401)
    assert_error(await try_code(cluster.b, alice.email, code), 401, "Invalid or expired code$")
    code = await fresh_code(cluster.a, alice.email, mail)
    assert_error(await try_code(cluster.a, alice.email, code), 401)  # a new code does not reset the count
    await database.query(MINUTES, [2, alice.email])
    assert_error(await try_code(cluster.a, alice.email, code), 401)
    assert_success(await try_code(cluster.a, bob.email, await fresh_code(cluster.a, bob.email, mail)))
    await database.query(MINUTES, [3, alice.email])
    assert_success(await try_code(cluster.a, alice.email, code))


async def test_r04_a_new_code_kills_the_old_one(cluster: Cluster, person: MakePerson, mail: MailServer) -> None:
    alice = await person("alice")
    old, new = [await fresh_code(server, alice.email, mail) for server in cluster.both]
    if old != new:
        assert_error(await try_code(cluster.a, alice.email, old), 401)
    assert_success(await try_code(cluster.a, alice.email, new))


async def assert_limited(
    servers: Sequence[ServerProcess], ask: Callable[..., Awaitable[httpx.Response]], times: int, status: int, seconds: int
) -> None:
    """So many are let through, whichever of the servers is asked; the next waits, at most so many seconds."""
    for number in range(times):
        answer = await ask(servers[number % len(servers)])
        assert answer.status_code == status, (number, answer.text)
    for server in servers:
        refused = await ask(server)
        assert_error(refused, 429, "Too many requests; try again in ")
        assert seconds - 60 <= int(refused.headers["retry-after"]) <= seconds


@pytest.mark.parametrize("redis", [True, False], ids=["two processes over Redis", "one process without"])
async def test_r04_requests_and_tries_have_limits_that_hold_across_processes(start_server: StartServer, redis: bool) -> None:
    settings = {"RATE_LIMITS": "on"} if redis else {"RATE_LIMITS": "on", "REDIS_URL": ""}
    servers = await asyncio.gather(*(start_server(**settings) for _ in range(2 if redis else 1)))
    network = f"203.0.{113 + redis}"
    names = (f"n{number}.{network}@example.com" for number in range(200))

    one, another = next(names), next(names)
    office, home = {"X-Forwarded-For": f"{network}.1"}, {"X-Forwarded-For": f"{network}.2"}
    await assert_limited(servers, lambda server: request_code(server, one, **office), 5, 200, 15 * 60)
    assert_error(await request_code(servers[0], one, **home), 429)
    assert_success(await request_code(servers[0], another, **office))

    office, home = {"X-Forwarded-For": f"{network}.3"}, {"X-Forwarded-For": f"{network}.4"}
    await assert_limited(servers, lambda server: request_code(server, next(names), **office), 30, 200, 3600)
    assert_success(await request_code(servers[0], next(names), **home))
    await assert_limited(servers, lambda server: try_code(server, next(names), "123456", **office), 30, 401, 600)
    assert_error(await try_code(servers[0], next(names), "123456", **home), 401)


# --- R5: nothing is given away ------------------------------------------------------------------------------------


async def test_r05_a_known_and_an_unknown_email_get_the_same_answer(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    unknown = "x" * (len(alice.email) - len("@example.com")) + "@example.com"
    for path, more in (("/api/request-otp/", {}), ("/api/verify-otp/", {"otp": "000000"})):
        known, guessed = [
            await Jar().ask(cluster.a, "POST", path, json={"email": email, **more}) for email in (alice.email, unknown)
        ]
        assert alice.email.encode() not in guessed.content
        status, content, headers = shown(known)
        assert (status, content.replace(alice.email.encode(), unknown.encode()), headers) == shown(guessed)


async def test_r05_without_a_mail_server_the_answer_comes_at_once_and_the_code_is_in_no_log(
    cluster: Cluster, person: MakePerson, start_server: StartServer, mail_restored: MailServer
) -> None:
    server = await start_server(LOG_LEVEL="DEBUG")
    alice = await person("alice", server=server)
    for trouble in ("refuses", "is silent", "is down"):
        if trouble == "refuses":
            mail_restored.refuse()
        elif trouble == "is silent":
            mail_restored.silence()
        else:
            await mail_restored.stop()
        started = time.monotonic()
        assert_success(await request_code(server, alice.email))
        assert time.monotonic() - started < 1
        await asyncio.sleep(0.2)  # it has been tried by then
        if trouble == "is down":
            await mail_restored.start()
        mail_restored.restore()
        code = await mail_restored.code_for(alice.email)
        assert_success(await try_code(server, alice.email, code))
        for each in (server, *cluster.both):  # whichever has sent it
            assert not stands_in(each.log(), code)
            assert alice.email not in each.log()
    assert "/api/request-otp/" in server.log()


@pytest.mark.parametrize("path", ["/api/request-otp/", "/api/verify-otp/", "/api/register/"])
@pytest.mark.parametrize(
    "email", ["a@example.com\r\nBcc: b@example.com", "a@example.com\n", "\ra@example.com", "a\r@example.com"]
)
async def test_r05_a_line_break_in_an_email_is_bad_input(cluster: Cluster, path: str, email: str) -> None:
    body = {"email": email, "otp": "123456", "username": "john", "password": "securePassword123", "full_name": "John"}
    assert_error(await Jar().ask(cluster.a, "POST", path, json=body), 400, "email must be an email address")
