"""Activities and notifications: written inside the transaction of what they tell of, returned as events to publish after it.

Locks are taken in one order everywhere (channels, then workspaces, then inboxes, each by id): writers queue and rarely deadlock.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pluseboard.auth import CurrentUser
from pluseboard.clock import utc_now
from pluseboard.database import Connection
from pluseboard.realtime import events
from pluseboard.realtime.events import Event
from pluseboard.repositories import activities, notifications, workspaces
from pluseboard.schemas import Activity, Notification

RECIPIENTS_A_STATEMENT = 1000


class About(NamedTuple):
    """The channel that an activity or notification is about; zeros when it is the workspace itself."""

    channel_id: int = 0
    is_private: int = 0
    message_id: int = 0
    message_seq: int = 0


NOTHING = About()


async def record(
    tx: Connection, workspace_id: int, actor: CurrentUser, type_: str, ref_id: int, summary: str, about: About | None = None
) -> Event:
    """One activity. `summary` goes on after the actor's first name: "joined the workspace"."""
    about = about or NOTHING
    seq = await workspaces.next_activity_seq(tx, workspace_id)
    row = activities.NewRow(
        workspace_id, seq, actor.id, type_, ref_id, about.channel_id, about.is_private, f"{actor.first_name} {summary}", utc_now()
    )
    return activity_event(row, await activities.insert(tx, row), actor.email)


def activity_event(row: activities.NewRow, activity_id: int, actor_email: str) -> Event:
    activity = Activity(
        activity_id,
        actor_email,
        row.type,
        row.ref_id,
        row.summary,
        row.created_at,
        row.workspace_id,
        row.channel_id or None,
        row.seq,
    )
    return events.activity_update(activity, row.is_private)


async def notify(
    tx: Connection,
    user_ids: Iterable[int],
    kind: str,
    actor: CurrentUser,
    workspace_id: int,
    line: str,
    about: About | None = None,
) -> list[Event]:
    """One notification for each of the users but the actor; `line` goes on after the actor's first name."""
    about = about or NOTHING
    recipients = sorted(set(user_ids) - {actor.id})
    found: list[Event] = []
    for start in range(0, len(recipients), RECIPIENTS_A_STATEMENT):
        found += await _notify(tx, recipients[start : start + RECIPIENTS_A_STATEMENT], kind, actor, workspace_id, line, about)
    return found


async def _notify(
    tx: Connection, recipients: Sequence[int], kind: str, actor: CurrentUser, workspace_id: int, line: str, about: About
) -> list[Event]:
    seqs = await notifications.take_seqs(tx, recipients)
    line, now = f"{actor.first_name} {line}", utc_now()
    rows = [
        notifications.NewRow(
            user_id, seq, kind, actor.id, workspace_id, about.channel_id, about.message_id, about.message_seq, line, now
        )
        for user_id, seq in seqs.items()
    ]
    ids = await notifications.insert_many(tx, rows)
    return [
        events.notification(
            row.user_id,
            Notification(
                ids[row.user_id],
                row.seq,
                kind,
                line,
                actor.email,
                workspace_id,
                about.channel_id or None,
                about.message_id or None,
                now,
                None,
            ),
        )
        for row in rows
    ]
