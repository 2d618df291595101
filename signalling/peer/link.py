"""The signalling socket of a peer, by aiohttp."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import structlog
from yarl import URL

MAX_MESSAGE_BYTES = 1 << 20
"""Largest signalling message taken; an SDP with many candidates has some 10 KiB."""

HEARTBEAT_SECONDS = 30.0
"""A WebSocket ping this often finds a dead connection, half that time later."""

CONNECT_SECONDS = 10.0

CLOSE_SECONDS = 2.0
"""Longest wait for the server's half of the closing handshake."""

TEXTS = (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)

log = structlog.get_logger()

SignallingMessage = Mapping[str, Any]
"""A JSON object with a string under `type`."""


class Link:
    """An open signalling socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, kind: str, **fields: Any) -> None:
        """Send a message of type *kind*; on a socket that closed it is lost."""
        if self._socket.closed:
            return
        message = {"type": kind, **fields}
        try:
            await self._socket.send_str(orjson.dumps(message).decode())
        except ConnectionError:
            # The reader notices by itself.
            log.debug("signalling_send_failed", message_type=kind)

    async def messages(self) -> AsyncIterator[SignallingMessage]:
        """Yield what the server sends until the socket closes; what is unusable is logged."""
        async for frame in self._socket:
            message = parse_message(frame.data) if frame.type in TEXTS else None
            if message is None:
                log.warning("signalling_message_unusable", frame=frame.type.name)
            else:
                log.debug("signalling_message", message_type=message["type"])
                yield message

    @property
    def close_code(self) -> int | None:
        """What the socket was closed with, once it is."""
        return self._socket.close_code

    @property
    def end(self) -> str:
        """Why the socket closed: the close code and its error, if any."""
        return f"{self.close_code} {self._socket.exception() or ''}".strip()


def parse_message(data: str | bytes) -> SignallingMessage | None:
    """Return the message in *data*, or None when it is none."""
    try:
        message = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    usable = isinstance(message, dict) and isinstance(message.get("type"), str)
    return message if usable else None


@asynccontextmanager
async def open_link(url: URL) -> AsyncIterator[Link]:
    """
    Connect to *url* for the time of the block.

    Raises `aiohttp.ClientError` or `TimeoutError` when that fails; a refused
    upgrade is `aiohttp.WSServerHandshakeError` with its HTTP status.
    """
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.ws_connect(
            url,
            compress=0,
            max_msg_size=MAX_MESSAGE_BYTES,
            heartbeat=HEARTBEAT_SECONDS,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
        ) as socket,
    ):
        yield Link(socket)


def shown(url: URL) -> str:
    """Return *url* for logs: without its query and user, where tokens stand."""
    return str(url.with_query(None).with_user(None))


def reason_of(error: Exception) -> str:
    """Return *error* as one line that holds no URL, since a token may stand in it."""
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return f"the server refused with HTTP {error.status}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{error.host}:{error.port}: {error.strerror or error.os_error}"
    return str(error) or type(error).__name__
