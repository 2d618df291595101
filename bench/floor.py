"""
The floor: what forwarding costs when nothing is checked, counted or logged.

    python -m bench.floor

A registry of two dicts behind aiohttp, with aiohttp's parser handing messages
to it inside the read callback. It believes whatever it is sent, has no limits,
no timers and no log. No server on this stack that
does its job can be expected to cost less; how much more it costs is the price
of the job.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Any, cast

import orjson
import uvloop
from aiohttp import WSMsgType, web
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
from aiohttp.http_websocket import WebSocketWriter
from aiohttp.web_request import BaseRequest

HOST = "127.0.0.1"
IDENTIFY = b'{"type":"identify"}'
CONFIG = b'{"type":"config","peerConnectionOptions":{},"protocolVersion":"1.3.0"}'
MAX_MESSAGE_BYTES = 4 * 1024 * 1024
BUFFER_BYTES = 2**16
BACKLOG = 2048

Send = Callable[[bytes], None]


def encode(**fields: Any) -> bytes:
    """Return a message."""
    return orjson.dumps(fields)


class Peer:
    """Someone with a socket."""

    def __init__(self, rooms: "Rooms", send: Send) -> None:
        self.rooms = rooms
        self.send = send
        self.id = ""

    def opened(self) -> None:
        """Greet."""

    def message(self, raw: bytes) -> None:
        """Act on a message."""

    def closed(self) -> None:
        """Forget."""


class Rooms:
    """Who is here."""

    def __init__(self) -> None:
        self.players: dict[str, Player] = {}
        self.streamers: dict[str, Streamer] = {}
        self.count = 0


class Player(Peer):
    """Watches."""

    streamer: "Streamer | None" = None

    def opened(self) -> None:
        """Greet."""
        self.rooms.count += 1
        self.id = str(self.rooms.count)
        self.tail = b',"playerId":"%b"}' % self.id.encode()
        self.rooms.players[self.id] = self
        self.send(CONFIG)

    def message(self, raw: bytes) -> None:
        """List, subscribe, or forward with the id stamped on."""
        message = orjson.loads(raw)
        kind = message["type"]
        if kind == "listStreamers":
            self.send(encode(type="streamerList", ids=list(self.rooms.streamers)))
        elif kind == "subscribe":
            self.streamer = self.rooms.streamers[message["streamerId"]]
            self.streamer.send(
                encode(type="playerConnected", dataChannel=True, sfu=False, playerId=self.id)
            )
        elif self.streamer:
            self.streamer.send(raw[:-1] + self.tail)

    def closed(self) -> None:
        """Forget."""
        del self.rooms.players[self.id]
        if self.streamer:
            self.streamer.send(encode(type="playerDisconnected", playerId=self.id))


class Streamer(Peer):
    """Is watched."""

    def opened(self) -> None:
        """Greet."""
        self.send(IDENTIFY)
        self.send(CONFIG)

    def message(self, raw: bytes) -> None:
        """Take the name, or forward."""
        message = orjson.loads(raw)
        if message["type"] == "endpointId":
            self.id = message["id"]
            self.rooms.streamers[self.id] = self
            self.send(encode(type="endpointIdConfirm", committedId=self.id))
        elif player := self.rooms.players.get(message["playerId"]):
            player.send(raw)

    def closed(self) -> None:
        """Forget."""
        del self.rooms.streamers[self.id]


class Queue(WebSocketDataQueue):
    """Hands text to the peer; what else there is goes to aiohttp."""

    message: Send

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take what the parser found."""
        if data[0] is WSMsgType.TEXT:
            self.message(data[1])
        else:
            WebSocketDataQueue.feed_data(self, data, size)


class Socket(web.WebSocketResponse):
    """A WebSocket that wakes no task for a message."""

    def __init__(self, kind: type[Peer], rooms: Rooms) -> None:
        super().__init__(compress=False)
        self.peer = kind(rooms, self._write)

    def _post_start(
        self, request: BaseRequest, protocol: str | None, writer: WebSocketWriter
    ) -> None:
        super()._post_start(request, protocol, writer)
        self._transport = writer.transport
        connection = cast(Any, request.protocol)
        queue = Queue(connection, BUFFER_BYTES, loop=asyncio.get_running_loop())
        queue.message = self.peer.message
        self._reader = queue
        self._parser = WebSocketReader(
            queue, MAX_MESSAGE_BYTES, compress=False, decode_text=False
        )
        connection._payload_parser = None  # noqa: SLF001 - a floor may
        connection.set_parser(self._parser)

    def _write(self, payload: bytes) -> None:
        size = len(payload)
        head = bytes((0x81, size)) if size < 126 else b"\x81\x7e" + size.to_bytes(2, "big")
        if not self._transport.is_closing():
            self._transport.write(head + payload)


def port_for(kind: type[Peer], rooms: Rooms) -> web.Application:
    """Return the application of one port."""

    async def serve(request: web.Request) -> web.StreamResponse:
        socket = Socket(kind, rooms)
        await socket.prepare(request)
        socket.peer.opened()
        try:
            async for _ in socket:
                pass
        finally:
            socket.peer.closed()
        return socket

    app = web.Application()
    app.router.add_get("/", serve)
    return app


async def start() -> tuple[int, int]:
    """Listen on free ports for players and streamers, and return them."""
    rooms = Rooms()
    ports = []
    for kind in (Player, Streamer):
        runner = web.AppRunner(port_for(kind, rooms), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, HOST, 0, backlog=BACKLOG).start()
        ports.append(int(runner.addresses[0][1]))
    return ports[0], ports[1]


async def main() -> None:
    """Run until killed."""
    player_port, streamer_port = await start()
    event = encode(event="listening", player_port=player_port, streamer_port=streamer_port)
    sys.stdout.write(event.decode() + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
