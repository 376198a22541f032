"""Ending background tasks for certain."""

import asyncio
from collections.abc import Iterable


async def ended(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel them until they have ended. Python 3.11's wait_for, by which aiomysql and aiosmtplib connect and read, loses a
    cancellation that comes in the same moment as what it waits for: once is not enough."""
    pending = every = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.5)
    await asyncio.gather(*every, return_exceptions=True)
