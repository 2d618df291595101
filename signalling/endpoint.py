"""Where peers connect: checks an upgrade and gives it a connection."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import structlog
from aiohttp import web

from signalling.access.door import Door
from signalling.access.identity import Grant
from signalling.access.proxies import client_address, client_host
from signalling.error_body import error_response
from signalling.errors import CloseCode, Refused
from signalling.expiry import Calendar
from signalling.keepalive import Wheel
from signalling.metrics import Metrics
from signalling.registry import Link, Origin
from signalling.transport import (
    CLOSE_SECONDS,
    Connection,
    Conversation,
    NewConnection,
    SocketLimits,
)

VERSIONS: Final = frozenset({"13", "8", "7"})
"""Of the protocol; the older ones have the same frames."""

KEY: Final = re.compile(r"[A-Za-z0-9+/]{22}==")
"""Sixteen bytes in base64."""

log = structlog.get_logger()

NewSession = Callable[[Link, Origin], Conversation]
Check = Callable[[web.Request], None]
"""Looks at an upgrade; raises `Refused`."""


UNLIMITED: Final = -1
"""A capacity that is never reached."""


class Connections:
    """The open sockets of a server, and whose they are."""

    def __init__(self) -> None:
        self._open: dict[Connection, str] = {}
        self._by_role: Counter[str] = Counter()
        self._changed = asyncio.Event()

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._open))

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Connection, role: str) -> None:
        """Take note of an open socket."""
        self._open[connection] = role
        self._by_role[role] += 1

    def discard(self, connection: Connection) -> None:
        """Take note that a socket is closed."""
        role = self._open.pop(connection, None)
        if role is not None:
            self._by_role[role] -= 1
        self._changed.set()

    def count(self, role: str) -> int:
        """Return how many sockets of *role* are open."""
        return self._by_role[role]

    async def gone(self, *roles: str) -> None:
        """Wait until no socket of *roles* is open."""
        while any(self._by_role[role] for role in roles):
            self._changed.clear()
            await self._changed.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One role's way in."""

    role: str
    new_session: NewSession
    limits: SocketLimits
    wheel: Wheel
    metrics: Metrics
    connections: Connections
    new_connection: NewConnection
    door: Door
    calendar: Calendar | None = None
    """Where tokens that run out end a connection; elsewhere they count at the door only."""
    checks: tuple[Check, ...] = ()
    capacity: int = UNLIMITED
    """Sockets of the role; one more is closed with 1013."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket until it closes, or say in plain HTTP why not."""
        try:
            self._check(request)
            with self.door.place(request):
                return await self._serve(request, await self.door.admit(request))
        except Refused as exc:
            self._note_refused(request, exc.code)
            return error_response(exc)

    async def _serve(self, request: web.Request, grant: Grant) -> web.StreamResponse:
        if not is_handshake(request):
            raise Refused(400, "bad_handshake", "the upgrade is not that of RFC 6455")
        if self._is_full():
            return await self._turn_away(request)
        origin = origin_of(request, grant)
        connection = self.new_connection(
            lambda link: self.new_session(link, origin), self.limits
        )
        if self.calendar is not None:
            self.calendar.set(connection.session.link, grant.expires_at)
        return await self._run(connection, request)

    def _check(self, request: web.Request) -> None:
        if not is_upgrade(request):
            raise Refused(426, "upgrade_required", "this port speaks WebSocket")
        for check in self.checks:
            check(request)

    def _note_refused(self, request: web.Request, reason: str) -> None:
        self.metrics.refused(self.role, reason)
        remote = client_address(request)
        log.info("upgrade_refused", role=self.role, reason=reason, remote=remote)

    def _is_full(self) -> bool:
        return UNLIMITED < self.capacity <= self.connections.count(self.role)

    async def _turn_away(self, request: web.Request) -> web.StreamResponse:
        """Say by a close code that there is no place: pages show its reason, as Cirrus's do."""
        self._note_refused(request, "full")
        socket = web.WebSocketResponse(timeout=CLOSE_SECONDS, compress=False)
        await socket.prepare(request)
        await socket.close(code=CloseCode.OVERLOADED, message=b"the server is full")
        return socket

    async def _run(self, connection: Connection, request: web.Request) -> web.StreamResponse:
        self.connections.add(connection, self.role)
        self.wheel.add(connection)
        try:
            return await connection.run(request)
        finally:
            if self.calendar is not None:
                self.calendar.discard(connection.session.link)
            self.wheel.discard(connection)
            self.connections.discard(connection)
            connection.retire()


def origin_of(request: web.Request, grant: Grant) -> Origin:
    """Return where a peer comes from; its token stays behind."""
    query = dict(request.query)
    query.pop("token", None)
    return Origin(
        client_address(request), {**query, **grant.about}, grant, client_host(request)
    )


def is_upgrade(request: web.Request) -> bool:
    """Return whether *request* asks for a WebSocket."""
    return request.headers.get("Upgrade", "").lower() == "websocket"


def is_handshake(request: web.Request) -> bool:
    """
    Return whether an upgrade is complete (RFC 6455, 4.2.1).

    aiohttp looks at most of this too, but takes a key of other letters for a
    fault of the server.
    """
    headers = request.headers
    key = headers.get("Sec-WebSocket-Key", "")
    return (
        request.method == "GET"
        and "upgrade" in headers.get("Connection", "").lower()
        and headers.get("Sec-WebSocket-Version") in VERSIONS
        and KEY.fullmatch(key) is not None
    )
