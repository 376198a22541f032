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


async def live_many(db: Executor, session_ids: Sequence[int]) -> list[User | None]:
    """The user of each session, None where it is revoked or expired."""
    found = {row[0]: User(*row[1:]) for row in await db.all(_q.live_many, tuple(session_ids))}
    return [found.get(session_id) for session_id in session_ids]


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


async def insert_tickets(db: Executor, tickets: Sequence[tuple[bytes, int]]) -> None:
    """(hash, session id)"""
    await db.many(_q.insert_tickets, tickets)


async def consume_tickets(db: Database, ticket_hashes: Sequence[bytes]) -> list[int | None]:
    """The session behind each ticket, for the one who gets it: one that is asked for twice is found once."""

    async def work(tx: Connection) -> dict[bytes, int]:
        found: dict[bytes, int] = dict(await tx.all(_q.lock_tickets, tuple(sorted(set(ticket_hashes)))))
        if found:
            await tx.run(_q.delete_tickets, tuple(sorted(found)))
        return found

    found = await db.transaction(work)
    return [found.pop(ticket_hash, None) for ticket_hash in ticket_hashes]


async def sweep_tickets(db: Executor) -> None:
    await db.run(_q.sweep_tickets)
