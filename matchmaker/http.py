"""
REST routes of the matchmaker; the only module here that knows aiohttp's requests.

Who asks is found out by the server: it passes a function that returns the
caller of a request. Errors are `{"error": {"code", "message"}}`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated, Any, Final, TypeVar

import msgspec
from aiohttp import web

from matchmaker.answers import (
    host_answer,
    queue_answer,
    scale_answers,
    session_answer,
    session_row,
)
from matchmaker.errors import BadTokenError, RefusedError, StateUnavailableError
from matchmaker.model import EndReason, HostPatch, Session
from matchmaker.service import Matchmaker

MAX_BODY: Final = 16_384
"""Bytes of a request for a session; requirements are short."""

OK: Final = 200

Body = TypeVar("Body", bound=msgspec.Struct)

MAX_ROWS: Final = 5_000
"""Sessions on the operator's page."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a proven user (or ""), and whether with the operator's rights."""

    user: str
    admin: bool = False
    priority: int | None = None
    max_duration: float = 0.0


Identify = Callable[[web.Request], Awaitable[Caller]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SessionBody(msgspec.Struct, rename="camel", frozen=True):
    """Body of `POST /api/sessions`."""

    application: str = ""
    region: str = ""
    requirements: dict[str, str] = {}
    client_token: str = ""


class HostReport(msgspec.Struct, rename="camel", frozen=True, forbid_unknown_fields=True):
    """Body of `PATCH /api/hosts/{id}`: what is known of a host; what is left out stays."""

    gpu: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    """The busiest of its GPU figures (encoder, graphics, memory), 0 to 1."""
    healthy: bool | None = None
    capacity: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None
    """Sessions at the same time; the next streamer that says `host_capacity` changes it."""


def json_answer(value: Any, status: int = 200) -> web.Response:
    """Return *value* as JSON."""
    return web.Response(
        body=msgspec.json.encode(value), status=status, content_type="application/json"
    )


def error_answer(status: int, code: str, message: str) -> web.Response:
    """Return an error in the common form."""
    return json_answer({"error": {"code": code, "message": message}}, status)


class MatchmakerRoutes:
    """Handlers of the routes; `table` lists them."""

    def __init__(self, matchmaker: Matchmaker, identify: Identify) -> None:
        self._matchmaker = matchmaker
        self._identify = identify

    def table(self) -> list[web.RouteDef]:
        """Return all routes."""
        user, admin = self._for_users, self._for_operators
        return [
            web.post("/api/sessions", user(self.create)),
            web.get("/api/sessions", admin(self.sessions)),
            web.get("/api/sessions/{id}", user(self.read)),
            web.delete("/api/sessions/{id}", user(self.release)),
            web.get("/api/hosts", admin(self.hosts)),
            web.patch("/api/hosts/{id}", admin(self.report)),
            web.post("/api/hosts/{id}/drain", admin(self.drain)),
            web.delete("/api/hosts/{id}/drain", admin(self.undrain)),
            web.get("/api/queue", admin(self.queue)),
            web.get("/api/scale", admin(self.scale)),
            web.get("/admin", admin_page),
            web.get("/admin/{file}", admin_page),
        ]

    # Users

    async def create(self, request: web.Request, caller: Caller) -> web.Response:
        """`POST /api/sessions`: 201 with the session; the same again for the same user."""
        if not caller.user:
            return error_answer(401, "unknown_user", "Who asks for a session must be known.")
        body = await _body(request, SessionBody)
        outcome = await self._matchmaker.request(
            caller.user,
            application=body.application,
            region=body.region,
            requirements=body.requirements,
            client_token=body.client_token,
            priority=caller.priority,
            max_duration=caller.max_duration,
        )
        return json_answer(session_answer(outcome), 201)

    async def read(self, request: web.Request, caller: Caller) -> web.Response:
        """`GET /api/sessions/{id}`; a waiter that asks stays in the queue."""
        session_id = request.match_info["id"]
        await self._own(session_id, caller)
        return json_answer(session_answer(await self._matchmaker.poll(session_id)))

    async def release(self, request: web.Request, caller: Caller) -> web.Response:
        """`DELETE /api/sessions/{id}`: 204, also when it has ended already."""
        session_id = request.match_info["id"]
        session = await self._own(session_id, caller)
        own = session.user == caller.user
        reason = EndReason.RELEASED if own else EndReason.OPERATOR
        await self._matchmaker.end_session(session_id, reason)
        return web.Response(status=204)

    async def _own(self, session_id: str, caller: Caller) -> Session:
        """Return a session, or refuse others' in the same words as missing ones."""
        session = await self._matchmaker.store.session(session_id)
        if session is None or not (caller.admin or session.user == caller.user):
            raise RefusedError("not_found")
        return session

    # Operators

    async def sessions(self, _request: web.Request) -> web.Response:
        """`GET /api/sessions`: live and just ended ones, newest first."""
        found = await self._matchmaker.store.sessions(limit=MAX_ROWS)
        newest = sorted(found, key=lambda session: -session.created_at)
        return json_answer([session_row(session) for session in newest])

    async def hosts(self, _request: web.Request) -> web.Response:
        """`GET /api/hosts`."""
        hosts = await self._matchmaker.store.hosts()
        return json_answer([host_answer(h) for h in sorted(hosts, key=lambda h: h.id)])

    async def report(self, request: web.Request) -> web.Response:
        """`PATCH /api/hosts/{id}`: GPU load, health, capacity; 204."""
        told = await _body(request, HostReport)
        patch = HostPatch(gpu=told.gpu, healthy=told.healthy, capacity=told.capacity)
        answer = await self._patch(request, patch)
        return web.Response(status=204) if answer.status == OK else answer

    async def drain(self, request: web.Request) -> web.Response:
        """`POST /api/hosts/{id}/drain`: no new sessions there."""
        return await self._patch(request, HostPatch(draining=True))

    async def undrain(self, request: web.Request) -> web.Response:
        """`DELETE /api/hosts/{id}/drain`."""
        return await self._patch(request, HostPatch(draining=False))

    async def _patch(self, request: web.Request, patch: HostPatch) -> web.Response:
        host_id = request.match_info["id"]
        if not await self._matchmaker.report_host(host_id, patch):
            return error_answer(404, "not_found", "There is no such host.")
        return json_answer({"id": host_id, "draining": patch.draining})

    async def queue(self, _request: web.Request) -> web.Response:
        """`GET /api/queue`."""
        waiting = await self._matchmaker.store.waiting()
        return json_answer(queue_answer(waiting, self._matchmaker.eta))

    async def scale(self, _request: web.Request) -> web.Response:
        """`GET /api/scale`."""
        store, settings = self._matchmaker.store, self._matchmaker.settings
        hosts, waiting = await store.hosts(), await store.waiting()
        return json_answer(scale_answers(hosts, waiting, gpu_ceiling=settings.gpu_ceiling))

    # Who may

    def _for_users(
        self, handle: Callable[[web.Request, Caller], Awaitable[web.Response]]
    ) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            return await answered(handle(request, await self._identify(request)))

        return handler

    def _for_operators(
        self, handle: Callable[[web.Request], Awaitable[web.Response]]
    ) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            if not (await self._identify(request)).admin:
                return error_answer(403, "forbidden", "This needs the operator's token.")
            return await answered(handle(request))

        return handler


