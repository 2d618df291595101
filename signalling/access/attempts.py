"""How often and how many: token buckets and counts by address, all bounded. No I/O."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

MAX_BUCKETS: Final = 32_768
"""
Addresses remembered at once, some 6 MB.

The one that was quiet for longest is forgotten first: it has most likely earned
its whole burst again, so forgetting it gives nobody more than they would have.
"""

KeyT = TypeVar("KeyT", bound=Hashable)


class _Bucket:
    """What is left, and when that was true."""

    __slots__ = ("at", "left")

    def __init__(self, left: float, at: float) -> None:
        self.left = left
        self.at = at


class Buckets(Generic[KeyT]):
    """One token bucket a key: *per_second* on average, *burst* at once; 0: no limit."""

    def __init__(
        self,
        *,
        per_second: float,
        burst: float,
        now: Callable[[], float],
        max_buckets: int = MAX_BUCKETS,
    ) -> None:
        self._per_second = per_second
        self._burst = max(1.0, burst)
        self._now = now
        self._max_buckets = max_buckets
        self._buckets: OrderedDict[KeyT, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: KeyT) -> bool:
        """Take one token of *key*; False, and nothing taken, if there is none."""
        if self._per_second <= 0:
            return True
        bucket = self._refilled(key)
        if bucket.left < 1:
            return False
        bucket.left -= 1
        return True

    def is_empty(self, key: KeyT) -> bool:
        """Return whether *key* has no token; an unknown key is not remembered for it."""
        if self._per_second <= 0 or key not in self._buckets:
            return False
        return self._refilled(key).left < 1

    def _refilled(self, key: KeyT) -> _Bucket:
        now = self._now()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self._burst, now)
            if len(self._buckets) > self._max_buckets:
                self._buckets.popitem(last=False)
            return bucket
        self._buckets.move_to_end(key)
        bucket.left = min(bucket.left + (now - bucket.at) * self._per_second, self._burst)
        bucket.at = now
        return bucket


class Occupancy(Generic[KeyT]):
    """How many connections each key has; no larger than what is connected."""

    def __init__(self) -> None:
        self.total = 0
        self._by_key: dict[KeyT, int] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def of(self, key: KeyT) -> int:
        """Return how many *key* has."""
        return self._by_key.get(key, 0)

    def enter(self, key: KeyT) -> None:
        """Count one more of *key*."""
        self.total += 1
        self._by_key[key] = self._by_key.get(key, 0) + 1

    def leave(self, key: KeyT) -> None:
        """Count one less of *key*, which has entered."""
        self.total -= 1
        left = self._by_key[key] - 1
        if left:
            self._by_key[key] = left
        else:
            del self._by_key[key]
