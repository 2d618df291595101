"""Everybody's place in the queue, computed for all at once."""

from dataclasses import dataclass

from matchmaker.model import Waiting
from matchmaker.selection import compatible


@dataclass(frozen=True, slots=True)
class Standing:
    """A waiter's place among those who could take the same places."""

    demand: str
    position: int
    length: int


def standings(waiting: Waiting) -> dict[str, Standing]:
    """
    Return the standing of every waiter, by session.

    Whoever is earlier and asks for something that does not rule out the same
    place is ahead. Takes one pass, times the number of different demands.
    """
    rivals = {
        demand: [d for d, other in waiting.demands.items() if compatible(attributes, other)]
        for demand, attributes in waiting.demands.items()
    }
    total = dict.fromkeys(waiting.demands, 0)
    places: list[tuple[str, str, int]] = []
    for waiter in sorted(waiting.waiters, key=lambda w: w.score):
        places.append((waiter.session, waiter.demand, total[waiter.demand] + 1))
        for demand in rivals[waiter.demand]:
            total[demand] += 1
    return {
        session: Standing(demand, position, total[demand])
        for session, demand, position in places
    }
