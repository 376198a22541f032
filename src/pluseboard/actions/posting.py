"""Group commit: messages that arrive while a transaction is committing are written together by the next one.

At low load a message goes alone and at once; under load a batch of n messages costs one round of statements. A sender is answered
after the commit. One bad message never fails its neighbours: permissions are decided message by message, and when a batch is
refused by the database it is tried again one by one. Every message has a client_msg_id (the server gives one when the client did
not), so that a commit whose answer was lost is looked up, not guessed.
"""

import asyncio
import itertools
import logging
import secrets
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from pluseboard.actions.mentions import mentioned
from pluseboard.actions.recording import About, activity_event, notify
from pluseboard.auth import CurrentUser
from pluseboard.clock import utc_now
from pluseboard.database import Connection, Database, DuplicateRow, LostCommit
from pluseboard.errors import ApiError, Forbidden, NotFound, Unavailable
from pluseboard.realtime import events
from pluseboard.realtime.events import Event
from pluseboard.realtime.hub import Hub
from pluseboard.repositories import activities, channels, members, messages, metrics, workspaces
from pluseboard.repositories.channels import LockedChannel
from pluseboard.schemas import Message, MessageSent

log = logging.getLogger(__name__)

MAX_BATCH = 128
MAX_BATCH_CHARS = 500_000  # times 4 bytes stays well below the 4 MB that MySQL 5.7 takes as one packet


@dataclass(slots=True, eq=False)
class Draft:
    """A message on its way in; `sent` is set after the commit."""

    user: CurrentUser
    channel_id: int
    body: str
    client_msg_id: str | None
    key: str
    sent: asyncio.Future[MessageSent]


@dataclass(slots=True)
class Written:
    """What a batch did: the answer to each draft, and what to publish."""

    answers: dict[Draft, MessageSent | ApiError] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


class Poster:
    """Takes messages, writes them in batches, one transaction at a time a process."""

    def __init__(self, database: Database, hub: Hub, max_pending: int) -> None:
        self._database = database
        self._hub = hub
        self._max_pending = max_pending
        self._pending: deque[Draft] = deque()
        self._id = secrets.token_hex(8)  # with a number, a key that no other process gives
        self._numbers = itertools.count(1)
        self._arrived = asyncio.Event()
        self._closing = False

    async def post(self, user: CurrentUser, channel_id: int, body: str, client_msg_id: str | None) -> MessageSent:
        """Durable when it returns. Raises NotFound, Forbidden (read-only), Unavailable (too much waits, or no database)."""
        if len(self._pending) >= self._max_pending:
            raise Unavailable("Too many messages are waiting to be written; try again")
        key = client_msg_id or f"~{self._id}.{next(self._numbers)}"
        draft = Draft(user, channel_id, body, client_msg_id, key, asyncio.get_running_loop().create_future())
        self._pending.append(draft)
        self._arrived.set()
        return await draft.sent

    async def run(self) -> None:
        """The writer: until `close`, and then until everything that was taken is written."""
        while self._pending or not self._closing:
            if not self._pending:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            batch = self._next_batch()
            try:
                await self._write_and_answer(batch)
            except BaseException as error:
                for draft in batch:
                    _refuse(draft, error if isinstance(error, Exception) else Unavailable())
                if not isinstance(error, Exception):
                    raise

    def close(self) -> None:
        self._closing = True
        self._arrived.set()

    def _next_batch(self) -> list[Draft]:
        batch: list[Draft] = []
        chars = 0
        while self._pending and len(batch) < MAX_BATCH and (not batch or chars + len(self._pending[0].body) <= MAX_BATCH_CHARS):
            draft = self._pending.popleft()
            chars += len(draft.body)
            batch.append(draft)
        return batch

    async def _write_and_answer(self, batch: Sequence[Draft]) -> None:
        try:
            written = await self._write(batch)
        except ApiError:
            raise
        except Exception:
            if len(batch) == 1:
                raise
            log.exception("a batch was refused; its messages are tried one by one")
            for draft in batch:
                try:
                    await self._write_and_answer([draft])
                except Exception as error:
                    _refuse(draft, error)
            return
        # Answer first, then publish: neither waits, and the order is the same for everybody.
        for draft, answer in written.answers.items():
            if isinstance(answer, ApiError):
                _refuse(draft, answer)
            elif not draft.sent.done():  # the client may have gone
                draft.sent.set_result(answer)
        self._hub.publish(written.events)

    async def _write(self, batch: Sequence[Draft]) -> Written:
        """The transaction, tried again when another process wrote the same client_msg_id between look and insert."""
        try:
            return await self._database.transaction(lambda tx: _write_batch(tx, batch))
        except (DuplicateRow, LostCommit) as error:
            # Whatever was written, by another process or by a COMMIT whose answer was lost, is found by its key: writing again
            # writes only what is missing.
            log.warning("a batch is looked up and written again", extra={"error": type(error).__name__})
        return await self._database.transaction(lambda tx: _write_batch(tx, batch, again=True))


def _refuse(draft: Draft, error: Exception) -> None:
    if not draft.sent.done():
        draft.sent.set_exception(error)


