"""
A deadline for the head of a connection's first request.

aiohttp has one for idle connections only, long enough for a reverse proxy that
keeps them; a peer that sends a header a minute would hold its socket as long.
"""

from collections.abc import Callable
from typing import Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from signalling.metrics import Metrics


class HeaderDeadline:
    """Cuts connections that have not sent one whole request head in *timeout* seconds."""

    def __init__(self, *, timeout: float, metrics: Metrics, now: Callable[[], float]) -> None:
        self._timeout = timeout
        self._metrics = metrics
        self._now = now
        self._servers: list[web.Server] = []
        self._waiting: dict[RequestHandler, float] = {}
        """Connections without a request, and when they were first seen."""

    def watch(self, server: web.Server) -> None:
        """Look after the connections of one port."""
        self._servers.append(server)

    def sweep(self) -> None:
        """Look at all connections; call it about every second."""
        now = self._now()
        since = self._waiting
        self._waiting = {
            connection: since.get(connection, now)
            for server in self._servers
            for connection in server.connections
            if not has_asked(connection)
        }
        for connection, seen_at in self._waiting.items():
            if now - seen_at >= self._timeout:
                self._metrics.limited("header_timeout")
                connection.force_close()


def has_asked(connection: RequestHandler) -> bool:
    """Return whether the head of a request has come; aiohttp counts them, but privately."""
    return connection._request_count > 0 or connection.transport is None  # noqa: SLF001


HEADER_DEADLINE: Final = web.AppKey("HEADER_DEADLINE", HeaderDeadline)
"""Where a port's application keeps the deadline that `listening` applies."""
