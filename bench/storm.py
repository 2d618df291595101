"""
A restart with thousands of players, and thousands that idle.

`python -m bench.storm [PLAYERS [OPTION…]]`: so many players (10,000) connect to one
process and idle; then half of them come back at once to a server that was just
started, each trying again as Epic's page does. One JSON line: seconds until all
are back, refusals on the way, memory per idle player.
"""

import asyncio
import json
import random
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from bench.slow_peer import server

DEFAULT_PLAYERS = 10_000
AT_ONCE = 200
"""Handshakes a page's machine has under way: the storm's own backlog, not the server's."""

ADDRESSES = 50
"""Loopback addresses the players come from: one has some 28,000 ports."""

GIVE_UP_SECONDS = 120.0


class Crowd:
    """Players that come, and come again until they are in."""

    def __init__(self, http: list[aiohttp.ClientSession], url: str) -> None:
        self._http = http
        self._url = url
        self._slots = asyncio.Semaphore(AT_ONCE)
        self.refused = 0
        self.sockets: list[aiohttp.ClientWebSocketResponse] = []

    async def join(self, number: int) -> None:
        """Connect player *number*, be greeted and subscribe."""
        attempt = 0
        while not await self._try(self._http[number % len(self._http)]):
            self.refused += 1
            attempt += 1
            await asyncio.sleep(min(2**attempt, 8) * random.random())  # noqa: S311

    async def _try(self, http: aiohttp.ClientSession) -> bool:
        async with self._slots:
            try:
                socket = await http.ws_connect(self._url, compress=0)
                message = await socket.receive()
            except (aiohttp.ClientError, OSError):
                return False
            if message.type is not aiohttp.WSMsgType.TEXT:
                return False
            await socket.send_str('{"type":"subscribe","streamerId":"Bench"}')
            self.sockets.append(socket)
            return True


def resident_kib(pid: int) -> int:
    """Return the memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0])


async def _drink(socket: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in socket:
        pass


async def storm(players: int, options: Sequence[str]) -> dict[str, float]:
    """Let *players* come at once to a server just started; they stay a while."""
    async with server(options).running() as started:
        before = resident_kib(started.pid)
        connectors = [
            aiohttp.TCPConnector(limit=0, local_addr=(f"127.0.0.{2 + number}", 0))
            for number in range(ADDRESSES)
        ]
        http = [aiohttp.ClientSession(connector=each) for each in connectors]
        streamer = await http[0].ws_connect(started.streamer_url)
        await streamer.send_str('{"type":"endpointId","id":"Bench"}')
        drinking = asyncio.create_task(_drink(streamer))
        crowd = Crowd(http, started.player_url)
        began = time.perf_counter()
        async with asyncio.timeout(GIVE_UP_SECONDS):
            await asyncio.gather(*(crowd.join(number) for number in range(players)))
        seconds = time.perf_counter() - began
        await asyncio.sleep(2)
        growth = resident_kib(started.pid) - before
        for session in http:
            await session.close()
        drinking.cancel()
    return {
        "players": players,
        "back": len(crowd.sockets),
        "seconds": round(seconds, 1),
        "refused_on_the_way": crowd.refused,
        "kib_per_idle_player": round(growth / players, 1),
    }


def main() -> int:
    """Print the figures of the idle crowd and of the storm."""
    players = int(sys.argv.pop(1)) if len(sys.argv) > 1 else DEFAULT_PLAYERS
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    idle = asyncio.run(storm(players, sys.argv[1:]))
    back = asyncio.run(storm(players // 2, sys.argv[1:]))
    print(json.dumps({"bench": "storm", "idle": idle, "restart": back}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
