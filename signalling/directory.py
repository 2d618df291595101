"""
What nodes must agree on: which streamer ids are taken and by whom.

Awaited on control messages only; forwarding never asks.
"""

import itertools
import secrets
from collections.abc import Callable, Container
from typing import Final, Protocol

IdFactory = Callable[[], str]

MAX_NUMBERED_ID: Final = 100_000
"""Streamers of one name: beyond it the name is an attack, not a habit."""


class Directory(Protocol):
    """Names across all nodes."""

    async def claim(self, wanted: str) -> str:
        """Return *wanted*, or *wanted* with the first free number; it is taken now."""

    async def release(self, streamer_id: str) -> None:
        """Give a claimed id back."""


class LocalDirectory:
    """The directory of a node that is alone; its coroutines never suspend."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    async def claim(self, wanted: str) -> str:
        """See `Directory`."""
        numbered = (f"{wanted}{number}" for number in itertools.count(1))
        candidates = itertools.chain((wanted,), itertools.islice(numbered, MAX_NUMBERED_ID))
        free = next(name for name in candidates if name not in self._taken)
        self._taken.add(free)
        return free

    async def release(self, streamer_id: str) -> None:
        """See `Directory`."""
        self._taken.discard(streamer_id)


def new_player_id() -> str:
    """Return an id that no other node will make: 64 random bits."""
    return f"Player{secrets.token_hex(8)}"


NUMERIC_ID_BITS: Final = 31
"""UE to 5.4 reads a player's id as an unsigned and writes it as a signed 32-bit number."""


def numeric_player_ids(taken: Container[str]) -> IdFactory:
    """Return a maker of ids for the Cirrus dialect: numbers, none of them in *taken*."""

    def new_numeric_player_id() -> str:
        drawn = iter(lambda: str(secrets.randbits(NUMERIC_ID_BITS)), "")
        return next(player_id for player_id in drawn if player_id not in taken)

    return new_numeric_player_id
