"""People: their accounts."""

from collections.abc import Sequence

from pluseboard.database import Connection, Executor, load_queries
from pluseboard.schemas import Profile

_q = load_queries("users")


async def insert(tx: Connection, username: str, email: str, full_name: str, password_hash: str) -> int:
    """The new user's id. Raises DuplicateRow with key users_email or users_username."""
    user_id = await tx.insert(_q.insert, username, email, full_name, password_hash)
    await tx.run(_q.insert_inbox, user_id)
    return user_id


async def id_by_email(db: Executor, email: str) -> int | None:
    row = await db.one(_q.by_email, email)
    return row[0] if row else None


async def profile(db: Executor, user_id: int) -> Profile | None:
    row = await db.one(_q.profile, user_id)
    return Profile(*row) if row else None


async def rename(db: Executor, user_id: int, full_name: str) -> None:
    await db.run(_q.rename, full_name, user_id)


async def ids_by_usernames(db: Executor, usernames: Sequence[str]) -> list[int]:
    return [row[0] for row in await db.all(_q.by_usernames, tuple(usernames))] if usernames else []
