"""
What the player ports answer: sockets on any path, the page, HTTP routes.

No middleware is used, since each would cost every open socket a stack frame;
headers are added by signals, which end with the handshake.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import hdrs, web

from signalling.access.proxies import TRUSTED_HOPS, client_host, client_scheme
from signalling.endpoint import Endpoint, is_upgrade
from signalling.error_body import error_response
from signalling.errors import Refused
from signalling.http.cors import Cors
from signalling.http.page import Page
from signalling.openapi import Operation
from signalling.options.web import WebSettings

HSTS: Final = "max-age=15552000"
"""180 days, as Epic's servers say."""

HTTPS_PORT: Final = 443

Greet = Callable[[web.Request, web.StreamResponse], None]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Routes(Protocol):
    """Something that answers HTTP."""

    @property
    def operations(self) -> Sequence[Operation]:
        """Return what it promises; pages are not among it."""

    def add_to(self, app: web.Application, prefix: str = "") -> None:
        """Add its routes to *app*, below *prefix*."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Builds the applications of the player ports."""

    options: WebSettings
    new_app: Callable[[], web.Application]
    """Makes an application with what every player port has."""
    endpoint: Endpoint
    page: Page | None
    health: Routes
    routes: Sequence[Routes] = ()
    """What else is served, such as the REST API."""
    greet: Greet | None = None
    """What is done to an answer that is part of the page."""

    def operations(self) -> list[Operation]:
        """Return what the routes promise, health included."""
        return [each for part in (self.health, *self.routes) for each in part.operations]

    def app(self, *, is_tls: bool = False) -> web.Application:
        """Return the application that serves everything."""
        app = self.new_app()
        if is_tls:
            app.on_response_prepare.append(_add_hsts)
        if self.options.cors:
            app.on_response_prepare.append(Cors(self.options).add_headers)
        for prefix in self._prefixes():
            for routes in (self.health, *self.routes):
                routes.add_to(app, prefix)
        self._add_catch_all(app, self._answer)
        return app

    def plain_app(self) -> web.Application:
        """
        Return the application beside HTTPS: sockets and health; pages are elsewhere.

        Behind a proxy it has the other routes too: that may end TLS itself.
        """
        app = self.new_app()
        for prefix in self._prefixes():
            for routes in (self.health, *(self.routes if app.get(TRUSTED_HOPS) else ())):
                routes.add_to(app, prefix)
        self._add_catch_all(app, self._answer_plain)
        return app

    def _prefixes(self) -> Sequence[str]:
        """Return where routes are: a proxy may or may not strip the sub-path."""
        return ("", self.options.base_path) if self.options.base_path else ("",)

    @staticmethod
    def _add_catch_all(app: web.Application, handler: Handler) -> None:
        app.router.add_get("/{path:.*}", handler)
        app.router.add_options("/{path:.*}", _options)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if is_upgrade(request):
            return await self.endpoint.handle(request)
        base = self.options.base_path
        if base and request.path == base:
            return _redirect(request.raw_path.replace(base, f"{base}/", 1))
        path = request.path.removeprefix(base) if self._is_below(request.path) else request.path
        if path.startswith("/api/"):
            return error_response(Refused(404, "not_found", "there is nothing at this path"))
        if self.page is None:
            return await self.endpoint.handle(request)
        return self._page(request, self.page.respond(path))

    def _page(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        if self.greet is not None:
            self.greet(request, response)
        return response

    def _is_below(self, path: str) -> bool:
        return bool(self.options.base_path) and path.startswith(f"{self.options.base_path}/")

    async def _answer_plain(self, request: web.Request) -> web.StreamResponse:
        if is_upgrade(request) or not self.options.https_redirect:
            return await self.endpoint.handle(request)
        if client_scheme(request) == "https":
            # A proxy that ends TLS itself and comes in here: a redirect would come back.
            return await self._answer(request)
        if not client_host(request):
            return error_response(Refused(400, "no_host", "the request names no host"))
        return _redirect(secure_url(request, port=self.options.https_port))


def secure_url(request: web.Request, *, port: int) -> str:
    """Return what *request* asks for, over TLS on *port*."""
    host = client_host(request)
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    authority = name if port == HTTPS_PORT else f"{name}:{port}"
    # A request meant for a proxy has a whole URL in the place of its path.
    path = request.raw_path if request.raw_path.startswith("/") else "/"
    return f"https://{authority}{path}"


def _redirect(location: str) -> web.Response:
    return web.Response(status=302, headers={hdrs.LOCATION: location})


async def _options(_request: web.Request) -> web.Response:
    """Answer what a browser asks before a request to another site."""
    return web.Response(status=204, headers={hdrs.ALLOW: "GET, HEAD, OPTIONS"})


async def _add_hsts(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.setdefault(hdrs.STRICT_TRANSPORT_SECURITY, HSTS)
