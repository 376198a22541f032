"""The shapes of the API: what comes in (named for what it asks), what goes out (named for what it is).

Rows of the repositories are the same structs: a query selects the columns in the order of the fields.
Times are UTC in the form 2025-01-15T10:30:00; flags in answers are 0 or 1.
"""

from typing import Annotated, Generic, Literal, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType

from pluseboard import fields as f

T = TypeVar("T")


# --- envelopes ----------------------------------------------------------------------------------------------------


class Success(Struct):
    """It worked; there is nothing to return."""

    status: Literal["success"] = "success"


class Done(Struct, kw_only=True):
    """It worked, said in a sentence."""

    status: Literal["success"] = "success"
    message: str


class Data(Struct, Generic[T], kw_only=True):
    """It worked, and this is what was asked for."""

    status: Literal["success"] = "success"
    data: T


class Page(Struct, Generic[T], kw_only=True):
    """A slice of something longer. `has_more` tells whether it goes on in the direction that was asked for."""

    status: Literal["success"] = "success"
    data: list[T]
    has_more: bool


class Error(Struct, kw_only=True):
    status: Literal["error"] = "error"
    code: str
    message: str


# --- sign-in ------------------------------------------------------------------------------------------------------


class Register(Struct):
    username: f.Username
    password: f.Password
    email: f.Email
    full_name: f.FullName


class RequestOtp(Struct):
    email: f.Email


class VerifyOtp(Struct):
    email: f.Email
    otp: f.Otp


class EditProfile(Struct):
    full_name: f.FullName


class Profile(Struct):
    id: int
    username: str
    email: str
    full_name: str
    created_at: str


class Session(Struct):
    """A sign-in on one device."""

    id: int
    device: str
    ip: str
    created_at: str
    last_used_at: str
    is_current: int = 0


class Ticket(Struct, kw_only=True):
    status: Literal["success"] = "success"
    ticket: str
    expires_in: Annotated[int, Meta(description="seconds")]


# --- workspaces ---------------------------------------------------------------------------------------------------


class NewWorkspace(Struct):
    name: f.Name
    description: f.Description = ""


class EditWorkspace(Struct):
    name: f.Name | UnsetType = UNSET
    description: f.Description | UnsetType = UNSET


class Workspace(Struct):
    id: int
    name: str
    description: str
    created_by: str
    created_at: str
    role: str


class WorkspaceCreated(Struct, kw_only=True):
    status: Literal["success"] = "success"
    workspace_id: int


class NewMember(Struct):
    email: f.Email
    role: f.Role = "member"


class EditMember(Struct):
    role: f.Role


class NewOwner(Struct):
    user_id: f.Id


class Member(Struct):
    user_id: int
    username: str
    email: str
    full_name: str
    role: str
    joined_at: str
    presence: str


class MemberAdded(Struct, kw_only=True):
    """`added` when the address has an account, `invited` when a mail was sent to it."""

    status: Literal["success"] = "success"
    result: Literal["added", "invited"]
    message: str


class Invitation(Struct):
    id: int
    email: str
    role: str
    invited_by: str
    created_at: str
    expires_at: str


class NewInviteLink(Struct):
    role: Annotated[Literal["member", "guest"], Meta(description="member or guest")] = "member"
    max_uses: Annotated[int, f.number(1, 10_000)] = 100
    expires_in_hours: Annotated[int, f.number(1, 8760)] = 168


class InviteLink(Struct):
    id: int
    role: str
    max_uses: int
    uses: int
    created_by: str
    created_at: str
    expires_at: str


class InviteLinkCreated(Struct, kw_only=True):
    """`token` and `url` are shown this once: only a hash is kept."""

    status: Literal["success"] = "success"
    link_id: int
    token: str
    url: str


class InvitePreview(Struct):
    workspace_name: str
    role: str
    expires_at: str


class Presence(Struct):
    user_id: int
    user_email: str
    status: str


