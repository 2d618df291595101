"""Time as an argument, so that tests need not wait."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> float:
        """Return seconds since the epoch; the nodes of a cluster must agree within a second."""

    async def sleep(self, seconds: float) -> None:
        """Return after *seconds*."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """See `Clock`; in whole milliseconds, so that it survives JSON unchanged."""
        return round(time.time(), 3)

    async def sleep(self, seconds: float) -> None:
        """See `Clock`."""
        await asyncio.sleep(seconds)
