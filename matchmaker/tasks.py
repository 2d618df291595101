"""Ending tasks for certain."""

import asyncio
from typing import Final

AGAIN_SECONDS: Final = 0.2


def is_stopping() -> bool:
    """Tell whether the current task was cancelled, even if something lost that."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def stop(task: asyncio.Task[None] | None) -> None:
    """
    Cancel *task* and wait for its end.

    More than once if need be: redis-py loses a cancellation that comes while
    it opens a connection.
    """
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=AGAIN_SECONDS)
