"""Structured logs: one JSON object a line, or readable text for a terminal (LOG_FORMAT).

Secrets are cut out of the finished line, so that no logger, exception or extra field gets around it. (uvicorn logs the paths of
sockets with their query, whatever --no-access-log says.)
"""

import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import msgspec

from pluseboard.settings import Settings

request_id: ContextVar[str] = ContextVar("request_id", default="")

_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*")
_NAMES = r"(?:token|ticket|otp|password|passwd|secret|secret_key)"
# `token=x`, `"otp": "x"`, `password='x y'`, and the same inside a JSON string, where quotes are escaped. [=:] may be %3D, %3A.
_NAMED = re.compile(
    rf"""({_NAMES}(\\?["'])?\s*(?:[=:]|%3[AaDd])\s*)"""
    r"""(\\"(?:(?!\\").)*\\"|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s&,;"'\\<>(){}\[\]]+)""",
    re.IGNORECASE,
)
# uvicorn's lines for a socket: its query is of no other use, and may spell its names in ways that we do not see through.
_SOCKET_QUERY = re.compile(r"""((?:WebSocket |GET /ws)[^\s"?]*\?)[^\s"\\]*""")
# An invite link is as good as a key, and its token stands in the path.
_LINK = re.compile(r"(/invite(?:-links)?/)[A-Za-z0-9_-]{16,}")
_SECRET_FIELD = re.compile(rf"{_NAMES}$", re.IGNORECASE)
_STANDARD = {*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName", "color_message"}


def redact(line: str) -> str:
    """The line without the values of tokens, tickets, invite links, codes and passwords. What was JSON stays JSON."""
    line = _LINK.sub(r"\1[redacted]", _JWT.sub("[redacted]", line))
    return _NAMED.sub(_without_value, _SOCKET_QUERY.sub(r"\1[redacted]", line))


def _without_value(match: re.Match[str]) -> str:
    name, quote_of_name, value = match.groups()
    quote = next((quote for quote in ('\\"', '"', "'") if value.startswith(quote)), quote_of_name or "")
    return f"{name}{quote}[redacted]{quote}"


def configure(settings: Settings) -> None:
    """Send every logger of this process, uvicorn's included, to stdout in the configured format."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler.formatter, _Redacting)]:
        root.removeHandler(handler)
    ours = logging.StreamHandler(sys.stdout)
    ours.setFormatter(JsonFormatter() if settings.log_format == "json" else TextFormatter())
    root.addHandler(ours)
    root.setLevel(settings.log_level.upper())
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    logging.getLogger("uvicorn.access").disabled = True


class _Redacting(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record.message = record.getMessage()
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        extra = {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
        extra.update({name: "[redacted]" for name in extra if _SECRET_FIELD.search(name)})
        return redact(self.line(record, extra))

    def line(self, record: logging.LogRecord, extra: dict[str, Any]) -> str:
        raise NotImplementedError


class JsonFormatter(_Redacting):
    """{"time", "level", "logger", "message", "request_id", "exception", and whatever `extra` carries}"""

    def line(self, record: logging.LogRecord, extra: dict[str, Any]) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = {"time": when, "level": record.levelname, "logger": record.name, "message": record.message}
        if request_id.get():
            fields["request_id"] = request_id.get()
        if record.exc_text:
            fields["exception"] = record.exc_text
        return msgspec.json.encode({**extra, **fields}, enc_hook=str).decode()


class TextFormatter(_Redacting):
    """12:34:56 INFO pluseboard.mail: what happened  key=value [request id]"""

    def line(self, record: logging.LogRecord, extra: dict[str, Any]) -> str:
        when = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        line = f"{when} {record.levelname} {record.name}: {record.message}"
        if extra:
            line += "  " + " ".join(f"{name}={value}" for name, value in extra.items())
        if request_id.get():
            line += f" [{request_id.get()}]"
        return f"{line}\n{record.exc_text}" if record.exc_text else line
