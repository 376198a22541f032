"""Mails on their way out."""

from typing import NamedTuple

from pluseboard.database import Database, Executor, load_queries

_q = load_queries("outbox")


class Sealed(NamedTuple):
    id: int
    recipient: str
    sealed: bytes
    attempts: int


async def insert(tx: Executor, recipient: str, sealed: bytes, useful_seconds: int) -> None:
    await tx.run(_q.insert, recipient, sealed, useful_seconds)


async def claim(db: Database, claimant: str) -> list[Sealed]:
    """Up to ten due mails that nobody else will send for a minute."""
    if not await db.run(_q.claim, claimant):
        return []
    return [Sealed(*row) for row in await db.all(_q.claimed, claimant)]


async def remove(db: Executor, mail_id: int) -> None:
    await db.run(_q.remove, mail_id)


async def keep(db: Executor, mail_id: int) -> None:
    await db.run(_q.keep, mail_id)


async def retry(db: Executor, mail_id: int, seconds: int) -> None:
    await db.run(_q.retry, seconds, mail_id)


async def sweep(db: Executor) -> None:
    await db.run(_q.sweep)


async def mailbox(db: Executor) -> list[tuple[str, bytes, str]]:
    """(recipient, sealed mail, time) of the newest delivered mails that were kept."""
    return [(row[0], row[1], row[2]) for row in await db.all(_q.mailbox)]
