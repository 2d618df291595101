"""
HTTP routes as data: what is served and what the OpenAPI document says are one table.

A handler takes the request and returns the body, or raises `Refused`.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NotRequired, TypedDict, Unpack

import msgspec
import structlog
from aiohttp import web

from signalling.access.proxies import client_address
from signalling.error_body import error_response
from signalling.errors import Refused
from signalling.http.admin import AdminCheck
from signalling.openapi import JSON_TYPE, Access, Operation

METHOD_NOT_ALLOWED: Final = 405

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[Any]]
"""Returns what the route's `response` describes, None for no body; raises `Refused`."""


class Described(TypedDict):
    """What the document says of a route, beside its types."""

    name: str
    summary: str
    errors: NotRequired[tuple[int, ...]]
    access: NotRequired[Access]
    parameters: NotRequired[tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Operation):
    """An operation and what does it."""

    handler: Handler


def get(path: str, handler: Handler, response: Any, **more: Unpack[Described]) -> Route:
    """Return a route that only reads."""
    return Route(method="GET", path=path, handler=handler, response=response, **more)


class Guard:
    """Lets in whom a route is for."""

    def __init__(self, admin: AdminCheck) -> None:
        self._admin = admin

    def check(self, request: web.Request, access: Access, action: str) -> None:
        """
        Let the operator in, and others where they may; write down what is the operator's.

        Raises:
            Refused: 401 if a token would help, 403 if there is none, 429 after many bad.

        """
        if access is Access.ADMIN:
            self._admin.require(request, action)
        elif access is Access.READ and self._admin.is_configured:
            self._admin.check(request, action)


class Api:
    """Serves a table of routes."""

    def __init__(self, routes: Sequence[Route], guard: Guard) -> None:
        self._routes = tuple(routes)
        self._guard = guard

    @property
    def operations(self) -> Sequence[Operation]:
        """See `signalling.http.site.Routes`."""
        return self._routes

    def add_to(self, app: web.Application, prefix: str = "") -> None:
        """Add the routes to *app*, below *prefix*; other methods of their paths get 405."""
        for path in dict.fromkeys(route.path for route in self._routes):
            here = [route for route in self._routes if route.path == path]
            resource = app.router.add_resource(prefix + path)
            for route in here:
                resource.add_route(route.method, self._serving(route))
                if route.method == "GET":
                    resource.add_route("HEAD", self._serving(route))
            resource.add_route("*", _only([route.method for route in here]))

    def _serving(self, route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            try:
                self._guard.check(request, route.access, route.name)
                body = await route.handler(request)
            except Refused as exc:
                return error_response(exc)
            except Exception:
                log.exception("internal_error", path=route.path, remote=client_address(request))
                return error_response(Refused(500, "internal_error", "internal error"))
            return _answer(body, route.response)

        return serve


def _answer(body: Any, kind: Any) -> web.Response:
    if kind is None:
        return web.Response(status=204)
    return web.Response(body=msgspec.json.encode(body), content_type=JSON_TYPE)


def _only(methods: Sequence[str]) -> Callable[[web.Request], Awaitable[web.Response]]:
    allowed = ", ".join([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])

    async def refuse(request: web.Request) -> web.Response:
        if request.method == "OPTIONS":
            return web.Response(status=204, headers={"Allow": allowed})
        response = error_response(
            Refused(METHOD_NOT_ALLOWED, "method_not_allowed", f"this path takes {allowed}")
        )
        response.headers["Allow"] = allowed
        return response

    return refuse
