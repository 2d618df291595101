"""
Epic's matchmaker for old installations: the messages and who is sent where.

Cirrus servers tell by TCP, in JSON objects back to back, that they are there
and how many clients they have; browsers are redirected to a free one. No I/O
here: `cirrus_tcp` brings the bytes, `cirrus_http` the browsers.

Source: Epic's SignallingWebServer/cirrus.js and Matchmaker/matchmaker.js, UE5.4.
Unlike there, messages may arrive in pieces or together, counts never go below
zero and are set anew by every `connect`, servers leave when their connection
ends, and a server that was given to somebody is given to nobody else.
"""

import hmac
import ipaddress
import itertools
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec

MAX_MESSAGE: Final = 16_384
"""Bytes; Cirrus's are below 200."""

REDIRECT_SECONDS: Final = 10.0
"""A server is kept for the one who was sent there: browser start and first connection."""

WAIT_SECONDS: Final = 15.0
"""A visitor whose page does not ask again leaves the line."""

COUNT_SECONDS: Final = 0.5
"""How old a place in the line may be; each asks every 3 s, ten thousand of them maybe."""

MAX_WAITING: Final = 10_000

QUOTE, BACKSLASH, OPEN, CLOSE = b'"\\{}'
WHITESPACE: Final = frozenset(b" \t\r\n")


class CirrusError(Exception):
    """The peer does not speak the protocol, or may not; the connection is closed."""


