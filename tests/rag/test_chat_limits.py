"""What a consultant may cost: time, tokens, money and room, each with its bound."""

import asyncio
import time
from decimal import Decimal
from typing import Any

import orjson
import pytest

from rag.catalogue.feeds import read_json
from rag.consultant.cards import Shown
from rag.consultant.chat import Chat
from rag.consultant.conversation import (
    CHATS,
    EMPTY,
    LONGEST_SUMMARY,
    LONGEST_TEXT,
    Conversation,
    Conversations,
    Turn,
)
from rag.consultant.events import Usage
from rag.consultant.keeping import history_kept
from rag.engine import Engine
from rag.feedback import FEEDBACK, Feedback, record
from rag.settings import RagSettings
from stores.sqlite import SqliteStore
from tests.rag.model_service import ModelService
from tests.rag.showroom import WithModel, ask, of, words
from tests.resting_clock import RestingClock

DAY = 86_400.0


async def _never(*_: object, **__: object) -> Any:
    await asyncio.Event().wait()


async def test_one_answer_at_a_time(engine: Engine, store: SqliteStore) -> None:
    """A second question of the same user is refused while the first is answered."""
    chat = Chat(engine, store, RagSettings())
    first = asyncio.create_task(ask(chat, "sofa", key="a"))
    await asyncio.sleep(0)
    assert (await ask(chat, "sofa", key="b"))[0][1]["code"] == "busy"
    assert (await ask(chat, "sofa", user="v"))[-1][0] == "chatDone"
    assert (await first)[-1][0] == "chatDone"


