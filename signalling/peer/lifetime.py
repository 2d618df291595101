"""How long work lasts: until a signal, or until what it belongs to ends."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def end_tasks(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel *tasks* and wait until they ended."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


async def until_told(work: Coroutine[Any, Any, T]) -> T | None:
    """Return what *work* returns, or None when SIGINT or SIGTERM ended it."""
    running = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no such handlers: there Ctrl-C is KeyboardInterrupt.
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, running.cancel)
    try:
        return await running
    except asyncio.CancelledError:
        return None


async def until_input_ends(work: Coroutine[Any, Any, T]) -> T | None:
    """Return what *work* returns, or None when standard input ended before."""
    running = asyncio.create_task(work)
    loop = asyncio.get_running_loop()

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        with suppress(RuntimeError):  # the loop ended before
            loop.call_soon_threadsafe(running.cancel)

    # Not the loop's own executor: that would wait for the thread when *work* ends first.
    threading.Thread(target=wait, daemon=True).start()
    try:
        return await running
    except asyncio.CancelledError:
        return None
