"""What clients send: every field of every frame on each side of its limits, and what happens to frames that are wrong."""

import json
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from msgspec import Meta, UnsetType

from pluseboard.sockets import activity, chat, everything, notifications, presence
from tests.conftest import Cluster, Socket
from tests.sockets.scenes import Json, MakePerson, ask, make_team, messages, nothing_waits, raw, send_text

MODULES = {
    "/ws/chat/": chat,
    "/ws/activity/": activity,
    "/ws/presence/": presence,
    "/ws/notifications/": notifications,
    "/ws/": everything,
}
FRAMES = [(path, kind) for path, module in MODULES.items() for kind in module.HANDLERS]

# What a pattern takes and refuses cannot be read off it. A new pattern without an entry here fails.
EXAMPLES: dict[str, tuple[list[str], list[str]]] = {
    "body": (["x", " \n x ", "\t\u202e\u0301x"], ["", " ", "\n\t ", "\u3000\u00a0", "a\0b", "\0"]),
    "client_msg_id": (
        ["0", "Z", "a.b_c:d-e", "a" * 64],
        ["", "a" * 65, "-a", ".a", "~a", "a b", "a\n", "a/b", "é", "a\0", "４"],
    ),
}
OTHER_TYPES = [0, 1, "1", 1.5, 1e3 + 0.5, True, None, [], [1], ["x"], {}, {"a": 1}]


def sides(name: str, hint: Any) -> tuple[list[Any], list[Any]]:
    """The values of a field at and just inside its limits, and those just outside them or of another type."""
    right: list[Any] = []
    wrong: list[Any] = []
    kinds: set[type] = set()
    for kind, meta in _parts(hint):
        if get_origin(kind) is Literal:
            words = get_args(kind)
            kinds.add(str)
            right += words
            wrong += [*(word.upper() for word in words), *(f"{word} " for word in words), "", "away"]
        elif kind is int:
            kinds.add(int)
            low, high = (meta.ge, meta.le) if meta else (-(2**63), 2**63 - 1)
            right += [low, low + 1, high - 1, high]
            wrong += [low - 1, high + 1, 2**64, -(10**30)] if meta else []
        else:
            kinds.add(str)
            right += EXAMPLES[name][0] if meta.pattern else ["", "x"]
            wrong += EXAMPLES[name][1] if meta.pattern else []
            if meta.max_length is not None:
                # Of every width that UTF-8 has: limits count characters.
                right += [letter * meta.max_length for letter in "xé€😀"]
                wrong += [letter * (meta.max_length + 1) for letter in ("xé€" if meta.max_length > 1000 else "xé€😀")]
    return right, wrong + [value for value in OTHER_TYPES if type(value) not in kinds]


def _parts(hint: Any) -> Iterator[tuple[Any, Meta | None]]:
    """The alternatives of a type, without UNSET: (type, its limits)."""
    if get_origin(hint) in (Union, UnionType):
        for part in get_args(hint):
            yield from _parts(part)
    elif get_origin(hint) is Annotated:
        yield get_args(hint)[0], get_args(hint)[1]
    elif hint is not UnsetType:
        yield hint, None


async def answer_to(socket: Socket, frame: Json) -> Json:
    """The reply; what the frame causes besides is skipped."""
    await send_text(socket, frame)
    while (answer := await socket.receive())["type"] not in ("ack", "error", "resync_required"):
        pass
    return answer


@pytest.mark.parametrize(("path", "kind"), FRAMES, ids=lambda it: it if isinstance(it, str) else it.__name__)
async def test_every_field_is_taken_up_to_its_limits_and_refused_by_name_beyond(
    path: str, kind: Any, cluster: Cluster, person: MakePerson
) -> None:
    alice = await person("alice")
    workspace_id, channel_id = await make_team(alice)
    known = {"channel_id": channel_id, "workspace_id": workspace_id, "body": "x", "status": "idle", "since_seq": 0}
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    good = {"type": kind.__struct_config__.tag, **{name: known[name] for name in fields if name in known}, "ref": 1}
    if path == "/ws/notifications/":
        del good["workspace_id"]
    async with alice.socket(path, cluster.a) as socket:
        if good["type"] == "typing":
            await ask(socket, "join_channel", channel_id=channel_id)
        assert (await answer_to(socket, {**good, "unknown": {"field": [1]}}))["type"] == "ack", "unknown fields are ignored"
        tried = 0
        for name, hint in get_type_hints(kind, include_extras=True).items():
            right, wrong = sides(name, hint)
            assert right and wrong
            for value in right:
                answer = await answer_to(socket, {**good, name: value})
                assert answer.get("code") not in ("bad_input", "internal_error"), (name, value, answer)
            if fields[name].required:
                answer = await answer_to(socket, {key: value for key, value in good.items() if key != name})
                assert answer["code"] == "bad_input" and answer["message"].startswith(f"{name} is required"), answer
            for value in wrong:
                answer = await answer_to(socket, {**good, name: value})
                assert answer.get("code") == "bad_input", (name, value, answer)
                assert answer["message"].startswith(f"{name} must "), (name, value, answer)
                assert answer.get("ref") == (1 if name != "ref" else None), answer
                # Ten wrong ones in a row would be the end of the socket.
                assert (await answer_to(socket, good))["type"] == "ack"
            tried += len(right) + len(wrong)
        assert tried > 10


