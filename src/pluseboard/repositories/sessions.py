"""Sessions (families of refresh tokens) and socket tickets."""

from collections.abc import Sequence
from typing import NamedTuple

from pluseboard.database import Connection, Database, Executor, load_queries
from pluseboard.repositories import access, audit
from pluseboard.schemas import Session

_q = load_queries("sessions")


class User(NamedTuple):
    id: int
    username: str
    email: str
    full_name: str


class Rotation(NamedTuple):
    """The generation that is valid now and the second since 1970 at which it was issued."""

    user: User
    generation: int
    rotated_at: int


async def insert(tx: Connection, user_id: int, device: str, ip: str, issued_at: int) -> int:
    return await tx.insert(_q.insert, user_id, device, ip, issued_at)


async def live(db: Executor, session_id: int) -> User | None:
    """The user of a session that is neither revoked nor expired."""
    row = await db.one(_q.live, session_id)
    return User(*row) if row else None


async def rotate(
    db: Database, session_id: int, generation: int, now: int, grace: int, ip: str, user_agent: str
) -> Rotation | None:
    """Advance a session whose current generation is presented; within `grace` seconds the previous one gets the same answer.

    Any other generation was used before: the session is revoked, with a line in the audit log, and the answer is None.
    """

    async def work(tx: Connection) -> Rotation | None:
        row = await tx.one(_q.lock, now, session_id)
        if row is None:
            return None
        current, age, rotated_at, user = row[0], row[1], int(row[2]), User(*row[3:])
        if generation == current:
            await tx.run(_q.advance, now, session_id)
            return Rotation(user, current + 1, now)
        if generation == current - 1 and age <= grace:
            return Rotation(user, current, rotated_at)
        await revoke(tx, session_id, user.id)
        target = ("session_revoked", "session", session_id)
        await audit.insert(tx, audit.NewRow(0, 0, user.id, user.email, *target, {"reason": "reused_token"}, ip, user_agent))
        return None

    return await db.transaction(work)


async def revoke(tx: Connection, session_id: int, user_id: int) -> access.Change | None:
    """End a session; the change to tell every process, or None when it was not live or not this user's."""
    if not await tx.run(_q.revoke, session_id, user_id):
        return None
    return await access.record(tx, access.Change(user_id, "session_revoked", session_id=session_id))


async def live_of_user(db: Executor, user_id: int, current: int) -> list[Session]:
    return [Session(*row) for row in await db.all(_q.live_of_user, current, user_id)]


async def touch(db: Executor, session_ids: Sequence[int]) -> None:
    await db.run(_q.touch, tuple(session_ids))


async def insert_ticket(db: Executor, ticket_hash: bytes, session_id: int) -> None:
    await db.run(_q.insert_ticket, ticket_hash, session_id)


async def consume_ticket(db: Executor, ticket_hash: bytes) -> int | None:
    """The session behind a ticket, for the one caller who gets it."""
    row = await db.one(_q.ticket_session, ticket_hash)
    return row[0] if row and await db.run(_q.consume_ticket, ticket_hash) else None


async def sweep_tickets(db: Executor) -> None:
    await db.run(_q.sweep_tickets)
