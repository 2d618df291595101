"""How late the event loop is: what a message may have to wait before anybody looks at it."""

import asyncio
import time
from typing import Final

from prometheus_client import CollectorRegistry, Histogram

PERIOD: Final = 0.05
"""Seconds between two looks: rare enough to cost nothing, often enough to see a stall."""

BUCKETS: Final = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)
"""Seconds."""


class LoopDelay:
    """Measures how much later than asked a timer of the running loop is served."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "signalling_loop_delay_seconds",
            "How late a timer of the event loop was served.",
            buckets=BUCKETS,
            registry=registry,
        )

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            due = time.perf_counter() + PERIOD
            await asyncio.sleep(PERIOD)
            self._seconds.observe(max(0.0, time.perf_counter() - due))
