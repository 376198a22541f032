"""Invitations by mail, and shareable links."""

from typing import NamedTuple

from pluseboard.database import Connection, Executor, load_queries
from pluseboard.schemas import Invitation, InviteLink

_q = load_queries("invitations")


class Waiting(NamedTuple):
    """An invitation of somebody who has just proved their address, and who invited them."""

    id: int
    workspace_id: int
    role: str
    inviter_id: int
    inviter_username: str
    inviter_email: str
    inviter_name: str


class OpenLink(NamedTuple):
    id: int
    workspace_id: int
    workspace_name: str
    role: str
    expires_at: str


async def upsert(tx: Connection, workspace_id: int, email: str, role: str, invited_by: int) -> int:
    """The id of the new or renewed invitation."""
    return await tx.insert(_q.upsert, workspace_id, email, role, invited_by)


async def page(db: Executor, workspace_id: int) -> list[Invitation]:
    return [Invitation(*row) for row in await db.all(_q.list, workspace_id)]


async def email_of(db: Executor, workspace_id: int, invitation_id: int) -> str | None:
    row = await db.one(_q.email_of, invitation_id, workspace_id)
    return row[0] if row else None


async def delete(db: Executor, workspace_id: int, invitation_id: int) -> bool:
    return bool(await db.run(_q.delete, invitation_id, workspace_id))


async def for_email(tx: Connection, email: str) -> list[Waiting]:
    return [Waiting(*row) for row in await tx.all(_q.for_email, email)]


async def consume(tx: Connection, invitation_id: int) -> bool:
    """False when it has been taken back meanwhile."""
    return bool(await tx.run(_q.consume, invitation_id))


async def insert_link(
    db: Executor, workspace_id: int, token_hash: bytes, role: str, max_uses: int, created_by: int, hours: int
) -> int:
    return await db.insert(_q.insert_link, workspace_id, token_hash, role, max_uses, created_by, hours)


async def links(db: Executor, workspace_id: int) -> list[InviteLink]:
    return [InviteLink(*row) for row in await db.all(_q.list_links, workspace_id)]


async def delete_link(db: Executor, workspace_id: int, link_id: int) -> bool:
    return bool(await db.run(_q.delete_link, link_id, workspace_id))


async def open_link(db: Executor, token_hash: bytes) -> OpenLink | None:
    row = await db.one(_q.open_link, token_hash)
    return OpenLink(*row) if row else None


async def use_link(tx: Connection, link_id: int) -> bool:
    """False when its uses are used up, whoever came at the same time."""
    return bool(await tx.run(_q.use_link, link_id))
