"""Epic's matchmaker for Cirrus servers: its TCP port, and the one that redirects browsers."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import structlog
from aiohttp import web

from matchmaker.cirrus import Admission, CirrusRegistry
from matchmaker.cirrus_http import CirrusRoutes
from matchmaker.cirrus_tcp import CirrusListener
from matchmaker.clock import SystemClock
from signalling.matching.described import EPIC
from signalling.openapi import Operation
from signalling.options.matchmaking import MatchmakingSettings

SIGNALLING_SERVER: Final = "/signallingserver"

Listening = Callable[[web.Application, int], contextlib.AbstractAsyncContextManager[int]]
"""Serves an application on a port while its context lasts; gives the real port."""

log = structlog.get_logger()


class EpicRedirects:
    """Serves `/signallingserver` on the player port, and two ports of its own."""

    def __init__(self, settings: MatchmakingSettings) -> None:
        self._settings = settings
        self.registry = CirrusRegistry(
            Admission(
                secret=settings.matchmaker_secret,
                allow=settings.matchmaker_allow,
                redirects=settings.matchmaker_redirects,
            )
        )
        self._routes = CirrusRoutes(self.registry, SystemClock()).table()
        self.port = 0
        self.http_port = 0

    @property
    def operations(self) -> Sequence[Operation]:
        """See `signalling.http.site.Routes`."""
        return EPIC

    def add_to(self, app: web.Application, prefix: str = "") -> None:
        """Add the route that scripts ask for a server; the page keeps `/` to itself."""
        for route in self._routes:
            if route.path == SIGNALLING_SERVER:
                app.router.add_route(route.method, prefix + route.path, route.handler)

    @contextlib.asynccontextmanager
    async def running(
        self, new_app: Callable[[], web.Application], listening: Listening
    ) -> AsyncIterator[None]:
        """
        Listen for Cirrus servers, and for browsers if there is a port for them.

        Raises:
            OSError: A port is in use or may not be used.

        """
        listener = CirrusListener(
            self.registry,
            host=self._settings.matchmaker_host,
            port=self._settings.matchmaker_port or 0,
        )
        await listener.start()
        self.port = listener.port
        try:
            async with self._browsers(new_app, listening) as self.http_port:
                ports = {"matchmaker_port": self.port, "matchmaker_http_port": self.http_port}
                log.info("matchmaker_listening", **ports)
                yield
        finally:
            await listener.close()

    @contextlib.asynccontextmanager
    async def _browsers(
        self, new_app: Callable[[], web.Application], listening: Listening
    ) -> AsyncIterator[int]:
        if self._settings.matchmaker_http_port is None:
            yield 0
            return
        app = new_app()
        app.add_routes(self._routes)
        async with listening(app, self._settings.matchmaker_http_port) as port:
            yield port
