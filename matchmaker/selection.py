"""
Who gets which host: pure rules and the index that answers them.

Instances that are alike (same application, region, version, profile and
labels) form a pool. A pool keeps its hosts by rank, so that the best one is
found without looking at the others: the work of a request grows with the
number of matching pools and of ranks (at most 101), never with the number of
hosts or instances. The Redis adapter keeps the same index as sorted sets.
"""

import random
from collections.abc import Mapping
from typing import Generic, TypeVar

from matchmaker.model import Attributes, Canary, Policy

T = TypeVar("T")

RANKS = 100
"""Steps in which load is compared; hosts within one step are equals."""

SECOND_CHOICE = 1_000
"""Added to the rank of a pool that is taken only when the preferred one is full."""


def matches(demand: Attributes, pool: Attributes) -> bool:
    """Tell whether *pool* has every attribute that *demand* names."""
    return demand.items() <= pool.items()


def compatible(one: Attributes, other: Attributes) -> bool:
    """Tell whether some pool could serve both demands: they contradict nowhere."""
    return all(other.get(name, value) == value for name, value in one.items())


def rank(used: int, capacity: int, policy: Policy) -> int:
    """Return the order in which a host is taken, 0 first."""
    wanted = capacity - used if policy is Policy.PACK else used
    return RANKS * wanted // capacity


def handicap(version: str, canary: Canary | None, draw: float) -> int:
    """Return what is added to the rank of a pool of *version* for a user's *draw*."""
    if canary is None:
        return 0
    prefers_new = draw < canary.share
    return 0 if (version == canary.version) == prefers_new else SECOND_CHOICE


class Bag(Generic[T]):
    """A set with a random pick in constant time."""

    def __init__(self) -> None:
        self._items: list[T] = []
        self._at: dict[T, int] = {}

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: T) -> None:
        """Add *item*, which is not in it."""
        self._at[item] = len(self._items)
        self._items.append(item)

    def remove(self, item: T) -> None:
        """Remove *item*, which is in it; the last one takes its slot."""
        at = self._at.pop(item)
        last = self._items.pop()
        if last != item:
            self._items[at] = last
            self._at[last] = at

    def pick(self, dice: random.Random) -> T:
        """Return any item, each equally likely."""
        return self._items[int(dice.random() * len(self._items))]


class Ranking(Generic[T]):
    """Items by rank; ties are broken by the dice, so that nobody is herded."""

    def __init__(self) -> None:
        self._bags: dict[int, Bag[T]] = {}
        self._rank: dict[T, int] = {}

    def __len__(self) -> int:
        return len(self._rank)

    def put(self, item: T, rank: int) -> None:
        """Insert *item* or move it to *rank*."""
        if self._rank.get(item) == rank:
            return
        self.discard(item)
        self._rank[item] = rank
        self._bags.setdefault(rank, Bag()).add(item)

    def discard(self, item: T) -> None:
        """Remove *item* if it is there."""
        rank = self._rank.pop(item, None)
        if rank is None:
            return
        bag = self._bags[rank]
        bag.remove(item)
        if not bag:
            del self._bags[rank]

    def best_rank(self) -> int | None:
        """Return the lowest rank in use."""
        return min(self._bags) if self._bags else None

    def pick(self, dice: random.Random) -> T:
        """Return any item of the lowest rank; there must be one."""
        return self._bags[min(self._bags)].pick(dice)


def versions_canary(attributes: Attributes, canaries: Mapping[str, Canary]) -> Canary | None:
    """Return the canary of the application that *attributes* name."""
    return canaries.get(attributes["application"])
