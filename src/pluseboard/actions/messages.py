"""Editing and deleting messages: the change takes the channel's next seq, like a message."""

from pluseboard.actions.auditing import audit
from pluseboard.auth import CurrentUser
from pluseboard.database import Connection
from pluseboard.errors import Forbidden, NotFound
from pluseboard.realtime import events
from pluseboard.repositories import channels, messages
from pluseboard.schemas import Message
from pluseboard.services import Services


async def visible_message(app: Services, user: CurrentUser, message_id: int) -> Message:
    """Raises NotFound when it is not there or in a channel that is not the user's to know."""
    place = await messages.place(app.database, message_id)
    if place is None or await channels.visible_to(app.database, user.id, place.channel_id) is None:
        raise NotFound("There is no such message")
    message: Message = await messages.at(app.database, place.channel_id, place.seq)
    return message


async def seq_before(app: Services, channel_id: int, last_seq: int, time: str) -> int:
    """The place after which the messages of `time` or later stand: halving, since times grow with seq; no index is needed."""
    low, high = 0, last_seq
    while low < high:
        middle = (low + high) // 2
        found = await messages.next_time(app.database, channel_id, middle)
        if found is None or found.created_at >= time:
            high = middle
        else:
            low = found.seq
    return low


async def edit_message(app: Services, user: CurrentUser, message_id: int, body: str) -> Message:
    """One's own only. Raises NotFound, Forbidden."""
    return await _change(app, user, message_id, "message_updated", body)


async def delete_message(app: Services, user: CurrentUser, message_id: int) -> Message:
    """One's own, or anybody's for an admin; the tombstone. Deleting twice changes nothing. Raises NotFound, Forbidden."""
    return await _change(app, user, message_id, "message_deleted", None)


async def _change(app: Services, user: CurrentUser, message_id: int, kind: str, body: str | None) -> Message:
    place = await messages.place(app.database, message_id)
    seen = await channels.visible_to(app.database, user.id, place.channel_id) if place else None
    if place is None or seen is None:
        raise NotFound("There is no such message")
    if seen.channel.is_archived:
        raise Forbidden("This channel is archived: it is read-only")
    may_delete = body is None and seen.role in ("owner", "admin")
    if place.sender_id != user.id and not may_delete:
        raise Forbidden("Only its sender may change a message")
    if place.is_deleted and body is not None:
        raise NotFound("There is no such message")

    async def work(tx: Connection) -> tuple[Message, int]:
        # The counter first: its row lock makes edits, deletions and messages of a channel wait for each other.
        seq = await channels.next_seq(tx, place.channel_id)
        if body is None:
            changed = await messages.delete(tx, place.channel_id, place.seq)
        else:
            changed = await messages.edit(tx, place.channel_id, place.seq, body)
        if not changed:
            raise _Unchanged
        await messages.insert_change(tx, place.channel_id, seq, kind, place.seq)
        if place.sender_id != user.id:
            channel = seen.channel
            private = channel.id if channel.is_private else 0
            about = {"channel_id": channel.id, "sender_id": place.sender_id}
            await audit(tx, user, "message_deleted", ("message", message_id), channel.workspace_id, private, **about)
        return await messages.at(tx, place.channel_id, place.seq), seq

    try:
        message, seq = await app.database.transaction(work)
    except _Unchanged:
        # The same text within the same second, or deleted meanwhile: no event, for nothing happened.
        return await visible_message(app, user, message_id)
    app.hub.publish([events.channel_event(kind, place.channel_id, seq, message)])
    return message


class _Unchanged(Exception):
    """Rolls back: the seq is not taken."""
