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
