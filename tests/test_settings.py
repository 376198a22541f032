"""What is unsafe is refused before the server binds, with a message that names the variable and never its value."""

import re
import socket
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest
from dotenv import dotenv_values

from pluseboard.private_servers import free_port
from pluseboard.settings import Settings, SettingsError, load_settings
from tests.servers import ROOT, run_command

SAFE = {
    "JWT_SECRET_KEY": "signs-tokens-" + "j" * 30,
    "SECRET_KEY": "seals-mails-" + "s" * 30,
    "EMAIL_HOST": "smtp.example.com",
    "DB_HOST": "localhost",
}
# What is changed in SAFE, and the variable that the refusal must name.
UNSAFE = [
    ({"JWT_SECRET_KEY": ""}, "JWT_SECRET_KEY"),
    ({"SECRET_KEY": ""}, "SECRET_KEY"),
    ({"JWT_SECRET_KEY": "thirty-one-bytes-of-a-long-key!"}, "JWT_SECRET_KEY"),
    ({"SECRET_KEY": "much-too-short"}, "SECRET_KEY"),
    ({"JWT_SECRET_KEY": "your-secure-random-secret-key-0000000000"}, "JWT_SECRET_KEY"),
    ({"SECRET_KEY": "your-django-secret-key-0000000000000000"}, "SECRET_KEY"),
    ({"SECRET_KEY": SAFE["JWT_SECRET_KEY"]}, "SECRET_KEY"),
    ({"JWT_SECRET_KEYS_ACCEPTED": f"{'k' * 40},thirty-one-bytes-of-a-long-key!"}, "JWT_SECRET_KEYS_ACCEPTED"),
    ({"SECRET_KEYS_ACCEPTED": "thirty-one-bytes-of-a-long-key!"}, "SECRET_KEYS_ACCEPTED"),
    ({"JWT_SECRET_KEYS_ACCEPTED": "your-secure-random-secret-key-0000000000"}, "JWT_SECRET_KEYS_ACCEPTED"),
    ({"SECRET_KEYS_ACCEPTED": "your-django-secret-key-0000000000000000000"}, "SECRET_KEYS_ACCEPTED"),
    ({"SECRET_KEYS_ACCEPTED": SAFE["JWT_SECRET_KEY"]}, "SECRET_KEY"),
    ({"JWT_SECRET_KEYS_ACCEPTED": SAFE["SECRET_KEY"]}, "JWT_SECRET_KEY"),
    ({"ALLOWED_ORIGINS": "https://app.example.com, *"}, "ALLOWED_ORIGINS"),
    ({"EMAIL_HOST": ""}, "EMAIL_HOST"),
    ({"EMAIL_USE_TLS": "False"}, "EMAIL_USE_TLS"),
    ({"DB_HOST": "db.example.com"}, "DB_SSL_CA"),
]
MALFORMED = [
    ({"DEBUG": "perhaps"}, "DEBUG"),
    ({"PORT": "eight"}, "PORT"),
    ({"PORT": "-1"}, "PORT"),
    ({"DB_PORT": "3306.5"}, "DB_PORT"),
    ({"DB_POOL_MIN": "0"}, "DB_POOL_MIN"),
    ({"DB_POOL_MIN": "21"}, "DB_POOL_MIN"),
    ({"DB_SSL_CA": "/nowhere/ca.pem"}, "DB_SSL_CA"),
    ({"COOKIE_SAMESITE": "sometimes"}, "COOKIE_SAMESITE"),
    ({"LOG_FORMAT": "xml"}, "LOG_FORMAT"),
    ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL"),
    ({"EMAIL_FROM": "nobody"}, "EMAIL_FROM"),
    ({"EMAIL_PORT": "465", "EMAIL_USE_SSL": "True"}, "EMAIL_USE_TLS"),
    ({"WEB_CONCURRENCY": "2"}, "REDIS_URL"),
    ({"AUDIT_DAYS": "29"}, "AUDIT_DAYS"),
    *(({"LIMIT_OTP_IP": value}, "LIMIT_OTP_IP") for value in ("30", "30/0", "-1/60", "30 / 60", "30/hour", "1/2/3")),
    ({"REDIS_URL": "https://localhost"}, "REDIS_URL"),
]


def load(**changes: str) -> Settings:
    return load_settings({**SAFE, **changes})


def test_the_safe_settings_are_accepted() -> None:
    assert not load().debug


