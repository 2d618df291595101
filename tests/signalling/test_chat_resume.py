"""An answer goes on while its visitor's socket is broken, and nothing of it is lost."""

import asyncio
import shutil
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.signalling.peers import Client, Json, Peer, Start, consultant_ready, eventually
from tests.signalling.slow_model import SENTENCES, SlowModel, slow_model

RESUME = "?resume=1"
USER = "anon:resuming"


@pytest.fixture
async def model() -> AsyncIterator[SlowModel]:
    """Give a model that speaks when it is told to."""
    async with slow_model() as running:
        yield running


async def _shop(start: Start, folder: Path, model: SlowModel, grace: float) -> Client:
    client = await start(
        retrieval=True,
        data_dir=folder,
        openai_api_key="sk-test",
        openai_base_url=model.url,
        chat_understanding=False,
        resume_grace=grace,
    )
    await consultant_ready(client)
    return client


def cut(peer: Peer) -> None:
    """Break a socket as a lost network does: with a reset, and no word before it."""
    connection = peer.socket._response.connection
    assert connection is not None
    assert connection.transport is not None
    raw = connection.transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.transport.abort()


async def _begin(client: Client, model: SlowModel) -> tuple[Peer, str, list[Json]]:
    """Ask, and hear the first words; return all that was heard, and how to come back."""
    peer = await client.connect("player", RESUME)
    heard = [await peer.hear_type("config"), await peer.hear_type("resumeToken")]
    await peer.say("chat", id="a", text="grey sofa", user=client.server.users.signed(USER))
    model.go_on(4)
    while sum(m["type"] == "chatDelta" for m in heard) < 3:
        heard.append(await peer.hear())
    return peer, heard[1]["token"], heard


async def _history(client: Client) -> list[Json]:
    peer = await client.connect("player")
    await peer.hear_type("config")
    await peer.say("chatHistory", user=client.server.users.signed(USER))
    messages: list[Json] = (await peer.hear_type("chatHistory"))["messages"]
    return messages


async def _whole_answer(client: Client) -> Json:
    async with asyncio.timeout(20):
        while (said := await _history(client))[-1].get("unfinished"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return said[-1]


@pytest.mark.parametrize("while_away", [0, 3, SENTENCES], ids=["nothing", "part", "the rest"])
async def test_the_missing_words_come_once_and_in_order(
    start: Start, showroom: Path, tmp_path: Path, model: SlowModel, while_away: int
) -> None:
    """What the model said while the socket was broken, and after, makes one whole answer."""
    folder = shutil.copytree(showroom, tmp_path / "data")
    client = await _shop(start, folder, model, 30.0)
    peer, token, heard = await _begin(client, model)
    cut(peer)
    await eventually(lambda: client.server.resumption.waiting == 1)
    model.go_on(while_away)
    if while_away == SENTENCES:
        await _whole_answer(client)
    back = await client.connect("player", RESUME)
    await back.say("resume", token=token, received=len(heard))
    await back.hear_type("resumed")
    model.go_on(SENTENCES)
    while heard[-1]["type"] != "chatDone":
        heard.append(await back.hear())
    assert [m["type"] for m in heard].count("chatProducts") == 1
    words = "".join(m["text"] for m in heard if m["type"] == "chatDelta")
    numbers = [words.index(f"number {n}.") for n in range(1, SENTENCES)]
    assert numbers == sorted(numbers)
    assert all(words.count(f"number {n}.") == 1 for n in range(1, SENTENCES))
    assert words == (await _whole_answer(client))["text"]
    await back.hears_nothing_before()


async def test_who_comes_too_late_finds_it_in_the_history(
    start: Start, showroom: Path, tmp_path: Path, model: SlowModel
) -> None:
    """Until it is whole its part is marked as such; then it is there to the last word."""
    folder = shutil.copytree(showroom, tmp_path / "data")
    client = await _shop(start, folder, model, 0.05)
    peer, _, _ = await _begin(client, model)
    cut(peer)
    await eventually(lambda: not client.server.registry.players)
    part = (await _history(client))[-1]
    assert part["unfinished"]
    assert "number 1." in part["text"]
    assert f"number {SENTENCES - 1}." not in part["text"]
    model.go_on(SENTENCES)
    whole = await _whole_answer(client)
    assert whole["text"].startswith(part["text"])
    assert f"number {SENTENCES - 1}." in whole["text"]
    assert "cancelled" not in whole
