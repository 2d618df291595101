"""`/api/guests`: whether guests can be invited, and the exchange of a link for a pass."""

import asyncio
from typing import Final

import msgspec
import structlog
from aiohttp import web

from signalling.access.address import limit_key
from signalling.access.limits import Limits
from signalling.access.proxies import client_address
from signalling.access.tokens import TokenRefused
from signalling.error_body import error_response
from signalling.errors import Refused
from signalling.guests.described import GUESTS, PATH, Exchange
from signalling.guests.rooms import Rooms
from signalling.metrics import Metrics

MAX_BODY: Final = 4 * 1024

STATUSES: Final = {"bad_invite": 401, "invite_used": 409}
"""Statuses of refusals; the others mean that there is nothing any more: 410."""

log = structlog.get_logger()


class GuestRoutes:
    """Answers below `PATH`; *rooms* is None where nobody can be invited."""

    def __init__(self, rooms: Rooms | None, *, limits: Limits, metrics: Metrics) -> None:
        self.operations = GUESTS
        self._rooms = rooms
        self._limits = limits
        self._metrics = metrics

    def add_to(self, app: web.Application, prefix: str = "") -> None:
        """Add the routes to *app*, below *prefix*."""
        app.router.add_get(prefix + PATH, self._offer)
        app.router.add_post(prefix + PATH, self._exchange)

    async def _offer(self, _request: web.Request) -> web.Response:
        guests = 0 if self._rooms is None else self._rooms.places
        return web.json_response({"invitations": guests > 0, "guestsPerVisitor": guests})

    async def _exchange(self, request: web.Request) -> web.Response:
        try:
            self._limits.attempt(request)
            return self._redeemed(request, await _read(request))
        except Refused as exc:
            self._metrics.invitation("refused")
            log.info("invitation_refused", reason=exc.code, remote=client_address(request))
            return error_response(exc)

    def _redeemed(self, request: web.Request, asked: Exchange) -> web.Response:
        key = limit_key(client_address(request))
        if self._limits.has_failed_too_often(key):
            raise Refused(429, "too_many_attempts", "too many bad links: wait a minute")
        if self._rooms is None:
            raise Refused(404, "not_offered", "nobody can be invited on this server")
        try:
            token, room, invitation = self._rooms.redeem(asked.token)
        except TokenRefused as exc:
            if exc.is_guess:
                self._limits.failed(key)
            raise Refused(STATUSES.get(exc.code, 410), exc.code, exc.message) from None
        body = {"pass": token, "visitor": room.host_name, "name": invitation.name}
        return web.json_response(body, status=201)


async def _read(request: web.Request) -> Exchange:
    """Return the body; raises `Refused`."""
    try:
        await request.content.readexactly(MAX_BODY + 1)
    except asyncio.IncompleteReadError as exc:
        body = exc.partial
    else:
        raise Refused(413, "too_large", f"a body has at most {MAX_BODY} bytes")
    try:
        return msgspec.json.decode(body, type=Exchange)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused(400, "bad_request", "a JSON object with a string `token`") from None