@pytest.mark.parametrize(("changes", "name"), UNSAFE + MALFORMED)
def test_r33_an_unsafe_or_malformed_setting_is_refused_by_its_name_and_without_its_value(
    changes: dict[str, str], name: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        load(**changes)
    assert re.search(rf"\b{name}\b", str(refusal.value))
    for value in changes.values():
        assert len(value) < 5 or value not in str(refusal.value)


@pytest.mark.parametrize(("changes", "name"), UNSAFE)
async def test_r33_the_server_exits_with_1_before_it_binds(changes: dict[str, str], name: str, tmp_path: Path) -> None:
    with socket.socket() as holder:
        # The port is taken: an attempt to bind would show.
        holder.bind(("127.0.0.1", free_port()))
        holder.listen()
        env = {**SAFE, "HOST": "127.0.0.1", "PORT": str(holder.getsockname()[1]), **changes}
        done = await run_command(env, tmp_path, "serve")
    assert done.returncode == 1
    assert re.fullmatch(rf"pluseboard: .*\b{name}\b.*\n", done.stdout)
    assert all(len(value) < 6 or value not in done.stdout for value in changes.values())


@pytest.mark.parametrize(
    "changes",
    [
        {"EMAIL_HOST": "localhost", "EMAIL_USE_TLS": "False"},
        {"EMAIL_USE_TLS": "False", "EMAIL_USE_SSL": "True", "EMAIL_PORT": "465"},
        {"DB_HOST": "db.example.com", "DB_SSL_CA": __file__},
        {"ALLOWED_ORIGINS": "https://app.example.com"},
        {"WEB_CONCURRENCY": "2", "REDIS_URL": "redis://localhost"},
        {"REDIS_URL": "redis+sentinel://localhost:26379,127.0.0.1/main/0"},
        {"REDIS_URL": "rediss+cluster://one.example.com,two.example.com"},
        {"REDIS_URL": "redis://:secret@redis.example.com:6379"},  # in a private network
        {"EMAIL_FROM": "Team <no-reply@example.com>"},
    ],
)
def test_what_is_safe_outside_debug_is_accepted(changes: dict[str, str]) -> None:
    load(**changes)


def test_debug_accepts_what_a_developers_machine_has() -> None:
    settings = load(DEBUG="True", EMAIL_HOST="", DB_HOST="db.test", ALLOWED_ORIGINS="*")
    assert settings.dev_mailbox
    with pytest.raises(SettingsError):
        load(DEBUG="True", SECRET_KEY="much-too-short")


def test_there_is_no_development_mailbox_outside_debug_or_beside_a_mail_server() -> None:
    assert not load().dev_mailbox
    assert not load(DEBUG="True").dev_mailbox


def test_it_listens_everywhere_only_outside_debug() -> None:
    assert load().listen_host == "0.0.0.0"
    assert load(DEBUG="True").listen_host == "127.0.0.1"
    assert load(HOST="::1").listen_host == "::1"


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in SAFE.items()) + "PORT=1234\nDB_NAME=from_file\n")
    for name in SAFE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DB_NAME", "from_environment")
    monkeypatch.setenv("PORT", "4321")
    settings = load_settings(env_file=file)
    assert (settings.port, settings.db_name) == (4321, "from_environment")
    monkeypatch.delenv("PORT")
    assert load_settings(env_file=file).port == 1234


def test_no_secret_is_shown_when_settings_are() -> None:
    others = {"DB_PASSWORD": "of-the-database", "EMAIL_HOST_PASSWORD": "of-the-mail", "REDIS_URL": "redis://:of-redis@localhost"}
    shown = repr(load(JWT_SECRET_KEYS_ACCEPTED="o" * 32, SECRET_KEYS_ACCEPTED="p" * 32, **others))
    for secret in ("o" * 32, "p" * 32, SAFE["JWT_SECRET_KEY"], SAFE["SECRET_KEY"], "of-the-database", "of-the-mail", "of-redis"):
        assert secret not in shown


def test_lists_are_separated_by_commas_and_only_origins_lose_their_slash() -> None:
    keys = ("j" * 40 + "/", "k" * 40)
    settings = load(
        JWT_SECRET_KEYS_ACCEPTED=f" {keys[0]} , {keys[1]},", ALLOWED_ORIGINS="https://a.example.com/,https://b.example.com"
    )
    assert settings.jwt_secret_keys_accepted == keys
    assert settings.allowed_origins == ("https://a.example.com", "https://b.example.com")


def test_every_setting_is_explained_in_env_example() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    explained = {line.partition("=")[0] for above, line in pairwise(lines) if "=" in line and above.startswith("# ")}
    assert {setting.name.upper() for setting in fields(Settings)} == explained


def test_env_example_with_secrets_filled_in_is_what_is_there_without_it() -> None:
    example = {name: value or "" for name, value in dotenv_values(ROOT / ".env.example").items()}
    secrets = {name: SAFE[name] for name in ("JWT_SECRET_KEY", "SECRET_KEY")}
    assert load_settings({**example, **secrets}) == load_settings({"DEBUG": "True", **secrets})
