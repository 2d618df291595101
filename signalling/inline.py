"""
The fast way to receive and send: no task is woken for a message.

aiohttp hands each message to a queue, from which a task takes it. Here the
queue is one of our own that calls the session at once, inside the event
loop's read callback, and a message is written to the transport as a frame
made by hand. That halves the cost of a forwarded message.

None of this is aiohttp's public interface, so all of it is in this file.
`supported()` says whether the installed aiohttp has what is used; where it
has not, `signalling.transport` takes the public way.
"""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any, Final, Protocol, cast

from aiohttp import WSMsgType, web
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
from aiohttp.http import WebSocketError
from aiohttp.http_websocket import WebSocketWriter
from aiohttp.web_request import BaseRequest

QUEUE_LIMIT: Final = 2**16
"""Bytes of control frames that may wait; text never waits here."""

PING: Final = b"\x89\x00"
"""An empty ping frame (RFC 6455, 5.5.2)."""

SLICE: Final = 4096
"""
Bytes of one peer that are parsed at a time: then it is the others' turn.

Hundreds of the smallest frames, or a few candidates; one read may bring 256 KiB.
"""

TEXT: Final = WSMsgType.TEXT
BINARY: Final = WSMsgType.BINARY

CLOSE: Final = WSMsgType.CLOSE

Receive = Callable[[bytes], None]


def supported() -> bool:
    """Return whether this aiohttp has the parts that are used here."""
    response = web.WebSocketResponse
    return (
        list(inspect.signature(getattr(response, "_post_start", _absent)).parameters)
        == ["self", "request", "protocol", "writer"]
        and hasattr(WebSocketDataQueue, "feed_data")
        and "decode_text" in inspect.signature(response.__init__).parameters
    )


def _absent() -> None:
    """Stand in for a method that is not there."""


class InlineQueue(WebSocketDataQueue):
    """Takes what aiohttp's parser finds: messages go to the session, the rest waits."""

    __slots__ = ("is_flooded", "on_binary", "on_control", "on_text", "taken")

    on_text: Receive
    on_binary: Receive
    on_control: Callable[[], bool]
    taken: int
    """Frames and messages that were complete."""
    is_flooded: bool
    """Whether there were too many: the socket is being closed, and nothing more is read."""

    def feed_data(self, data: Any, size: int) -> None:
        """Take one message; must not raise, since the parser would not notice."""
        self.taken += 1
        kind = data[0]
        if kind is TEXT:
            self.on_text(data[1])
        elif kind is BINARY:
            self.on_binary(data[1])
        elif kind is CLOSE or self.on_control():
            WebSocketDataQueue.feed_data(self, data, size)
        else:
            self.is_flooded = True


class Batch(Protocol):
    """Collects what is sent while the messages of one read are worked through."""

    reading: bool

    def flush(self) -> None:
        """Write what was collected."""


