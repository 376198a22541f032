"""Frames that no sensible client sends, beside some that it does: how they look, and in what pieces they travel."""

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

CHANNEL, WORKSPACE = "$channel", "$workspace"  # stand for the ids that the fuzzing user may use
TYPES = ["join_channel", "leave_channel", "send_message", "typing", "subscribe", "unsubscribe", "heartbeat"]

numbers = st.integers() | st.integers(-(2**70), 2**70) | st.sampled_from([0, 1, -1, 2**53, 2**63 - 1, 2**63, 2**64, 10**400])
numbers |= st.floats() | st.sampled_from([1.0, -0.0, 1e308])
# json.dumps escapes: lone surrogates and control characters arrive as \ud800 and \u0000.
texts = st.text(st.characters(exclude_categories=[]), max_size=40)
texts |= st.sampled_from(["", "\0", "\ud800", "x" * 16_001, "👋🏽" * 1000])
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=9
)

ids = st.sampled_from([CHANNEL, CHANNEL, WORKSPACE, 1, 2**63 - 1])
fields = {
    "type": st.sampled_from(TYPES),
    "channel_id": ids,
    "workspace_id": ids,
    "since_seq": st.integers(0, 5),
    "body": st.sampled_from(["Hello", "Zoë says 你好 👋🏽", "@channel @here @nobody"]) | texts,
    "client_msg_id": st.sampled_from(["one", "two"]),
    "status": st.sampled_from(["online", "idle", "offline"]),
    "ref": st.sampled_from(["a", "b", 1, -1]) | texts,
}


@st.composite
def nearly_right(draw: st.DrawFn) -> dict[str, Any]:
    """A frame of the contract in which something may be wrong, missing or too much."""
    names = draw(st.sets(st.sampled_from([name for name in fields if name != "type"])))
    frame = {name: draw(fields[name]) for name in ["type", *sorted(names)]}
    for name in draw(st.lists(st.sampled_from([*fields, "id", "sender_email", ""]), max_size=2)):
        frame[name] = draw(values)
    return frame


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """JSON in which a piece is missing, or replaced."""
    text = json.dumps(draw(nearly_right()))
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


everything = nearly_right().map(json.dumps) | damaged() | values.map(json.dumps) | st.text(max_size=100) | deep()
sent = st.builds(
    Sent,
    # Longer ones end the socket (1009); other tests see to that.
    (everything | everything | everything | st.binary(max_size=200)).filter(lambda data: len(data) < 20_000),
    st.just(()) | st.lists(st.integers(0, 200), max_size=3).map(lambda cuts: tuple(sorted(cuts))),
    st.booleans(),
)


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
