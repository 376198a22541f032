"""The frames that clients send, each checked like a request body. A `ref` asks for an acknowledgement."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from pluseboard import fields as f


class ClientFrame(Struct, tag_field="type"):
    pass


class JoinChannel(ClientFrame, tag="join_channel"):
    """Receive a channel's events; with `since_seq` first those that were missed, in order, then live."""

    channel_id: f.Id
    since_seq: f.Seq | UnsetType = UNSET
    ref: f.Ref | UnsetType = UNSET


class LeaveChannel(ClientFrame, tag="leave_channel"):
    """Receive no more of a channel on this socket. (Membership is left over HTTP.)"""

    channel_id: f.Id
    ref: f.Ref | UnsetType = UNSET


class SendMessage(ClientFrame, tag="send_message"):
    """The `ack` comes after the commit; a `client_msg_id` makes it safe to send again."""

    channel_id: f.Id
    body: f.Body
    client_msg_id: f.ClientMsgId | UnsetType = UNSET
    ref: f.Ref | UnsetType = UNSET


class Typing(ClientFrame, tag="typing"):
    """Show the others in a channel that the user types."""

    channel_id: f.Id
    ref: f.Ref | UnsetType = UNSET


class Subscribe(ClientFrame, tag="subscribe"):
    """With `workspace_id`: its activity. Without: the user's own notifications."""

    workspace_id: f.Id | UnsetType = UNSET
    since_seq: f.Seq | UnsetType = UNSET
    ref: f.Ref | UnsetType = UNSET


class Unsubscribe(ClientFrame, tag="unsubscribe"):
    """The opposite of `subscribe`."""

    workspace_id: f.Id | UnsetType = UNSET
    ref: f.Ref | UnsetType = UNSET


class Heartbeat(ClientFrame, tag="heartbeat"):
    """How the user is on this device; `offline` means: do not count this socket."""

    status: Annotated[Literal["online", "idle", "offline"], Meta(description="online, idle or offline")] = "online"
    ref: f.Ref | UnsetType = UNSET
