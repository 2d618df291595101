"""Registered with Epic's matchmaker, as it hears it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.matching.epic_matchmaker import Figures, next_message
from tests.signalling.peers import DEADLINE, Json, Start


class Matchmaker:
    """Takes each chunk of data for one message, as Epic's does."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[Json] = asyncio.Queue()
        self.connected: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
        self.port = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        await self.connected.put(writer)
        while chunk := await reader.read(65536):
            await self.heard.put(orjson.loads(chunk))
        writer.close()

    async def hear(self) -> Json:
        """Return the next message."""
        async with asyncio.timeout(DEADLINE):
            return await self.heard.get()


@asynccontextmanager
async def running() -> AsyncIterator[Matchmaker]:
    """Run a matchmaker inside the context."""
    matchmaker = Matchmaker()
    server = await asyncio.start_server(matchmaker.take, "127.0.0.1", 0)
    matchmaker.port = server.sockets[0].getsockname()[1]
    try:
        yield matchmaker
    finally:
        server.close()


@pytest.fixture
async def matchmaker() -> AsyncIterator[Matchmaker]:
    """Give a matchmaker."""
    async with running() as one:
        yield one


def options(matchmaker: Matchmaker) -> Json:
    """Return the options of a server that is registered."""
    return {
        "use_matchmaker": True,
        "matchmaker_address": "127.0.0.1",
        "epic_matchmaker_port": matchmaker.port,
        "matchmaker_retry_interval": 0.05,
        "public_ip": "192.0.2.7",
    }


async def test_what_it_is_told(start: Start, matchmaker: Matchmaker) -> None:
    """Who the server is, and each coming and going, a segment each."""
    client = await start(**options(matchmaker), https_port=8443)
    assert await matchmaker.hear() == {
        "type": "connect",
        "address": "192.0.2.7",
        "port": 0,  # what the tests' server was told to listen on
        "https": False,
        "ready": False,
        "playerConnected": False,
    }
    streamer = await client.streamer()
    assert await matchmaker.hear() == {"type": "streamerConnected"}
    players = [await client.player() for _ in range(2)]
    assert await matchmaker.hear() == {"type": "clientConnected"}
    assert await matchmaker.hear() == {"type": "clientConnected"}
    await players[0].socket.close()
    assert await matchmaker.hear() == {"type": "clientDisconnected"}
    await streamer.socket.close()
    assert await matchmaker.hear() == {"type": "streamerDisconnected"}


async def test_connection_is_made_again(start: Start, matchmaker: Matchmaker) -> None:
    """A matchmaker that restarts is told everything anew."""
    client = await start(**options(matchmaker))
    await client.streamer()
    await client.player()
    await client.player()
    assert (await matchmaker.hear())["type"] == "connect"
    (await matchmaker.connected.get()).close()
    while (message := await matchmaker.hear())["type"] != "connect":
        pass
    assert message["ready"] is True
    assert message["playerConnected"] is True
    assert await matchmaker.hear() == {"type": "clientConnected"}


async def test_no_matchmaker_there(start: Start) -> None:
    """Players are served whether it is there or not."""
    async with running() as gone:
        pass
    client = await start(**options(gone))
    await client.pair()


FIGURES = st.builds(Figures, is_ready=st.booleans(), players=st.integers(0, 20))


@given(FIGURES, FIGURES)
def test_messages_lead_to_the_truth(told: Figures, now: Figures) -> None:
    """However far apart they are, the matchmaker ends up knowing what is."""
    for _ in range(22):
        step = next_message(told, now)
        if step is None:
            break
        told = step[1]
    assert told == now
