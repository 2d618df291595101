"""Peers that speak to a running server over real sockets, as Epic's programs do."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
import orjson

from signalling.app import Server

DEADLINE = 5.0
"""Seconds anything may take that happens at once on an idle machine."""

Json = dict[str, Any]


async def eventually(condition: Callable[[], bool], *, seconds: float = DEADLINE) -> None:
    """Wait until *condition* holds, which nothing announces."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.005)


@dataclass(frozen=True)
class Running:
    """A server and where it listens."""

    server: Server
    player_port: int

    def url(self, role: str, query: str = "") -> str:
        """Return the URL of the socket of *role*."""
        ports = {
            "player": self.player_port,
            "streamer": self.server.streamer_port,
            "sfu": self.server.sfu_port,
        }
        return f"ws://127.0.0.1:{ports[role]}/{query}"

    def http(self, path: str) -> str:
        """Return the URL of a route on the player port."""
        return f"http://127.0.0.1:{self.player_port}{path}"


class Peer:
    """One end of a socket, as Epic's programs hold it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def say(self, wire_name: str, **fields: Any) -> None:
        """Send a message."""
        await self.socket.send_str(orjson.dumps({"type": wire_name, **fields}).decode())

    async def hear(self) -> Json:
        """Return the next message."""
        async with asyncio.timeout(DEADLINE):
            message = await self.socket.receive()
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return orjson.loads(message.data)

    async def hear_type(self, wire_name: str) -> Json:
        """Return the next message, which must be of this type."""
        message = await self.hear()
        assert message["type"] == wire_name, message
        return message

    async def closed(self) -> tuple[int | None, str]:
        """Wait until the server closes; return code and reason."""
        async with asyncio.timeout(DEADLINE):
            while True:
                message = await self.socket.receive()
                if message.type is aiohttp.WSMsgType.CLOSE:
                    return message.data, message.extra or ""
                if message.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}:
                    return self.socket.close_code, ""

    async def hears_nothing_before(self, wire_name: str = "pong") -> None:
        """Assert that nothing is under way: the answer to a ping is the next message."""
        await self.say("ping", time=1)
        assert (await self.hear())["type"] == wire_name

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()


class Client:
    """Opens sockets to one running server."""

    def __init__(self, running: Running, http: aiohttp.ClientSession) -> None:
        self.running = running
        self.server = running.server
        self.http = http
        self._peers: list[Peer] = []

    async def connect(self, role: str, query: str = "", **options: Any) -> Peer:
        """Open a socket; nothing is read yet."""
        peer = Peer(await self.http.ws_connect(self.running.url(role, query), **options))
        # A socket that nobody refers to any more would be closed.
        self._peers.append(peer)
        return peer

    async def streamer(self, name: str | None = "Kiosk", query: str = "") -> Peer:
        """Open a streamer's socket and go through its greeting."""
        peer = await self.connect("streamer", query)
        assert {(await peer.hear())["type"], (await peer.hear())["type"]} == {
            "identify",
            "config",
        }
        if name is not None:
            await peer.say("endpointId", id=name)
            if self.server.settings.dialect == "wilbur":
                await peer.hear_type("endpointIdConfirm")
        return peer

    async def player(self, query: str = "") -> Peer:
        """Open a player's socket and go through its greeting."""
        peer = await self.connect("player", query)
        await peer.hear_type("config")
        if self.server.settings.dialect == "cirrus":
            await peer.hear_type("playerCount")
        return peer

    async def pair(self, name: str = "Kiosk") -> tuple[Peer, Peer, str]:
        """Return a streamer, a player that watches it, and the player's id."""
        streamer = await self.streamer(name)
        player = await self.player()
        player_id = await self.watch(player, streamer, name)
        return streamer, player, player_id

    async def watch(self, player: Peer, streamer: Peer, name: str = "Kiosk") -> str:
        """Subscribe and return the player's id, as the streamer hears it."""
        await player.say("subscribe", streamerId=name)
        connected = await streamer.hear_type("playerConnected")
        return str(connected["playerId"])


Start = Callable[..., Awaitable[Client]]
"""Starts a server with some options and returns its client."""


async def consultant_ready(client: Client) -> None:
    """Wait until the server's consultant takes questions; loading its models takes a while."""
    async with asyncio.timeout(60):
        while client.server.retrieval._room.consultant is None:  # type: ignore[union-attr]  # noqa: ASYNC110
            await asyncio.sleep(0.02)
