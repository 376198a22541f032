"""What travels on each socket, for the OpenAPI document: the frames its handlers take, and those it sends."""

import inspect
from types import ModuleType

from pluseboard.openapi import SocketDoc
from pluseboard.realtime import events
from pluseboard.sockets import activity, chat, everything, notifications, presence

CHAT = [events.NewMessage, events.MessageUpdated, events.MessageDeleted, events.Typing]
NOTIFICATIONS = [events.NotificationFrame, events.NotificationsRead, events.ChannelRead]
REPLIES = [events.Ack, events.ErrorFrame]


def _described(path: str, module: ModuleType, server: list[type]) -> SocketDoc:
    """The module's docstring says `/ws/chat/: what for.`"""
    words = (inspect.getdoc(module) or "").partition(": ")[2]
    return SocketDoc(path, words[:1].upper() + words[1:].rstrip("."), list(module.HANDLERS), [*server, *REPLIES])


SOCKETS = [
    _described("/ws/chat", chat, [*CHAT, events.Unsubscribed, events.ResyncRequired]),
    _described("/ws/activity", activity, [events.ActivityUpdate, events.Unsubscribed, events.ResyncRequired]),
    _described("/ws/presence", presence, [events.PresenceUpdate]),
    _described("/ws/notifications", notifications, [*NOTIFICATIONS, events.ResyncRequired]),
    _described(
        "/ws",
        everything,
        [*CHAT, events.ActivityUpdate, events.PresenceUpdate, *NOTIFICATIONS, events.Unsubscribed, events.ResyncRequired],
    ),
]
