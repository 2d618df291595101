"""
The queue in memory: one line for each demand, ordered by score.

Scores order all lines against each other: those who lost their instance come
first, then class by class, and within each the order of arrival.
"""

import itertools
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence

from matchmaker.model import Attributes, Demand, Session, Waiter, Waiting
from matchmaker.selection import compatible, matches

CLASS_WIDTH = 2**40
"""Arrivals that fit into one class; scores stay exact as floating point numbers."""

HEAD = -(2**41)
"""Where the scores of those start who lost their instance; before every class."""


def score(sequence: int, priority: int, *, head: bool) -> float:
    """Return the place of an arrival: smaller is served earlier."""
    return float(HEAD + sequence if head else priority * CLASS_WIDTH + sequence)


class Line:
    """The waiters of one demand, in order; leaving leaves a gap that is swept later."""

    def __init__(self, demand: Demand) -> None:
        self.demand = demand
        self._order: list[tuple[float, str]] = []
        self._start = 0
        self._members: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._members)

    def add(self, session_id: str, score: float) -> None:
        """Insert a waiter; appending is the common case."""
        self._members[session_id] = score
        insort(self._order, (score, session_id), lo=self._start)

    def remove(self, session_id: str) -> None:
        """Take a waiter out."""
        del self._members[session_id]
        if len(self._order) > 2 * len(self._members) + 64:
            self._order = [entry for entry in self._order if self._is_current(entry)]
            self._start = 0

    def first(self) -> tuple[float, str]:
        """Return the earliest waiter; there must be one."""
        while not self._is_current(self._order[self._start]):
            self._start += 1
        return self._order[self._start]

    def before(self, score: float) -> int:
        """Return about how many wait with a smaller score (exact without gaps)."""
        ahead = bisect_left(self._order, (score, ""), lo=self._start) - self._start
        return min(ahead, len(self._members))

    def waiters(self) -> Iterator[Waiter]:
        """Yield everybody."""
        for session_id, position in self._members.items():
            yield Waiter(session_id, self.demand.id, position)

    def _is_current(self, entry: tuple[float, str]) -> bool:
        return self._members.get(entry[1]) == entry[0]


class Queue:
    """All lines."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self._sequence = itertools.count(1)
        self.length = 0

    def next_score(self, priority: int, *, head: bool = False) -> float:
        """Draw a place for a new arrival."""
        return score(next(self._sequence), priority, head=head)

    def add(self, session: Session) -> None:
        """Let *session* wait at its score."""
        line = self.lines.get(session.demand)
        if line is None:
            line = self.lines[session.demand] = Line(Demand(session.demand, session.attributes))
        line.add(session.id, session.score)
        self.length += 1

    def remove(self, session: Session) -> None:
        """Take *session* out; it must be there."""
        line = self.lines[session.demand]
        line.remove(session.id)
        self.length -= 1
        if not line:
            del self.lines[session.demand]

    def first_for(self, pools: Sequence[Attributes]) -> str | None:
        """Return the id of the first waiter that a place of any of *pools* fits."""
        heads = [
            line.first()
            for line in self.lines.values()
            if any(matches(line.demand.attributes, pool) for pool in pools)
        ]
        return min(heads)[1] if heads else None

    def ahead(self, session: Session) -> int:
        """Return how many waiters may be served before *session*."""
        return sum(
            line.before(session.score)
            for line in self.lines.values()
            if compatible(line.demand.attributes, session.attributes)
        )

    def snapshot(self) -> Waiting:
        """Return everybody who waits."""
        waiters = [waiter for line in self.lines.values() for waiter in line.waiters()]
        demands = {line.demand.id: line.demand.attributes for line in self.lines.values()}
        return Waiting(waiters, demands)
