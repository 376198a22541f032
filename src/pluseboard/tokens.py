"""JSON Web Tokens: access (15 minutes), refresh (30 days) and id (15 minutes), told apart by their `type` claim.

Every token carries exp, iat, sub (the user's id), sid (the session's id), jti and type, and is signed HS256 with JWT_SECRET_KEY.
The header `kid` tells which key that was, so that the key can be changed while tokens of the one before are still good.
"""

import hashlib
import hmac
import time
from collections.abc import Sequence
from typing import Any

import jwt

from pluseboard.errors import Unauthorized

ACCESS_SECONDS = 15 * 60
REFRESH_SECONDS = 30 * 24 * 3600
REQUIRED = ["exp", "iat", "sub", "jti", "sid", "type"]


def hash_secret(secret: str) -> bytes:
    """What the database keeps of a long random secret (a ticket, an invite link)."""
    return hashlib.sha256(secret.encode()).digest()


def key_id(key: str) -> str:
    """A name for a key that does not give it away."""
    return hmac.new(key.encode(), b"kid", hashlib.sha256).hexdigest()[:16]


class Tokens:
    """Issues tokens with `key`, verifies those of `accepted` too.

    `verify` raises Unauthorized for whatever is not a live token of the asked type.
    """

    def __init__(self, key: str, accepted: Sequence[str] = ()) -> None:
        self._key = key
        self._headers = {"kid": key_id(key)}
        self._keys = {key_id(each): each for each in (key, *accepted)}
        self._jwt = jwt.PyJWT(options={"enforce_minimum_key_length": True})

    def access(self, user_id: int, session_id: int, generation: int) -> str:
        return self._issue("access", user_id, session_id, generation, int(time.time()), ACCESS_SECONDS)

    def refresh(self, user_id: int, session_id: int, generation: int, issued_at: int) -> str:
        """Always the same token for one generation of a session, so that two tabs can be given the same successor."""
        return self._issue("refresh", user_id, session_id, generation, issued_at, REFRESH_SECONDS)

    def identity(self, user_id: int, session_id: int, generation: int, profile: dict[str, str]) -> str:
        """For clients to read: email, username and full_name. It opens nothing."""
        return self._issue("id", user_id, session_id, generation, int(time.time()), ACCESS_SECONDS, **profile)

    def verify(self, token: str, kind: str) -> dict[str, Any]:
        """The claims, with sub, sid and gen as integers."""
        try:
            claims = self._claims(token)
            if claims["type"] != kind:
                raise Unauthorized
            return {**claims, "sub": int(claims["sub"]), "sid": int(claims["sid"]), "gen": int(claims.get("gen", 0))}
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, RecursionError, OverflowError):
            raise Unauthorized from None

    def _claims(self, token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        # Without a kid: tokens that version 0.1.0 made. They are tried with each key.
        keys = [self._keys[header["kid"]]] if "kid" in header else list(self._keys.values())
        for key in keys[:-1]:
            try:
                return self._decoded(token, key)
            except jwt.InvalidSignatureError:
                continue
        return self._decoded(token, keys[-1])

    def _decoded(self, token: str, key: str) -> dict[str, Any]:
        return self._jwt.decode(token, key, algorithms=["HS256"], options={"require": REQUIRED})

    def _issue(self, kind: str, user_id: int, session_id: int, generation: int, iat: int, seconds: int, **more: str) -> str:
        claims = {
            "type": kind,
            "sub": str(user_id),
            "sid": session_id,
            "gen": generation,
            "jti": f"{session_id}.{generation}.{kind}.{iat}",
            "iat": iat,
            "exp": iat + seconds,
            **more,
        }
        return self._jwt.encode(claims, self._key, algorithm="HS256", headers=self._headers)
