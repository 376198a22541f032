"""Environment -> one frozen Settings. The only reader of the environment; refuses what is unsafe outside DEBUG."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from email.utils import parseaddr
from pathlib import Path
from typing import Any, NamedTuple

from dotenv import dotenv_values

from pluseboard import redis_url

MIN_SECRET_BYTES = 32
MIN_AUDIT_DAYS = 30
KNOWN_EXAMPLES = ("your-secure-random-secret-key", "your-django-secret-key", "change-me", "secret")
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1", "")


class SettingsError(Exception):
    """A setting is missing, malformed or unsafe. The message names the variable, never its value."""


def _secret(default: Any = "") -> Any:
    """A field that repr() leaves out, so that no log line can show it."""
    return field(default=default, repr=False)


class Limit(NamedTuple):
    """So many in so many seconds; 0 is no limit."""

    amount: int
    seconds: int


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Each field is the environment variable of the same name in capitals; .env.example explains each with a line."""

    debug: bool = False
    port: int = 8000
    host: str = ""
    web_concurrency: int = 1
    public_url: str = ""
    forwarded_allow_ips: str = "127.0.0.1"

    db_host: str = "localhost"
    db_port: int = 3306
    db_name: str = "pluseboard"
    db_user: str = "pluseboard"
    db_password: str = _secret()
    db_ssl_ca: str = ""
    db_pool_min: int = 2
    db_pool_max: int = 20

    redis_url: str = _secret()  # may carry a password

    jwt_secret_key: str = _secret()
    jwt_secret_keys_accepted: tuple[str, ...] = _secret(())
    secret_key: str = _secret()
    secret_keys_accepted: tuple[str, ...] = _secret(())

    email_host: str = ""
    email_port: int = 587
    email_use_tls: bool = True
    email_use_ssl: bool = False
    email_host_user: str = ""
    email_host_password: str = _secret()
    email_from: str = ""

    allowed_origins: tuple[str, ...] = ()
    cookie_samesite: str = "lax"
    rate_limits: bool = True
    limit_register_ip: Limit = field(default=Limit(30, 3600))
    limit_otp_account: Limit = field(default=Limit(5, 900))
    limit_otp_ip: Limit = field(default=Limit(30, 3600))
    limit_verify_ip: Limit = field(default=Limit(30, 600))
    limit_invite_user: Limit = field(default=Limit(50, 3600))
    limit_invite_workspace: Limit = field(default=Limit(200, 3600))
    limit_report_user: Limit = field(default=Limit(300, 60))
    limit_message_user: Limit = field(default=Limit(600, 60))
    max_sockets_per_user: int = 10
    max_pending_messages: int = 5000
    audit_days: int = 0
    log_level: str = "INFO"
    log_format: str = "json"

    @property
    def listen_host(self) -> str:
        """HOST; without it this machine alone in DEBUG, every interface elsewhere, as a PaaS needs it."""
        return self.host or ("127.0.0.1" if self.debug else "0.0.0.0")  # noqa: S104

    @property
    def base_url(self) -> str:
        """Where links in mails lead: PUBLIC_URL, or this machine's own address."""
        return self.public_url.rstrip("/") or f"http://localhost:{self.port}"

    @property
    def dev_mailbox(self) -> bool:
        """Mails stay here and are shown at /dev/mailbox: only in DEBUG, and only without a mail server."""
        return self.debug and not self.email_host


def load_settings(environ: Mapping[str, str] | None = None, env_file: Path | None = None) -> Settings:
    """Read the environment over `.env`, then check it.

    Raises SettingsError naming the variable that is missing, malformed or unsafe.
    """
    if environ is None:
        file = env_file or Path(".env")
        environ = {**{k: v for k, v in dotenv_values(file).items() if v is not None}, **os.environ}
    values: dict[str, Any] = {}
    for setting in fields(Settings):
        raw = environ.get(setting.name.upper(), "").strip()
        if raw:
            values[setting.name] = _parse(setting.name.upper(), raw, setting.type)
    settings = Settings(**values)
    _check(settings)
    return settings


