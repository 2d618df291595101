"""Streamers and players at one server, and the loads they put on it."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Final, Self

from picows import WSError, ws_connect

from bench.peers import Peer, Player, Streamer, Tally

STREAMERS: Final = 4

STEP_SECONDS: Final = 30.0
"""What any one step of a peer may take before the run is given up."""

CONFIRM_SECONDS: Final = 0.5
"""How long a streamer waits for its name; servers to UE 5.4 confirm none."""

LANES: Final = 16
"""Handshakes under way at once."""

TICK_SECONDS: Final = 0.001


class Void(Exception):
    """The server did what it must not, so its figures say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A server that runs."""

    player_url: str
    streamer_url: str
    pid: int | None
    """The process whose cost is read; None where it is not ours to read."""


class Crowd:
    """The peers of one run; `async with` connects the streamers and closes everybody."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.tally = Tally()
        self.players: dict[str, Player] = {}
        self.handshakes = 0
        self.handshake_seconds: list[float] = []
        self._streamers: list[Streamer] = []
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> Self:
        # One after the other: some servers listen for streamers with a backlog of 1.
        for number in range(STREAMERS):
            await self._add_streamer(f"bench-{number}-of-{STREAMERS}")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._dismiss(list(self.players.values()))
        await self._dismiss(self._streamers)

    async def _add_streamer(self, name: str) -> None:
        streamer = Streamer(self.tally, self.players, name)
        await self._connect(streamer, self.address.streamer_url)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CONFIRM_SECONDS):
                await streamer.named.wait()
        self._streamers.append(streamer)

    async def _connect(self, peer: Peer, url: str) -> None:
        try:
            await ws_connect(lambda: peer, url, websocket_handshake_timeout=STEP_SECONDS)
        except (OSError, WSError) as exc:
            raise Void(f"{url}: {exc}") from exc

    async def _dismiss(self, peers: Iterable[Peer]) -> None:
        peers = list(peers)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STEP_SECONDS):
                await asyncio.gather(*(peer.leave() for peer in peers))
        for peer in peers:
            peer.cut()

    async def _establish(self) -> Player:
        number = next(self._numbers)
        streamer = self._streamers[number % len(self._streamers)]
        player = Player(self.tally, f"p{number:06d}", streamer)
        self.players[player.fragment] = player
        async with asyncio.timeout(STEP_SECONDS):
            await self._connect(player, self.address.player_url)
            await player.ready
        return player

    # Loads.

    async def grow(self, size: int) -> None:
        """
        Add players until there are *size*, each with its handshake behind it.

        Raises:
            Void: One of them did not come in.

        """
        missing = iter(range(size - len(self.players)))

        async def lane() -> None:
            for _ in missing:
                await self._establish()

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(LANES):
                    group.create_task(lane())
        except ExceptionGroup as exc:
            first = exc.exceptions[0]
            why = str(first) or type(first).__name__
            raise Void(f"a player did not come in: {why}") from exc

    @contextlib.asynccontextmanager
    async def shaking_hands(self) -> AsyncIterator[None]:
        """Let players come, go through the handshake and leave, one after the other."""
        enough = asyncio.Event()
        lanes = [asyncio.create_task(self._come_and_go(enough)) for _ in range(LANES)]
        try:
            yield
        finally:
            enough.set()
            await asyncio.gather(*lanes)

    async def _come_and_go(self, enough: asyncio.Event) -> None:
        while not enough.is_set():
            began = time.perf_counter()
            try:
                player = await self._establish()
                await player.leave()
            except (Void, OSError, TimeoutError) as exc:
                self.tally.faults[f"handshake: {type(exc).__name__}"] += 1
                continue
            del self.players[player.fragment]
            self.handshakes += 1
            self.handshake_seconds.append(time.perf_counter() - began)

    @contextlib.asynccontextmanager
    async def in_flight(self, candidates: int) -> AsyncIterator[None]:
        """Keep *candidates* under way: each that comes back is followed by another."""
        players = list(self.players.values())[:candidates]
        for player in players:
            player.refill = True
        for number in range(candidates):
            players[number % len(players)].send_candidate()
        try:
            yield
        finally:
            for player in players:
                player.refill = False

    @contextlib.asynccontextmanager
    async def at_rate(self, candidates_per_second: float) -> AsyncIterator[None]:
        """Send candidates on time, whether or not earlier ones have come back."""
        sending = asyncio.create_task(self._send_on_time(1 / candidates_per_second))
        try:
            yield
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _send_on_time(self, interval: float) -> None:
        players = itertools.cycle(list(self.players.values()))
        due = time.perf_counter()
        while True:
            while due <= time.perf_counter():
                next(players).send_candidate()
                due += interval
            await asyncio.sleep(TICK_SECONDS)