class MessageStream:
    """Finds JSON objects in a stream of bytes, wherever it is cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """
        Return the objects that *data* completes.

        Raises:
            CirrusError: Something else than objects, or one that is too long.

        """
        self._buffer += data
        found = []
        while (end := self._next_end()) is not None:
            raw = bytes(self._buffer[:end])
            del self._buffer[:end]
            self._scanned = 0
            found.append(_decode(raw))
        if len(self._buffer) > MAX_MESSAGE:
            raise CirrusError("a message is too long")
        return found

    def _next_end(self) -> int | None:
        """Return where the first object ends, or None if it is not complete."""
        for at in range(self._scanned, len(self._buffer)):
            if self._ends_with(self._buffer[at]):
                return at + 1
        self._scanned = len(self._buffer)
        return None

    def _ends_with(self, byte: int) -> bool:
        if self._in_string:
            self._in_string = self._escaped or byte != QUOTE
            self._escaped = byte == BACKSLASH and not self._escaped
            return False
        if self._depth == 0 and byte != OPEN and byte not in WHITESPACE:
            raise CirrusError("not a JSON object")
        self._in_string = byte == QUOTE
        self._depth += (byte == OPEN) - (byte == CLOSE)
        return byte == CLOSE and self._depth == 0


def _decode(raw: bytes) -> dict[str, Any]:
    try:
        message: dict[str, Any] = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CirrusError(f"not JSON: {error}") from error
    return message


Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
HostName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.:\-\[\]]{1,253}$")]


class Connect(msgspec.Struct, frozen=True, rename="camel"):
    """The first message of a Cirrus server."""

    address: HostName
    port: Port
    https: bool = False
    ready: bool = False
    player_connected: bool = False
    secret: str = ""


@dataclass(slots=True, eq=False)
class CirrusServer:
    """A registered server."""

    address: str
    port: int
    https: bool
    ready: bool
    clients: int
    reserved_for: str = ""
    """Ticket of the visitor who was sent there and has not arrived."""
    reserved_until: float = 0.0

    @property
    def free(self) -> bool:
        """Whether somebody can be sent there."""
        return self.ready and not self.clients and not self.reserved_for

    @property
    def authority(self) -> str:
        """Return `address:port`."""
        return f"{self.address.lower()}:{self.port}"

    @property
    def origin(self) -> str:
        """Return where browsers find it."""
        return f"{'https' if self.https else 'http'}://{self.authority}"


class Admission:
    """Who may register, and where browsers may be sent."""

    def __init__(self, *, secret: str, allow: Sequence[str], redirects: Sequence[str]) -> None:
        self._secret = secret
        self._peers = [ipaddress.ip_network(entry, strict=False) for entry in allow]
        self._redirects = [n for entry in redirects if (n := _network(entry)) is not None]
        self._names = {entry.lower() for entry in redirects if _network(entry) is None}

    def admits_peer(self, peer: str) -> bool:
        """Tell whether a server may connect from *peer*."""
        address = _address(peer)
        return address is not None and any(address in network for network in self._peers)

    def check(self, message: Connect, peer: str) -> None:
        """
        Raise unless *message* has the secret and names an allowed address.

        Raises:
            CirrusError: It has not.

        """
        if not hmac.compare_digest(message.secret.encode(), self._secret.encode()):
            raise CirrusError("wrong secret")
        if not self._may_redirect(message.address.lower(), peer):
            raise CirrusError(f"may not send browsers to {message.address}")

    def _may_redirect(self, target: str, peer: str) -> bool:
        address = _address(target.strip("[]"))
        if address is None:
            return target in self._names
        same = address == _address(peer)
        return same or any(address in network for network in self._redirects)


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Answer:
    """A server to go to, or a place in the line."""

    server: CirrusServer | None
    position: int = 0
    length: int = 0


class CirrusRegistry:
    """Servers by connection, free ones, and the line of visitors."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self._servers: dict[int, CirrusServer] = {}
        self._free: OrderedDict[int, CirrusServer] = OrderedDict()
        self._given: dict[str, tuple[int, float]] = {}
        self._windows: deque[tuple[float, str, int]] = deque()
        self._line: OrderedDict[str, float] = OrderedDict()
        self._places: dict[str, int] = {}
        self._count_at = 0.0
        self._table: dict[str, Callable[[CirrusServer], None]] = {
            "streamerConnected": _streamer_connected,
            "streamerDisconnected": _streamer_disconnected,
            "clientConnected": _client_connected,
            "clientDisconnected": _client_disconnected,
            "ping": lambda _: None,
        }

    @property
    def servers(self) -> list[CirrusServer]:
        """Return all registered servers."""
        return list(self._servers.values())

    def handle(self, connection: int, message: dict[str, Any], *, peer: str) -> None:
        """
        Take a message of a server.

        Raises:
            CirrusError: It is malformed, out of order, or not allowed.

        """
        kind = message.get("type")
        if kind == "connect":
            self._connect(connection, message, peer)
        elif connection not in self._servers:
            raise CirrusError("the first message must be connect")
        elif isinstance(kind, str) and kind in self._table:
            self._table[kind](self._servers[connection])
        self._update(connection)

    def gone(self, connection: int) -> None:
        """Forget the server of a connection that ended, however it ended."""
        self._servers.pop(connection, None)
        self._free.pop(connection, None)

    def take(self, ticket: str, now: float) -> Answer:
        """
        Return a free server for a visitor, or the place in the line.

        The same ticket gets the same server while it is kept. Without a
        ticket there is no line to wait in: a server only if nobody waits for it.
        """
        self._expire(now)
        given = self._given.get(ticket)
        if given and given[0] in self._servers:
            return Answer(self._servers[given[0]])
        if not ticket:
            spare = len(self._free) > len(self._line)
            return self._give(ticket, now) if spare else Answer(None)
        return self._take_in_line(ticket, now)

    def _take_in_line(self, ticket: str, now: float) -> Answer:
        if ticket not in self._line and len(self._line) >= MAX_WAITING:
            return Answer(None, MAX_WAITING + 1, MAX_WAITING)
        self._line[ticket] = now + WAIT_SECONDS
        if ticket in itertools.islice(self._line, len(self._free)):
            del self._line[ticket]
            return self._give(ticket, now)
        return Answer(None, self._places.get(ticket, len(self._line)), len(self._line))

    def _give(self, ticket: str, now: float) -> Answer:
        connection, server = self._free.popitem(last=False)
        until = now + REDIRECT_SECONDS
        server.reserved_for, server.reserved_until = ticket or "somebody", until
        self._windows.append((until, ticket, connection))
        if ticket:
            self._given[ticket] = (connection, until)
        return Answer(server)

    def _connect(self, connection: int, message: dict[str, Any], peer: str) -> None:
        try:
            connect = msgspec.convert(message, Connect)
        except msgspec.ValidationError as error:
            raise CirrusError(f"bad connect: {error}") from error
        self.admission.check(connect, peer)
        server = CirrusServer(
            connect.address,
            connect.port,
            connect.https,
            connect.ready,
            int(connect.player_connected),
        )
        self._replace(connection, server)

    def _replace(self, connection: int, server: CirrusServer) -> None:
        """Register a server in place of what its former connection, not ended yet, said."""
        same = [c for c, known in self._servers.items() if known.authority == server.authority]
        for former in same:
            self.gone(former)
        self._servers[connection] = server

    def _update(self, connection: int) -> None:
        server = self._servers[connection]
        if not server.free:
            self._free.pop(connection, None)
        elif connection not in self._free:
            self._free[connection] = server

    def _expire(self, now: float) -> None:
        """Take back servers that nobody came to; now and then look at the line."""
        while self._windows and self._windows[0][0] <= now:
            until, ticket, connection = self._windows.popleft()
            if self._given.get(ticket) == (connection, until):
                del self._given[ticket]
            server = self._servers.get(connection)
            if server is not None and server.reserved_until == until:
                server.reserved_for = ""
                self._update(connection)
        if now >= self._count_at:
            self._count(now)

    def _count(self, now: float) -> None:
        """Drop visitors who stopped asking, and number the others: for all of them together."""
        self._count_at = now + COUNT_SECONDS
        for ticket in [ticket for ticket, until in self._line.items() if until <= now]:
            del self._line[ticket]
        self._places = {ticket: number for number, ticket in enumerate(self._line, 1)}


def _streamer_connected(server: CirrusServer) -> None:
    server.ready = True


def _streamer_disconnected(server: CirrusServer) -> None:
    """Without its streamer a Cirrus server has closed all its clients."""
    server.ready = False
    server.clients = 0


def _client_connected(server: CirrusServer) -> None:
    server.clients += 1
    server.reserved_for = ""


def _client_disconnected(server: CirrusServer) -> None:
    server.clients = max(0, server.clients - 1)
