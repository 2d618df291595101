"""
One timer for all connections: a wheel that visits each of them once a turn.

A peer is probed when it was silent for a whole turn and given up when it was
silent for the next one too, so a peer that vanished is noticed within three
turns of its last message.
"""

import itertools
from typing import Final, Protocol

SILENT_VISITS: Final = 2
"""Visits in a row without a message at which a peer is given up."""

ANSWER_SECONDS: Final = 5.0
"""A peer that has not answered a probe for so long has missed it."""


class Watched(Protocol):
    """A connection, as the wheel sees it."""

    @property
    def heard(self) -> int:
        """How often something came from the peer."""

    def probe(self) -> None:
        """Ask the peer whether it is there."""

    def give_up(self) -> None:
        """Close: the peer is gone."""


class _Visit:
    """What was found at the last visit."""

    __slots__ = ("heard", "probed_at", "silent")

    def __init__(self) -> None:
        self.heard = -1
        """Nothing yet: that a connection is new counts as a sign of life."""
        self.silent = 0
        self.probed_at = 0
        """The tick of the last probe."""


class Wheel:
    """Visits every connection once in *turn* seconds, a share of them at each tick."""

    def __init__(
        self, *, turn: float, always_probe: bool = False, gives_up: bool = True
    ) -> None:
        slots = max(1, int(turn))
        self.seconds_per_tick = turn / slots
        self._slots: list[dict[Watched, _Visit]] = [{} for _ in range(slots)]
        self._next_slot = itertools.cycle(self._slots)
        self._current = itertools.cycle(self._slots)
        self._always_probe = always_probe
        self._gives_up = gives_up
        self._homes: dict[Watched, dict[Watched, _Visit]] = {}
        self._ticks = 0
        self._answer_ticks = max(1, int(min(ANSWER_SECONDS, turn / 2) / self.seconds_per_tick))

    def __len__(self) -> int:
        return len(self._homes)

    def add(self, connection: Watched) -> None:
        """Watch *connection* from now on."""
        slot = next(self._next_slot)
        slot[connection] = _Visit()
        self._homes[connection] = slot

    def discard(self, connection: Watched) -> None:
        """Watch *connection* no longer."""
        slot = self._homes.pop(connection, None)
        if slot is not None:
            slot.pop(connection, None)

    def is_silent(self, connection: Watched) -> bool:
        """Return whether *connection* was probed and has had time to answer, but has not."""
        slot = self._homes.get(connection)
        visit = slot.get(connection) if slot is not None else None
        return (
            visit is not None
            and visit.silent > 0
            and visit.heard == connection.heard
            and self._ticks - visit.probed_at >= self._answer_ticks
        )

    def tick(self) -> None:
        """Visit the connections whose turn it is; call it every `seconds_per_tick`."""
        self._ticks += 1
        for connection, visit in list(next(self._current).items()):
            self._visit(connection, visit)

    def _visit(self, connection: Watched, visit: _Visit) -> None:
        if connection.heard != visit.heard or not self._gives_up:
            visit.heard = connection.heard
            visit.silent = 0
            if self._always_probe:
                connection.probe()
            return
        visit.silent += 1
        visit.probed_at = self._ticks
        if visit.silent >= SILENT_VISITS:
            connection.give_up()
        else:
            connection.probe()
