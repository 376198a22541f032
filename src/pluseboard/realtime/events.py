"""What is emitted, and its JSON: every frame that a server sends on a socket, and the event that carries it to the hub.

An event belongs to a topic: channel:<id> (a channel's log), workspace:<id> (its activity log) or user:<id> (a user's own log).
With a seq it is part of the topic's ordered log and is never lost; without one (seq 0: typing) it is ephemeral.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from pluseboard.fields import Ref
from pluseboard.schemas import Activity, Message, Notification


class NewMessage(Struct, tag="new_message"):
    channel_id: int
    seq: int
    message: Message


class MessageUpdated(Struct, tag="message_updated"):
    """An edit; `message` is the whole message as it is now."""

    channel_id: int
    seq: int
    message: Message


class MessageDeleted(Struct, tag="message_deleted"):
    """A deletion; `message` is the tombstone."""

    channel_id: int
    seq: int
    message: Message


class Typing(Struct, tag="typing"):
    """Somebody types in a channel. Ephemeral: never stored, dropped first."""

    channel_id: int
    user_email: str
    username: str


class ActivityUpdate(Struct, tag="activity_update"):
    """`prev_seq` is the seq of the activity before it that this viewer may see: if it is not the last one received, ask again."""

    workspace_id: int
    seq: int
    activity: Activity
    prev_seq: int


class PresenceUpdate(Struct, tag="presence_update"):
    user_id: int
    user_email: str
    status: Annotated[str, Meta(description="online, idle or offline")]


class NotificationFrame(Struct, tag="notification"):
    """`message` is the line to show, `notification` the record."""

    seq: int
    message: str
    notification: Notification


class NotificationsRead(Struct, tag="notifications_read"):
    """Read on one of the user's devices: one notification, or all (null)."""

    seq: int
    notification_id: int | None
    unread_count: int


class ChannelRead(Struct, tag="channel_read"):
    """A channel was read on one of the user's devices."""

    seq: int
    channel_id: int
    read_seq: int
    unread_count: int
    mention_count: int


class Ack(Struct, tag="ack", omit_defaults=True):
    """Answers a frame that carried a `ref`, once it is done: a message committed, a channel joined (`seq`: where it stands)."""

    ref: Ref
    channel_id: int | None = None
    workspace_id: int | None = None
    message_id: int | None = None
    seq: int | None = None
    created_at: str | None = None


class ErrorFrame(Struct, tag="error", omit_defaults=True):
    """Answers a frame that failed; the socket lives on."""

    code: str
    message: str
    ref: Ref | None = None


class ResyncRequired(Struct, tag="resync_required", omit_defaults=True):
    """`since_seq` is too far behind to replay, or ahead of the log: fetch over HTTP, then join anew. `seq` is the newest."""

    seq: int
    channel_id: int | None = None
    workspace_id: int | None = None
    ref: Ref | None = None


class Unsubscribed(Struct, tag="unsubscribed", omit_defaults=True):
    """Access ended or changed: nothing more comes from this channel or workspace on this socket."""

    reason: Literal["removed", "role_changed", "deleted"]
    workspace_id: int
    channel_id: int | None = None


_SHAPES = {"new_message": NewMessage, "message_updated": MessageUpdated, "message_deleted": MessageDeleted}
_encoder = msgspec.json.Encoder()

MAX_BATCH_CHARS = 32 * 1024  # half of what a transport takes before it says that it is full


class Frame:
    """A frame encoded once, for however many sockets."""

    __slots__ = ("_wire", "ephemeral", "text")

    def __init__(self, text: str, *, ephemeral: bool = False) -> None:
        self.text = text
        self.ephemeral = ephemeral
        self._wire: bytes | None = None

    @property
    def parts(self) -> "Sequence[Frame]":
        return (self,)

    @property
    def size(self) -> int:
        """Characters."""
        return len(self.text)

    @property
    def wire(self) -> bytes:
        """The bytes of an unmasked final text frame (RFC 6455, 5.2), made once."""
        if self._wire is None:
            payload = self.text.encode()
            size = len(payload)
            if size < 126:
                head = bytes((0x81, size))
            elif size < 65536:
                head = b"\x81\x7e" + size.to_bytes(2, "big")
            else:
                head = b"\x81\x7f" + size.to_bytes(8, "big")
            self._wire = head + payload
        return self._wire


