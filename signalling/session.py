"""
One peer's conversation, from its first message to its last. No I/O.

A session is given raw messages and a link to send with; the transport owns
the socket. What a message does stands in `signalling.handlers`.
"""

import time
from collections import deque
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Final, Protocol

import structlog

from signalling import dialect as dialects
from signalling import messages
from signalling.admission import Admission
from signalling.dialect import Dialect
from signalling.directory import Directory, IdFactory
from signalling.errors import BadMessage, CloseCode, Flood, ProtocolError
from signalling.headcount import Headcount
from signalling.messages import Json
from signalling.metrics import Metrics
from signalling.registry import (
    Link,
    Origin,
    Player,
    Registry,
    Streamer,
)

BACKLOG_MESSAGES: Final = 256
"""
Messages that may wait behind a control message that waits for a store.

A page trickles some dozens of candidates; more than this is not a page.
"""

BACKLOG_BYTES: Final = 256 * 1024
"""
What they may hold together; an offer is some kilobytes, a candidate some hundred bytes.

They wait parsed, which can be twenty times as large.
"""

log = structlog.get_logger()


class Runner(Protocol):
    """Runs a handler that may wait; calls *done* exactly once when it ended."""

    def __call__(
        self,
        coroutine: Coroutine[Any, Any, None],
        done: Callable[[BaseException | None], None],
    ) -> None:
        """Run *coroutine*; *done* may be called before this returns."""


@dataclass(frozen=True, slots=True)
class MessageRate:
    """A token bucket: *per_second* on average, *burst* at once; 0 means no limit."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What all sessions of a role share."""

    registry: Registry
    directory: Directory
    admission: Admission
    dialect: Dialect
    metrics: Metrics
    headcount: Headcount
    now: Callable[[], float]
    """Seconds, monotonic."""
    run: Runner
    player_ids: IdFactory
    ice: Callable[[str], Json]
    """Makes the peer connection options of a peer, by its id."""
    rate: MessageRate
    trace: bool = False
    """Whether each forwarded message is logged, at debug."""
    default_streamer_id: str = "LegacyStreamer"
    is_silent: Callable[[Any], bool] = lambda _: False
    """Whether the peer behind a link has missed a ping."""


Handler = Callable[[Any, Json], Coroutine[Any, Any, None] | None]
"""Does what one message type asks for; raises `ProtocolError` if it is unusable."""

Forward = Callable[[Any, Json, bytes], None]
"""Passes one message type on."""

Parse = Callable[[bytes], Json]
"""Returns the message in some bytes, or raises `ProtocolError`."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a role may send: message type to what is done with it."""

    handled: Mapping[str, Handler]
    forwarded: Mapping[str, Forward]
    anytime: Collection[str] = ()
    """Types whose order does not matter: they never wait behind another message."""


class Phase(Enum):
    """Where a conversation stands."""

    OPEN = "open"
    CLOSING = "closing"
    LOST = "lost"


