"""From the type of a field: values on each side of each of its limits. A type that this module does not know fails the tests."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec import inspect as types

from pluseboard import fields as f

JSON_TYPES: list[Any] = [None, True, 7, 1.5, "seven", [], ["x"], {}, {"a": 1}]
ASTRAL = "🜁"  # four bytes in UTF-8, two units in UTF-16, one character


@dataclass(frozen=True)
class Values:
    """`description` is how an error goes on after "must be"."""

    description: str
    good: list[Any]
    bad: list[Any]


@dataclass(frozen=True)
class Words:
    """Strings that a pattern takes and refuses; `fill` makes one of any length within the limits."""

    good: list[str]
    bad: list[str]
    fill: Callable[[int], str] = lambda length: ASTRAL * length


def address(length: int) -> str:
    """An email address of that length, with a mailbox of 64 characters and labels of 63."""
    domain = ("b" * 63 + ".") * 4
    return f"{'a' * 64}@{domain[: length - 65]}"


def _pattern(field: Any) -> str:
    return str(field.__metadata__[0].pattern)


NO_ADDRESSES = [
    "",
    "x",
    "x@y",
    "@y.zz",
    "x@",
    "x y@z.org",
    " x@y.org",
    "x@y.org ",
    ".x@y.org",
    "x.@y.org",
    "x..x@y.org",
    "x@y..org",
]
NO_ADDRESSES += [
    "x@-y.org",
    "x@y-.org",
    "x@y.org.",
    "x@[127.0.0.1]",
    '"x y"@z.org',
    "x@y_z.org",
    f"x@{'y' * 64}.org",
    "x,y@z.org",
]
NO_ADDRESSES += [
    "<x@y.org>",
    "x@y@z.org",
    "ä@y.org",
    "x@ä.org",
    "x@y.org\n",
    "x@y.org\r\nBcc: z@y.org",
    "x\n@y.org",
    "=?utf-8?q?x?=@y.org",
]
LINES = [
    "\n",
    "one\ntwo",
    "end\n",
    "\ttab",
    "carriage\rreturn",
    "escape\x1b[31m",
    "delete\x7f",
    "next\x85line",
    "two\u2028lines",
    "two\u2029paragraphs",
]
WORDS = {
    _pattern(f.Name): Words(["x", " y ", "é 😀 'q\" \\ %s <b>", "א\u202e"], [*LINES, "", " ", "\u2003\u00a0"]),
    _pattern(f.Topic): Words(["", " ", "é 😀"], LINES),
    _pattern(f.Body): Words(["x", " x\n", "\x01"], ["", " ", "\n\t \u2003"]),
    _pattern(f.Otp): Words(
        ["000000", "123456"],
        ["", "12345", "1234567", "12345a", "１２３４５６", "12 456", " 123456", "123456\n", "-12345", "1e5000"],
    ),
    _pattern(f.Username): Words(
        ["x7", "X.y-z_9", "a" + "-" * 30 + "b", "0" * 32],
        ["", "x", "x" * 33, "_x", ".x", "-x", "x_", "x.", "x-", "a b", "äx", "xй", "x@y", "x/y", "xy\n", "x\ny", " xy"],
    ),
    _pattern(f.ClientMsgId): Words(
        ["x", "7f9c24e8-3b12:4d1a._", "Z" * 64], ["", "x" * 65, "~x", "-x", ".x", "a b", "ä", "x\n", "x/y", "\u0661"]
    ),
    _pattern(f.Time): Words(
        ["2025-01-15T10:30:00", "1000-12-31T23:59:59", "2024-02-29T00:00:00"],
        ["", "now", "2025-01-15", "2025-01-15 10:30:00", "2025-02-30T00:00:00", "2025-04-31T00:00:00", "2025-13-01T00:00:00"],
    ),
    _pattern(f.Email): Words(
        [
            "x@y.zz",
            "First.Last+tag_1-2@sub-domain.example.com",
            "o'brien!#$%&*/?=^`{|}~@example.com",
            "UPPER@EXAMPLE.COM",
            "1@2.3",
        ],
        NO_ADDRESSES,
        address,
    ),
}


def values_of(kind: Any) -> Values:
    """Of a field in a JSON body."""
    description, nullable, parts = _unwrapped(kind)
    good: list[Any] = [None] if nullable else []
    bad: list[Any] = []
    for part in parts:
        some_good, some_bad = _of_part(part)
        good += some_good
        bad += some_bad
    takes = {type(value) for value in good}
    bad += [value for value in JSON_TYPES if type(value) not in takes]
    return Values(description, good, [value for value in bad if not any(_same(value, other) for other in good)])


def query_values_of(kind: Any) -> Values:
    """Of a field in a query string, where everything is a string."""
    values = values_of(kind)
    good = [str(value) for value in values.good if value is not None]
    never = ["", "seven", "1.5", "-1", " 1", "1 ", "+1", "0x1", "１", "true", "1_0", "9" * 30, "[1]", "1,2"]
    bad = [str(value) for value in values.bad if type(value) is int]
    return Values(values.description, good, [value for value in dict.fromkeys([*never, *bad]) if value not in good])


def _unwrapped(kind: Any) -> tuple[str, bool, list[Any]]:
    """The description, whether null is allowed, and the types of which the value may be."""
    description, nullable, parts = "", False, []
    waiting = [kind]
    while waiting:
        kind = waiting.pop(0)
        if isinstance(kind, types.Metadata):
            description = description or (kind.extra_json_schema or {}).get("description", "")
            waiting.append(kind.type)
        elif isinstance(kind, types.UnionType):
            waiting += kind.types
        elif isinstance(kind, types.NoneType):
            nullable = True
        else:
            parts.append(kind)
    assert description, "a field must say what is right"
    return description, nullable, parts


def _of_part(kind: Any) -> tuple[list[Any], list[Any]]:
    if isinstance(kind, types.IntType):
        assert kind.ge is not None and kind.le is not None, "a number needs limits"
        return [kind.ge, kind.le], [kind.ge - 1, kind.le + 1, -(2**70), 2**70, str(kind.ge)]
    if isinstance(kind, types.BoolType):
        return [True, False], [2, -1, "true", "1", ""]
    if isinstance(kind, types.LiteralType):
        numbers = [value for value in kind.values if isinstance(value, int)]
        wrong: list[Any] = [max(numbers) + 1, min(numbers) - 1] if numbers else ["", "owner", *map(str.upper, kind.values)]
        return list(kind.values), wrong
    assert isinstance(kind, types.StrType), f"teach tests/values.py what {kind} takes"
    words = WORDS[kind.pattern] if kind.pattern else Words([], [])
    good, bad = list(words.good), list(words.bad)
    assert kind.max_length or bad, "a string needs a limit"
    if kind.min_length:
        good.append(words.fill(kind.min_length))
        bad.append(words.fill(kind.min_length - 1))
    if kind.max_length:
        good.append(words.fill(kind.max_length))
        bad.append(words.fill(kind.max_length + 1))
    if not kind.pattern:
        good.append("\n\tany text\x01")
    return good, bad


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)
