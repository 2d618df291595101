"""What one address and all together may ask for at the door; each limit has a metric."""

import time
from collections.abc import Callable
from typing import Final

from aiohttp import web

from signalling.access.address import is_loopback, is_true_loopback, limit_key
from signalling.access.attempts import Buckets, Occupancy
from signalling.access.proxies import client_address
from signalling.errors import Refused
from signalling.metrics import Metrics
from signalling.options.limits import LimitSettings

SECONDS_PER_MINUTE: Final = 60.0


class Place:
    """One connection's place while its context lasts; small, since every connection has it."""

    __slots__ = ("_key", "_occupancy")

    def __init__(self, occupancy: Occupancy[str], key: str) -> None:
        self._occupancy = occupancy
        self._key = key

    def __enter__(self) -> None:
        self._occupancy.enter(self._key)

    def __exit__(self, *_: object) -> None:
        self._occupancy.leave(self._key)


class Limits:
    """The tables of one server, shared by its ports."""

    def __init__(
        self,
        settings: LimitSettings,
        metrics: Metrics,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._upgrades: Buckets[str] = Buckets(
            per_second=settings.upgrades_per_second, burst=settings.upgrades_burst, now=now
        )
        per_minute = settings.failed_attempts_per_minute
        self._failures: Buckets[str] = Buckets(
            per_second=per_minute / SECONDS_PER_MINUTE, burst=per_minute, now=now
        )
        per_minute = settings.chat_per_minute_per_address
        self._questions: Buckets[str] = Buckets(
            per_second=per_minute / SECONDS_PER_MINUTE, burst=per_minute, now=now
        )
        self._players: Occupancy[str] = Occupancy()
        self._hosts: Occupancy[str] = Occupancy()
        metrics.watch_limits(self.sizes)

    def sizes(self) -> dict[str, int]:
        """Return the number of addresses each table remembers."""
        return {
            "upgrades": len(self._upgrades),
            "failed_attempts": len(self._failures),
            "questions": len(self._questions),
            "connections": len(self._players) + len(self._hosts),
        }

    def attempt(self, request: web.Request) -> None:
        """
        Count an upgrade.

        Raises:
            Refused: 429, too many from this address.

        """
        if self._is_exempt(request) or self._upgrades.take(limit_key(client_address(request))):
            return
        self._metrics.limited("upgrades_per_second")
        raise Refused(429, "too_many_attempts", "too many connections in a short time")

    def failed(self, key: str) -> None:
        """Count a wrong token of an address."""
        self._failures.take(key)

    def has_failed_too_often(self, key: str) -> bool:
        """Return whether an address has used up its wrong tokens for now."""
        if not self._failures.is_empty(key):
            return False
        self._metrics.limited("failed_attempts_per_minute")
        return True

    def may_ask(self, address: str) -> bool:
        """Count a question to the consultant; False, too many from this address."""
        is_exempt = is_loopback(address) and not self._settings.limit_loopback
        if is_exempt or self._questions.take(limit_key(address)):
            return True
        self._metrics.limited("chat_per_minute_per_address")
        return False

    def place(self, request: web.Request, role: str) -> Place:
        """
        Take a place for a connection, held until the end of its context.

        Players cannot take the places of streamers and SFUs, nor they theirs.

        Raises:
            Refused: 503, the server is full or the address has too many.

        """
        occupancy = self._players if role == "player" else self._hosts
        key = limit_key(client_address(request))
        self._refuse_full(occupancy)
        if not self._is_exempt(request):
            self._refuse_many(occupancy, key)
        return Place(occupancy, key)

    def _refuse_full(self, occupancy: Occupancy[str]) -> None:
        limit = self._settings.max_connections
        if limit and occupancy.total >= limit:
            self._metrics.limited("max_connections")
            raise Refused(503, "server_full", "the server is full: try again later")

    def _refuse_many(self, occupancy: Occupancy[str], key: str) -> None:
        limit = self._settings.connections_per_address
        if limit and occupancy.of(key) >= limit:
            self._metrics.limited("connections_per_address")
            raise Refused(503, "too_many_connections", "too many connections of one address")

    def _is_exempt(self, request: web.Request) -> bool:
        """Return whether the address may stand for any number of unrelated peers."""
        return not self._settings.limit_loopback and is_true_loopback(request)
