"""Tells the matchmaker which streamers this node has."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import structlog

from matchmaker.service import Matchmaker
from signalling.errors import CloseCode
from signalling.matching.claims import Claims
from signalling.matching.labels import labels_in
from signalling.matching.seats import Seats
from signalling.registry import Kind, Registry, Streamer

MAX_TEXT: Final = 128
"""Characters of what a streamer says of itself, each."""

MAX_CAPACITY: Final = 10_000

NAMED: Final = ("region", "application", "version", "profile")

log = structlog.get_logger()


class Fleet:
    """
    Compares the streamers that are here with those the matchmaker was told of.

    Whatever happened to a streamer, whoever noticed: one task tells the
    difference, in order.
    """

    def __init__(
        self, registry: Registry, matchmaker: Matchmaker, *, seats: Seats, claims: Claims
    ) -> None:
        self._registry = registry
        self._matchmaker = matchmaker
        self._seats = seats
        self._claims = claims
        self._told: dict[str, Streamer] = {}
        self._changed = asyncio.Event()
        self._is_holding = False

    def changed(self) -> None:
        """Take note that streamers came, went, or go by other names."""
        if not self._is_holding:
            self._changed.set()

    def hold(self) -> None:
        """Tell nothing from now on: streamers leave since the server does."""
        self._is_holding = True

    async def run(self) -> None:
        """Tell the matchmaker what has changed, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self.compare()
            except Exception:
                log.exception("fleet_not_told")

    async def compare(self) -> None:
        """Tell the matchmaker who left and who joined since the last time."""
        here = {
            streamer.id: streamer
            for streamer in self._registry.available()
            if streamer.kind is Kind.STREAMER
        }
        for streamer_id, known in list(self._told.items()):
            if here.get(streamer_id) is not known:
                del self._told[streamer_id]
                await self._left(streamer_id)
        for streamer_id, streamer in here.items():
            if streamer_id not in self._told:
                self._told[streamer_id] = streamer
                await self._matchmaker.streamer_joined(streamer_id, **description(streamer))

    async def _left(self, streamer_id: str) -> None:
        """
        Take an instance out; pages that know no sessions are closed and come back.

        Their places are first marked as left, so that who comes back in time is
        at the head of the queue: a closed socket alone would take them out of it.
        """
        for seat in self._seats.watching(streamer_id):
            if not seat.speaks:
                seat.player.close(CloseCode.STREAMER_LEFT, "the streamer left")
                await self._claims.detach(seat)
        await self._matchmaker.streamer_left(streamer_id)


def description(streamer: Streamer) -> dict[str, Any]:
    """Return what a streamer says of itself in its URL or token, with the defaults."""
    origin = streamer.origin
    told = {name: value[:MAX_TEXT] for name, value in origin.query.items()}
    return {
        "host": told.get("host") or origin.address or "unknown",
        "address": origin.address,
        "labels": labels_in(told),
        "capacity": _count(told, "capacity", default=1),
        "host_capacity": _count(told, "host_capacity", default=0),
        **{name: told.get(name, "") for name in NAMED},
    }


def _count(told: Mapping[str, str], name: str, *, default: int) -> int:
    text = told.get(name, "")
    if not (text.isascii() and text.isdigit()):
        return default
    return min(int(text), MAX_CAPACITY)
