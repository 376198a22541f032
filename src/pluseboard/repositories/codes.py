"""Sign-in codes: one live code a user, hashed, and the count of wrong tries."""

from typing import NamedTuple

from pluseboard.database import Connection, load_queries

_q = load_queries("codes")


class Attempt(NamedTuple):
    """Who tries a code; `failures` is what has not faded of their wrong tries."""

    user_id: int
    username: str
    email: str
    full_name: str
    failures: int


async def replace(tx: Connection, user_id: int, code_hash: bytes) -> None:
    await tx.run(_q.replace, user_id, code_hash)


async def lock_attempt(tx: Connection, email: str) -> Attempt | None:
    """Locks the user's row until the end of the transaction."""
    row = await tx.one(_q.lock_attempt, email)
    return Attempt(*row) if row else None


async def live_hash(tx: Connection, user_id: int) -> bytes | None:
    row = await tx.one(_q.live_hash, user_id)
    return bytes(row[0]) if row else None


async def count_failure(tx: Connection, user_id: int, failures: int) -> None:
    await tx.run(_q.count_failure, failures, user_id)


async def consume(tx: Connection, user_id: int) -> None:
    """A right code: it is gone, and the failures are forgotten."""
    await tx.run(_q.consume, user_id)
    await tx.run(_q.forget_failures, user_id)
