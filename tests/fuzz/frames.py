"""Frames that no sensible client sends, beside some that it does: how they look, and in what pieces they travel."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import strategies as st

CHANNEL, WORKSPACE = "$channel", "$workspace"  # stand for the ids that the fuzzing user may use
CHAT = ["send_message", "join_channel", "leave_channel", "typing"]
TYPES = {
    "/ws/chat/": CHAT,
    "/ws/activity/": ["subscribe", "unsubscribe"],
    "/ws/presence/": ["heartbeat"],
    "/ws/notifications/": ["subscribe", "unsubscribe"],
    "/ws/": [*CHAT, "subscribe", "unsubscribe", "heartbeat"],
}

numbers = st.integers() | st.integers(-(2**70), 2**70) | st.sampled_from([0, 1, -1, 2**53, 2**63 - 1, 2**63, 2**64, 10**400])
numbers |= st.floats() | st.sampled_from([1.0, -0.0, 1e308])
# json.dumps escapes: lone surrogates and control characters arrive as \ud800 and \u0000.
texts = st.text(st.characters(exclude_categories=[]), max_size=40)
texts |= st.sampled_from(["", "\0", "\ud800", "x" * 16_001, "👋🏽" * 1000])
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(scalars, lambda part: st.lists(part, max_size=4) | st.dictionaries(texts, part, max_size=4), max_leaves=9)

fields = {
    "channel_id": st.sampled_from([CHANNEL, CHANNEL, CHANNEL, WORKSPACE, 2**63 - 1]),
    "workspace_id": st.sampled_from([WORKSPACE, WORKSPACE, CHANNEL, 2**63 - 1]),
    "since_seq": st.integers(0, 5),
    "body": st.sampled_from(["Hello", "Zoë says 你好 👋🏽", "@channel @here @nobody"]) | texts,
    "client_msg_id": st.sampled_from(["one", "two"]),
    "status": st.sampled_from(["online", "idle", "offline"]),
    "ref": st.sampled_from(["a", "b", 1, -1]) | texts,
}


@st.composite
def nearly_right(draw: st.DrawFn, types: list[str]) -> dict[str, Any]:
    """A frame of the contract, in which up to two things may be missing and up to two wrong."""
    missing = draw(st.sets(st.sampled_from(sorted(fields)), max_size=2))
    frame = {"type": draw(st.sampled_from(types)), **{name: draw(fields[name]) for name in fields if name not in missing}}
    for name in draw(st.just([]) | st.lists(st.sampled_from(["type", *fields, "id", "sender_email", ""]), max_size=2)):
        frame[name] = draw(values)
    return frame


@st.composite
def damaged(draw: st.DrawFn, types: list[str]) -> str:
    """JSON in which a piece is missing, or replaced."""
    text = json.dumps(draw(nearly_right(types)))
    start, end = sorted(draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    return text[:start] + draw(st.sampled_from(["", "{", '"', "\\", ",", "NaN", "\n", "}"])) + text[end:]


@st.composite
def deep(draw: st.DrawFn) -> str:
    depth = draw(st.integers(1, 12_000))
    inner = draw(st.sampled_from(["[" * depth + "]" * depth, '{"a":' * (depth // 3) + "1" + "}" * (depth // 3), "[" * depth]))
    return draw(st.sampled_from(["%s", '{"type":"heartbeat","x":%s}', '{"type":"send_message","body":%s}'])) % inner


@dataclass(frozen=True)
class Sent:
    """What is sent, the places where it is cut into fragments, and whether pings travel between them."""

    data: str | bytes
    cuts: tuple[int, ...]
    with_pings: bool


@cache
def sent_to(path: str) -> st.SearchStrategy[Sent]:
    right = nearly_right(TYPES[path]).map(json.dumps)
    elsewhere = nearly_right(TYPES["/ws/"]).map(json.dumps)
    anything: st.SearchStrategy[str | bytes] = st.one_of(
        *[right] * 4,
        elsewhere,
        damaged(TYPES[path]),
        values.map(json.dumps),
        st.text(max_size=100),
        deep(),
        st.binary(max_size=200),
    )
    return st.builds(
        Sent,
        anything.filter(lambda data: len(data) < 20_000),  # over 64 KiB the socket ends (1009); other tests see to that
        st.just(()) | st.lists(st.integers(0, 200), max_size=3).map(lambda cuts: tuple(sorted(cuts))),
        st.booleans(),
    )


@st.composite
def wire_frame(draw: st.DrawFn) -> bytes:
    """A WebSocket frame by hand (RFC 6455, 5.2): any opcode, flags, mask, and a length that may be a lie."""
    payload = draw(st.binary(max_size=130) | st.sampled_from([b'{"type":"heartbeat"}', b"\xff\xfe", b"\x03\xe8", b"\x00\x01"]))
    first = draw(st.sampled_from([0x81, 0x82, 0x88, 0x89, 0x8A, 0x01, 0x80, 0x00]) | st.integers(0, 255))
    masked = draw(st.sampled_from([0x80, 0x80, 0x80, 0]))
    claimed = draw(st.just(len(payload)) | st.sampled_from([0, 125, 65_535, 65_536, 2**40, 2**63, 2**64 - 1]))
    if claimed < 126:
        head = bytes((first, masked | claimed))
    elif claimed < 65_536:
        head = bytes((first, masked | 126)) + claimed.to_bytes(2, "big")
    else:
        head = bytes((first, masked | 127)) + claimed.to_bytes(8, "big")
    return head + (bytes(4) if masked else b"") + payload  # a mask of zeros changes nothing


wire = st.lists(wire_frame(), min_size=1, max_size=4).map(b"".join) | st.binary(min_size=1, max_size=300)


def understood(data: str | bytes) -> Any:
    """What a lenient reader makes of it: None when it is no JSON at all."""
    if isinstance(data, bytes):
        return None
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def may_be_ref(value: Any) -> bool:
    return (isinstance(value, str) and len(value) <= 64) or (type(value) is int and abs(value) < 2**63)
