"""The load, and what it notices."""

import asyncio
import dataclasses

import orjson
import pytest

from bench import floor
from bench.crowd import Crowd, Void
from bench.scenarios import QUICK, handshake, idle, saturated, steady
from tests.bench.conftest import StartFloor

SHORT = dataclasses.replace(QUICK, seconds=0.1, warm_up=0.05, settle=0.05, idle=(4,))


async def test_every_load_finds_nothing_wrong_with_a_forwarder(start_floor: StartFloor) -> None:
    """Handshakes, both ways of forwarding and idling give figures above zero."""
    async with start_floor() as address:
        assert (await handshake(address, SHORT))["cpu_us_per_handshake"] > 0
        assert (await saturated(address, SHORT))["cpu_us_per_message"] > 0
        assert (await steady(address, SHORT))["cpu_us_per_message"] > 0
        assert "kib_per_player_at_4" in await idle(address, SHORT)


async def test_the_steady_load_keeps_its_rate(start_floor: StartFloor) -> None:
    """Round trips are sent on time, however long each takes."""
    async with start_floor() as address, Crowd(address) as crowd:
        await crowd.grow(4)
        async with asyncio.timeout(5), crowd.at_rate(500):
            begun = asyncio.get_running_loop().time()
            while crowd.tally.returned < 100:  # noqa: ASYNC110 - counted elsewhere
                await asyncio.sleep(0.005)
            seconds = asyncio.get_running_loop().time() - begun
        assert seconds >= 0.19
        assert not crowd.tally.faults


async def test_everybody_leaves_at_the_end(start_floor: StartFloor) -> None:
    """After a run no socket is left at the server, so the next one starts afresh."""
    seen: list[floor.Player] = []

    class Watched(floor.Player):
        def opened(self) -> None:
            seen.append(self)
            super().opened()

    async with start_floor(player=Watched) as address:
        async with Crowd(address) as crowd:
            await crowd.grow(5)
            assert len(seen) == 5
            rooms = seen[0].rooms
        async with asyncio.timeout(5):
            while rooms.players:  # noqa: ASYNC110 - the server sees the close a moment later
                await asyncio.sleep(0.005)


class Losing(floor.Streamer):
    """Loses the first candidate of the load."""

    lost = False

    def message(self, raw: bytes) -> None:
        """Forward all but one."""
        if b"candidate:1000 " in raw and not Losing.lost:
            Losing.lost = True
            return
        super().message(raw)


class Mixing(floor.Streamer):
    """Sends what is for one player to another."""

    def message(self, raw: bytes) -> None:
        """Forward to the next player once the load runs."""
        if b"candidate:100" in raw:
            message = orjson.loads(raw)
            others = [name for name in self.rooms.players if name != message["playerId"]]
            raw = orjson.dumps({**message, "playerId": others[0]})
        super().message(raw)


class Closing(floor.Player):
    """Drops a player in the middle of its handshake."""

    def message(self, raw: bytes) -> None:
        """End the connection at the answer."""
        if b'"answer"' in raw:
            raise ConnectionError
        super().message(raw)


@pytest.mark.parametrize(
    ("streamer", "finding"),
    [(Losing, "lost, doubled or out of order"), (Mixing, "of another player")],
)
async def test_a_message_that_goes_astray_voids_the_run(
    start_floor: StartFloor, streamer: type[floor.Streamer], finding: str
) -> None:
    """A lost or misdirected candidate is found, and the figures are not given."""
    Losing.lost = False
    async with start_floor(streamer=streamer) as address:
        with pytest.raises(Void, match=finding):
            await saturated(address, SHORT)


async def test_a_player_that_is_dropped_is_no_handshake(start_floor: StartFloor) -> None:
    """A connection that ends before the handshake does ends the run, and nobody waits."""
    async with start_floor(player=Closing) as address:
        with pytest.raises(Void, match="did not come in"):
            async with Crowd(address) as crowd:
                await crowd.grow(1)
