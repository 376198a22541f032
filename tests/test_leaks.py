"""The scan over all logs at the end of a run (conftest.py) finds what must not be in one, and nothing else."""

import secrets
from pathlib import Path

import pytest

from pluseboard.tokens import Tokens
from tests.conftest import PASSWORD, assert_no_leaks
from tests.leaks import leaks
from tests.servers import Message, ServerProcess

LINE = '{"milliseconds": 12.3, "time": "2025-01-15T10:30:00.413Z", "message": "POST /api/x/ 200", "request_id": "e711e9f6-2"}'
PLANTED = {
    "access": "?token=" + Tokens("k" * 32).access(1, 2, 3),
    "refresh": Tokens("k" * 32).refresh(1, 2, 3, 4),
    "ticket": "/ws/?ticket=" + secrets.token_urlsafe(29) + "aZ01",
    "link": f"GET /api/invite-links/{secrets.token_urlsafe(21)}aZ01/ 200",
    "code": 'the code is "123456"',
    "password": f'{{"password": "{PASSWORD}"}}',
    "key": "signed with jwt-key-of-the-tests",
}


def found(text: str) -> list[str]:
    return list(leaks(text, [PASSWORD, "jwt-key-of-the-tests"], ["123456"]))


@pytest.mark.parametrize("kind", PLANTED)
def test_every_kind_of_secret_is_found_wherever_it_stands(kind: str) -> None:
    leak = LINE[:-1] + PLANTED[kind]
    lines = {text.partition(" in: ")[2] for text in found(f"{LINE}\n{leak}\n{LINE}")}
    assert lines == {leak}


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        "GET /api/messages/654321 200",
        "id 1234567",
        "0.123456 s",
        "request e123456f-2",
        "a" * 32 + " " + "0123456789abcdef" * 2,
        "/api/invite-links/[redacted]/accept/",
        "ticket=[redacted]",
    ],
)
def test_what_is_no_secret_is_left_alone(line: str) -> None:
    assert found(line) == []


def test_a_leak_in_one_of_many_logs_fails_the_run(tmp_path: Path) -> None:
    servers = [
        ServerProcess({"PORT": "1", "SECRET_KEY": "s" * 40}, tmp_path / f"{number}.log", noted=False) for number in range(3)
    ]
    mails = [Message("john@example.com", "Your sign-in code", "Hello,\n\n    123456\n")]
    for server in servers:
        server.log_path.write_text(LINE)
    assert_no_leaks(servers, mails)
    for leak in (*PLANTED.values(), "s" * 40):
        if "jwt-key" not in leak:
            servers[1].log_path.write_text(f"{LINE}\n{leak}\n")
            with pytest.raises(AssertionError, match=r"1\.log"):
                assert_no_leaks(servers, mails)