class AuditRecord(Struct):
    """Who did what, when and from where. `actor_id` is null where an address has no account; `workspace_id` for sign-ins."""

    id: int
    created_at: str
    actor_id: int | None
    actor_email: str
    action: str
    target_type: str
    target_id: int
    workspace_id: int | None
    details: dict[str, str | int]
    ip: str
    user_agent: str


# --- channels -----------------------------------------------------------------------------------------------------


class NewChannel(Struct):
    workspace_id: f.Id
    name: f.ChannelName
    is_private: f.Flag = False
    topic: f.Topic = ""
    description: f.Description = ""


class EditChannel(Struct):
    name: f.ChannelName | UnsetType = UNSET
    topic: f.Topic | UnsetType = UNSET
    description: f.Description | UnsetType = UNSET
    is_default: f.Flag | UnsetType = UNSET


class Channel(Struct):
    """`last_seq` is the newest event of the channel's log; `read_seq` is how far the user has read."""

    id: int
    workspace_id: int
    name: str
    is_private: int
    created_at: str
    topic: str
    description: str
    is_default: int
    is_archived: int
    is_member: int
    last_seq: int
    read_seq: int
    unread_count: int
    mention_count: int


class ChannelCreated(Struct, kw_only=True):
    status: Literal["success"] = "success"
    channel_id: int


class ChannelQuery(Struct):
    workspace_id: f.Id
    include_archived: Annotated[Literal[0, 1], Meta(description="0 or 1")] = 0


class NewChannelMember(Struct):
    user_id: f.Id


class ChannelMember(Struct):
    user_id: int
    username: str
    email: str
    full_name: str
    joined_at: str


class MarkRead(Struct):
    """How far the user has read; without `seq`, everything."""

    seq: f.Seq | UnsetType = UNSET


class ReadState(Struct):
    channel_id: int
    read_seq: int
    unread_count: int
    mention_count: int


class Unread(Struct):
    channels: list[ReadState]
    notifications: int


# --- messages -----------------------------------------------------------------------------------------------------


class NewMessage(Struct):
    channel_id: f.Id
    body: f.Body
    client_msg_id: f.ClientMsgId | UnsetType = UNSET


class EditMessage(Struct):
    body: f.Body


class Message(Struct):
    """A deleted message stays as a tombstone: its body is empty and `deleted_at` is set."""

    id: int
    channel_id: int
    seq: int
    sender_email: str
    sender_name: str
    body: str
    client_msg_id: str | None
    created_at: str
    edited_at: str | None
    deleted_at: str | None


class MessageSent(Struct, kw_only=True):
    status: Literal["success"] = "success"
    message_id: int
    seq: int
    created_at: str


class MessageQuery(Struct):
    channel_id: f.Id
    limit: f.Limit = 50
    before_id: f.Id | None = None
    after_id: f.Id | None = None
    after_seq: f.Seq | None = None
    since: f.Time | None = None


# --- activity, analytics, notifications ---------------------------------------------------------------------------


class ActivityQuery(Struct):
    workspace_id: f.Id
    limit: f.Limit = 50
    before_id: f.Id | None = None


class Activity(Struct):
    """`ref_id` is the id of what it is about: a message, a channel, a user or the workspace."""

    id: int
    actor_email: str
    type: str
    ref_id: int
    summary: str
    created_at: str
    workspace_id: int
    channel_id: int | None
    seq: int


class WorkspaceQuery(Struct):
    workspace_id: f.Id


class DayCount(Struct):
    day: str
    count: int


class ActiveUsersQuery(Struct):
    workspace_id: f.Id
    minutes: Annotated[int, f.number(1, 1440)] = 15


class ActiveUsers(Struct):
    active_count: int


class NotificationQuery(Struct):
    unread: Annotated[Literal[0, 1], Meta(description="0 or 1")] = 0
    limit: f.Limit = 50
    before_id: f.Id | None = None


class Notification(Struct):
    id: int
    seq: int
    kind: str
    message: str
    actor_email: str
    workspace_id: int
    channel_id: int | None
    message_id: int | None
    created_at: str
    read_at: str | None