def _parse(name: str, raw: str, kind: Any) -> Any:
    if kind is bool:
        if raw.lower() in ("true", "1", "yes", "on"):
            return True
        if raw.lower() in ("false", "0", "no", "off"):
            return False
        raise SettingsError(f"{name} must be True or False")
    if kind is int:
        if not raw.isdecimal():
            raise SettingsError(f"{name} must be a whole number")
        return int(raw)
    if kind is Limit:
        if not re.fullmatch(r"[0-9]{1,9}/[1-9][0-9]{0,6}", raw):
            raise SettingsError(f"{name} must be a number and a span in seconds, such as 30/3600 (0/1: no limit)")
        return Limit(*map(int, raw.split("/")))
    if kind is str:
        return raw
    parts = [part.strip() for part in raw.split(",") if part.strip()]
    return tuple(part.rstrip("/") if name == "ALLOWED_ORIGINS" else part for part in parts)


def _keys(settings: Settings) -> dict[str, tuple[str, ...]]:
    return {
        "JWT_SECRET_KEY": (settings.jwt_secret_key,),
        "JWT_SECRET_KEYS_ACCEPTED": settings.jwt_secret_keys_accepted,
        "SECRET_KEY": (settings.secret_key,),
        "SECRET_KEYS_ACCEPTED": settings.secret_keys_accepted,
    }


def _check(settings: Settings) -> None:
    if settings.log_format not in ("json", "text"):
        raise SettingsError("LOG_FORMAT must be json or text")
    if settings.log_level.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise SettingsError("LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR")
    if settings.cookie_samesite not in ("lax", "strict", "none"):
        raise SettingsError("COOKIE_SAMESITE must be lax, strict or none")
    if not 1 <= settings.db_pool_min <= settings.db_pool_max:
        raise SettingsError("DB_POOL_MIN must be at least 1 and at most DB_POOL_MAX")
    if settings.email_use_tls and settings.email_use_ssl and settings.email_port == 465:
        raise SettingsError("EMAIL_USE_TLS (STARTTLS) and EMAIL_USE_SSL exclude each other: set EMAIL_USE_TLS=False for port 465")
    if settings.email_from and "@" not in parseaddr(settings.email_from)[1]:
        raise SettingsError("EMAIL_FROM must be an address, such as no-reply@example.com or Team <no-reply@example.com>")
    if settings.db_ssl_ca and not Path(settings.db_ssl_ca).is_file():
        raise SettingsError("DB_SSL_CA must be the path of a file with the certificate authority of the database server")
    if settings.redis_url:
        try:
            redis_url.parse(settings.redis_url)
        except ValueError as error:
            raise SettingsError(f"REDIS_URL {error}") from None
    if settings.web_concurrency > 1 and not settings.redis_url:
        raise SettingsError("REDIS_URL is needed when WEB_CONCURRENCY is more than 1: processes meet through it")
    if 0 < settings.audit_days < MIN_AUDIT_DAYS:
        raise SettingsError(f"AUDIT_DAYS must be 0 (for ever) or at least {MIN_AUDIT_DAYS}")
    for name, keys in _keys(settings).items():
        if any(len(key.encode()) < MIN_SECRET_BYTES for key in keys):
            raise SettingsError(f"{name} must be at least {MIN_SECRET_BYTES} bytes long")
    if settings.debug:
        return
    for name, keys in _keys(settings).items():
        if any(example in key.lower() for key in keys for example in KNOWN_EXAMPLES):
            raise SettingsError(f"{name} is a known example: make your own")
    if {settings.secret_key, *settings.secret_keys_accepted} & {settings.jwt_secret_key, *settings.jwt_secret_keys_accepted}:
        raise SettingsError("SECRET_KEY must differ from JWT_SECRET_KEY, and so must the keys that are accepted beside them")
    if "*" in settings.allowed_origins:
        raise SettingsError("ALLOWED_ORIGINS must list origins: * would let any site act for a signed-in user")
    if not settings.email_host:
        raise SettingsError("EMAIL_HOST is missing: sign-in codes could not be sent")
    if settings.email_host not in LOCAL_HOSTS and not (settings.email_use_tls or settings.email_use_ssl):
        raise SettingsError("EMAIL_USE_TLS or EMAIL_USE_SSL must be True for a mail server on another host")
    if settings.db_host not in LOCAL_HOSTS and not settings.db_ssl_ca:
        raise SettingsError("DB_SSL_CA is missing: the connection to a database on another host must be encrypted and verified")
