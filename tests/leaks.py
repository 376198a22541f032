"""Finds secrets in logs: those that the tests know word for word, and whatever has the shape of a token or ticket."""

import re
from collections.abc import Iterable, Iterator

SHAPES = {
    "a JWT": re.compile(r"eyJ[\w-]{5,}\.[\w-]+\.[\w-]*"),
    # token_urlsafe(32) and token_urlsafe(24). Random ones have letters of both cases and digits; hashes and fillers have not.
    "a ticket or a link": re.compile(
        r"(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*[0-9])(?:[\w-]{43}|[\w-]{32})(?![\w-])", re.ASCII
    ),
}


def leaks(log: str, words: Iterable[str], codes: Iterable[str]) -> Iterator[str]:
    """Each line in which there is one, and what it is. A code is six digits that stand alone."""
    words, codes = {word for word in words if word}, set(codes)
    for line in log.splitlines():
        found = [name for name, shape in SHAPES.items() if shape.search(line)]
        found += ["a password or a key" for word in words if word in line]
        found += ["a code" for number in re.findall(r"(?<![\w.-])\d{6}(?![\w-])", line) if number in codes]
        yield from (f"{name} in: {line}" for name in found)