MALFORMED = {
    "empty": "",
    "blank": "  ",
    "a word": "hello",
    "cut off": '{"type": "join_channel"',
    "twice": '{"type": "heartbeat"}{"type": "heartbeat"}',
    "a list": "[]",
    "a list of frames": '[{"type": "heartbeat"}]',
    "null": "null",
    "a number": "1",
    "a string": '"heartbeat"',
    "an empty object": "{}",
    "a type that is null": '{"type": null}',
    "a type that is a number": '{"type": 1}',
    "a type that is an object": '{"type": {}}',
    "an unknown type": '{"type": "nothing"}',
    "a type of the server": '{"type": "new_message"}',
    "NaN": '{"type": "join_channel", "channel_id": NaN}',
    "Infinity": '{"type": "join_channel", "channel_id": 1e999}',
    "a lone surrogate": '{"type": "send_message", "channel_id": 1, "body": "\\ud800"}',
    "a bad escape": '{"type": "send_message", "channel_id": 1, "body": "\\x"}',
    "a raw newline": '{"type": "send_message", "channel_id": 1, "body": "\n"}',
    "single quotes": "{'type': 'heartbeat'}",
    "a byte order mark": '\ufeff{"type": "heartbeat"}',
    "deep": '{"type": ' + "[" * 20_000 + "]" * 20_000 + "}",
    "deep and open": "[" * 60_000,
    "binary": b'{"type": "heartbeat", "ref": 1}',
    "empty binary": b"",
    "binary that is no text": b"\xff\x00\xfe",
}


@pytest.mark.parametrize("path", MODULES)
async def test_r21_a_frame_that_is_wrong_is_answered_by_an_error_and_the_socket_lives(
    path: str, cluster: Cluster, person: MakePerson
) -> None:
    alice = await person("alice")
    known = {"heartbeat": {}, "join_channel": {"channel_id": 1}, "unsubscribe": {"workspace_id": 1}}
    type_ = next(kind.__struct_config__.tag for kind in MODULES[path].HANDLERS if kind.__struct_config__.tag in known)
    async with alice.socket(path, cluster.b) as socket:
        for what, text in MALFORMED.items():
            await raw(socket, text)
            answer = await socket.receive()
            assert (answer["type"], answer["code"]) == ("error", "bad_input"), (what, answer)
            assert answer["message"] and "ref" not in answer, (what, answer)
            await socket.send({"type": type_, **known[type_], "ref": what})
            assert (await socket.receive())["ref"] == what, "the socket lives"