class Frames:
    """Several frames, which a socket with room takes in one write: the write is most of what a delivery costs."""

    __slots__ = ("parts", "size", "wire")

    def __init__(self, parts: Sequence[Frame]) -> None:
        self.parts = parts
        self.size = sum(part.size for part in parts)
        self.wire = b"".join([part.wire for part in parts])


class Event:
    """A frame on its way to a topic. channel_id and is_private say who may see an activity; typist is whom to leave out."""

    __slots__ = ("channel_id", "frame", "is_private", "seq", "topic", "typist")

    def __init__(self, topic: str, seq: int, frame: Frame, *, channel_id: int = 0, is_private: int = 0, typist: int = 0) -> None:
        self.topic = topic
        self.seq = seq
        self.frame = frame
        self.channel_id = channel_id
        self.is_private = is_private
        self.typist = typist


class Batch:
    """Consecutive events of one topic, for many subscribers. `places` are the (channel, is_private) that they are about."""

    __slots__ = ("events", "frame", "places", "typist")

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = events
        self.frame = events[0].frame if len(events) == 1 else Frames([event.frame for event in events])
        self.places = {(event.channel_id, event.is_private) for event in events}
        self.typist = events[0].typist


def batches(events: Sequence[Event]) -> Iterator[Batch]:
    """As few as possible, none of them more than an outbox's share; what is ephemeral goes alone, so that it can be dropped."""
    run: list[Event] = []
    size = 0
    for event in events:
        if run and (not event.seq or not run[-1].seq or size + event.frame.size > MAX_BATCH_CHARS):
            yield Batch(run)
            run, size = [], 0
        run.append(event)
        size += event.frame.size
    if run:
        yield Batch(run)


def frame(struct: Struct, *, ephemeral: bool = False) -> Frame:
    return Frame(_encoder.encode(struct).decode(), ephemeral=ephemeral)


def channel_topic(channel_id: int) -> str:
    return f"channel:{channel_id}"


def workspace_topic(workspace_id: int) -> str:
    return f"workspace:{workspace_id}"


def user_topic(user_id: int) -> str:
    return f"user:{user_id}"


def channel_event(kind: str, channel_id: int, seq: int, message: Message) -> Event:
    """`kind` is new_message, message_updated or message_deleted; `message` may be ready JSON (msgspec.Raw)."""
    return Event(channel_topic(channel_id), seq, frame(_SHAPES[kind](channel_id, seq, message)))


def typing(channel_id: int, user_id: int, email: str, username: str) -> Event:
    return Event(channel_topic(channel_id), 0, frame(Typing(channel_id, email, username), ephemeral=True), typist=user_id)


def activity_update(activity: Activity, is_private: int) -> Event:
    update = ActivityUpdate(activity.workspace_id, activity.seq, activity, activity.seq - 1)
    return Event(
        workspace_topic(activity.workspace_id),
        activity.seq,
        frame(update),
        channel_id=activity.channel_id or 0,
        is_private=is_private,
    )


def with_prev_seq(event: Event, prev_seq: int) -> Frame:
    """The frame of an activity for a viewer who was not shown the one before: prev_seq is the last field of the JSON."""
    head, _, _ = event.frame.text.rpartition(":")
    return Frame(f"{head}:{prev_seq}}}")


def notification(user_id: int, record: Notification) -> Event:
    return Event(user_topic(user_id), record.seq, frame(NotificationFrame(record.seq, record.message, record)))