def routes(matchmaker: Matchmaker, identify: Identify) -> list[web.RouteDef]:
    """Return the matchmaker's routes for an aiohttp application."""
    return MatchmakerRoutes(matchmaker, identify).table()


async def answered(work: Awaitable[web.Response]) -> web.Response:
    """Return the answer of *work*, or the error that it ended with."""
    try:
        return await work
    except RefusedError as error:
        return error_answer(error.status, error.code, error.message)
    except BadTokenError as error:
        return error_answer(401, "bad_token", str(error))
    except msgspec.MsgspecError as error:
        return error_answer(400, "bad_request", str(error))
    except StateUnavailableError:
        return error_answer(503, "state_unavailable", "The state cannot be reached now.")


async def _body(request: web.Request, kind: type[Body]) -> Body:
    raw = await request.read()
    if len(raw) > MAX_BODY:
        raise msgspec.ValidationError("the body is too long")
    try:
        return msgspec.json.decode(raw or b"{}", type=kind)
    except (UnicodeDecodeError, RecursionError):
        raise msgspec.ValidationError("the body is not UTF-8, or nested too deeply") from None


PAGE_FILES: Final = {
    "": ("admin.html", "text/html"),
    "admin.js": ("admin.js", "text/javascript"),
    "tables.js": ("tables.js", "text/javascript"),
    "admin.css": ("admin.css", "text/css"),
}

PAGE_POLICY: Final = (
    "default-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'"
)


async def admin_page(request: web.Request) -> web.Response:
    """`GET /admin`: the operator's page; it asks for the token and holds no secrets."""
    entry = PAGE_FILES.get(request.match_info.get("file", ""))
    if entry is None:
        return error_answer(404, "not_found", "There is no such page.")
    name, content_type = entry
    text = (files("matchmaker") / "pages" / name).read_text(encoding="utf-8")
    headers = {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-cache"}
    return web.Response(text=text, content_type=content_type, headers=headers)
