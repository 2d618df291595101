"""A clock for what works once in a while and rests between."""

import asyncio

LONG = 60.0
"""Seconds; a shorter sleep passes by itself."""


class RestingClock:
    """Stands still while somebody rests, until it is told."""

    def __init__(self, time: float) -> None:
        self.time = time
        self.short = 0
        """How many short sleeps there were."""
        self._resting = asyncio.Event()
        self._moved = asyncio.Event()

    def now(self) -> float:
        """Return seconds since the epoch."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Return after *seconds*."""
        if seconds < LONG:
            self.short += 1
            await asyncio.sleep(0)
            return
        until = self.time + seconds
        while self.time < until:
            self._resting.set()
            self._moved.clear()
            await self._moved.wait()

    async def rest(self) -> None:
        """Return when somebody rests."""
        async with asyncio.timeout(5):
            await self._resting.wait()

    async def advance(self, seconds: float) -> None:
        """Let time pass, and return when somebody rests again."""
        self._resting.clear()
        self.time += seconds
        self._moved.set()
        await self.rest()