async def _write_batch(tx: Connection, batch: Sequence[Draft], again: bool = False) -> Written:
    written = Written()
    locked = await channels.lock_many(tx, sorted({draft.channel_id for draft in batch}))
    fresh = await _permitted(tx, batch, locked, written, again)
    if not fresh:
        return written
    now = utc_now()
    rows = _numbered(fresh, locked, now)
    ids = await messages.insert_many(tx, list(rows.values()))
    await channels.advance_many(tx, Counter(draft.channel_id for draft in fresh))
    await channels.read_many(tx, _read_positions(rows, now))
    for draft, row in rows.items():
        message_id = ids[row.channel_id, row.seq]
        written.answers[draft] = MessageSent(message_id=message_id, seq=row.seq, created_at=now)
        user = draft.user
        message = Message(
            message_id, row.channel_id, row.seq, user.email, user.full_name, draft.body, draft.client_msg_id, now, None, None
        )
        written.events.append(events.channel_event("new_message", row.channel_id, row.seq, message))
    written.events += await _activities(tx, rows, ids, locked, now)
    # After the workspaces are locked: `pluseboard recount` holds the same locks, and counts each message once.
    await metrics.add_counts(tx, _counts(fresh, locked, now))
    for draft, row in rows.items():
        if called := await mentioned(tx, draft.channel_id, draft.body):
            channel = locked[draft.channel_id]
            about = About(channel.id, channel.is_private, ids[row.channel_id, row.seq], row.seq)
            line = f"mentioned you in #{channel.name}"
            written.events += await notify(tx, called, "mention", draft.user, channel.workspace_id, line, about)
    return written


async def _permitted(
    tx: Connection, batch: Sequence[Draft], locked: dict[int, LockedChannel], written: Written, again: bool
) -> list[Draft]:
    """The drafts to insert; retries are answered with their first row, and what is not allowed with its error."""
    known = [draft for draft in batch if draft.channel_id in locked]
    roles = await members.roles_of_pairs(tx, list({(locked[d.channel_id].workspace_id, d.user.id) for d in known}))
    joined = await channels.members_of_pairs(tx, list({(d.channel_id, d.user.id) for d in known}))
    # The server's own keys can only have been written by an earlier try of this batch.
    keys = [(d.channel_id, d.user.id, d.key) for d in known if d.client_msg_id is not None or again]
    before = await messages.sent_before(tx, keys)
    fresh: dict[tuple[int, int, str], Draft] = {}
    for draft in batch:
        channel = locked.get(draft.channel_id)
        role = roles.get((channel.workspace_id, draft.user.id)) if channel else None
        is_member = (draft.channel_id, draft.user.id) in joined
        key = (draft.channel_id, draft.user.id, draft.key)
        if channel is None or role is None or not (is_member or (not channel.is_private and role != "guest")):
            written.answers[draft] = NotFound("There is no such channel")
        elif key in before:
            written.answers[draft] = MessageSent(
                message_id=before[key].id, seq=before[key].seq, created_at=before[key].created_at
            )
        elif channel.is_archived:
            written.answers[draft] = Forbidden("This channel is archived: it is read-only")
        elif key in fresh:
            # The same message twice in one batch: both callers get the one row's answer.
            _follow(fresh[key], draft)
        else:
            fresh[key] = draft
    return list(fresh.values())


def _follow(first: Draft, second: Draft) -> None:
    def copy(sent: "asyncio.Future[MessageSent]") -> None:
        if second.sent.done():
            return
        if sent.cancelled():
            second.sent.set_exception(Unavailable())
        elif error := sent.exception():
            second.sent.set_exception(error)
        else:
            second.sent.set_result(sent.result())

    first.sent.add_done_callback(copy)


def _numbered(fresh: Sequence[Draft], locked: dict[int, LockedChannel], now: str) -> dict[Draft, messages.NewRow]:
    """The next seqs of each channel, in the order of arrival."""
    taken: Counter[int] = Counter()
    rows = {}
    for draft in fresh:
        channel = locked[draft.channel_id]
        taken[channel.id] += 1
        seq, number = channel.last_seq + taken[channel.id], channel.message_count + taken[channel.id]
        rows[draft] = messages.NewRow(channel.id, seq, number, draft.user.id, draft.key, draft.body, now)
    return rows


def _read_positions(rows: dict[Draft, messages.NewRow], now: str) -> list[tuple[int, int, int, int, str]]:
    newest = {(row.channel_id, row.sender_id): (row.seq, row.number) for row in rows.values()}
    return [(channel, user, seq, number, now) for (channel, user), (seq, number) in sorted(newest.items())]


def _counts(fresh: Sequence[Draft], locked: dict[int, LockedChannel], now: str) -> list[tuple[int, str, int, int]]:
    counted = Counter(draft.channel_id for draft in fresh)
    return sorted((locked[channel].workspace_id, now[:10], channel, count) for channel, count in counted.items())


async def _activities(
    tx: Connection,
    rows: dict[Draft, messages.NewRow],
    ids: dict[tuple[int, int], int],
    locked: dict[int, LockedChannel],
    now: str,
) -> list[Event]:
    seqs = await workspaces.lock_many(tx, sorted({locked[draft.channel_id].workspace_id for draft in rows}))
    taken: defaultdict[int, int] = defaultdict(int)
    made: list[tuple[activities.NewRow, str]] = []
    for draft, row in rows.items():
        channel = locked[draft.channel_id]
        taken[channel.workspace_id] += 1
        summary = f"{draft.user.first_name} sent a message in #{channel.name}"
        made.append(
            (
                activities.NewRow(
                    channel.workspace_id,
                    seqs[channel.workspace_id] + taken[channel.workspace_id],
                    draft.user.id,
                    "message_sent",
                    ids[row.channel_id, row.seq],
                    channel.id,
                    channel.is_private,
                    summary,
                    now,
                ),
                draft.user.email,
            )
        )
    await workspaces.advance_many(tx, taken)
    activity_ids = await activities.insert_many(tx, [row for row, _ in made])
    return [activity_event(row, activity_ids[row.workspace_id, row.seq], email) for row, email in made]
