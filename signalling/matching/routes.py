"""The matchmaker's REST routes on the player port: who may use them, and as whom."""

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Final

import msgspec
from aiohttp import hdrs, web

from matchmaker.errors import BadTokenError
from matchmaker.http import MAX_BODY, Caller, SessionBody, routes
from matchmaker.service import Matchmaker
from matchmaker.tokens import Claim, SessionTokens
from signalling.access.auth import Authenticator
from signalling.access.browser import set_user_cookie
from signalling.access.credentials import bearer_token
from signalling.access.identity import ANONYMOUS_PREFIX, Users
from signalling.access.limits import Limits
from signalling.access.operators import Operators
from signalling.access.proxies import client_address
from signalling.error_body import error_response
from signalling.errors import Refused
from signalling.openapi import Operation

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SESSIONS: Final = "/api/sessions"

PAGES: Final = "/admin"

CREATED: Final = 201

MIN_CLIENT_TOKEN: Final = 16
"""Characters of a client token that can stand for its user: too many to be guessed."""

CALLER: Final = web.RequestKey("CALLER", Caller)
"""Where a request keeps who asks."""


class BackEnd(SessionBody, rename="camel", frozen=True):
    """A request for a session; who asks is told by a trusted back end alone."""

    user_id: str = ""
    priority: Annotated[int, msgspec.Meta(ge=0)] | None = None
    max_duration_seconds: Annotated[float, msgspec.Meta(ge=0, le=7 * 86_400)] = 0.0


class SessionRoutes:
    """Adds the routes to the player port; see `signalling.http.site.Routes`."""

    def __init__(
        self,
        matchmaker: Matchmaker,
        *,
        tokens: SessionTokens,
        authenticator: Authenticator,
        operators: Operators,
        users: Users,
        limits: Limits,
        operations: Sequence[Operation],
    ) -> None:
        self.operations = operations
        self._routes = routes(matchmaker, self._identify)
        self._tokens = tokens
        self._authenticator = authenticator
        self._operators = operators
        self._users = users
        self._limits = limits

    def add_to(self, app: web.Application, prefix: str = "") -> None:
        """Add the routes to *app*, below *prefix*."""
        for route in self._routes:
            handler = self._guarded(route.method, route.path, route.handler)
            app.router.add_route(route.method, prefix + route.path, handler)

    def _guarded(self, method: str, path: str, handler: Any) -> Handler:
        is_for_users = path.startswith(SESSIONS) and (method, path) != (hdrs.METH_GET, SESSIONS)

        async def serve(request: web.Request) -> web.StreamResponse:
            try:
                if path.startswith(PAGES):
                    return await self._answer(handler, request)
                caller = (
                    await self._caller(request) if is_for_users else self._operator(request)
                )
            except Refused as exc:
                return error_response(exc)
            request[CALLER] = caller
            response = await self._answer(handler, request)
            self._greet(request, response, caller)
            return response

        return serve

    @staticmethod
    async def _answer(handler: Any, request: web.Request) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        return response

    async def _identify(self, request: web.Request) -> Caller:
        return request[CALLER]

    # Who asks.

    def _operator(self, request: web.Request) -> Caller:
        """Let an operator pass; only what they change is written down."""
        action = f"{request.method} {request.path}"
        if request.method == hdrs.METH_GET:
            self._operators.check(request, action)
        else:
            self._operators.require(request, action)
        return Caller("", admin=True)

    async def _caller(self, request: web.Request) -> Caller:
        """Return the user of a session's token, of a back end, or of the request itself."""
        claim = self._claim(request)
        if claim is not None:
            return Caller(claim.user)
        if self._authenticator.is_admin(request):
            return await self._back_end(request)
        if request.method == hdrs.METH_POST:
            # Who has no name yet gets one with each request, and a place with each name.
            self._limits.attempt(request)
        grant = await self._authenticator.player(request)
        user = self._users.of(grant)
        if user.startswith(ANONYMOUS_PREFIX) and not self._authenticator.user_of_cookie(
            request
        ):
            user = await self._repeating(request) or user
        return Caller(user, priority=grant.priority, max_duration=grant.max_duration)

    def _claim(self, request: web.Request) -> Claim | None:
        """Return what a session's token says; it is good for that session alone."""
        token = bearer_token(request) or request.query.get("session", "")
        session_id = request.match_info.get("id")
        if not token or session_id is None:
            return None
        try:
            claim = self._tokens.read(token)
        except BadTokenError:
            return None
        return claim if claim.session_id == session_id else None

    async def _repeating(self, request: web.Request) -> str:
        """Return the user that a nameless request's client token stands for, if any."""
        raw = await request.read()
        if not raw or len(raw) > MAX_BODY:
            return ""
        try:
            token = msgspec.json.decode(raw, type=SessionBody).client_token
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return ""
        if len(token) < MIN_CLIENT_TOKEN:
            return ""
        return self._users.repeating(token, client_address(request))

    async def _back_end(self, request: web.Request) -> Caller:
        operator = Caller("", admin=True)
        raw = await request.read()
        if request.method != hdrs.METH_POST or not raw or len(raw) > MAX_BODY:
            return operator
        try:
            told = msgspec.json.decode(raw, type=BackEnd)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
            raise Refused(400, "bad_request", str(exc)) from None
        return dataclasses.replace(
            operator,
            user=told.user_id,
            priority=told.priority,
            max_duration=told.max_duration_seconds,
        )

    def _greet(
        self, request: web.Request, response: web.StreamResponse, caller: Caller
    ) -> None:
        """Let a visitor without a name come back as the same one."""
        is_made = request.method == hdrs.METH_POST and response.status == CREATED
        is_new = self._authenticator.user_of_cookie(request) != caller.user
        if is_made and is_new and caller.user.startswith(ANONYMOUS_PREFIX):
            set_user_cookie(request, response, self._users.signed(caller.user))