class BatchingReader:
    """
    Parses what one read brought and writes what came of it, all at once.

    A read of many frames is parsed slice by slice, so that no peer has more of the
    event loop than its turn.
    """

    __slots__ = (
        "_at", "_batch", "_connection", "_feed", "_idle_bytes", "_max_idle_bytes", "_on_flood",
        "_queue", "_reader", "_rest",
    )  # fmt: skip

    def __init__(
        self,
        reader: WebSocketReader,
        batch: Batch,
        *,
        queue: InlineQueue,
        connection: Any,
        max_idle_bytes: int,
        on_flood: Callable[[], None],
    ) -> None:
        self._reader = reader
        self._feed = reader.feed_data
        self._batch = batch
        self._queue = queue
        self._connection = connection
        self._max_idle_bytes = max_idle_bytes
        """Bytes that may come without a message: fragments of nothing have no end."""
        self._idle_bytes = 0
        self._on_flood = on_flood
        self._rest = b""
        self._at = 0

    def feed_eof(self) -> None:
        """Pass on that the peer has closed its half."""
        rest, self._rest = self._rest[self._at :], b""
        if rest and not self._queue.is_flooded:
            self._parse(rest)
        self._reader.feed_eof()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Parse *data*; the queue gets the messages in it meanwhile."""
        if self._queue.is_flooded:
            return False, b""
        if not self._rest and len(data) <= SLICE:
            return self._parse(data)
        if self._rest:
            self._rest = self._rest[self._at :] + data
        else:
            self._rest = data
            asyncio.get_running_loop().call_soon(self._go_on)
        self._at = 0
        self._hold()
        return False, b""

    def _hold(self) -> None:
        transport = self._connection.transport
        if transport is not None and transport.is_reading():
            transport.pause_reading()

    def _go_on(self) -> None:
        """Parse the next slice of what waits."""
        if not self._rest:
            return
        start, self._at = self._at, self._at + SLICE
        is_over, _ = self._parse(self._rest[start : self._at])
        if self._queue.is_flooded:
            self._rest = b""
            return
        if is_over:
            self._connection.close()
        elif self._at < len(self._rest):
            asyncio.get_running_loop().call_soon(self._go_on)
            return
        self._rest = b""
        transport = self._connection.transport
        if transport is not None and not transport.is_closing():
            transport.resume_reading()

    def _parse(self, data: bytes) -> tuple[bool, bytes]:
        batch, taken = self._batch, self._queue.taken
        batch.reading = True
        try:
            answer: tuple[bool, bytes] = self._feed(data)
        finally:
            batch.reading = False
        batch.flush()
        self._idle_bytes = 0 if self._queue.taken != taken else self._idle_bytes + len(data)
        if self._idle_bytes > self._max_idle_bytes:
            self._queue.is_flooded = True
            self._on_flood()
        if self._queue.is_flooded:
            self._hold()
        return answer


class InlineWebSocket(web.WebSocketResponse):
    """A WebSocket whose messages reach *on_text* and *on_binary* without a task."""

    # With more attributes in its dict a socket has a table of its own, 1.2 KiB of it.
    __slots__ = (
        "_batch", "_is_lost", "_lost", "_max_message_bytes", "_on_binary", "_on_control",
        "_on_end", "_on_flood", "_on_start", "_on_text",
    )  # fmt: skip

    def __init__(
        self,
        *,
        on_start: Callable[[], None],
        on_text: Receive,
        on_binary: Receive,
        on_end: Callable[[], None],
        on_control: Callable[[], bool],
        on_flood: Callable[[], None],
        batch: Batch,
        max_message_bytes: int,
        close_seconds: float,
        protocols: tuple[str, ...] = (),
    ) -> None:
        super().__init__(
            compress=False,
            autoping=False,
            timeout=close_seconds,
            max_msg_size=max_message_bytes,
            protocols=protocols,
        )
        self._on_start = on_start
        self._on_text = on_text
        self._on_binary = on_binary
        self._on_end = on_end
        self._on_control = on_control
        self._on_flood = on_flood
        self._batch = batch
        self._max_message_bytes = max_message_bytes
        self._is_lost = False
        self._lost: asyncio.Future[None] | None = None

    def _post_start(
        self, request: BaseRequest, protocol: str | None, writer: WebSocketWriter
    ) -> None:
        connection = cast(Any, request.protocol)
        # What the peer sent along with its upgrade is for our parser, not for aiohttp's.
        early, connection._message_tail = connection._message_tail, b""  # noqa: SLF001
        super()._post_start(request, protocol, writer)
        queue = InlineQueue(connection, QUEUE_LIMIT, loop=asyncio.get_running_loop())
        queue.on_text = self._on_text
        queue.on_binary = self._on_binary
        queue.on_control = self._on_control
        queue.taken = 0
        queue.is_flooded = False
        self._reader = queue
        self._parser = WebSocketReader(
            queue, self._max_message_bytes, compress=False, decode_text=False
        )
        self._on_start()
        connection._payload_parser = None  # noqa: SLF001 - see the module's docstring
        connection._message_tail = early  # noqa: SLF001
        connection.set_parser(
            BatchingReader(
                self._parser,
                self._batch,
                queue=queue,
                connection=connection,
                max_idle_bytes=2 * self._max_message_bytes,
                on_flood=self._on_flood,
            )
        )

    def _cancel(self, exc: BaseException) -> None:
        """Take note that the connection is gone."""
        super()._cancel(exc)
        self._is_lost = True
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(None)

    def _close_transport(self) -> None:
        """
        End our half only, where the peer may still be sending.

        A socket that is closed with unread bytes is reset, and the peer may
        never see the close frame that says why.
        """
        self._on_end()
        transport = self._req.transport if self._req is not None else None
        if transport is None:
            return
        if isinstance(self._exception, WebSocketError) and transport.can_write_eof():
            try:
                transport.write_eof()
            except OSError:
                # It was reset while we did not read.
                transport.abort()
        else:
            transport.close()

    async def linger(self, seconds: float) -> None:
        """Wait until the peer has closed its half, or *seconds*."""
        if not self._is_lost:
            self._lost = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._lost], timeout=seconds)


def frame(payload: bytes) -> bytes:
    """Return *payload* as one unmasked text frame (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:  # noqa: PLR2004 - the lengths that fit the header's own byte
        return bytes((0x81, size)) + payload
    if size < 2**16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload
