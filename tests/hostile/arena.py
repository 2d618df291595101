"""A server under attack, and a pair of honest peers that must not notice."""

import asyncio
import contextlib
import itertools
import os
from collections.abc import AsyncIterator
from typing import Final

import aiohttp

from signalling.app import SERVER, create_app, listening
from signalling.matching.matchmaking import Matchmaking
from signalling.settings import ServeSettings
from tests.signalling.peers import DEADLINE, Client, Peer, Running, eventually
from tests.signalling.sessions import instance, playing, until

ROLES: Final = ("player", "streamer", "sfu")

ANSWER_SECONDS: Final = 0.3

KEY = b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"


def upgrade(path: bytes = b"/") -> bytes:
    """Return the request that opens a socket."""
    return (
        b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" + KEY + b"\r\n"
    )


def frame(payload: bytes, *, first: int = 0x81) -> bytes:
    """Return *payload* as a client's frame, masked; *first* is FIN, RSV and opcode."""
    mask = os.urandom(4)
    size = len(payload)
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 2**16:
        head = bytes((first, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, 0xFF)) + size.to_bytes(8, "big")
    key = (mask * (size // 4 + 1))[:size]
    body = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
    return head + mask + body


class Canary:
    """A streamer and a player that talk all the while."""

    def __init__(self, streamer: Peer, player: Peer, player_id: str) -> None:
        self.streamer = streamer
        self.player = player
        self._player_id = player_id
        self._numbers = itertools.count()

    async def sings(self) -> None:
        """Assert that a message gets through each way, untouched."""
        song = f"song {next(self._numbers)}"
        await self.player.say("answer", sdp=song)
        heard = await _hear(self.streamer, "answer", song)
        assert heard == {"type": "answer", "sdp": song, "playerId": self._player_id}
        await self.streamer.say("offer", sdp=song, playerId=self._player_id)
        heard = await _hear(self.player, "offer", song)
        assert heard == {"type": "offer", "sdp": song, "playerId": self._player_id}


async def _hear(peer: Peer, wire_name: str, sdp: str) -> dict[str, object]:
    """Return the message with *sdp*; what strangers make a peer hear is passed over."""
    async with asyncio.timeout(DEADLINE):
        while True:
            message = await peer.hear()
            assert (message["type"], peer) != ("error", peer)
            if (message["type"], message.get("sdp")) == (wire_name, sdp):
                return message


class Arena:
    """One server with its canary; strangers come to its ports."""

    def __init__(self, client: Client, canary: Canary) -> None:
        self.client = client
        self.canary = canary
        self.server = client.server
        self._tasks = _tasks()

    async def is_ready(self) -> None:
        """Wait for the consultant; the tasks that there are then are the server's own."""
        retrieval = self.server.retrieval
        assert retrieval is not None
        await eventually(lambda: retrieval._room.consultant is not None, seconds=60)
        self._tasks = _tasks()

    def port(self, role: str) -> int:
        """Return the port of *role*."""
        redirects = self.server.redirects
        return {
            "player": self.client.running.player_port,
            "streamer": self.server.streamer_port,
            "sfu": self.server.sfu_port,
            "epic": redirects.port if redirects else 0,
            "epic_http": redirects.http_port if redirects else 0,
        }[role]

    @contextlib.asynccontextmanager
    async def connect(
        self, role: str
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Open a TCP connection to the port of *role*; it is reset in the end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port(role))
        with contextlib.suppress(OSError):
            yield reader, writer
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def attack(self, role: str, data: bytes) -> bytes:
        """
        Send *data*, end our half; return what the server said till it closed.

        A whole request is answered before our half ends: a server that hears of
        both at once need not look at what came first.
        """
        said = b""
        async with self.connect(role) as (reader, writer):
            writer.write(data)
            await _drain(writer)
            if b"\r\n\r\n" in data:
                said = await _read_some(reader)
            writer.write_eof()
            said += await _read_all(reader)
        return said

    async def attack_and_reset(self, role: str, data: bytes) -> None:
        """Send *data*, reset the connection as soon as something came back."""
        async with self.connect(role) as (reader, writer):
            writer.write(data)
            await _read_some(reader)

    async def closes(self, role: str, data: bytes) -> bytes:
        """Send *data*; return what the server said till it closed of its own accord."""
        async with self.connect(role) as (reader, writer):
            writer.write(data)
            return await _read_all(reader)
        return b""

    async def is_clean(self) -> None:
        """Assert that of all strangers nothing is left: no task, entry or connection."""
        server = self.server
        with contextlib.suppress(TimeoutError):
            await eventually(lambda: len(server.connections) == 2)
        # Those that asked to resume and were reset would be waited for.
        server.resumption.close()
        with contextlib.suppress(TimeoutError):
            await eventually(self._nothing_left)
        assert len(server.connections) == 2
        assert len(server.registry.players) == 1
        assert list(server.registry.streamers) == ["Kiosk"]
        assert len(server.registry.streamers["Kiosk"].subscribers) == 1
        assert len(server.resumption) == 0
        assert sum(len(wheel) for wheel in server._wheels.values()) == 2
        if server.matchmaking is not None:
            await self._no_sessions_left(server.matchmaking)
        assert _tasks() <= self._tasks, [t.get_coro().__qualname__ for t in asyncio.all_tasks()]
        await self.canary.sings()

    @staticmethod
    async def _no_sessions_left(matchmaking: Matchmaking) -> None:
        """Assert that nobody waits, has a place or is remembered but the canary."""
        store = matchmaking.matchmaker.store

        async def is_over() -> bool:
            return [session.live for session in await store.sessions()].count(True) == 1

        await until(is_over)
        assert len(list(matchmaking.seats)) == 1
        assert (await store.waiting()).waiters == []

    def _nothing_left(self) -> bool:
        server = self.server
        retrieval = server.retrieval
        is_chatting = retrieval is not None and len(retrieval._room.consultant or ())
        is_matching = server.matchmaking is not None and len(server.matchmaking.run)
        if is_chatting or is_matching:
            return False
        return (
            len(server.connections) == 2
            and len(server.registry.players) == 1
            and len(server.registry.streamers) == 1
            and _tasks() <= self._tasks
        )


def _tasks() -> int:
    """Return how many tasks there are, but for those in which another one waits."""
    names = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]
    return sum(name != "Event.wait" for name in names)


async def _drain(writer: asyncio.StreamWriter) -> None:
    """Wait until everything is written, or the server has stopped reading."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DEADLINE):
            await writer.drain()


async def _read_some(reader: asyncio.StreamReader) -> bytes:
    """Return the first bytes of the answer, if there is one: half a request has none."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_SECONDS):
            return await reader.read(2**16)
    return b""


async def _read_all(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(DEADLINE):
        return await reader.read()


async def _pair(client: Client) -> tuple[Peer, Peer, str]:
    """Return a streamer, a player that watches it, and the player's id."""
    if client.server.matchmaking is None:
        return await client.pair()
    streamer = await instance(client)
    player, _ = await playing(client, streamer)
    return streamer, player, next(iter(client.server.registry.players))


@contextlib.asynccontextmanager
async def arena(**options: object) -> AsyncIterator[Arena]:
    """Run a server with its canary while inside."""
    defaults: dict[str, object] = {
        "host": "127.0.0.1",
        "streamer_port": 0,
        "sfu_port": 0,
        "drain_timeout": 0,
        "player_messages_per_second": 100_000,
    }
    app = create_app(ServeSettings(**{**defaults, **options}))  # type: ignore[arg-type]
    async with listening(app, "127.0.0.1", 0) as port, aiohttp.ClientSession() as http:
        client = Client(Running(app[SERVER], port), http)
        streamer, player, player_id = await _pair(client)
        yield Arena(client, Canary(streamer, player, player_id))
        await asyncio.gather(player.socket.close(), streamer.socket.close())
        await app[SERVER].drain()
