"""People and their workspace, made through the API as a client makes them."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import jwt

PASSWORD = "correct horse battery staple"
TOKEN_SECONDS = 24 * 3600  # a run takes longer than the 15 minutes of a real one


@dataclass(frozen=True)
class Person:
    """Signed in; `token` is their access token."""

    id: int
    email: str
    token: str

    @property
    def cookie(self) -> str:
        return f"access_token={self.token}"


def call(client: httpx.Client, method: str, path: str, json: Any = None) -> Any:
    answer = client.request(method, path, json=json)
    if answer.status_code >= 300:
        raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
    return answer.json() if answer.content else None


def client_of(url: str, person: Person) -> httpx.Client:
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {person.token}"}, timeout=30, trust_env=False)


def sign_up(url: str, count: int, key: str) -> list[Person]:
    """Registered, and signed in with the codes from the development mailbox, which shows the newest 50 mails."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda number: _sign_up(url, number, key), range(1, count + 1)))


def _sign_up(url: str, number: int, key: str) -> Person:
    email = f"user{number}@example.com"
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        who = {"username": f"user{number}", "full_name": f"User {number}", "email": email, "password": PASSWORD}
        call(client, "POST", "/api/register/", who)
        call(client, "POST", "/api/request-otp/", {"email": email})
        call(client, "POST", "/api/verify-otp/", {"email": email, "otp": _code(client, email)})
        token = client.cookies["access_token"]
        claims = jwt.decode(token, key, algorithms=["HS256"])
        lasting = jwt.encode({**claims, "exp": claims["iat"] + TOKEN_SECONDS}, key, algorithm="HS256")
        return Person(int(claims["sub"]), email, lasting)


def _code(client: httpx.Client, email: str) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for mail in call(client, "GET", "/dev/mailbox?format=json")["data"]:
            if mail["recipient"] == email and (code := re.search(r"\b\d{6}\b", mail["text"])):
                return code.group()
        time.sleep(0.1)
    raise RuntimeError(f"no code for {email}")


CROWD = 1_000_000  # the id of the first of a crowd


def crowd_sql(count: int, workspace: int) -> list[str]:
    """Statements that write a crowd of members and their sessions: signing up ten thousand through the API takes 20 minutes,
    most of it hashing passwords."""
    statements = []
    for start in range(CROWD, CROWD + count, 1000):
        ids = range(start, min(start + 1000, CROWD + count))
        users = ", ".join(f"({id_}, 'crowd{id_}', 'crowd{id_}@example.com', 'Crowd {id_}', '-', UTC_TIMESTAMP())" for id_ in ids)
        signed_in = ", ".join(
            f"({id_}, {id_}, '', '', UTC_TIMESTAMP(), UTC_TIMESTAMP(), UTC_TIMESTAMP(), UTC_TIMESTAMP() + INTERVAL 1 DAY)"
            for id_ in ids
        )
        memberships = ", ".join(f"({workspace}, {id_}, 'member', UTC_TIMESTAMP())" for id_ in ids)
        statements += [
            f"INSERT INTO users (id, username, email, full_name, password_hash, created_at) VALUES {users}",
            f"INSERT INTO sessions (id, user_id, device, ip, created_at, rotated_at, last_used_at, expires_at) "
            f"VALUES {signed_in}",
            f"INSERT INTO workspace_members (workspace_id, user_id, role, joined_at) VALUES {memberships}",
        ]
    return statements


def crowd_tokens(count: int, key: str) -> list[str]:
    """An access token of each of the crowd."""
    now = int(time.time())
    times = {"iat": now, "exp": now + TOKEN_SECONDS}
    return [
        jwt.encode(
            {"type": "access", "sub": str(id_), "sid": id_, "gen": 1, "jti": f"{id_}.crowd", **times}, key, algorithm="HS256"
        )
        for id_ in range(CROWD, CROWD + count)
    ]
