"""How long a waiter will wait, from measured ends of sessions."""

from collections import OrderedDict, deque
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

from matchmaker.model import Attributes
from matchmaker.selection import matches

WINDOW: Final = 64
"""Ends that are looked at: enough for a mean, few enough to follow the day."""

ENOUGH: Final = 3
"""Ends needed before an estimate is given at all."""

MAX_POOLS: Final = 1_024


@lru_cache(maxsize=MAX_POOLS)
def attributes_of(pool_id: str) -> dict[str, str]:
    """Return what a pool's id says of it."""
    return dict(parse_qsl(pool_id, keep_blank_values=True))


class EndRate:
    """How often places of one pool become free."""

    def __init__(self) -> None:
        self._ends: deque[float] = deque(maxlen=WINDOW)

    def note(self, now: float) -> None:
        """Count a session that ended at *now*."""
        self._ends.append(now)

    def per_second(self, now: float) -> float:
        """
        Return the rate up to *now*; 0 while too little is known.

        It includes the time since the last end, so it falls while nothing ends.
        """
        if len(self._ends) < ENOUGH:
            return 0.0
        return (len(self._ends) - 1) / max(now - self._ends[0], 1e-3)


class Estimates:
    """Rates of all pools."""

    def __init__(self) -> None:
        self._rates: OrderedDict[str, EndRate] = OrderedDict()

    def note_end(self, pool_id: str, now: float) -> None:
        """Count a place of this pool that became free."""
        rate = self._rates.setdefault(pool_id, EndRate())
        self._rates.move_to_end(pool_id)
        rate.note(now)
        if len(self._rates) > MAX_POOLS:
            self._rates.popitem(last=False)

    def eta(self, demand: Attributes, position: int, now: float) -> float | None:
        """Return the seconds until the waiter at *position* is served; None if unknown."""
        rate = sum(
            rate.per_second(now)
            for pool, rate in self._rates.items()
            if matches(demand, attributes_of(pool))
        )
        return round(position / rate, 1) if rate else None
