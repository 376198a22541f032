"""What the repositories return has exactly the annotated types, on both servers: no Decimal for an int, no bytes for a text."""

import inspect
import re
import types
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import is_dataclass
from decimal import Decimal
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from pluseboard import repositories
from pluseboard.database import Answer, Connection
from pluseboard.database import Database as Pool
from pluseboard.repositories import (
    access,
    activities,
    audit,
    channels,
    codes,
    demo,
    invitations,
    maintenance,
    members,
    messages,
    metrics,
    notifications,
    outbox,
    presence,
    sessions,
    users,
    workspaces,
)
from pluseboard.schemas import Channel, Message
from pluseboard.settings import load_settings
from tests.conftest import WORKER
from tests.servers import Database

MODULES = [import_module(f"{repositories.__name__}.{module.name}") for module in iter_modules(repositories.__path__)]
NOW = "2025-01-15T10:30:00"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
# Whatever JSON must escape, whatever Unicode has, and what looks like SQL or like a format.
TEXTS = [
    "".join(map(chr, range(1, 0x20))) + "\x7f\x80\x9f\xa0\xad",
    "\"quoted\" 'single' `back` \\ / \\u0041 \\n %s %(x)s %% {} ${x} <b>&amp;</b>",
    "line\r\nbreaks\n\nand\ttabs \u2028 \u2029 \ufeff \u200d \u202e",
    "Ünïcödé ıİſẞ 日本語 한국어 العربية עברית ไทย 🙂👩‍👩‍👧‍👦🏳️‍🌈 𝔘𝔫𝔦 \U0010ffff \ufffd \ue000",
    "'; DROP TABLE users; --",
    "x" * 16_000,
]


class Row(NamedTuple):
    number: int
    text: str | None


def faults(value: Any, kind: Any, where: str = "it") -> Iterator[str]:
    """Where a value is not exactly what the annotation says."""
    origin, args = get_origin(kind), get_args(kind)
    if kind is Any:
        return
    if origin in (Union, types.UnionType):
        if all(list(faults(value, arg)) for arg in args):
            yield f"{where} is {value!r}, not {kind}"
    elif origin is Literal:
        if value not in args:
            yield f"{where} is {value!r}"
    elif origin is dict:
        for key, item in _typed(value, dict).items():
            yield from faults(key, args[0], f"a key of {where}")
            yield from faults(item, args[1], f"{where}[{key}]")
    elif origin is tuple:
        for number, (item, arg) in enumerate(zip(_typed(value, tuple), args, strict=True)):
            yield from faults(item, arg, f"{where}[{number}]")
    elif origin in (list, set):
        for item in _typed(value, origin):
            yield from faults(item, args[0], f"an item of {where}")
    elif type(value) is not (type(None) if kind is None else kind):
        yield f"{where} is {value!r}, a {type(value).__name__}"
    elif isinstance(value, msgspec.Struct) or is_dataclass(value) or hasattr(value, "_fields"):
        for name, hint in get_type_hints(kind).items():
            yield from faults(getattr(value, name), hint, f"{where}.{name}")
            if name.endswith("_at") and isinstance(getattr(value, name), str) and not TIME.fullmatch(getattr(value, name)):
                yield f"{where}.{name} is no time: {getattr(value, name)}"


def _typed(value: Any, kind: Any) -> Any:
    assert type(value) is kind, f"{value!r} is no {kind.__name__}"
    return value


