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
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pluseboard.actions.mentions import mentioned
from pluseboard.actions.recording import About, activity_event, notify
from pluseboard.auth import CurrentUser
from pluseboard.clock import utc_now
from pluseboard.database import Answer, Connection, Database, DuplicateRow, LostCommit
from pluseboard.errors import ApiError, Forbidden, NotFound, Unavailable
from pluseboard.realtime import events
from pluseboard.realtime.events import Event
from pluseboard.realtime.hub import Hub
from pluseboard.realtime.logs import LOGS
from pluseboard.repositories import activities, channels, members, messages, metrics, workspaces
from pluseboard.repositories.channels import LockedChannel
from pluseboard.schemas import Message, MessageSent

log = logging.getLogger(__name__)

WRITERS = 2  # the second asks for its locks while the first commits: about a tenth more messages a second than with one
MAX_BATCH = 128
ANSWER_SECONDS = 4.0  # the longest that a sender waits: behind a batch that hangs, nobody's own time limit has begun
MAX_KNOWN_CHANNELS = 100_000
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
    """What a batch did: the answers that need no commit, the rows that it wrote, and events that came with them."""

    answers: dict[Draft, MessageSent | ApiError] = field(default_factory=dict)
    sent: list[tuple[Draft, messages.NewRow, int]] = field(default_factory=list)  # with their ids
    recorded: list[activities.NewRow] = field(default_factory=list)  # of those messages, in the same order
    activity_ids: Answer[list[int]] | None = None
    events: list[Event] = field(default_factory=list)


class Poster:
    """Takes messages, writes them in batches: as many transactions at a time as tasks `run` it."""

    def __init__(self, database: Database, hub: Hub, max_pending: int) -> None:
        self._database = database
        self._hub = hub
        self._max_pending = max_pending
        self._pending: deque[Draft] = deque()
        self._workspaces: dict[int, int] = {}  # channel -> its workspace, which never changes
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
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await draft.sent
        except TimeoutError:
            raise Unavailable("The message could not be written in time; try again") from None

    async def run(self) -> None:
        """A writer: until `close`, and then until everything that was taken is written."""
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
            if not draft.sent.done():  # nobody waits for it any more
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
        try:
            self._hub.publish(await self._events(written))
        finally:
            # What is committed is acknowledged, whatever comes of telling it.
            for draft, answer in written.answers.items():
                if isinstance(answer, ApiError):
                    _refuse(draft, answer)
                elif not draft.sent.done():  # the client may have gone
                    draft.sent.set_result(answer)

    async def _write(self, batch: Sequence[Draft]) -> Written:
        """The transaction, tried again when another process wrote the same client_msg_id between look and insert."""
        if unknown := {draft.channel_id for draft in batch} - self._workspaces.keys():
            if len(self._workspaces) > MAX_KNOWN_CHANNELS:
                self._workspaces.clear()
                unknown = {draft.channel_id for draft in batch}
            self._workspaces |= await channels.workspaces_of(self._database, sorted(unknown))
        try:
            return await self._database.transaction(lambda tx: _write_batch(tx, batch, self._workspaces))
        except (DuplicateRow, LostCommit) as error:
            # Whatever was written, by another process or by a COMMIT whose answer was lost, is found by its key: writing again
            # writes only what is missing.
            log.warning("a batch is looked up and written again", extra={"error": type(error).__name__})
        written = await self._database.transaction(lambda tx: _write_batch(tx, batch, self._workspaces, again=True))
        written.events[:0] = await self._unannounced(written)
        return written

    async def _unannounced(self, written: Written) -> list[Event]:
        """What a lost COMMIT had written has been told to nobody. (Without this the polls would find it, within 10 s.)"""
        places = sorted({(d.channel_id, sent.seq) for d, sent in written.answers.items() if isinstance(sent, MessageSent)})
        found: list[Event] = []
        try:
            for channel_id, seq in places:
                found += await LOGS["channel"].after(self._database, channel_id, seq - 1, 1)
        except ApiError as error:
            log.warning("left to the polls", extra={"error": error.message})
        return found

    async def _events(self, written: Written) -> list[Event]:
        """What a batch that is committed is told by."""
        found = written.events
        for draft, row, id_ in written.sent:
            user = draft.user
            message = Message(
                id_,
                row.channel_id,
                row.seq,
                user.email,
                user.full_name,
                draft.body,
                draft.client_msg_id,
                row.created_at,
                None,
                None,
            )
            found.append(events.channel_event("new_message", row.channel_id, row.seq, message))
        if written.activity_ids:
            try:
                ids = written.activity_ids.value or await activities.ids(self._database, written.recorded)
            except ApiError as error:
                log.warning("activities are left to the poll", extra={"error": error.message})
                ids = []
            # No ids: the hub finds the activities in the database.
            senders = [draft.user.email for draft, _, _ in written.sent]
            found += map(activity_event, written.recorded, ids, senders)
        return found


def _refuse(draft: Draft, error: Exception) -> None:
    if not draft.sent.done():
        draft.sent.set_exception(error)


