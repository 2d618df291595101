"""
HTTP routes as data: what is served and what the OpenAPI document says are one table.

A handler takes the request and returns the body, or raises `Refused`.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NotRequired, TypedDict, Unpack

import msgspec
import structlog
from aiohttp import web

from signalling.access.proxies import client_address
from signalling.error_body import ErrorBody, error_response
from signalling.errors import Refused
from signalling.http.admin import AdminCheck
from signalling.messages import Json

OPENAPI_VERSION: Final = "3.1.0"

JSON_TYPE: Final = "application/json"

METHOD_NOT_ALLOWED: Final = 405

PARAMETER: Final = re.compile(r"\{(\w+)\}")

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[Any]]
"""Returns what the route's `response` describes, None for no body; raises `Refused`."""


class Access(Enum):
    """Who may use a route."""

    OPEN = "anybody"
    READ = "anybody, unless there is an admin token"
    ADMIN = "the operator"


class Described(TypedDict):
    """What the document says of a route, beside its types."""

    name: str
    summary: str
    errors: NotRequired[tuple[int, ...]]
    access: NotRequired[Access]
    parameters: NotRequired[tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path."""

    method: str
    path: str
    handler: Handler
    name: str
    """A name for generated clients, in camelCase."""
    summary: str
    response: Any = None
    """The type of the body; None if there is no body."""
    description: str = "The answer."
    errors: tuple[int, ...] = ()
    access: Access = Access.READ
    parameters: tuple[tuple[str, str], ...] = ()
    """Names in the path, and what they are."""


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
            Refused: 401 if a token would help, 403 if there is none.

        """
        has_admin = self._admin.is_configured
        if access is Access.OPEN or (access is Access.READ and not has_admin):
            return
        if not has_admin:
            raise Refused(403, "forbidden", "this server has no admin token")
        if not self._admin.is_admin(request):
            raise Refused(401, "unauthorized", "an admin token is needed")
        if access is Access.ADMIN:
            self._admin.audit(request, action)


class Api:
    """Serves a table of routes."""

    def __init__(self, routes: Sequence[Route], guard: Guard) -> None:
        self._routes = tuple(routes)
        self._guard = guard

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


# The OpenAPI document.


def openapi(routes: Sequence[Route], *, title: str, version: str, server: str = "/") -> Json:
    """Return *routes* as an OpenAPI 3.1 document; *server* is the URL they are below."""
    types = [route.response for route in routes if route.response is not None]
    schemas, components = msgspec.json.schema_components(
        [*types, ErrorBody], ref_template="#/components/schemas/{name}"
    )
    by_type = dict(zip(map(repr, [*types, ErrorBody]), schemas, strict=True))
    paths: Json = {}
    for route in routes:
        operation = _operation(route, by_type)
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": OPENAPI_VERSION,
        "info": {"title": title, "version": version},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"admin": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route, schemas: Json) -> Json:
    refusals = {Access.OPEN: (), Access.READ: (401,), Access.ADMIN: (401, 403)}[route.access]
    errors = {str(status): schemas[repr(ErrorBody)] for status in (*refusals, *route.errors)}
    operation: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": [_parameter(name, route) for name in PARAMETER.findall(route.path)],
        "responses": {
            **_success(route, schemas),
            **{status: _response("An error.", schema) for status, schema in errors.items()},
        },
    }
    if route.access is Access.READ:
        operation["security"] = [{}, {"admin": []}]
    elif route.access is Access.ADMIN:
        operation["security"] = [{"admin": []}]
    return operation


def _success(route: Route, schemas: Json) -> Json:
    if route.response is None:
        return {"204": {"description": route.description}}
    return {"200": _response(route.description, schemas[repr(route.response)])}


def _response(description: str, schema: Json) -> Json:
    return {"description": description, "content": {JSON_TYPE: {"schema": schema}}}


def _parameter(name: str, route: Route) -> Json:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": dict(route.parameters).get(name, name),
        "schema": {"type": "string", "minLength": 1},
    }
