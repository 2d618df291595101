"""How much one user may ask in a minute; no I/O."""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

WINDOW: Final = 60.0
"""Seconds."""

USERS_KEPT: Final = 10_000
"""Users whose last minute is remembered; who asked longest ago is forgotten first."""


class PerMinute:
    """A sliding window for each user."""

    def __init__(self, limit: int, *, now: Callable[[], float]) -> None:
        self._limit = limit
        self._now = now
        self._asked: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_for(self, user: str) -> float:
        """Count one question of *user*; return 0, or seconds to wait where it is too many."""
        now = self._now()
        asked = self._asked.setdefault(user, deque())
        self._asked.move_to_end(user)
        if len(self._asked) > USERS_KEPT:
            self._asked.popitem(last=False)
        while asked and now - asked[0] >= WINDOW:
            asked.popleft()
        if len(asked) >= self._limit:
            return WINDOW - (now - asked[0])
        asked.append(now)
        return 0.0
