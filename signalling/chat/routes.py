"""`POST /api/chat`: the chat of the socket as server-sent events (HTML standard, 9.2)."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec
import orjson
from aiohttp import web

from signalling.access.auth import Authenticator
from signalling.access.browser import set_user_cookie
from signalling.access.identity import ANONYMOUS_PREFIX
from signalling.access.limits import Limits
from signalling.access.proxies import client_address
from signalling.chat.consulting import Consultant
from signalling.chat.described import OFFER
from signalling.chat.messages import TOO_MANY, Ask, question_of
from signalling.chat.metrics import ChatMetrics
from signalling.error_body import error_response
from signalling.errors import Refused

if TYPE_CHECKING:
    from rag.consultant.events import Event

MAX_BODY: Final = 64 * 1024
"""Bytes of a question."""

MAX_WAITING: Final = 1_024
"""Events that may wait for a reader who does not read; then the answer ends unread."""

LAST: Final = frozenset({"chatDone", "chatError"})

STATUSES: Final = {
    "busy": 409,
    "rate_limited": 429,
    "overloaded": 503,
    "bad_question": 400,
}


class ChatOffer:
    """Says whether there is a chat: the page asks before it sends a message of one."""

    def __init__(self, *, has_chat: bool) -> None:
        self._has_chat = has_chat
        self.operations = OFFER

    def add_to(self, app: web.Application, prefix: str = "") -> None:
        """Add the route to *app*, below *prefix*."""
        app.router.add_get(f"{prefix}/api/chat", self.offer)

    async def offer(self, _request: web.Request) -> web.Response:
        """Answer `{"chat": true}` or `{"chat": false}`."""
        return web.json_response({"chat": self._has_chat})


class ChatRoutes:
    """Adds the route to the player port; see `signalling.http.site.Routes`."""

    def __init__(
        self,
        chat: Callable[[], Consultant],
        *,
        authenticator: Authenticator,
        limits: Limits,
        currency: str,
        metrics: ChatMetrics,
    ) -> None:
        self._chat = chat
        self._metrics = metrics
        self._authenticator = authenticator
        self._limits = limits
        self._currency = currency

    def add_to(self, app: web.Application, prefix: str = "") -> None:
        """Add the route to *app*, below *prefix*."""
        app.router.add_post(f"{prefix}/api/chat", self.answer)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Stream the events of one answer; the body is that of a `chat` message."""
        try:
            return await self._answer(request)
        except Refused as exc:
            return error_response(exc)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        users = self._authenticator.users
        if self._authenticator.user_of_cookie(request) is None:
            # Who has no name yet gets one with each request, and a minute's questions with it.
            self._limits.attempt(request)
        grant = await self._authenticator.player(request)
        chat = self._chat()
        asked = await _asked(request)
        try:
            question = question_of(asked, self._currency)
        except ValueError as exc:
            raise Refused(400, "bad_request", f"budget {exc}") from None
        if not grant.is_admin and not self._limits.may_ask(client_address(request)):
            self._metrics.refused("rate_limited")
            raise Refused(429, "rate_limited", TOO_MANY)
        user = users.of(grant, user=asked.user, user_id=asked.user_id)
        events: asyncio.Queue[Event] = asyncio.Queue()
        chat.start(user, question, self._metrics.observing(lambda event: _put(events, event)))
        try:
            first = await events.get()
            if first.wire_name == "chatError":
                raise _refusal(first)
            response = _stream()
            if user == grant.user and user.startswith(ANONYMOUS_PREFIX):
                set_user_cookie(request, response, users.signed(user))
            with contextlib.suppress(ConnectionError):
                await _write(request, response, first, events)
        finally:
            chat.cancel(user, question.id)
        return response


async def _asked(request: web.Request) -> Ask:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            raise Refused(413, "too_large", f"at most {MAX_BODY} bytes")
    try:
        message = orjson.loads(body)
        return msgspec.convert({"id": "1", **message}, Ask)
    except msgspec.ValidationError as exc:
        raise Refused(400, "bad_request", str(exc)) from None
    except (ValueError, TypeError):
        raise Refused(400, "bad_request", "the body must be a JSON object") from None


def _put(events: "asyncio.Queue[Event]", event: "Event") -> None:
    if events.qsize() < MAX_WAITING or event.wire_name in LAST:
        events.put_nowait(event)


def _refusal(event: "Event") -> Refused:
    fields = event.fields()
    return Refused(STATUSES.get(fields["code"], 503), fields["code"], fields["message"])


def _stream() -> web.StreamResponse:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    response = web.StreamResponse(headers=headers)
    response.content_type = "text/event-stream"
    response.charset = "utf-8"
    return response


async def _write(
    request: web.Request,
    response: web.StreamResponse,
    event: "Event",
    events: "asyncio.Queue[Event]",
) -> None:
    await response.prepare(request)
    while True:
        data = orjson.dumps(event.fields())
        await response.write(b"event: %b\ndata: %b\n\n" % (event.wire_name.encode(), data))
        if event.wire_name in LAST:
            await response.write_eof()
            return
        event = await events.get()
