"""argon2id, in a thread: one hash takes tens of milliseconds and 46 MiB, which the event loop must not feel."""

import asyncio

from argon2 import PasswordHasher

# OWASP Password Storage Cheat Sheet: m=47104 KiB (46 MiB), t=1, p=1.
_hasher = PasswordHasher(time_cost=1, memory_cost=47104, parallelism=1)
_room = asyncio.Semaphore(2)  # 20 sign-ups at once take turns instead of a gigabyte


async def hash_password(password: str) -> str:
    async with _room:
        return await asyncio.to_thread(_hasher.hash, password)
