"""
Measure whether others wait for a player that does not read.

`python -m bench.slow_peer`: twenty players exchange candidates with their
streamer while it also sends a twenty-first more than that one takes. In half
of the runs that one reads, in the other half it does not, and is cut on the
way. The figure is the ratio of the others' p99 round trips, the median of
interleaved pairs; one JSON line.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp
import orjson

from bench.servers import Program

PAIRS = 5
PLAYERS = 20
SECONDS = 3.0
PERIOD = 0.02
"""Seconds between two candidates of a player: a thousand round trips a second in all."""

LOAD_BYTES = 20_000
LOAD_PERIOD = 0.005


@dataclass
class Stage:
    """A streamer, its players, and the round trips so far."""

    http: aiohttp.ClientSession
    streamer: aiohttp.ClientWebSocketResponse
    player_url: str
    round_trips: list[float] = field(default_factory=list)
    connected: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def echo(self) -> None:
        """Answer as a streamer, for ever."""
        async for message in self.streamer:
            fields = orjson.loads(message.data)
            if fields["type"] == "iceCandidate":
                await self.streamer.send_str(message.data)
            elif fields["type"] == "playerConnected":
                self.connected.put_nowait(fields["playerId"])

    async def player(self) -> aiohttp.ClientWebSocketResponse:
        """Connect a player that watches."""
        socket = await self.http.ws_connect(self.player_url, compress=0)
        await socket.receive()
        await socket.send_str('{"type":"subscribe","streamerId":"Bench"}')
        return socket

    async def talk(self, socket: aiohttp.ClientWebSocketResponse, until: float) -> None:
        """Exchange candidates and take the time of each round trip."""
        while time.perf_counter() < until:
            sent = time.perf_counter()
            await socket.send_str('{"type":"iceCandidate","candidate":{"candidate":"c"}}')
            while orjson.loads((await socket.receive()).data)["type"] != "iceCandidate":
                pass
            self.round_trips.append(time.perf_counter() - sent)
            await asyncio.sleep(PERIOD)

    async def load(self, player_id: str, until: float) -> None:
        """Send one player more than a page ever gets."""
        text = json.dumps({"type": "offer", "sdp": "x" * LOAD_BYTES, "playerId": player_id})
        while time.perf_counter() < until:
            await self.streamer.send_str(text)
            await asyncio.sleep(LOAD_PERIOD)


async def p99(stage: Stage, *, stalled: bool) -> float:
    """Return the others' p99 round trip in seconds, of one run."""
    stage.round_trips.clear()
    others = [await stage.player() for _ in range(PLAYERS)]
    for _ in others:
        await stage.connected.get()
    greedy = await stage.player()
    greedy_id = await stage.connected.get()
    reading = None
    if stalled:
        transport = greedy._response.connection.transport  # type: ignore[union-attr]  # noqa: SLF001
        transport.pause_reading()
    else:
        reading = asyncio.create_task(_read(greedy))
    until = time.perf_counter() + SECONDS
    await asyncio.gather(
        stage.load(greedy_id, until), *(stage.talk(socket, until) for socket in others)
    )
    if stalled:
        transport.abort()
    await asyncio.gather(*(socket.close() for socket in others), greedy.close())
    if reading is not None:
        await reading
    return statistics.quantiles(stage.round_trips, n=100)[98]


async def _read(socket: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in socket:
        pass


def server(options: Sequence[str]) -> Program:
    """Return the server that is measured, with *options*."""
    fixed = (
        "signalling", "serve", "--host=127.0.0.1", "--player_port=0", "--streamer_port=0",
        "--sfu_port=0", "--no_config", "--no-serve", "--drain_timeout=0",
        "--player_messages_per_second=1000",
    )  # fmt: skip
    return Program("pycirrus", (*fixed, *options))


async def measure() -> dict[str, object]:
    """Return the ratio and what it was made of; times in milliseconds."""
    program = server(sys.argv[1:])
    async with program.running() as address, aiohttp.ClientSession() as http:
        streamer = await http.ws_connect(address.streamer_url, compress=0)
        await streamer.send_str('{"type":"endpointId","id":"Bench"}')
        stage = Stage(http, streamer, address.player_url)
        echoing = asyncio.create_task(stage.echo())
        await p99(stage, stalled=False)
        pairs = []
        for number in range(PAIRS):
            order = (False, True) if number % 2 else (True, False)
            run = {stalled: await p99(stage, stalled=stalled) for stalled in order}
            pairs.append((1000 * run[False], 1000 * run[True]))
        await streamer.close()
        await echoing
    ratios = [stalled / reading for reading, stalled in pairs]
    return {
        "bench": "slow_peer",
        "p99_ratio": round(statistics.median(ratios), 2),
        "p99_ms_reading": [round(reading, 2) for reading, _ in pairs],
        "p99_ms_stalled": [round(stalled, 2) for _, stalled in pairs],
    }


def main() -> int:
    """Print the figures; return 1 if others waited."""
    figures = asyncio.run(measure())
    print(json.dumps(figures))
    return 0 if float(str(figures["p99_ratio"])) <= 1.5 else 1


if __name__ == "__main__":
    sys.exit(main())
