"""Registering, and signing in with an emailed code."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

import httpx
import pytest

from tests.answers import assert_error, assert_success, cookies_of
from tests.browsing import NAMES, NO_TLS, claims_of
from tests.conftest import WORKER, Cluster, Person
from tests.servers import Database, MailServer

MakePerson = Callable[..., Awaitable[Person]]
numbers = count(1)

NO_EMAILS = [
    *("", "john", "john@", "@example.com", "john@example", "jo hn@example.com", "john@exam_ple.com", "john@-example.com"),
    *("john@example.com\n", "john@example.com\r\nBcc: x@example.com", "a@example.com,b@example.com", "<john@example.com>"),
    *("john..doe@example.com", ".john@example.com", "jöhn@example.com", "john@example.com\0", '"john doe"@example.com'),
]


def newcomer(**changes: Any) -> dict[str, Any]:
    """The body of a registration that nobody has made yet."""
    name = f"new{WORKER}x{next(numbers)}"
    return {"username": name, "password": "securePassword123", "email": f"{name}@example.com", "full_name": "John Doe", **changes}


@pytest.fixture
async def client(cluster: Cluster) -> Any:
    """Somebody who is not signed in."""
    async with httpx.AsyncClient(base_url=cluster.a.url, verify=NO_TLS, trust_env=False, timeout=30) as client:
        yield client


async def test_a_newcomer_registers_gets_a_code_by_mail_and_is_signed_in(
    client: httpx.AsyncClient, mail: MailServer, database: Database
) -> None:
    body = newcomer(full_name="Ada Lovelace")
    registered = await client.post("/api/register/", json=body)
    assert assert_success(registered, 201) == {"status": "success", "message": "User registered successfully!"}
    assert not cookies_of(registered)
    assert_error(await client.get("/api/me/"), 401, "Invalid or expired token$")

    sent = await client.post("/api/request-otp/", json={"email": body["email"]})
    assert assert_success(sent) == {"status": "success", "message": f"OTP sent to {body['email']}"}
    code = await mail.code_for(body["email"])
    assert code not in mail.to(body["email"])[-1].subject

    signed_in = await client.post("/api/verify-otp/", json={"email": body["email"], "otp": code})
    assert assert_success(signed_in) == {"status": "success", "message": "Login successful!"}
    assert cookies_of(signed_in).keys() == set(NAMES)

    profile = assert_success(await client.get("/api/me/"))["data"]
    assert profile.keys() == {"id", "username", "email", "full_name", "created_at"}
    assert (profile["username"], profile["email"], profile["full_name"]) == (body["username"], body["email"], "Ada Lovelace")
    (row,) = await database.query("SELECT password_hash FROM users WHERE id = %s", [profile["id"]])
    assert row["password_hash"].startswith("$argon2id$") and body["password"] not in row["password_hash"]


async def test_the_id_token_tells_who_signed_in_and_opens_nothing(person: MakePerson) -> None:
    alice = await person("alice", "Alice Johnson")
    tokens = {cookie.name: cookie.value or "" for cookie in alice.cookies}
    claims = claims_of(tokens["id_token"])
    assert (claims["email"], claims["username"], claims["full_name"]) == (alice.email, alice.username, "Alice Johnson")
    assert not {"email", "username", "full_name"} & claims_of(tokens["access_token"]).keys()
    async with httpx.AsyncClient(base_url=alice.server.url, verify=NO_TLS, trust_env=False) as stranger:
        for token, status in ((tokens["access_token"], 200), (tokens["id_token"], 401)):
            assert (await stranger.get("/api/me/", headers={"Authorization": f"Bearer {token}"})).status_code == status


async def test_an_email_is_the_same_in_capitals(client: httpx.AsyncClient, mail: MailServer) -> None:
    body = newcomer()
    shouted = {**body, "email": body["email"].upper()}
    assert (await client.post("/api/register/", json=shouted)).status_code == 201
    assert_error(await client.post("/api/register/", json=newcomer(email=body["email"])), 409, "email")
    asked = await client.post("/api/request-otp/", json={"email": body["email"].title()})
    assert asked.json()["message"] == f"OTP sent to {body['email']}"
    otp = await mail.code_for(body["email"])
    assert (await client.post("/api/verify-otp/", json={"email": shouted["email"], "otp": otp})).status_code == 200
    assert (await client.get("/api/me/")).json()["data"]["email"] == body["email"]


async def test_what_is_taken_is_a_conflict_that_names_the_field(client: httpx.AsyncClient) -> None:
    first = newcomer()
    assert (await client.post("/api/register/", json=first)).status_code == 201
    assert_error(await client.post("/api/register/", json=newcomer(email=first["email"])), 409, "email ")
    assert_error(await client.post("/api/register/", json=newcomer(username=first["username"].upper())), 409, "username ")


async def test_of_many_who_register_one_email_at_once_exactly_one_succeeds(cluster: Cluster) -> None:
    first = newcomer()
    others = [newcomer(email=first["email"]) for _ in range(5)]
    async with (
        httpx.AsyncClient(base_url=cluster.a.url, verify=NO_TLS, trust_env=False, timeout=30) as a,
        httpx.AsyncClient(base_url=cluster.b.url, verify=NO_TLS, trust_env=False, timeout=30) as b,
    ):
        clients = (a, b) * 3
        bodies = (first, *others)
        answers = await asyncio.gather(
            *(client.post("/api/register/", json=body) for client, body in zip(clients, bodies, strict=True))
        )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]


async def test_an_email_is_one_that_a_mail_can_be_sent_to(client: httpx.AsyncClient) -> None:
    for email in NO_EMAILS:
        for path in ("/api/register/", "/api/request-otp/", "/api/verify-otp/"):
            answer = await client.post(path, json={**newcomer(email=email), "otp": "123456"})
            assert_error(answer, 400, "email must be an email address such as john@example.com$")


async def test_a_name_that_means_everybody_is_nobodys(client: httpx.AsyncClient) -> None:
    for username in ("channel", "Here", "HERE"):
        assert_error(await client.post("/api/register/", json=newcomer(username=username)), 400, "username must not be ")


@pytest.mark.parametrize("otp", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "123456\n", " 123456", 123456, None, ["123456"]])
async def test_a_code_is_six_digits_in_a_string(client: httpx.AsyncClient, otp: Any) -> None:
    answer = await client.post("/api/verify-otp/", json={"email": "john@example.com", "otp": otp})
    assert_error(answer, 400, "otp must be a string of six digits$")


async def test_a_code_works_once(person: MakePerson, mail: MailServer) -> None:
    alice = await person("alice")
    await alice.http.post("/api/request-otp/", json={"email": alice.email})
    body = {"email": alice.email, "otp": await mail.code_for(alice.email)}
    assert (await alice.http.post("/api/verify-otp/", json=body)).status_code == 200
    assert_error(await alice.http.post("/api/verify-otp/", json=body), 401, "Invalid or expired code$")


async def test_a_code_opens_no_account_but_its_own(person: MakePerson, mail: MailServer) -> None:
    alice, bob = await person("alice"), await person("bob")
    await bob.http.post("/api/request-otp/", json={"email": bob.email})
    otp = await mail.code_for(bob.email)
    assert_error(await bob.http.post("/api/verify-otp/", json={"email": alice.email, "otp": otp}), 401)
    assert (await bob.http.post("/api/verify-otp/", json={"email": bob.email, "otp": otp})).status_code == 200


async def test_a_name_is_changed_and_nothing_else(person: MakePerson) -> None:
    alice = await person("alice")
    before = (await alice.http.get("/api/me/")).json()["data"]
    changes = {"full_name": "  Alice Liddell ", "email": "x@example.com", "username": "x", "id": 1}
    changed = assert_success(await alice.http.patch("/api/me/", json=changes))["data"]
    assert changed == {**before, "full_name": "Alice Liddell"}
    assert (await alice.http.get("/api/me/")).json()["data"] == changed
    for wrong in ({"full_name": ""}, {"full_name": 5}, {}):
        assert_error(await alice.http.patch("/api/me/", json=wrong), 400, "full_name ")
