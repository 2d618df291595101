"""Changes that are facts already, kept until the state can be told of them."""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from matchmaker.errors import StateUnavailableError

log = structlog.get_logger(__name__)

MAX_OWED: Final = 20_000
"""Changes kept through an outage: every socket of a node, and more."""

OwedChange = Callable[[float], Awaitable[object]]
"""Makes the change at a time."""


class Owed:
    """What the store must be told, in order, as soon as it can be reached."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._changes: deque[OwedChange] = deque()

    async def make(self, change: OwedChange) -> None:
        """Make *change* now, or later if the state cannot be reached."""
        if not self._changes:
            try:
                await change(self._now())
            except StateUnavailableError:
                self._changes.append(change)
        elif len(self._changes) < MAX_OWED:
            self._changes.append(change)

    async def settle(self) -> None:
        """
        Make the changes that are owed.

        Raises:
            StateUnavailableError: The rest stays owed.

        """
        while self._changes:
            try:
                await self._changes[0](self._now())
            except StateUnavailableError:
                raise
            except Exception:
                log.exception("owed_change_failed")
            self._changes.popleft()
