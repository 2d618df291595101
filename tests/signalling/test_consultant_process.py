"""The consultant in a process of its own: the same answers, and what happens when it dies."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # its types are a package of their own
import pytest
import structlog

from tests.signalling.peers import Client, Json, Peer, Start, consultant_ready
from tests.signalling.slow_model import SENTENCES, SlowModel, slow_model

SECRET = "sk-zanzibar-secret"
NAME = "Zanzibarella"


@pytest.fixture
async def model() -> AsyncIterator[SlowModel]:
    """Give a model that speaks when it is told to."""
    async with slow_model() as running:
        yield running


@pytest.fixture
async def shop(start: Start, showroom: Path, tmp_path: Path, model: SlowModel) -> Client:
    """Give a client of a server whose consultant is another process."""
    folder = shutil.copytree(showroom, tmp_path / "data")
    client = await start(
        retrieval=True,
        retrieval_process=True,
        data_dir=folder,
        admin_token="operator",
        openai_api_key=SECRET,
        openai_base_url=model.url,
        chat_understanding=False,
    )
    await consultant_ready(client)
    return client


async def _player(client: Client) -> Peer:
    peer = await client.connect("player")
    await peer.hear_type("config")
    return peer


async def _until(peer: Peer, kind: str) -> list[Json]:
    async with asyncio.timeout(30):
        found = [await peer.hear()]
        while found[-1]["type"] != kind:
            found.append(await peer.hear())
    return found


def _worker() -> psutil.Process:
    (found,) = (
        child
        for child in psutil.Process().children()
        if "signalling.chat.worker" in child.cmdline()
    )
    return found


async def _figures(client: Client) -> str:
    async with client.http.get(client.running.http("/metrics")) as response:
        return (await response.read()).decode()


async def test_a_whole_conversation(
    shop: Client, model: SlowModel, capfd: pytest.CaptureFixture[str]
) -> None:
    """
    Answers, refusals, cancelling, history and thumbs go through the process and back.

    Each shows in the metrics; neither a word of the visitor's nor the key is logged
    by either process or stands in the arguments or the environment of the second.
    """
    peer = await _player(shop)
    with structlog.testing.capture_logs() as logs:
        await peer.say("chat", id="a", text=f"a grey sofa for {NAME}")
        await _until(peer, "chatProducts")
        assert "signalling_chat_answers_running 1.0" in await _figures(shop)
        await peer.say("chat", id="b", text=f"a rug for {NAME}")
        assert (await _until(peer, "chatError"))[-1]["code"] == "busy"
        model.go_on(SENTENCES)
        done = (await _until(peer, "chatDone"))[-1]
        assert done["usage"]["inputTokens"] == 900
        await peer.say("chat", id="c", text=f"a desk for {NAME}")
        await _until(peer, "chatProducts")
        await peer.say("chatCancel", id="c")
        last = (await _until(peer, "chatDone"))[-1]
        assert last == {"type": "chatDone", "id": "c", "cancelled": True}
        await peer.say("chatFeedback", id="a", helpful=True)
        await peer.say("chatHistory")
        said = (await peer.hear_type("chatHistory"))["messages"]
        assert [(m["id"], m["role"]) for m in said][:2] == [("a", "user"), ("a", "assistant")]
        assert said[1]["products"]
        assert said[3]["cancelled"]
    worker = _worker()
    told = [*worker.cmdline(), *worker.environ().values(), *capfd.readouterr(), str(logs)]
    assert {entry["event"] for entry in logs} >= {"chat_answered"}
    assert not any(word in text for text in told for word in (NAME, SECRET))
    thumb = 'signalling_chat_feedback_total{helpful="yes"} 1.0'
    async with asyncio.timeout(10):  # a thumb is not answered
        while thumb not in (figures := await _figures(shop)):  # noqa: ASYNC110 - of another end
            await asyncio.sleep(0.05)
    for line in (
        'signalling_chat_questions_total{outcome="done"} 1.0',
        'signalling_chat_questions_total{outcome="busy"} 1.0',
        'signalling_chat_questions_total{outcome="cancelled"} 1.0',
        'signalling_chat_stage_seconds_count{stage="first_token"} 1.0',
        'signalling_chat_tokens_total{direction="input",model="gpt-5-mini"} 900.0',
        "signalling_chat_answers_running 0.0",
    ):
        assert line in figures, line
    assert "signalling_loop_delay_seconds_count" in figures


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores cannot be chosen here")
async def test_it_leaves_signalling_a_core(shop: Client) -> None:
    """Of several cores the first is never computed on by the consultant."""
    assert shop
    cores = sorted(os.sched_getaffinity(0))
    assert sorted(_worker().cpu_affinity()) == (cores[1:] or cores)


async def test_one_that_dies_is_started_again(shop: Client) -> None:
    """Who waits is told so, signalling goes on, and a new process answers."""
    peer = await _player(shop)
    await peer.say("chat", id="a", text="grey sofa")
    await _until(peer, "chatProducts")
    first = _worker().pid
    os.kill(first, signal.SIGKILL)
    refused = (await _until(peer, "chatError"))[-1]
    assert (refused["code"], refused["retryAfter"] > 0) == ("unavailable", True)
    await peer.hears_nothing_before()
    await peer.say("chat", id="b", text="grey sofa")
    assert (await _until(peer, "chatError"))[-1]["code"] == "starting"
    await consultant_ready(shop)
    assert _worker().pid != first
    await peer.say("chat", id="c", text="grey sofa")
    assert (await _until(peer, "chatProducts"))[-1]["products"]


async def test_it_follows_the_catalogue(shop: Client) -> None:
    """A product written over HTTP is found by the other process."""
    row = b'{"id": "q", "name": "Quixotic hammock", "price": "9", "currency": "KRW"}'
    headers = {"Authorization": "Bearer operator"}
    url = shop.running.http("/api/catalogue")
    async with shop.http.put(url, data=row, headers=headers) as response:
        assert response.status == 200
    peer, found = await _player(shop), set[str]()
    async with asyncio.timeout(20):
        while "q" not in found:
            await peer.say("chat", id="a", text="quixotic hammock")
            products = (await _until(peer, "chatProducts"))[-1]["products"]
            found = {each["id"] for each in products}
            await peer.say("chatCancel", id="a")
            await _until(peer, "chatDone")