async def test_r21_ten_wrong_frames_in_a_row_end_the_socket_and_nine_do_not(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    async with alice.socket("/ws/presence/", cluster.b) as socket:
        for _ in range(3):
            for _ in range(9):
                await raw(socket, "wrong")
                assert (await socket.receive())["type"] == "error"
            await ask(socket, "heartbeat")
        for _ in range(10):
            await raw(socket, "wrong")
        for _ in range(10):
            assert (await socket.receive())["type"] == "error", "each is answered, the last one too"
        assert await socket.closed() == 1008


async def test_refusals_are_answers_and_count_against_nobody(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    async with alice.socket("/ws/chat/", cluster.b) as socket:
        for _ in range(15):
            await socket.send({"type": "join_channel", "channel_id": 2**62})
            assert (await socket.receive())["code"] == "not_found"
        await nothing_waits(socket)


async def test_r21_a_frame_may_have_64_kib_and_no_more(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    frame = '{"type": "heartbeat", "ref": 1, "padding": "%s"}'
    room = 65536 - len(frame % "")
    async with alice.socket("/ws/presence/", cluster.b) as socket:
        await raw(socket, frame % ("x" * room))
        assert (await socket.receive())["ref"] == 1
        await raw(socket, frame % ("x" * (room + 1)))
        assert await socket.closed() == 1009


async def test_the_longest_body_of_the_widest_characters_fits_into_a_frame(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    _, channel_id = await make_team(alice)
    body = "😀" * 16_000
    async with alice.socket("/ws/chat/", cluster.b) as socket:
        await ask(socket, "join_channel", channel_id=channel_id)
        await send_text(socket, {"type": "send_message", "channel_id": channel_id, "body": body, "client_msg_id": "a" * 64})
        assert (await messages(socket, 1))[0]["body"] == body


async def test_a_frame_sent_in_fragments_is_one_frame(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    async with alice.socket("/ws/presence/", cluster.b) as socket:
        await socket.connection.send(['{"type": "heart', 'beat", "re', 'f": "é', '"}'])
        assert await socket.receive() == {"type": "ack", "ref": "é"}


@pytest.mark.parametrize("ref", ["a", "", "x" * 64, "é😀", 0, 7, -1, 2**53, 2**63 - 1])
async def test_a_ref_comes_back_with_the_answer(ref: Any, cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    _, channel_id = await make_team(alice)
    async with alice.socket("/ws/chat/", cluster.b) as socket:
        await socket.send({"type": "send_message", "channel_id": channel_id, "body": "x", "ref": ref})
        ack = await socket.receive()
        assert (ack["type"], ack["ref"], ack["channel_id"], ack["seq"]) == ("ack", ref, channel_id, 1)
        assert type(ack["ref"]) is type(ref)
        for frame in (
            {"type": "join_channel", "channel_id": 2**62},
            {"type": "join_channel"},
            {"type": "nothing"},
            {},
        ):
            await socket.send({**frame, "ref": ref})
            answer = await socket.receive()
            assert (answer["type"], answer.get("ref")) == ("error", ref), answer


async def test_nothing_is_acknowledged_without_a_ref(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    workspace_id, channel_id = await make_team(alice)
    fields = {"channel_id": channel_id, "workspace_id": workspace_id, "body": "x"}
    kept = ["typing", "leave_channel", "unsubscribe", "heartbeat", "subscribe", "join_channel"]
    async with alice.socket("/ws/", cluster.b) as socket:
        await ask(socket, "join_channel", **fields)
        for type_ in kept:
            await socket.send({"type": type_, **fields})
        await socket.send({"type": "leave_channel", **fields, "ref": "the end"})
        answers = [await socket.receive() for _ in range(2)]
        answers = [answer for answer in answers if answer["type"] != "presence_update"]
        assert answers[0] == {"type": "ack", "ref": "the end", "channel_id": channel_id}


async def test_frames_of_one_socket_are_handled_strictly_in_order(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    _, channel_id = await make_team(alice)
    frames: list[Json] = []
    for number in range(20):
        frames += [
            {"type": "join_channel"},
            {"type": "send_message", "body": f"seen {number}"},
            {"type": "leave_channel"},
            {"type": "send_message", "body": f"unseen {number}"},
        ]
    async with alice.socket("/ws/chat/", cluster.b) as socket:
        for ref, frame in enumerate(frames):
            await socket.send({**frame, "channel_id": channel_id, "ref": ref})
        shown, acks = [], []
        while len(acks) < len(frames):
            answer = await socket.receive()
            (acks if answer["type"] == "ack" else shown).append(answer)
    assert [ack["ref"] for ack in acks] == list(range(len(frames)))
    assert [frame["message"]["body"] for frame in shown] == [f"seen {number}" for number in range(20)]
    assert [ack["seq"] for ack in acks if "message_id" in ack] == list(range(1, 41))


async def test_a_join_and_a_send_without_waiting_show_the_message_to_its_sender(cluster: Cluster, person: MakePerson) -> None:
    alice = await person("alice")
    _, channel_id = await make_team(alice)
    async with alice.socket("/ws/chat/", cluster.b) as socket:
        await raw(socket, json.dumps({"type": "join_channel", "channel_id": channel_id}))
        await raw(socket, json.dumps({"type": "send_message", "channel_id": channel_id, "body": "Hello team!"}))
        assert (await messages(socket, 1))[0]["body"] == "Hello team!"
        await nothing_waits(socket)


async def test_r21_a_hundred_frames_in_ten_seconds_are_taken_and_the_next_ends_the_socket(
    person: MakePerson, start_server: Any
) -> None:
    alice = await person("alice")
    server = await start_server(RATE_LIMITS="on")
    async with alice.socket("/ws/presence/", server) as socket, alice.socket("/ws/presence/", server) as other:
        for number in range(101):
            await socket.send({"type": "heartbeat", "ref": number})
        assert [(await socket.receive()).get("ref") for _ in range(100)] == list(range(100))
        answer = await socket.receive()
        assert (answer["type"], answer["code"]) == ("error", "rate_limited")
        assert await socket.closed() == 4029
        await ask(other, "heartbeat")