class Checked:
    """Calls repository functions and checks what they return."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    async def __call__(self, function: Callable[..., Any], *args: Any) -> Any:
        result, kind = function(*args), get_type_hints(function)["return"]
        if inspect.isawaitable(result):
            result = await result
        else:  # sent with the next
            await args[0].flush()
        if isinstance(result, Answer):
            result, [kind] = result.value, get_args(kind)
        name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
        assert list(faults(result, kind, name)) == []
        if result or kind is type(None):
            self.seen.add(name)
        return result


def test_a_wrong_type_would_be_found() -> None:
    wrong: list[tuple[Any, Any]] = [
        (Decimal(3), int),
        ("3", int),
        (True, int),
        (1, bool),
        (b"x", str),
        (None, str),
        ("x", bytes),
        ([Decimal(1)], list[int]),
        ({1: "1"}, dict[int, int]),
        ({"1": 1}, dict[int, int]),
        ((1, Decimal(1)), tuple[int, int]),
        (Row(Decimal(1), None), Row),
        (Row(1, b"x"), Row),
        ("2025-01-15 10:30:00", int | None),
        (sessions.User("1", "john", "john@example.com", "John"), sessions.User),
    ]
    for value, kind in wrong:
        assert list(faults(value, kind)) != [], (value, kind)
    assert list(faults([Row(1, None), Row(2, "x")], list[Row])) == []


@pytest.fixture
async def pool(make_database: Callable[[str], Awaitable[Database]]) -> AsyncIterator[Pool]:
    """On a database without a server, which would take the mails and presence rows away."""
    database = await make_database(f"test_{WORKER}_rows")
    secrets = {"DEBUG": "True", "JWT_SECRET_KEY": "j" * 32, "SECRET_KEY": "s" * 32}
    pool = Pool(load_settings({**database.environment, **secrets}))
    await pool.connect()
    yield pool
    await pool.close()


async def test_every_repository_function_returns_what_it_says(pool: Pool) -> None:
    check = Checked()
    async with pool.connection() as tx:
        ann, bob = await people(check, tx)
        workspace, channel = await places(check, tx, ann, bob)
        await talk(check, tx, workspace, channel, ann, bob)
        await news(check, tx, workspace, channel, ann, bob)
        await sign_ins(check, pool, tx, ann)
        await around(check, pool, tx, workspace, channel, ann, bob)
        await the_end(check, tx, workspace, channel, ann, bob)
    every = {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for module in MODULES
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
    }
    assert len(every) > 100
    assert every - check.seen == set(), "never called here, or never with a result"


async def people(check: Checked, tx: Connection) -> tuple[int, int]:
    ann = await check(users.insert, tx, "ann", "ann@example.com", "Ann Example", "hash")
    bob = await check(users.insert, tx, "bob", "bob@example.com", "Bob Example", "hash")
    await check(users.id_by_email, tx, "ann@example.com")
    await check(users.profile, tx, ann)
    await check(users.rename, tx, ann, "Ann Other")
    assert await check(users.ids_by_usernames, tx, ["ANN", "bob"]) == [ann, bob]
    await check(codes.replace, tx, ann, b"c" * 32)
    await check(codes.count_failure, tx, ann, 2)
    assert (await check(codes.lock_attempt, tx, "ann@example.com")).failures == 2
    assert await check(codes.live_hash, tx, ann) == b"c" * 32
    await check(codes.consume, tx, ann)
    return ann, bob


async def places(check: Checked, tx: Connection, ann: int, bob: int) -> tuple[int, int]:
    workspace = await check(workspaces.insert, tx, "Team", "What we do", ann)
    await check(members.insert, tx, workspace, ann, "owner")
    await check(members.insert, tx, workspace, bob, "member")
    await check(workspaces.of_user, tx, ann)
    await check(workspaces.visible_to, tx, ann, workspace)
    await check(workspaces.update, tx, workspace, "Team", "")
    await check(workspaces.next_activity_seq, tx, workspace)
    await check(workspaces.advance_many, tx, {workspace: 2})
    assert await check(workspaces.lock_many, tx, [workspace]) == {workspace: 3}
    await check(workspaces.lock_live, tx, [workspace])
    await check(workspaces.last_seqs, tx, [workspace])
    await check(members.role_of, tx, workspace, ann)
    await check(members.lock_roles, tx, workspace, [ann, bob])
    await check(members.roles_of_pairs, tx, [(workspace, ann), (workspace, bob)])
    await check(members.page, tx, workspace, 0, 10)
    await check(members.profile, tx, workspace, bob)
    await check(members.change_role, tx, workspace, bob, "admin")
    await check(members.workspace_ids_of_users, tx, [ann, bob])

    channel = await check(channels.insert, tx, workspace, "general", "general", "topic", "", 0, 1, ann)
    await check(channels.has_public, tx, workspace)
    await check(channels.add_everybody, tx, channel)
    await check(channels.lock_defaults, tx, [workspace])
    await check(channels.join_defaults, tx, workspace, ann)
    await check(channels.remove_member, tx, channel, bob)
    await check(channels.add_member, tx, channel, bob)
    [seen] = await check(channels.visible_list, tx, ann, workspace, "owner", False)
    assert isinstance(seen, Channel)
    await check(channels.update, tx, seen, "general")
    await check(channels.archive_empty, tx, [channel])
    await check(channels.archive, tx, channel)
    await check(channels.unarchive, tx, channel, "general")
    await check(channels.members, tx, channel, 0, 10)
    await check(channels.member_ids, tx, channel)
    await check(channels.members_of_pairs, tx, [(channel, ann), (channel, 999)])
    assert await check(channels.viewers_of, tx, channel, [ann, bob, 999]) == [ann, bob]
    await check(channels.joined_ids, tx, ann, workspace)
    await check(channels.visible_ids, tx, ann, workspace, "owner")
    return workspace, channel


async def talk(check: Checked, tx: Connection, workspace: int, channel: int, ann: int, bob: int) -> None:
    await check(channels.lock_many, tx, [channel])
    assert await check(channels.workspaces_of, tx, [channel, 999]) == {channel: workspace}
    texts = [
        messages.NewRow(channel, seq, seq, ann, f"key-{seq}" if seq % 2 else f"~{seq}", text, NOW)
        for seq, text in enumerate(TEXTS, 1)
    ]
    given = await check(messages.insert_many, tx, texts)
    assert await check(messages.ids, tx, texts) == given
    ids = {(row.channel_id, row.seq): id_ for row, id_ in zip(texts, given, strict=True)}
    await check(channels.advance_many, tx, {channel: len(texts)})
    await check(channels.read_many, tx, [(channel, ann, len(texts), len(texts), NOW)])
    assert await check(channels.last_seqs, tx, [channel]) == {channel: len(texts)}
    assert await check(channels.newest_seq, tx, ann, channel) == len(texts)
    before = await check(messages.sent_before, tx, [(channel, ann, "key-1"), (channel, ann, "key-2")])
    assert before == {(channel, ann, "key-1"): (ids[channel, 1], 1, NOW)}

    expected = [
        Message(ids[channel, row.seq], channel, row.seq, "ann@example.com", "Ann Other", row.body, _own(row), NOW, None, None)
        for row in texts
    ]
    after = [msgspec.json.decode(bytes(it.json), type=Message) for it in await check(messages.page_after, tx, channel, 0, 50)]
    assert after == expected
    back = [msgspec.json.decode(bytes(it.json), type=Message) for it in await check(messages.page_before, tx, channel, 99, 50)]
    assert back == expected[::-1]

    assert (await check(messages.place, tx, ids[channel, 2])).seq == 2
    following = await check(messages.next_time, tx, channel, 1)
    assert (following.seq, TIME.fullmatch(following.created_at) is not None) == (2, True)
    await check(channels.next_seq, tx, channel)
    await check(messages.edit, tx, channel, 2, TEXTS[3])
    await check(messages.insert_change, tx, channel, len(texts) + 1, "message_updated", 2)
    await check(channels.next_seq, tx, channel)
    await check(messages.delete, tx, channel, 3)
    await check(messages.insert_change, tx, channel, len(texts) + 2, "message_deleted", 3)
    edited, deleted = await check(messages.changes_after, tx, channel, 0, 10)
    edit = msgspec.json.decode(bytes(edited.json), type=Message)
    assert (edit.body, edit.deleted_at, TIME.fullmatch(edit.edited_at or "") is not None) == (TEXTS[3], None, True)
    tombstone = msgspec.json.decode(bytes(deleted.json), type=Message)
    assert (tombstone.body, tombstone.edited_at, TIME.fullmatch(tombstone.deleted_at or "") is not None) == ("", None, True)
    assert msgspec.json.decode(bytes(await check(messages.at, tx, channel, 2)), type=Message) == edit
    assert await check(messages.number_at, tx, channel, 99) == len(texts)

    seen = await check(channels.visible_to, tx, ann, channel)
    assert (seen.channel.last_seq, seen.channel.read_seq, seen.channel.unread_count) == (len(texts) + 2, len(texts), 0)
    assert (await check(channels.read_state, tx, channel, bob)).unread_count == len(texts)
    await check(channels.mark_read, tx, channel, bob, 2, 2)
    assert [state.unread_count for state in await check(channels.read_states, tx, bob)] == [len(texts) - 2]

    today = await check(metrics.today, tx)
    await check(metrics.add_counts, tx, [(workspace, today, channel, 2)])
    await check(metrics.add_counts, tx, [(workspace, today, channel, 3)])
    assert await check(metrics.messages_per_day, tx, workspace, [channel]) == [metrics.DayCount(today, 5)]
    await check(metrics.rebuild_counts, tx, workspace)
    assert await metrics.messages_per_day(tx, workspace, [channel]) == []
    await check(metrics.workspace_ids, tx, 0)


def _own(row: messages.NewRow) -> str | None:
    return None if row.client_msg_id.startswith("~") else row.client_msg_id


async def news(check: Checked, tx: Connection, workspace: int, channel: int, ann: int, bob: int) -> None:
    rows = [activities.NewRow(workspace, seq, ann, "message_sent", 1, channel, 0, TEXTS[3], NOW) for seq in (1, 2)]
    given = await check(activities.insert_many, tx, rows)
    assert await check(activities.ids, tx, rows) == given
    assert await check(activities.insert, tx, rows[0]._replace(seq=3)) > given[-1]
    await check(activities.page_after, tx, workspace, 0, 10)
    [newest] = await check(activities.page_before, tx, workspace, 3, 1, [], True, 1)
    assert (newest.id, newest.summary, newest.channel_id) == (given[1], TEXTS[3], channel)
    await check(activities.seq_of, tx, workspace, newest.id)
    await check(activities.last_seq, tx, workspace)

    seqs = await check(notifications.take_seqs, tx, [ann, bob])
    found = await check(
        notifications.insert_many,
        tx,
        [notifications.NewRow(user, seqs[user], "mention", ann, workspace, channel, 1, 9, TEXTS[3], NOW) for user in seqs],
    )
    await check(notifications.last_seqs, tx, [ann, bob])
    for unread_only in (True, False):
        await check(notifications.page_before, tx, bob, 99, 10, unread_only)
    await check(notifications.page_after, tx, bob, 0, 10)
    await check(notifications.unread_count, tx, bob)
    assert await check(notifications.mention_counts, tx, bob) == {channel: 1}
    seq = await check(notifications.seq_of, tx, bob, found[bob])
    await check(notifications.mark_read, tx, bob, seq)
    assert (await check(notifications.page_before, tx, bob, 99, 10, False))[0].read_at is not None
    await check(notifications.mark_all_read, tx, ann)
    await check(notifications.mark_channel_read, tx, ann, channel, 9)
    await check(notifications.insert_change, tx, bob, await check(notifications.next_seq, tx, bob), "channel_read", channel)
    await check(notifications.changes_after, tx, bob, 0, 10)


async def sign_ins(check: Checked, pool: Pool, tx: Connection, ann: int) -> None:
    session = await check(sessions.insert, tx, ann, "Firefox", "127.0.0.1", 1_700_000_000)
    await check(sessions.live, tx, session)
    await check(sessions.live_of_user, tx, ann, session)
    await check(sessions.touch, tx, [session])
    assert await check(sessions.live_many, tx, [session, session + 1_000_000]) != [None, None]
    await check(sessions.insert_tickets, pool, [(b"t" * 32, session)])
    # Asked for twice at one moment, it is given once.
    assert await check(sessions.consume_tickets, pool, [b"t" * 32, b"t" * 32, b"u" * 32]) == [session, None, None]
    await check(sessions.sweep_tickets, tx)
    assert (await check(sessions.rotate, pool, session, 1, 1_700_000_100, 10, "", "")).rotated_at == 1_700_000_100
    assert (await check(sessions.rotate, pool, session, 1, 1_700_000_105, 10, "", "")).rotated_at == 1_700_000_100
    await check(sessions.revoke, tx, session, ann)
    row = audit.NewRow(3, 0, ann, "ann@example.com", "member_added", "user", 7, {"name": TEXTS[3], "role": 1}, "::1", TEXTS[1])
    await check(audit.insert, tx, row)
    [record] = await check(audit.page, tx, 3, audit.Slice(), [], 9)
    assert (record.details, record.user_agent, record.actor_id) == (row.details, row.user_agent, ann)
    assert await check(audit.place, tx, 3, record.id) == record.created_at
    assert await check(audit.all_after, tx, 0, audit.BEGINNING, 3, "", "") == [record]
    await check(access.record, tx, access.Change(ann, "workspace_left", workspace_id=1))
    await check(access.recent, tx, 60)
    await check(access.sweep, tx)


async def around(check: Checked, pool: Pool, tx: Connection, workspace: int, channel: int, ann: int, bob: int) -> None:
    await check(outbox.insert, tx, "ann@example.com", b"sealed \xff\x00", 300)
    [mail] = await check(outbox.claim, pool, "me")
    assert (mail.sealed, mail.attempts) == (b"sealed \xff\x00", 1)
    await check(outbox.retry, tx, mail.id, 1)
    await check(outbox.keep, tx, mail.id)
    assert (await check(outbox.mailbox, tx))[0][1] == b"sealed \xff\x00"
    await check(outbox.remove, tx, mail.id)
    await check(outbox.sweep, tx)

    await check(presence.upsert_many, tx, [(ann, "node", "online"), (ann, "other", "idle"), (bob, "node", "idle")])
    assert await check(presence.statuses, tx, [ann, bob]) == {ann: "online", bob: "idle"}
    await check(presence.emails, tx, [ann, bob])
    assert [it.status for it in await check(presence.of_workspace, tx, workspace)] == ["online", "idle"]
    assert await check(presence.online_members, tx, channel) == [ann]
    await check(presence.seen_many, tx, [ann, bob])
    assert await check(metrics.active_users, tx, workspace, 15) == 2
    await tx.run("UPDATE presence SET seen_at = seen_at - INTERVAL 60 SECOND WHERE user_id = %s", bob)
    assert await check(presence.sweep_stale, pool) == [bob]

    await check(invitations.upsert, tx, workspace, "new@example.com", "guest", ann)
    [invitation] = await check(invitations.page, tx, workspace)
    [waiting] = await check(invitations.for_email, tx, "new@example.com")
    await check(invitations.consume, tx, waiting.id)
    await check(invitations.upsert, tx, workspace, "new@example.com", "guest", ann)
    [invitation] = await invitations.page(tx, workspace)
    await check(invitations.email_of, tx, workspace, invitation.id)
    await check(invitations.delete, tx, workspace, invitation.id)
    link = await check(invitations.insert_link, tx, workspace, b"l" * 32, "member", 3, ann, 1)
    await check(invitations.open_link, tx, b"l" * 32)
    await check(invitations.use_link, tx, link)
    assert [it.uses for it in await check(invitations.links, tx, workspace)] == [1]
    await check(invitations.delete_link, tx, workspace, link)


async def the_end(check: Checked, tx: Connection, workspace: int, channel: int, ann: int, bob: int) -> None:
    await check(demo.spread, tx, workspace, NOW, [demo.Moved("2025-01-01 08:00:00", channel, 1)])
    assert [(day.day, day.count) for day in await metrics.messages_per_day(tx, workspace, [channel])] == []  # long ago
    await check(members.delete, tx, workspace, bob)
    assert await channels.member_ids(tx, channel) == [ann]
    await check(members.delete_all, tx, workspace)
    await check(workspaces.delete, tx, workspace)
    assert await check(workspaces.purgeable, tx) == [workspace]
    assert await check(maintenance.channel_ids, tx, workspace) == [channel]
    assert await check(maintenance.delete_messages, tx, channel) == len(TEXTS)
    assert await check(maintenance.delete_activities, tx, workspace) == 3
    assert await check(maintenance.delete_notifications, tx, workspace) == 2
    await check(workspaces.purge, tx, workspace)
    assert await workspaces.purgeable(tx) == []
    other = await workspaces.insert(tx, "Other", "", ann)
    await invitations.upsert(tx, other, "new@example.com", "guest", ann)
    await invitations.insert_link(tx, other, b"l" * 32, "member", 3, ann, 1)
    for table in ("sessions", "invitations", "invite_links"):
        await tx.run(f"UPDATE {table} SET expires_at = expires_at - INTERVAL 61 DAY")
    assert await check(maintenance.delete_sessions, tx) == 1
    assert await check(maintenance.delete_invitations, tx) == 1
    assert await check(maintenance.delete_links, tx) == 1
    await tx.run("UPDATE inboxes SET last_seq = 10100 WHERE user_id = %s", bob)
    await tx.run("UPDATE audit_log SET created_at = created_at - INTERVAL 31 DAY")
    assert await check(maintenance.delete_audit, tx, 30) == 1
    assert await check(maintenance.long_inboxes, tx, 0) == [(bob, 100)]
    assert await check(maintenance.delete_read_marks, tx, bob, 100) == 1
