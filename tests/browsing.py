"""A browser's cookies in the test's own hands: which are sent, which came back."""

import ssl
import time
from dataclasses import dataclass
from typing import Any

import httpx
import jwt

from tests.answers import cookies_of
from tests.conftest import Person
from tests.servers import ServerProcess

NAMES = ("access_token", "refresh_token", "id_token")
# Made once: httpx would read all certificates of the machine, 20 ms, for each client.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass
class Jar:
    """Cookies that go out exactly as they stand here; an answer changes them only by `take`."""

    access_token: str | None = None
    refresh_token: str | None = None
    id_token: str | None = None

    @classmethod
    def of(cls, person: Person) -> "Jar":
        return cls(**{cookie.name: cookie.value for cookie in person.cookies if cookie.name in NAMES})

    @property
    def header(self) -> dict[str, str]:
        sent = [f"{name}={value}" for name in NAMES if (value := getattr(self, name)) is not None]
        return {"Cookie": "; ".join(sent)} if sent else {}

    async def ask(self, server: ServerProcess, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {**self.header, **options.pop("headers", {})}
        async with httpx.AsyncClient(base_url=server.url, verify=NO_TLS, trust_env=False, timeout=30) as client:
            return await client.request(method, path, headers=headers, **options)

    def take(self, answer: httpx.Response) -> None:
        for name, cookie in cookies_of(answer).items():
            setattr(self, name, cookie.value or None)


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def signed(server: ServerProcess, claims: dict[str, Any]) -> str:
    """A token that the server made, but for its claims."""
    return jwt.encode(claims, server.env["JWT_SECRET_KEY"], algorithm="HS256")


def expired(server: ServerProcess, token: str) -> str:
    """The same token, 15 minutes or 30 days later."""
    now = int(time.time())
    claims = claims_of(token)
    return signed(server, {**claims, "iat": now - 1 - (claims["exp"] - claims["iat"]), "exp": now - 1})