async def test_a_search_that_hangs(
    engine: Engine, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The visitor is told that the catalogue does not answer, and may ask again."""
    chat = Chat(engine, store, RagSettings(chat_search_timeout=0.05))
    with monkeypatch.context() as patch:
        patch.setattr(engine.products.retriever, "search", _never)
        assert (await ask(chat, "sofa"))[-1][1]["code"] == "unavailable"
        patch.setattr(engine.partners.retriever, "search", _never)
        assert (await ask(chat, "a designer"))[-1][1]["code"] == "unavailable"
    assert (await ask(chat, "sofa"))[-1][0] == "chatDone"


async def test_a_history_that_hangs(
    engine: Engine, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer comes without it, and says so; what is stored is not replaced."""
    chat = Chat(engine, store, RagSettings(chat_store_timeout=0.05))
    await ask(chat, "sofa", key="a")
    monkeypatch.setattr(Conversations, "of", _never)
    assert of(await ask(chat, "sofa", key="b"), "chatDone")["degraded"] == ["history"]
    monkeypatch.undo()
    assert [m["id"] for m in await chat.history("u")] == ["a", "a"]


async def test_products_shown_before_that_cannot_be_read(
    engine: Engine, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that hangs there too has a deadline."""
    chat = Chat(engine, store, RagSettings(chat_store_timeout=0.05))
    await ask(chat, "sofa", key="a")
    monkeypatch.setattr(engine.products.catalogue, "get", _never)
    assert (await ask(chat, "cheaper", key="b"))[-1][1]["code"] == "unavailable"


async def test_an_answer_that_stops_in_the_middle(
    with_model: WithModel, model: ModelService
) -> None:
    """A model that goes silent is done without after its deadline."""
    model.hang_after = 100
    events = await ask(with_model(chat_answer_timeout=0.6), "sofa")
    assert words(events).startswith("Three sofas for you. \n1. Sofa Choa")
    assert "\n3. Sofa" in words(events)
    assert of(events, "chatDone")["degraded"] == ["model"]


async def test_tokens_have_a_bound(with_model: WithModel, model: ModelService) -> None:
    """What the model may write is limited by the server too."""
    await ask(with_model(chat_max_tokens=99, chat_temperature=0.2), "sofa")
    assert model.asked[0]["max_completion_tokens"] == 99
    assert model.asked[0]["temperature"] == 0.2
    assert model.readings[0]["max_completion_tokens"] <= 1_000


async def test_what_a_model_is_told_has_a_bound(
    with_model: WithModel, model: ModelService, engine: Engine
) -> None:
    """Long catalogues, long questions and a long history do not make long prompts."""
    row = {
        "id": "long",
        "name": {"en": "Sofa " + "x" * 15_000},
        "description": "y " * 9_000,
        "price": "1000",
        "currency": "KRW",
        "category": "sofa",
        "attributes": {f"{n}": "z" * 5_000 for n in range(50)},
    }
    await engine.products.catalogue.upsert(read_json([orjson.dumps(row)]))
    await engine.products.indexer.catch_up()
    chat = with_model(chat_per_minute=100)
    for n in range(6):
        await ask(chat, f"sofa {'w ' * 900}", key=str(n))
    assert all(len(r["messages"][1]["content"]) < 30_000 for r in model.asked)
    assert all(len(r["messages"][1]["content"]) < 5_000 for r in model.readings)


async def test_money_is_counted(with_model: WithModel) -> None:
    """Both calls count, by the configured prices of a million tokens."""
    chat = with_model(chat_input_price="0.25", chat_output_price="2")
    done = of(await ask(chat, "sofa"), "chatDone")
    assert done["usage"] == {"inputTokens": 1400, "outputTokens": 120, "cost": "0.000590"}


def test_what_tokens_cost() -> None:
    """Without a price there is no cost, with one of two the other is free."""
    assert RagSettings().cost(Usage(10, 10)) is None
    settings = RagSettings(chat_output_price=Decimal(10))
    assert settings.cost(Usage(1_000, 500)) == Decimal("0.005000")


def test_older_turns_are_summed_up() -> None:
    """The summary has the newest of what was asked, in whole lines, and a bound."""
    conversation = Conversation()
    for n in range(200):
        turn = Turn(id=str(n), question=f"question {n}\nwith\tmore {'x' * 200}", answer="a")
        conversation = conversation.with_turn(turn, keep=3)
    assert len(conversation.turns) == 3
    lines = conversation.summary.splitlines()
    assert len(conversation.summary) <= LONGEST_SUMMARY
    assert all(line.startswith("- question ") for line in lines)
    assert lines[-1].startswith("- question 196 with more")


async def test_conversations_go_when_nobody_went_on_with_them(store: SqliteStore) -> None:
    """Whoever did within the days keeps all of it; so do thumbs, which are as old."""
    clock = RestingClock(time.time())
    conversations = Conversations(store, now=clock.now)

    async def say(user: str, key: str) -> None:
        turn = Turn(key, "sofa", "Three.")
        await conversations.change(user, lambda before: before.with_turn(turn, keep=20))

    await say("quiet", "a")
    await say("back", "a")
    await record(store, Feedback("sofa", "en", "p1", helpful=True), key="k")
    async with history_kept(store, 30, now=clock.now, sleep=clock.sleep):
        await clock.rest()
        await clock.advance(29 * DAY)
        assert len((await conversations.of("quiet")).turns) == 1
        await say("back", "b")
        await clock.advance(2 * DAY)
        assert await conversations.of("quiet") == EMPTY
        assert [turn.id for turn in (await conversations.of("back")).turns] == ["a", "b"]
        assert await store.count(FEEDBACK) == 0
        assert await store.count(CHATS) == 1


async def test_a_conversation_has_a_bound(store: SqliteStore) -> None:
    """However long texts are, so much of them is kept."""
    cards = tuple(Shown(f"p{n}", 0.5, "fits") for n in range(10))
    conversation = Conversation()
    for n in range(50):
        turn = Turn(str(n), "q" * 9_000, "a" * 9_000, cards)
        conversation = conversation.with_turn(turn, keep=20)
    conversations = Conversations(store)
    await conversations.change("u", lambda _: conversation)
    kept = await conversations.of("u")
    assert len(kept.turns) == 20
    assert {len(t.question) for t in kept.turns} | {len(t.answer) for t in kept.turns} == {
        LONGEST_TEXT
    }
    assert kept.turns[-1].cards == cards
