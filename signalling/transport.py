"""
A peer's WebSocket: upgrade, reading, the bounded outbox, the goodbye.

Two kinds of connection share everything but how bytes move: `InlineConnection`
takes the fast way of `signalling.inline`, `QueuedConnection` aiohttp's public
one. Neither ever waits for its peer while somebody else's message is handled.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

import structlog
from aiohttp import WSCloseCode, WSMsgType, web
from aiohttp.http import WebSocketError

from signalling import inline
from signalling.access.credentials import chosen_subprotocol
from signalling.errors import CloseCode, clip_reason
from signalling.registry import Link
from signalling.session import Context

CLOSE_SECONDS: Final = 5.0
"""How long a peer may take to answer a close frame before its socket is cut."""

CONTROL_BURST: Final = 100
"""Pings and pongs of a peer at once; whoever sends some does so every few seconds."""

LINGER_SECONDS: Final = 2.0
"""How long bytes of a peer that broke the framing are still read and thrown away."""

log = structlog.get_logger()


class Conversation(Protocol):
    """What a connection serves: a session, or one that can be attached to a new socket."""

    @property
    def role(self) -> str:
        """What the peer is."""

    @property
    def id(self) -> str:
        """What the peer is called, for logs."""

    @property
    def context(self) -> Context:
        """What it shares with others."""

    @property
    def link(self) -> Link:
        """What it sends with on this socket."""

    @property
    def received(self) -> int:
        """Messages received."""

    def opened(self) -> None:
        """Greet the peer."""

    def receive(self, raw: bytes) -> None:
        """Take a text message; never raises."""

    def receive_binary(self, raw: bytes) -> None:
        """Take a binary message; never raises."""

    def probe(self) -> None:
        """Ask a silent peer whether it is there."""

    def fail(self, error: Exception) -> None:
        """Close after a fault of ours."""

    def lost(self) -> None:
        """Take note that the socket was closed by a close frame, or refused."""

    def broken(self) -> None:
        """Take note that the socket broke."""


SessionFactory = Callable[[Link], Conversation]


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketLimits:
    """What one socket may cost."""

    max_message_bytes: int
    """A longer message closes the socket with 1009."""
    max_outbox_bytes: int
    """More waiting for a peer that reads too slowly closes its socket with 1013."""
    control_frames_per_second: float = 10.0
    """More pings and pongs of the protocol close the socket with 4008; 0: no limit."""


class State(Enum):
    """The phases of a connection."""

    UPGRADING = "upgrading"
    SERVING = "serving"
    FLUSHING = "flushing"
    CLOSING = "closing"
    CLOSED = "closed"


class Connection:
    """One socket and the session behind it; a `Link` and `Watched`."""

    __slots__ = (
        "_controls", "_controls_at", "_goodbye", "_task", "_transport", "limits", "pongs",
        "session", "state",
    )  # fmt: skip

    def __init__(self, new_session: SessionFactory, limits: SocketLimits) -> None:
        self.limits = limits
        self.state = State.UPGRADING
        self.pongs = 0
        self._controls: float = CONTROL_BURST
        self._controls_at = time.monotonic()
        self._goodbye: tuple[CloseCode, str] | None = None
        self._task: asyncio.Task[object] | None = None
        self._transport: asyncio.Transport | None = None
        self.session = new_session(self)

    # Link.

    def send(self, payload: bytes) -> None:
        """See `Link`."""
        raise NotImplementedError

    def ping(self) -> None:
        """See `Link`."""
        raise NotImplementedError

    def close(self, code: CloseCode, reason: str) -> None:
        """See `Link`: the handler's task says goodbye, whatever it is waiting for."""
        if self.state is State.CLOSING or self.state is State.CLOSED:
            return
        self.state = State.CLOSING
        self._goodbye = (code, clip_reason(reason))
        if self._task is not None:
            self._task.cancel()

    def cut(self) -> None:
        """End the connection without a goodbye."""
        if self._transport is not None:
            self._transport.abort()

    def take_control(self) -> bool:
        """Count a ping or pong of the peer; False, and it is closed, if it is too many."""
        per_second = self.limits.control_frames_per_second
        self._controls -= 1
        if self._controls < 0:
            now = time.monotonic()
            earned = (now - self._controls_at) * per_second
            self._controls = min(self._controls + earned, CONTROL_BURST)
            self._controls_at = now
        if per_second <= 0 or self._controls >= 0:
            return True
        self.close(CloseCode.RATE_LIMIT, f"more than {per_second:g} pings per second")
        return False

    def close_endless(self) -> None:
        """Close the socket of a peer whose fragments make no message."""
        self.close(CloseCode.RATE_LIMIT, "fragments without end")

    # Watched.

    @property
    def heard(self) -> int:
        """See `Watched`."""
        return self.session.received + self.pongs

    def probe(self) -> None:
        """See `Watched`."""
        self.session.probe()

    def give_up(self) -> None:
        """
        See `Watched`: the socket is cut, without a close frame.

        Nobody reads one there; and a page that was only asleep comes back after a
        broken socket, as after Wilbur's, but never after 1001.
        """
        if self.state is State.SERVING:
            log.info("peer_silent", role=self.session.role, peer=self.session.id)
            self.cut()

    # The life of a connection.

    async def run(self, request: web.Request) -> web.StreamResponse:
        """Upgrade *request*, serve the peer until it leaves, say goodbye."""
        self._task = asyncio.current_task()
        self._transport = request.transport
        socket = self._make_socket(chosen_subprotocol(request))
        try:
            await self._serve(socket, request)
        except asyncio.CancelledError:
            if self._goodbye is None or self._task is None:
                raise
            self._task.uncancel()
        except ConnectionError:
            # It was reset while we answered its upgrade: there is nobody to answer.
            return web.Response()
        finally:
            self._task = None
            if self._goodbye is None and is_broken(socket):
                self.session.broken()
            else:
                self.session.lost()
        await self._say_goodbye(socket, request)
        drop_frames(socket.exception())
        return socket

    def retire(self) -> None:
        """
        Let go of the session, which holds this as its link: the last thing that is called.

        What holds itself stays in memory until the collector has been through everything.
        """
        self.state = State.CLOSED
        self._transport = None
        del self.session

    def _make_socket(self, protocols: tuple[str, ...]) -> web.WebSocketResponse:
        raise NotImplementedError

    async def _serve(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        raise NotImplementedError

    def _overloaded(self) -> None:
        log.warning("peer_too_slow", role=self.session.role, peer=self.session.id)
        self.close(CloseCode.OVERLOADED, "the peer reads too slowly")

    async def _say_goodbye(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.state = State.CLOSING
        code, reason = self._goodbye or (CloseCode.NORMAL, "")
        if socket.prepared and not socket.closed:
            await socket.close(code=code, message=reason.encode(), drain=False)
        self.state = State.CLOSED
        self._record_end(closed_with(socket) if self._goodbye is None else code, reason)
        await self._let_go(socket, request)

    def _record_end(self, code: int, reason: str) -> None:
        session = self.session
        session.context.metrics.closed(session.role, int(code))
        log.info(
            "disconnected",
            role=session.role,
            peer=session.id,
            code=int(code),
            reason=reason or None,
        )

    async def _let_go(self, _socket: web.WebSocketResponse, request: web.Request) -> None:
        """Cut a transport whose peer does not take what is left in it."""
        transport = request.transport
        if transport is not None and transport.get_write_buffer_size() > 0:
            asyncio.get_running_loop().call_later(CLOSE_SECONDS, transport.abort)


def drop_frames(error: BaseException | None) -> None:
    """
    Take the tracebacks from *error*, with which a socket ended.

    aiohttp keeps it in the socket, and the frames in its traceback hold the socket.
    """
    while error is not None:
        error.__traceback__ = None
        error = error.__context__


def is_broken(socket: web.WebSocketResponse) -> bool:
    """Return whether *socket* ended without a close frame from either side."""
    by_us = isinstance(socket.exception(), WebSocketError)
    return socket.close_code == WSCloseCode.ABNORMAL_CLOSURE and not by_us


def closed_with(socket: web.WebSocketResponse) -> int:
    """Return the code with which aiohttp or the peer closed *socket*."""
    error = socket.exception()
    if isinstance(error, WebSocketError):
        return int(error.code)
    return socket.close_code or CloseCode.NORMAL


class Flusher:
    """
    Writes what connections were sent while one read was worked through.

    A page trickles its candidates in one go: one system call carries what
    would else be many. What is sent at other times, by a timer or a task, is
    written at the end of the event loop's step.
    """

    def __init__(self) -> None:
        self._waiting: list[InlineConnection] = []
        self.reading = False
        """Whether messages are being worked through, after which `flush` is called."""

    def add(self, connection: "InlineConnection") -> None:
        """Flush *connection* soon."""
        if not self.reading and not self._waiting:
            asyncio.get_running_loop().call_soon(self.flush)
        self._waiting.append(connection)

    def flush(self) -> None:
        """Write now what waits."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        for connection in waiting:
            try:
                connection.flush()
            except Exception as exc:  # noqa: BLE001 - the others' messages go out all the same
                connection.session.fail(exc)


class InlineConnection(Connection):
    """A connection whose messages wake no task."""

    __slots__ = ("_flusher", "_frames")

    def __init__(
        self, new_session: SessionFactory, limits: SocketLimits, flusher: Flusher
    ) -> None:
        self._frames: list[bytes] = []
        self._flusher = flusher
        super().__init__(new_session, limits)

    def send(self, payload: bytes) -> None:
        """See `Link`; the outbox is the transport's own write buffer."""
        if self.state is State.SERVING:
            if not self._frames:
                self._flusher.add(self)
            self._frames.append(inline.frame(payload))

    def flush(self) -> None:
        """Hand what was sent to the transport; a peer that leaves too much there is cut."""
        transport = self._transport
        if transport is None or transport.is_closing() or not self._frames:
            return
        transport.write(b"".join(self._frames))
        self._frames.clear()
        if transport.get_write_buffer_size() > self.limits.max_outbox_bytes:
            self._overloaded()

    def ping(self) -> None:
        """See `Link`."""
        if self._transport is not None and self.state is State.SERVING:
            self._transport.write(inline.PING)

    def close(self, code: CloseCode, reason: str) -> None:
        """See `Link`: what was sent before goes out before."""
        if self.state is State.SERVING:
            self.state = State.FLUSHING
            self.flush()
        super().close(code, reason)

    def _make_socket(self, protocols: tuple[str, ...]) -> inline.InlineWebSocket:
        session = self.session
        return inline.InlineWebSocket(
            on_start=self._start,
            on_text=session.receive,
            on_binary=session.receive_binary,
            on_end=self._end,
            on_control=self.take_control,
            on_flood=self.close_endless,
            batch=self._flusher,
            max_message_bytes=self.limits.max_message_bytes,
            close_seconds=CLOSE_SECONDS,
            protocols=protocols,
        )

    def _start(self) -> None:
        if self.state is State.UPGRADING:
            self.state = State.SERVING
            self.session.opened()

    def _end(self) -> None:
        """Take note that nothing can be written any more."""
        self.state = State.CLOSING
        self._frames.clear()

    async def _serve(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                self.pongs += 1

    async def _let_go(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        await super()._let_go(socket, request)
        broke_framing = isinstance(socket.exception(), WebSocketError)
        if broke_framing and isinstance(socket, inline.InlineWebSocket):
            await socket.linger(LINGER_SECONDS)


class QueuedConnection(Connection):
    """A connection that uses nothing but aiohttp's public interface."""

    __slots__ = ("_outbox", "_queued_bytes", "_wake")

    def __init__(self, new_session: SessionFactory, limits: SocketLimits) -> None:
        self._outbox: deque[bytes | None] = deque()
        """Messages to be sent; None is a ping."""
        self._queued_bytes = 0
        self._wake = asyncio.Event()
        super().__init__(new_session, limits)

    def send(self, payload: bytes) -> None:
        """See `Link`."""
        if self.state is not State.SERVING:
            return
        self._outbox.append(payload)
        self._queued_bytes += len(payload)
        self._wake.set()
        if self._queued_bytes > self.limits.max_outbox_bytes:
            self._overloaded()

    def ping(self) -> None:
        """See `Link`."""
        if self.state is State.SERVING:
            self._outbox.append(None)
            self._wake.set()

    def _make_socket(self, protocols: tuple[str, ...]) -> web.WebSocketResponse:
        return web.WebSocketResponse(
            compress=False,
            autoping=False,
            timeout=CLOSE_SECONDS,
            max_msg_size=self.limits.max_message_bytes,
            decode_text=False,
            protocols=protocols,
        )

    async def _serve(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        await socket.prepare(request)
        self.state = State.SERVING
        self.session.opened()
        writer = asyncio.create_task(self._write(socket))
        try:
            await self._read(socket)
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            await self._send_rest(socket)

    async def _send_rest(self, socket: web.WebSocketResponse) -> None:
        """Send what was queued before the goodbye, to a peer that takes it."""
        if self._goodbye is None or self._goodbye[0] is CloseCode.OVERLOADED:
            return
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._send_all(socket)

    async def _read(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self.session.receive(message.data)
            elif message.type is WSMsgType.BINARY:
                self.session.receive_binary(message.data)
            elif not self.take_control():
                return
            elif message.type is WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                self.pongs += 1

    async def _write(self, socket: web.WebSocketResponse) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._send_all(socket)

    async def _send_all(self, socket: web.WebSocketResponse) -> None:
        while self._outbox:
            payload = self._outbox.popleft()
            if payload is None:
                await socket.ping()
            else:
                await socket.send_frame(payload, WSMsgType.TEXT)
                self._queued_bytes -= len(payload)


NewConnection = Callable[[SessionFactory, SocketLimits], Connection]


def connection_factory() -> NewConnection:
    """Return what makes the fastest kind of connection the installed aiohttp allows."""
    if not inline.supported():
        return QueuedConnection
    flusher = Flusher()
    return lambda new_session, limits: InlineConnection(new_session, limits, flusher)
