"""
What plain HTTP connections may cost: time for a request, time for an answer, number.

aiohttp has a deadline for idle connections only, long enough for a reverse proxy
that keeps them. A peer that sends a header a minute, a body byte by byte, or
takes nothing of its answer, would hold its connection as long as it likes.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from signalling.access.address import is_loopback, limit_key
from signalling.metrics import Metrics
from signalling.options.limits import LimitSettings


@dataclass(frozen=True, slots=True)
class _Port:
    """What is looked after on one port."""

    server: web.Server
    is_direct: bool
    """Whether no proxy stands before it: then an address is one client's, or one site's."""


@dataclass(frozen=True, slots=True)
class _Delay:
    """What a connection owes, and since when."""

    limit: str
    since: float


class HttpGuard:
    """Cuts HTTP connections that are too slow or too many; sockets are not its concern."""

    def __init__(
        self, settings: LimitSettings, *, metrics: Metrics, now: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._now = now
        self._ports: list[_Port] = []
        self._delayed: dict[RequestHandler, _Delay] = {}

    def watch(self, server: web.Server, *, is_direct: bool) -> None:
        """Look after the connections of one port."""
        self._ports.append(_Port(server, is_direct))

    def sweep(self) -> None:
        """Look at all connections; call it about every second."""
        former, self._delayed = self._delayed, {}
        idle: list[RequestHandler] = []
        for port in self._ports:
            plain = [each for each in port.server.connections if is_plain(each)]
            quiet = [each for each in plain if not self._is_busy(each, former)]
            left = self._within_address(quiet) if port.is_direct else quiet
            idle += [each for each in left if each not in self._delayed]
        self._cut_oldest(idle, self._settings.max_http_connections, "max_http_connections")
        self._cut_delayed()

    # Too slow.

    def _is_busy(
        self, connection: RequestHandler, former: dict[RequestHandler, _Delay]
    ) -> bool:
        """Return whether a request or its answer is on its way; note since when one is due."""
        limit = owed(connection)
        if limit is None:
            return False
        delay = former.get(connection)
        if delay is None or delay.limit != limit:
            delay = _Delay(limit, self._now())
        self._delayed[connection] = delay
        return limit == "transfer_timeout"

    def _cut_delayed(self) -> None:
        now = self._now()
        for connection, delay in self._delayed.items():
            if now - delay.since >= getattr(self._settings, delay.limit):
                self._cut(connection, delay.limit)

    # Too many.

    def _within_address(self, idle: Iterable[RequestHandler]) -> list[RequestHandler]:
        """Return *idle* without what is too many of one address, which is cut."""
        name = "http_connections_per_address"
        by_address: defaultdict[str, list[RequestHandler]] = defaultdict(list)
        for connection in idle:
            by_address[limit_key(address_of(connection))].append(connection)
        left: list[RequestHandler] = []
        for address, theirs in by_address.items():
            is_exempt = is_loopback(address) and not self._settings.limit_loopback
            limit = 0 if is_exempt else self._settings.http_connections_per_address
            left += self._cut_oldest(theirs, limit, name)
        return left

    def _cut_oldest(
        self, connections: list[RequestHandler], limit: int, name: str
    ) -> list[RequestHandler]:
        """Cut the oldest of *connections* beyond *limit*, 0 for none; return the others."""
        excess = max(0, len(connections) - limit) if limit else 0
        for connection in connections[:excess]:
            self._cut(connection, name)
        return connections[excess:]

    def _cut(self, connection: RequestHandler, limit: str) -> None:
        self._metrics.limited(limit)
        if connection.transport is not None:
            connection.transport.abort()


# aiohttp knows all of this, but keeps it to itself: what is private is read below only.


def is_plain(connection: RequestHandler) -> bool:
    """Return whether *connection* is open and no WebSocket."""
    return connection._payload_parser is None and connection.transport is not None  # noqa: SLF001


def owed(connection: RequestHandler) -> str | None:
    """Return the limit of what *connection* is waited for; None while it is not."""
    if connection._request_count == 0:  # noqa: SLF001
        return "header_timeout"
    request = connection._current_request  # noqa: SLF001
    is_sending = request is not None and not request.content.is_eof()
    transport = connection.transport
    is_stalled = transport is not None and transport.get_write_buffer_size() > 0
    return "transfer_timeout" if is_sending or is_stalled else None


def address_of(connection: RequestHandler) -> str:
    """Return the address at the other end; empty if it has none."""
    transport = connection.transport
    peer = transport.get_extra_info("peername") if transport is not None else None
    return str(peer[0]) if peer else ""


HTTP_GUARD: Final = web.AppKey("HTTP_GUARD", HttpGuard)
"""Where a port's application keeps the guard that `listening` calls."""
