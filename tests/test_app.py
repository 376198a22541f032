"""What the application does when it ends."""

import asyncio

from pluseboard.app import ended


async def test_a_task_that_loses_its_first_cancellation_ends_all_the_same() -> None:
    """Python 3.11 loses it; later ones do not, and nothing is shown by them."""
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        while True:
            await asyncio.wait_for(answer, 60)
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    answer.set_result(None)
    async with asyncio.timeout(5):
        await ended([task])
    assert task.cancelled()
