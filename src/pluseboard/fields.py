"""The types of fields that clients send: limits, and the words in which an error says what is right.

`description` completes the sentence "<field> must be ...": errors, the OpenAPI document and the tests all read it.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta

MAX_ID = 2**63 - 1
MAX_BODY_CHARS = 16_000

# One line with something visible in it; no control characters. `$(?!\n)`: Python's $ also matches before a final newline.
_CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_LINE = rf"^[^{_CONTROL}]*[^\s{_CONTROL}][^{_CONTROL}]*$(?!\n)"
_LINE_OR_EMPTY = rf"^[^{_CONTROL}]*$(?!\n)"
# Addresses that SMTP can carry without extensions (RFC 5321 4.1.2, quoted local parts left out); `=?` begins an encoded word
# (RFC 2047), which mail software might decode into something else.
_EMAIL = (
    r"^(?!.*=\?)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$(?!\n)"
)


def text(low: int, high: int) -> Any:
    """One line of `low` to `high` characters."""
    words = f"one line of {low} to {high} characters" if low else f"one line of at most {high} characters"
    return Meta(min_length=low, max_length=high, pattern=_LINE if low else _LINE_OR_EMPTY, description=words)


def number(low: int, high: int) -> Any:
    return Meta(ge=low, le=high, description=f"a whole number from {low} to {high}")


Id = Annotated[int, Meta(ge=1, le=MAX_ID, description="a positive whole number")]
Seq = Annotated[int, Meta(ge=0, le=MAX_ID, description="a whole number, 0 or more")]
Flag = Annotated[bool | Literal[0, 1], Meta(description="true or false")]
Email = Annotated[str, Meta(max_length=254, pattern=_EMAIL, description="an email address such as john@example.com")]
# Its end is a letter or digit, because in "Thank you, @bob." the dot is the sentence's.
Username = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,30}[A-Za-z0-9]$(?!\n)",
        description="2 to 32 letters, digits, dots, underscores or hyphens, beginning and ending with a letter or digit",
    ),
]
Password = Annotated[str, Meta(min_length=8, max_length=128, description="8 to 128 characters")]
FullName = Annotated[str, text(1, 100)]
Otp = Annotated[str, Meta(pattern=r"^[0-9]{6}$(?!\n)", description="a string of six digits")]
Name = Annotated[str, text(1, 100)]
ChannelName = Annotated[str, text(1, 80)]
Topic = Annotated[str, text(0, 250)]
Description = Annotated[str, Meta(max_length=1000, description="at most 1000 characters")]
Body = Annotated[
    str,
    Meta(min_length=1, max_length=MAX_BODY_CHARS, pattern=r"\S", description="1 to 16000 characters, not all of them blank"),
]
ClientMsgId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$(?!\n)",
        description="1 to 64 letters, digits, dots, underscores, colons or hyphens, beginning with a letter or digit",
    ),
]
Ref = Annotated[str, Meta(max_length=64, description="a string of at most 64 characters or a whole number")] | int
Role = Annotated[Literal["admin", "member", "guest"], Meta(description="admin, member or guest")]
# Every day that there is, and the 29th of February of every year.
_DAY = r"((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-9])|(0[13-9]|1[0-2])-30|(0[13578]|1[02])-31)"
Time = Annotated[
    str,
    Meta(
        pattern=rf"^[1-9][0-9]{{3}}-{_DAY}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$(?!\n)",
        description="a time in UTC such as 2025-01-15T10:30:00",
    ),
]
Limit = Annotated[int, number(1, 200)]
