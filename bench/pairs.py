"""
Two servers measured in turn, so that what else the machine does hits both.

A ratio is taken within a pair; the median of the pairs' ratios is the result.
"""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from bench.scenarios import Figures, Scale, Scenario
from bench.servers import Server

Tell = Callable[[str], None]
"""Is told what runs now."""


@dataclass(slots=True)
class Comparison:
    """The figures of a scenario, run by run."""

    scenario: str
    floor: list[Figures] = field(default_factory=list)
    server: list[Figures] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """What was measured."""
        return list(self.server[0]) if self.server else []

    def ratios(self, name: str) -> list[float]:
        """Return server to floor, pair by pair; empty if one of them was not measured."""
        pairs = zip(self.server, self.floor, strict=True)
        return [ours[name] / floor[name] for ours, floor in pairs if ours[name] and floor[name]]

    def ratio(self, name: str) -> float | None:
        """Return the median of the ratios."""
        return median(self.ratios(name))


def median(values: Iterable[float]) -> float | None:
    """Return the median of those of *values* that were measured (0: not measured)."""
    measured = [value for value in values if value]
    return statistics.median(measured) if measured else None


async def compare(
    scenario: Scenario, *, floor: Server, server: Server, scale: Scale, tell: Tell
) -> Comparison:
    """
    Measure *server* and *floor* in turn; who goes first alternates.

    Raises:
        Void: One of them lost, doubled or misdirected a message, or closed a socket.
        NotStarted: One of them does not listen.

    """
    comparison = Comparison(scenario.name)
    sides = [(floor, comparison.floor), (server, comparison.server)]
    for pair in range(scale.pairs):
        for side, runs in sides if pair % 2 == 0 else reversed(sides):
            tell(f"{scenario.name} {pair + 1}/{scale.pairs}: {side.name}")
            async with side.running() as address:
                runs.append(await scenario.measure(address, scale))
    return comparison
