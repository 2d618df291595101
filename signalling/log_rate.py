"""How many lines of one event are written: strangers choose how often one happens."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

WHOLE: Final = frozenset({"admin_action"})
"""Events of which each line is written: a record of what operators do has no gaps."""


@dataclass(slots=True)
class _Budget:
    """The lines an event has left, when that was true, and what was left out since."""

    left: float
    at: float
    left_out: int = 0


class LineRate:
    """
    A token bucket for each event, of which there are as many as names in the source.

    *per_second* lines on average, *burst* at once; 0 means no limit.
    """

    def __init__(
        self, per_second: float, burst: int, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._now = now
        self._budgets: dict[str, _Budget] = {}
        self._left_out: Counter[str] = Counter()

    def left_out(self) -> dict[str, int]:
        """Return how many lines of each event were left out so far."""
        return dict(self._left_out)

    def take(self, event: str) -> int | None:
        """Count a line; return how many were left out before it, None if it is, too."""
        if self._per_second <= 0 or event in WHOLE:
            return 0
        now = self._now()
        budget = self._budgets.setdefault(event, _Budget(self._burst, now))
        budget.left = min(budget.left + (now - budget.at) * self._per_second, self._burst)
        budget.at = now
        if budget.left < 1:
            budget.left_out += 1
            self._left_out[event] += 1
            return None
        budget.left -= 1
        left_out, budget.left_out = budget.left_out, 0
        return left_out
