"""Runs the handlers that may wait for a store."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

Done = Callable[[BaseException | None], None]
Handling = Coroutine[Any, Any, None]


def run_in_place(coroutine: Handling, done: Done) -> None:
    """
    Run *coroutine* to its end now, without a task.

    For embedded stores, whose coroutines never suspend: a handshake then
    costs no trip through the event loop.
    """
    try:
        coroutine.send(None)
    except StopIteration:
        done(None)
    except Exception as exc:  # noqa: BLE001 - handed to whoever asked
        done(exc)
    else:
        coroutine.close()
        done(RuntimeError("a handler that runs in place has waited"))


class Tasks:
    """Runs each handler in a task of its own and owns it until it has ended."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def __call__(self, coroutine: Handling, done: Done) -> None:
        """Start *coroutine*; *done* is called when it has ended."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._running.add(task)
        task.add_done_callback(lambda ended: self._ended(ended, done))

    def _ended(self, task: asyncio.Task[None], done: Done) -> None:
        self._running.discard(task)
        done(asyncio.CancelledError() if task.cancelled() else task.exception())

    async def close(self) -> None:
        """Cancel what still runs and wait for it."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
