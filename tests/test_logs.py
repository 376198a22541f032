"""Logs are one object a line, carry the request's id, and no secret."""

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from pluseboard import logs
from pluseboard.settings import Settings

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl-_x"


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    level, uvicorn = root.level, logging.getLogger("uvicorn.access").disabled
    yield root
    root.handlers = [handler for handler in root.handlers if not isinstance(handler.formatter, logs._Redacting)]
    root.setLevel(level)
    logging.getLogger("uvicorn.access").disabled = uvicorn


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            f'127.0.0.1:5 - "WebSocket /ws/chat/?token={JWT}&%74icket=x" [accepted]',
            '127.0.0.1:5 - "WebSocket /ws/chat/?[redacted]" [accepted]',
        ),
        ("/ws/?a=1&ticket=AbC-_123&b=2", "/ws/?a=1&ticket=[redacted]&b=2"),
        ("/ws/?TOKEN=abc", "/ws/?TOKEN=[redacted]"),
        ("/next=%2Fws%3Ftoken%3Dabc", "/next=%2Fws%3Ftoken%3D[redacted]"),
        (f"Authorization: Bearer {JWT}", "Authorization: Bearer [redacted]"),
        (f"access_token={JWT}; refresh_token=x.y.z; lang=en", "access_token=[redacted]; refresh_token=[redacted]; lang=en"),
        ('{"email": "a@b.c", "otp": "123456"}', '{"email": "a@b.c", "otp": "[redacted]"}'),
        ('{"otp": 123456, "x": 1}', '{"otp": "[redacted]", "x": 1}'),
        ("{'otp': '123456', 'email': 'a@b.c'}", "{'otp': '[redacted]', 'email': 'a@b.c'}"),
        ('{"password":"a b, \\" c","x":1}', '{"password":"[redacted]","x":1}'),
        (json.dumps({"message": '{"password": "a b"} kept'}), '{"message": "{\\"password\\": \\"[redacted]\\"} kept"}'),
        ("otp=123456 password=abc)", "otp=[redacted] password=[redacted])"),
        ("EMAIL_HOST_PASSWORD=abc DB_PASSWORD: xyz", "EMAIL_HOST_PASSWORD=[redacted] DB_PASSWORD: [redacted]"),
        (
            "POST /api/invite-links/q5Zr0vXb3WcK1mYtJ8uHnAq5Zr0vXb3W/accept/ 200",
            "POST /api/invite-links/[redacted]/accept/ 200",
        ),
        ("https://x.example.com/invite/q5Zr0vXb3WcK1mYtJ8uHnA", "https://x.example.com/invite/[redacted]"),
        (
            "DELETE /api/workspaces/1/invite-links/4611686018427387904/ 404",
            "DELETE /api/workspaces/1/invite-links/[redacted]/ 404",
        ),
        ("DELETE /api/workspaces/1/invite-links/46/ 200", "DELETE /api/workspaces/1/invite-links/46/ 200"),
        ("Invalid or expired token", "Invalid or expired token"),
        ("GET /api/messages/?channel_id=1&limit=50", "GET /api/messages/?channel_id=1&limit=50"),
    ],
)
def test_r36_secrets_are_cut_out_and_the_rest_stays(line: str, shown: str) -> None:
    assert logs.redact(line) == shown


def test_r36_a_line_is_one_object_with_the_request_and_extra_fields(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(Settings(log_format="json"))
    reset = logs.request_id.set("abc123")
    logging.getLogger("pluseboard.x").info("Two\nlines of %s", "Ünïcode", extra={"status": 200, "path": object})
    logs.request_id.reset(reset)
    logging.getLogger("pluseboard.x").debug("below the level")
    logging.getLogger("pluseboard.x").warning("no request")
    first, second = lines(capsys)
    assert first.pop("time").endswith("Z")
    assert first == {
        "level": "INFO",
        "logger": "pluseboard.x",
        "message": "Two\nlines of Ünïcode",
        "request_id": "abc123",
        "status": 200,
        "path": "<class 'object'>",
    }
    assert "request_id" not in second


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_no_way_of_logging_shows_a_token(log_format: str, root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(log_format=log_format))
    logger = logging.getLogger("uvicorn.error")
    logger.info('%s - "WebSocket %s" [accepted]', "127.0.0.1:5", f"/ws/?token={JWT}&ticket=topsecret")
    logger.error("with extra", extra={"token": ["topsecret"], "cookie": f"access_token={JWT}", "body": {"otp": "topsecret"}})
    try:
        raise ValueError(f"ticket=topsecret {JWT}")
    except ValueError:
        logger.exception("failed")
        logger.error("failed", exc_info=sys.exc_info(), stack_info=True)
    out = capsys.readouterr().out
    if log_format == "json":
        assert [json.loads(line)["level"] for line in out.splitlines()] == ["INFO", "ERROR", "ERROR", "ERROR"]
    assert out.count("[redacted]") >= 6
    assert "ValueError" in out
    assert "topsecret" not in out
    assert JWT not in out


def test_text_is_for_reading(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Settings(log_format="text"))
    logging.getLogger("pluseboard.x").info("Done", extra={"milliseconds": 1.5})
    line = capsys.readouterr().out
    assert line.endswith(" INFO pluseboard.x: Done  milliseconds=1.5\n")


def test_configuring_twice_logs_once_and_leaves_other_handlers(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    others = list(root.handlers)
    logs.configure(Settings())
    logs.configure(Settings(log_level="ERROR"))
    logging.getLogger("x").error("once")
    logging.getLogger("x").info("not at all")
    logging.getLogger("uvicorn.access").error("nor this")
    assert [line["message"] for line in lines(capsys)] == ["once"]
    assert root.handlers[: len(others)] == others
