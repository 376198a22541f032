"""Memberships of workspaces."""

from collections.abc import Sequence
from typing import NamedTuple

from pluseboard.database import Answer, Connection, Executor, load_queries
from pluseboard.schemas import Member

_q = load_queries("members")


class MemberProfile(NamedTuple):
    user_id: int
    username: str
    email: str
    full_name: str
    role: str


async def insert(tx: Connection, workspace_id: int, user_id: int, role: str) -> None:
    """Raises DuplicateRow when the user is already in."""
    await tx.run(_q.insert, workspace_id, user_id, role)


async def role_of(db: Executor, workspace_id: int, user_id: int) -> str | None:
    row = await db.one(_q.role_of, workspace_id, user_id)
    return row[0] if row else None


async def lock_roles(tx: Connection, workspace_id: int, user_ids: Sequence[int]) -> dict[int, str]:
    """user id -> role, for those who are in; locked until the transaction ends."""
    return dict(await tx.all(_q.lock_roles, tuple((workspace_id, user_id) for user_id in user_ids)))


def roles_of_pairs(tx: Connection, pairs: Sequence[tuple[int, int]]) -> Answer[dict[tuple[int, int], str]]:
    """(workspace id, user id) -> role, for those pairs that are memberships."""
    return tx.later(_q.roles_of_pairs, tuple(pairs), read=lambda rows: {(row[0], row[1]): row[2] for row in rows})


async def page(db: Executor, workspace_id: int, after_user_id: int, limit: int) -> list[Member]:
    return [Member(*row) for row in await db.all(_q.list, workspace_id, after_user_id, limit)]


async def profile(db: Executor, workspace_id: int, user_id: int) -> MemberProfile | None:
    row = await db.one(_q.profile, workspace_id, user_id)
    return MemberProfile(*row) if row else None


async def change_role(tx: Connection, workspace_id: int, user_id: int, role: str) -> None:
    await tx.run(_q.change_role, role, workspace_id, user_id)


async def delete(tx: Connection, workspace_id: int, user_id: int) -> None:
    """End a membership, and with it those of the workspace's channels."""
    await tx.run(_q.delete_from_channels, workspace_id, user_id)
    await tx.run(_q.delete, workspace_id, user_id)


async def delete_all(tx: Connection, workspace_id: int) -> None:
    await tx.run(_q.delete_all, workspace_id)


async def workspace_ids_of_users(db: Executor, user_ids: Sequence[int]) -> dict[int, list[int]]:
    """user id -> the workspaces they are in."""
    found: dict[int, list[int]] = {user_id: [] for user_id in user_ids}
    for user_id, workspace_id in await db.all(_q.workspace_ids_of_users, tuple(user_ids)) if user_ids else ():
        found[user_id].append(workspace_id)
    return found
