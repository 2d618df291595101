"""The real server for the peers to meet at, and a scripted one for what it never does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web

from signalling.app import SERVER, Server, create_app
from signalling.listening import listening
from signalling.peer.settings import ProbeSettings, StreamerSettings
from signalling.settings import ServeSettings

PATIENCE = 20.0
"""Seconds until a wait of a test has failed."""

LOCAL = "127.0.0.1"

Start = Callable[[Awaitable[Any]], asyncio.Task[Any]]


@dataclass(frozen=True)
class Meeting:
    """A running server and settings for small peers of it."""

    player_port: int
    streamer_port: int
    server: Server

    def streamer(self, **options: Any) -> StreamerSettings:
        """Return settings of a small streamer."""
        url = f"ws://{LOCAL}:{self.streamer_port}"
        small = {"url": url, "size": "320x180", "fps": 15, "loopback": "always"}
        return StreamerSettings(**{**small, **options})

    def probe(self, **options: Any) -> ProbeSettings:
        """Return settings of a short probe."""
        url = f"ws://{LOCAL}:{self.player_port}"
        return ProbeSettings(**{"url": url, "seconds": 0.7, "loopback": "always", **options})

    def _available(self) -> set[str]:
        return {one.id for one in self.server.registry.available()}

    async def listed(self, streamer: str) -> None:
        """Wait until players can subscribe to *streamer*."""
        async with asyncio.timeout(PATIENCE):
            # Nothing announces it.
            while streamer not in self._available():  # noqa: ASYNC110
                await asyncio.sleep(0.02)


OpenMeeting = Callable[..., AbstractAsyncContextManager[Meeting]]


@asynccontextmanager
async def meeting_at(**options: Any) -> AsyncIterator[Meeting]:
    """Run the server with *options*; at the end it says goodbye as on SIGTERM."""
    base = {"host": LOCAL, "streamer_port": 0, "sfu_port": 0, "serve": False}
    app = create_app(ServeSettings(**{**base, "drain_timeout": 0, **options}))
    async with listening(app, LOCAL, 0) as player_port:
        server = app[SERVER]
        yield Meeting(player_port, server.streamer_port, server)
        await server.drain()


class Scripted:
    """The server's end of one socket, in the hands of a test."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.query: dict[str, str] = {}

    async def send(self, kind: str, **fields: Any) -> None:
        """Send a message."""
        await self.socket.send_json({"type": kind, **fields})

    async def expect(self, kind: str) -> dict[str, Any]:
        """Wait for the next message, which must be of type *kind*."""
        async with asyncio.timeout(PATIENCE):
            frame = await self.socket.receive()
        assert frame.type is WSMsgType.TEXT, frame
        message: dict[str, Any] = frame.json()
        assert message["type"] == kind, message
        return message

    async def settled(self) -> None:
        """Wait until the peer has handled everything sent so far, in silence."""
        await self.send("ping", time=7)
        assert (await self.expect("pong"))["time"] == 7


class ScriptedServer:
    """Accepts sockets and hands them to the test."""

    def __init__(self) -> None:
        self.accepted: asyncio.Queue[Scripted] = asyncio.Queue()
        self.released = asyncio.Event()
        self.port = 0

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Keep the socket open until the test is over."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        scripted = Scripted(socket)
        scripted.query = dict(request.query)
        await self.accepted.put(scripted)
        await self.released.wait()
        return socket

    async def accept(self) -> Scripted:
        """Wait for the next socket."""
        async with asyncio.timeout(PATIENCE):
            return await self.accepted.get()

    @property
    def url(self) -> str:
        """Where peers connect."""
        return f"ws://{LOCAL}:{self.port}"
