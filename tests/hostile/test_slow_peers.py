"""A peer that does not read is cut; those beside it do not wait."""

import asyncio

import pytest

from signalling.errors import CloseCode
from tests.hostile.arena import Arena, frame, upgrade
from tests.signalling.peers import DEADLINE, eventually

MESSAGE = "x" * 50_000


async def test_others_talk_while_one_stalls(under_attack: Arena) -> None:
    """A stalled player's streamer sends on, the canary sings, the bound cuts with 1013."""
    canary, server = under_attack.canary, under_attack.server
    known = set(server.registry.players)
    async with under_attack.connect("player") as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(upgrade() + frame(b'{"type":"subscribe","streamerId":"Kiosk"}'))
        await eventually(lambda: len(server.registry.players) > len(known))
        (stalled,) = set(server.registry.players) - known
        async with asyncio.timeout(30):
            while stalled in server.registry.players:
                await canary.streamer.say("offer", sdp=MESSAGE, playerId=stalled)
                await canary.sings()
    code = f'code="{CloseCode.OVERLOADED.value}"'.encode()
    await eventually(lambda: code in server.metrics.exposition())


FLOODS = {
    "pings": frame(b"", first=0x89),
    "long pings": frame(b"x" * 125, first=0x89),
    "pongs": frame(b"", first=0x8A),
    "empty fragments": frame(b"", first=0x00),
}


@pytest.mark.parametrize("name", FLOODS)
async def test_floods_of_frames(under_attack: Arena, kind: str, name: str) -> None:
    """Whoever sends frames that are no messages is closed; everybody has a turn meanwhile."""
    if (kind, name) == ("queued", "empty fragments"):
        pytest.skip("aiohttp shows no fragments where nobody looks behind its public interface")
    is_closed = False
    begun = frame(b"{", first=0x01) if "fragments" in name else b""
    flood = upgrade() + begun + FLOODS[name] * (600_000 // len(FLOODS[name]))
    async with under_attack.connect("player") as (reader, writer):
        writer.write(flood)
        for _ in range(20):
            await under_attack.canary.sings()
        async with asyncio.timeout(DEADLINE):
            code = int(CloseCode.RATE_LIMIT).to_bytes(2, "big")
            is_closed = bool(await reader.readuntil(code))
    assert is_closed


async def test_pings_without_end(under_attack: Arena) -> None:
    """A player that pings for ever and reads no pong holds up nobody."""
    async with under_attack.connect("player") as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(upgrade() + frame(b"x" * 100, first=0x89) * 20_000)
        for _ in range(20):
            await under_attack.canary.sings()
