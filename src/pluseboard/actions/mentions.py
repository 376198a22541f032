"""Whom a message calls: @username, @channel (all members of the channel) and @here (those of them who are online)."""

import re

from pluseboard.database import Connection
from pluseboard.repositories import channels, presence, users

# After a letter or digit it is an address (john@example.com), not a mention; a dot at the end is the sentence's.
_MENTION = re.compile(r"(?<![A-Za-z0-9._-])@([A-Za-z0-9][A-Za-z0-9._-]{0,31})")
MAX_NAMES = 50
EVERYBODY, ONLINE = "channel", "here"


def names_in(body: str) -> list[str]:
    """The names called, lower-cased, each once; at most 50, so that one message cannot ask for a thousand look-ups."""
    if "@" not in body:
        return []
    found = (name.rstrip(".-_").lower() for name in _MENTION.findall(body))
    return list(dict.fromkeys(name for name in found if name))[:MAX_NAMES]


async def mentioned(tx: Connection, channel_id: int, body: str) -> set[int]:
    """The ids of those whom the message calls and who can see it."""
    names = names_in(body)
    if not names:
        return set()
    called: set[int] = set()
    if EVERYBODY in names:
        called.update(await channels.member_ids(tx, channel_id))
    elif ONLINE in names:
        online = await presence.online_members(tx, channel_id)
        called.update(await channels.viewers_of(tx, channel_id, online))
    people = [name for name in names if name not in (EVERYBODY, ONLINE)]
    called.update(await channels.viewers_of(tx, channel_id, await users.ids_by_usernames(tx, people)))
    return called
