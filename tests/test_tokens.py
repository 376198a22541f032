"""Tokens: what is in them, and that nothing else passes for one.

What servers answer to forgeries: reliability/test_session_requirements.py.
"""

import time
from typing import Any

import jwt
import pytest

from pluseboard.errors import Unauthorized
from pluseboard.tokens import Tokens, hash_secret, key_id

KEY = "k" * 32
KINDS = ("access", "refresh", "id")
REQUIRED = ("exp", "iat", "sub", "jti", "sid", "type")


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(KEY)


def issue(tokens: Tokens, kind: str) -> str:
    now = int(time.time())
    made = {
        "access": lambda: tokens.access(7, 70, 3),
        "refresh": lambda: tokens.refresh(7, 70, 3, now),
        "id": lambda: tokens.identity(7, 70, 3, {"email": "john@example.com"}),
    }
    return made[kind]()


def altered(token: str, **changes: Any) -> str:
    """Signed with the same key; a claim changed to None is left out."""
    claims = {**jwt.decode(token, KEY, algorithms=["HS256"]), **changes}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, KEY, algorithm="HS256")


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_carries_every_claim_and_is_verified_as_its_own_kind(tokens: Tokens, kind: str) -> None:
    token = issue(tokens, kind)
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    claims = tokens.verify(token, kind)
    assert claims.keys() >= set(REQUIRED)
    assert (claims["sub"], claims["sid"], claims["gen"], claims["type"]) == (7, 70, 3, kind)
    assert abs(claims["iat"] - time.time()) < 5


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_never_interchange(tokens: Tokens, kind: str) -> None:
    for other in KINDS:
        if other != kind:
            with pytest.raises(Unauthorized):
                tokens.verify(issue(tokens, kind), other)


@pytest.mark.parametrize(("kind", "seconds"), [("access", 900), ("refresh", 2_592_000), ("id", 900)])
def test_a_token_lives_as_long_as_promised(tokens: Tokens, kind: str, seconds: int) -> None:
    token, now = issue(tokens, kind), int(time.time())
    claims = tokens.verify(token, kind)
    assert claims["exp"] - claims["iat"] == seconds
    assert tokens.verify(altered(token, iat=now - seconds + 60, exp=now + 60), kind)
    with pytest.raises(Unauthorized):
        tokens.verify(altered(token, iat=now - seconds, exp=now), kind)


@pytest.mark.parametrize("claim", REQUIRED)
def test_a_token_without_one_of_its_claims_is_refused(tokens: Tokens, claim: str) -> None:
    token = issue(tokens, "access")
    assert tokens.verify(altered(token), "access")  # altering alone is not what is refused
    with pytest.raises(Unauthorized):
        tokens.verify(altered(token, **{claim: None}), "access")


@pytest.mark.parametrize(
    "changes",
    [
        *({"sub": "x"}, {"sub": ""}, {"sub": 7}, {"sub": ["7"]}, {"sid": "x"}, {"sid": []}, {"sid": {}}, {"sid": float("inf")}),
        *(
            {"sid": float("nan")},
            {"gen": "x"},
            {"gen": [1]},
            {"exp": "soon"},
            {"exp": []},
            {"exp": float("inf")},
            {"iat": "once"},
        ),
        *({"iat": float("inf")}, {"jti": 5}, {"type": 1}, {"type": ["access"]}, {"type": "Access"}, {"nbf": 4_000_000_000}),
    ],
    ids=str,
)
def test_a_token_with_a_senseless_claim_is_refused_not_a_failure(tokens: Tokens, changes: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        tokens.verify(altered(issue(tokens, "access"), **changes), "access")


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b.c", "é.é.é", "\udcff.x.y", "e30.e30.e30", "\0", "[" * 50_000, "eyJ" * 20_000]
)
def test_what_is_no_token_is_refused_not_a_failure(tokens: Tokens, text: str) -> None:
    with pytest.raises(Unauthorized):
        tokens.verify(text, "access")


def test_a_token_of_another_key_is_refused(tokens: Tokens) -> None:
    with pytest.raises(Unauthorized):
        tokens.verify(issue(Tokens("o" * 32), "access"), "access")


@pytest.mark.parametrize("kind", KINDS)
def test_the_newest_key_signs_and_every_accepted_one_is_good(kind: str) -> None:
    new, old, older = (Tokens(letter * 32) for letter in "noq")
    both = Tokens("n" * 32, ["o" * 32])
    for issuer in (new, old, both):
        assert both.verify(issue(issuer, kind), kind)
    assert new.verify(issue(both, kind), kind)
    for refusing, issuer in ((both, older), (new, old), (old, both)):
        with pytest.raises(Unauthorized):
            refusing.verify(issue(issuer, kind), kind)


def test_a_key_is_named_without_being_given_away() -> None:
    header = jwt.get_unverified_header(issue(Tokens(KEY), "access"))
    assert header["kid"] == key_id(KEY)
    assert (len(header["kid"]), key_id(KEY) == key_id("o" * 32)) == (16, False)


def test_a_token_without_a_kid_is_tried_with_each_key_and_one_with_a_strange_kid_with_none() -> None:
    both = Tokens("n" * 32, [KEY, "o" * 32])
    bare = altered(issue(Tokens(KEY), "access"))
    assert "kid" not in jwt.get_unverified_header(bare)
    assert both.verify(bare, "access")
    claims = jwt.decode(bare, KEY, algorithms=["HS256"])
    for kid in ("", "x", key_id("n" * 32), "../../dev/null", "' OR 1 --"):
        with pytest.raises(Unauthorized):
            both.verify(jwt.encode(claims, KEY, algorithm="HS256", headers={"kid": kid}), "access")
    with pytest.raises(Unauthorized):
        both.verify(altered(bare, exp=1_700_000_000, iat=1_600_000_000), "access")


def test_a_short_key_signs_nothing() -> None:
    with pytest.raises(jwt.InvalidKeyError):
        issue(Tokens("k" * 31), "access")


def test_a_generation_has_one_refresh_token_so_that_two_tabs_get_the_same(tokens: Tokens) -> None:
    assert tokens.refresh(7, 70, 3, 1_700_000_000) == tokens.refresh(7, 70, 3, 1_700_000_000)
    assert tokens.refresh(7, 70, 3, 1_700_000_000) != tokens.refresh(7, 70, 4, 1_700_000_000)


def test_what_the_database_keeps_of_a_secret_does_not_give_it_away() -> None:
    assert len(hash_secret("ticket")) == 32
    assert b"ticket" not in hash_secret("ticket")
    assert hash_secret("ticket") != hash_secret("ticket2")
