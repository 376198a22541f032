"""What tests say of answers again and again: the one error shape, and the cookies that an answer sets."""

import re
from http.cookies import Morsel, SimpleCookie
from typing import Any

import httpx

CODES = {
    400: "bad_input",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    503: "unavailable",
}


def assert_error(answer: httpx.Response, status: int, message: str = "") -> None:
    """The error envelope and nothing else; `message` is a regular expression for its beginning."""
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body.keys() == {"status", "code", "message"}, body
    assert (body["status"], body["code"]) == ("error", CODES[status]), body
    assert body["message"] and re.match(message, body["message"]), body


def assert_success(answer: httpx.Response, status: int = 200) -> Any:
    """The success envelope; the body."""
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    body = answer.json()
    assert body["status"] == "success", body
    return body


def cookies_of(answer: httpx.Response) -> dict[str, Morsel[str]]:
    """Name -> cookie with its attributes, as the answer sets it."""
    found: dict[str, Morsel[str]] = {}
    for header in answer.headers.get_list("set-cookie"):
        found.update(SimpleCookie(header))
    return found
