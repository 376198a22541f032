"""UTC, in the two forms that we write."""

from datetime import UTC, datetime


def utc_now() -> str:
    """2025-01-15T10:30:00: the API's form, which MySQL also reads as a DATETIME."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
