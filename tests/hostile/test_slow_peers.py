"""A peer that does not read is cut; those beside it do not wait."""

import asyncio

from signalling.errors import CloseCode
from tests.hostile.arena import Arena, frame, upgrade
from tests.signalling.peers import eventually

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


async def test_pings_without_end(under_attack: Arena) -> None:
    """A player that pings for ever and reads no pong holds up nobody."""
    async with under_attack.connect("player") as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(upgrade() + frame(b"x" * 100, first=0x89) * 20_000)
        for _ in range(20):
            await under_attack.canary.sings()