async def _write_batch(tx: Connection, batch: Sequence[Draft], workspace_of: Mapping[int, int], again: bool = False) -> Written:
    """Three round trips: what is locked and looked at, the messages, and their activities with the COMMIT."""
    written = Written()
    known = [draft for draft in batch if draft.channel_id in workspace_of]
    if not known:
        for draft in batch:
            written.answers[draft] = NotFound("There is no such channel")
        return written
    locked_channels = channels.lock_many(tx, sorted({draft.channel_id for draft in known}))
    roles = members.roles_of_pairs(tx, list({(workspace_of[draft.channel_id], draft.user.id) for draft in known}))
    joined = channels.members_of_pairs(tx, list({(draft.channel_id, draft.user.id) for draft in known}))
    # The server's own keys can only have been written by an earlier try of this batch.
    keys = [(draft.channel_id, draft.user.id, draft.key) for draft in known if draft.client_msg_id is not None or again]
    before = messages.sent_before(tx, keys) if keys else None
    # Locked also for `pluseboard recount`, which holds the same locks: it counts each message once.
    activity_seqs = workspaces.lock_many(tx, sorted({workspace_of[draft.channel_id] for draft in known}))
    await tx.flush()
    locked = locked_channels.value
    fresh = _permitted(batch, Ground(locked, roles.value, joined.value, before.value if before else {}), written)
    if not fresh:
        return written

    now = utc_now()
    rows = _numbered(fresh, locked, now)
    inserted = messages.insert_many(tx, rows)
    channels.advance_many(tx, Counter(draft.channel_id for draft in fresh))
    channels.read_many(tx, _read_positions(rows, now))
    metrics.add_counts(tx, _counts(fresh, locked, now))
    workspaces.advance_many(tx, Counter(locked[draft.channel_id].workspace_id for draft in fresh))
    await tx.flush()
    ids = inserted.value or await messages.ids(tx, rows)

    for draft, row, id_ in zip(fresh, rows, ids, strict=True):
        written.sent.append((draft, row, id_))
        written.answers[draft] = MessageSent(message_id=id_, seq=row.seq, created_at=now)
        if called := await mentioned(tx, draft.channel_id, draft.body):
            channel = locked[draft.channel_id]
            about = About(channel.id, channel.is_private, id_, row.seq)
            line = f"mentioned you in #{channel.name}"
            written.events += await notify(tx, called, "mention", draft.user, channel.workspace_id, line, about)
    written.recorded = _activities(written.sent, locked, activity_seqs.value)
    written.activity_ids = activities.insert_many(tx, written.recorded)
    return written


class Ground(NamedTuple):
    """What the database says of a batch: its channels, the senders' roles and memberships, and messages sent before."""

    channels: dict[int, LockedChannel]
    roles: dict[tuple[int, int], str]
    joined: set[tuple[int, int]]
    before: dict[tuple[int, int, str], messages.SentBefore]


def _permitted(batch: Sequence[Draft], ground: Ground, written: Written) -> list[Draft]:
    """The drafts to insert; retries are answered with their first row, and what is not allowed with its error."""
    fresh: dict[tuple[int, int, str], Draft] = {}
    for draft in batch:
        channel = ground.channels.get(draft.channel_id)
        role = ground.roles.get((channel.workspace_id, draft.user.id)) if channel else None
        is_member = (draft.channel_id, draft.user.id) in ground.joined
        key = (draft.channel_id, draft.user.id, draft.key)
        if channel is None or role is None or not (is_member or (not channel.is_private and role != "guest")):
            written.answers[draft] = NotFound("There is no such channel")
        elif sent := ground.before.get(key):
            written.answers[draft] = MessageSent(message_id=sent.id, seq=sent.seq, created_at=sent.created_at)
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


def _numbered(fresh: Sequence[Draft], locked: Mapping[int, LockedChannel], now: str) -> list[messages.NewRow]:
    """The next seqs of each channel, in the order of arrival."""
    taken: Counter[int] = Counter()
    rows = []
    for draft in fresh:
        channel = locked[draft.channel_id]
        taken[channel.id] += 1
        seq, number = channel.last_seq + taken[channel.id], channel.message_count + taken[channel.id]
        rows.append(messages.NewRow(channel.id, seq, number, draft.user.id, draft.key, draft.body, now))
    return rows


def _read_positions(rows: Sequence[messages.NewRow], now: str) -> list[tuple[int, int, int, int, str]]:
    newest = {(row.channel_id, row.sender_id): (row.seq, row.number) for row in rows}
    return [(channel, user, seq, number, now) for (channel, user), (seq, number) in sorted(newest.items())]


def _counts(fresh: Sequence[Draft], locked: Mapping[int, LockedChannel], now: str) -> list[tuple[int, str, int, int]]:
    counted = Counter(draft.channel_id for draft in fresh)
    return sorted((locked[channel].workspace_id, now[:10], channel, count) for channel, count in counted.items())


def _activities(
    sent: Sequence[tuple[Draft, messages.NewRow, int]], locked: Mapping[int, LockedChannel], seqs: Mapping[int, int]
) -> list[activities.NewRow]:
    taken: Counter[int] = Counter()
    made = []
    for draft, row, id_ in sent:
        channel = locked[draft.channel_id]
        taken[channel.workspace_id] += 1
        made.append(
            activities.NewRow(
                channel.workspace_id,
                seqs[channel.workspace_id] + taken[channel.workspace_id],
                draft.user.id,
                "message_sent",
                id_,
                channel.id,
                channel.is_private,
                f"{draft.user.first_name} sent a message in #{channel.name}",
                row.created_at,
            )
        )
    return made
