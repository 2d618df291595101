"""What tests of sessions have in common: streamers, players that ask, pages that do not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from stores.documents import DocumentStore
from stores.settings import open_document_store
from tests.signalling.peers import DEADLINE, Client, Json, Peer

ADMIN = {"Authorization": "Bearer letmein"}
ALIAS = "Session"


async def instance(client: Client, name: str = "Kiosk", query: str = "") -> Peer:
    """Connect a streamer and wait until the matchmaker has it."""
    streamer = await client.streamer(name, query)
    await until(lambda: matchmaker(client).store.instance_exists(name))
    return streamer


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    """Wait until what *condition* reads from the store is true, which nothing announces."""
    async with asyncio.timeout(DEADLINE):
        while not await condition():  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.005)


def matchmaker(client: Client) -> Any:
    """Return the server's matchmaker."""
    assert client.server.matchmaking is not None
    return client.server.matchmaking.matchmaker


@contextlib.asynccontextmanager
async def open_documents(client: Client) -> AsyncIterator[DocumentStore]:
    """Open the server's document store inside the context."""
    documents = await open_document_store(client.server.settings)
    yield documents
    await documents.close()


async def asked(client: Client, query: str = "", **fields: Any) -> Peer:
    """Connect a player that asks for a session."""
    player = await client.player(query)
    await player.say("sessionRequest", **fields)
    return player


async def playing(client: Client, streamer: Peer, **fields: Any) -> tuple[Peer, Json]:
    """Connect a player that asks for a session and takes its place; gives the assignment."""
    player = await asked(client, **fields)
    assigned = await player.hear_type("sessionAssigned")
    await client.watch(player, streamer, assigned["streamerId"])
    return player, assigned


async def stock_playing(client: Client, streamer: Peer, **options: Any) -> Peer:
    """Connect a page that knows no sessions, and let it watch what it is shown."""
    player = await client.connect("player", **options)
    await player.hear_type("config")
    await player.say("listStreamers")
    assert await player.hear_type("streamerList") == {"type": "streamerList", "ids": [ALIAS]}
    await client.watch(player, streamer, ALIAS)
    return player