class Session:
    """What the conversations of players, streamers and SFUs have in common."""

    __slots__ = (
        "_allowance", "_backlog", "_busy", "_refilled", "context", "link", "origin",
        "phase", "received", "table",
    )  # fmt: skip

    role: ClassVar[str]

    def __init__(self, context: Context, *, link: Link, origin: Origin, table: Table) -> None:
        self.context = context
        self.link = link
        self.origin = origin
        self.table = table
        self.phase = Phase.OPEN
        self.received = 0
        """Messages received: any of them shows that the peer is alive."""
        self._busy = False
        self._backlog: deque[tuple[Json, bytes]] | None = None
        self._allowance: float = context.rate.burst
        self._refilled = context.now()

    # What roles differ in.

    @property
    def id(self) -> str:
        """What the peer is called, for logs."""
        raise NotImplementedError

    @property
    def watches(self) -> Streamer | None:
        """The streamer the peer subscribed to."""
        return None

    @property
    def is_waiting(self) -> bool:
        """Whether something that was begun for the peer has yet to end."""
        return self._busy

    def opened(self) -> None:
        """Say what a new peer must know."""
        raise NotImplementedError

    def probe(self) -> None:
        """Ask a silent peer whether it is there."""
        self.link.ping()

    def refuse(self, error: ProtocolError) -> None:
        """Act on an unusable message."""
        raise NotImplementedError

    def unknown(self, wire_name: str) -> None:
        """Act on a message of a type that the role does not send."""
        self.drop("unknown_type", type=wire_name[: messages.MAX_ID_LENGTH])

    def forget(self) -> Coroutine[Any, Any, None] | None:
        """Undo what the peer stood for; called once, when its socket is gone."""
        raise NotImplementedError

    # Receiving.

    def receive(self, raw: bytes, parse: Parse = messages.parse) -> None:
        """Take one message; never raises. Later messages wait behind one that waits."""
        self.received += 1
        self._allowance -= 1
        try:
            if self._allowance < 0:
                self._refill()
            if self.phase is Phase.OPEN:
                message = parse(raw)
                if self._busy and message["type"] not in self.table.anytime:
                    self._wait_in_line(message, raw)
                else:
                    self._handle(message, raw)
        except ProtocolError as exc:
            self.refuse(exc)
        except Exception as exc:  # noqa: BLE001 - one peer's message never ends the server
            self.fail(exc)

    def receive_binary(self, raw: bytes) -> None:
        """Take one message that came in a binary frame, as UE has sent them; never raises."""
        self.receive(raw, messages.parse_binary)

    def _handle(self, message: Json, raw: bytes) -> None:
        wire_name = message["type"]
        forward = self.table.forwarded.get(wire_name)
        if forward is not None:
            forward(self, message, raw)
            return
        handler = self.table.handled.get(wire_name)
        if handler is None:
            self.unknown(wire_name)
            return
        waiting = handler(self, message)
        if waiting is not None:
            self.wait_for(waiting)

    def wait_for(self, waiting: Coroutine[Any, Any, None]) -> None:
        """Let later messages of this peer wait until *waiting* has ended."""
        self._busy = True
        self.context.run(waiting, self._ended)

    def _ended(self, error: BaseException | None) -> None:
        self._busy = False
        if isinstance(error, ProtocolError):
            self.refuse(error)
        elif isinstance(error, Exception):
            self.fail(error)
        while self._backlog and not self._busy and self.phase is Phase.OPEN:
            self._take_next(self._backlog)

    def _take_next(self, backlog: deque[tuple[Json, bytes]]) -> None:
        try:
            self._handle(*backlog.popleft())
        except ProtocolError as exc:
            self.refuse(exc)
        except Exception as exc:  # noqa: BLE001 - as in receive()
            self.fail(exc)

    def _wait_in_line(self, message: Json, raw: bytes) -> None:
        if self._backlog is None:
            self._backlog = deque()
        waiting = len(raw) + sum(len(earlier) for _, earlier in self._backlog)
        if len(self._backlog) >= BACKLOG_MESSAGES or waiting > BACKLOG_BYTES:
            raise Flood("too many messages while an earlier one is worked on")
        self._backlog.append((message, raw))

    def _refill(self) -> None:
        rate = self.context.rate
        if rate.per_second <= 0:
            self._allowance = rate.burst
            return
        now = self.context.now()
        earned = (now - self._refilled) * rate.per_second
        self._allowance = min(self._allowance + earned, rate.burst)
        self._refilled = now
        if self._allowance < 0:
            raise Flood(f"more than {rate.per_second:g} messages per second")

    # Trouble.

    def drop(self, reason: str, **details: object) -> None:
        """Count and log a message that goes nowhere."""
        self.context.metrics.dropped(self.role, reason)
        log.info("message_dropped", role=self.role, peer=self.id, reason=reason, **details)

    def fail(self, error: Exception) -> None:
        """Close after a fault of ours; the peer learns no more than that."""
        log.error("internal_error", role=self.role, peer=self.id, exc_info=error)
        self.close(CloseCode.INTERNAL, "internal error")

    def close(self, code: CloseCode, reason: str) -> None:
        """Close the peer's socket; nothing it still sends is looked at."""
        if self.phase is Phase.OPEN:
            self.phase = Phase.CLOSING
            self.link.close(code, reason)

    def lost(self) -> None:
        """Take note that the socket is gone; only the first call counts."""
        if self.phase is Phase.LOST:
            return
        self.phase = Phase.LOST
        self._backlog = None
        waiting = self.forget()
        if waiting is not None:
            self.context.run(waiting, self._forgotten)

    def broken(self) -> None:
        """Take note that the socket broke, without a goodbye from either side."""
        self.lost()

    def _forgotten(self, error: BaseException | None) -> None:
        if isinstance(error, Exception):
            log.error("internal_error", role=self.role, peer=self.id, exc_info=error)


class PlayerSession(Session):
    """A browser that wants to see something."""

    __slots__ = ("player",)

    role: ClassVar[str] = "player"

    def __init__(
        self,
        context: Context,
        *,
        link: Link,
        origin: Origin,
        table: Table,
    ) -> None:
        super().__init__(context, link=link, origin=origin, table=table)
        self.player = Player(
            context.player_ids(),
            link=link,
            dialect=dialects.of_page(context.dialect, origin.query),
            origin=origin,
            offers=dialects.page_offers(origin.query),
        )

    @property
    def id(self) -> str:
        """The player's id."""
        return self.player.id

    @property
    def watches(self) -> Streamer | None:
        """See `Session`."""
        return self.player.streamer

    def opened(self) -> None:
        """See `Session`."""
        self.context.registry.add_player(self.player)
        self.link.send(config_for(self.context, self.player.id, self.player.dialect))
        self.context.headcount.add(self.player)

    def settle(self, dialect: Dialect) -> None:
        """Speak *dialect* from now on: what the page does has told that it is of that kind."""
        self.player.dialect = dialect
        self.context.headcount.add(self.player)

    def probe(self) -> None:
        """See `Session`: a page answers a `ping`; one too old to know it, by its browser."""
        self.link.send(messages.ping(int(time.time())))
        if self.player.dialect.pings_always:
            self.link.ping()

    def refuse(self, error: ProtocolError) -> None:
        """See `Session`: a player that breaks the protocol is closed."""
        self.context.metrics.dropped(self.role, type(error).__name__)
        log.info("message_refused", role=self.role, peer=self.id, reason=error.reason)
        self.close(error.code, error.reason)

    def unknown(self, wire_name: str) -> None:
        """See `Session`: only Cirrus closes on what it does not know."""
        if self.player.dialect.closes_on_unknown:
            raise BadMessage(f"unknown message type {wire_name[:64]!r}")
        super().unknown(wire_name)

    def forget(self) -> Coroutine[Any, Any, None]:
        """See `Session`."""
        self.context.headcount.discard(self.player)
        self.context.registry.remove_player(self.player)
        return self.context.admission.left(self.player)


def config_for(context: Context, peer_id: str, dialect: Dialect) -> bytes:
    """Return the first message to a peer: its options, and the version where it is told."""
    return messages.config(context.ice(peer_id), protocol_version=dialect.protocol_version)
