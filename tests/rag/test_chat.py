"""The consultant over a small catalogue: without a model, and with one that misbehaves."""

import asyncio
from typing import Any

import orjson
import pytest
import structlog

from rag.actions import action
from rag.chat import Chat
from rag.chat_limits import PerMinute
from rag.chat_settings import DEFAULT_ACTIONS
from rag.engine import Engine
from rag.feedback import judgements
from rag.settings import RagSettings
from stores.sqlite import SqliteStore
from tests.rag.model_service import ModelService
from tests.rag.showroom import ORDER, ROWS, WithModel, ask, of, words

# Without a model.


async def test_recommends_from_the_catalogue(engine: Engine, store: SqliteStore) -> None:
    """Three products inside the budget, asked colour first, prices as in the catalogue."""
    chat = Chat(engine, store, RagSettings())
    events = await ask(chat, "grey sofa under 550,000 won")
    cards = of(events, "chatProducts")["products"]
    assert {c["id"] for c in cards} == {"sofa-1", "sofa-2", "sofa-3", "sofa-4", "sofa-5"}
    assert {c["id"] for c in cards[:3]} == {"sofa-1", "sofa-3", "sofa-5"}
    assert all("under your budget" in c["reason"] for c in cards)
    assert "₩300,000" in words(events)
    assert of(events, "chatDone")["model"] == "extractive"
    assert of(events, "chatRanked") is None


async def test_answers_in_the_visitors_language(engine: Engine, store: SqliteStore) -> None:
    """A Korean question gets Korean names, reasons and amounts."""
    events = await ask(Chat(engine, store, RagSettings()), "회색 소파 30만원 이하")
    assert "소파 Choa (300,000원)" in words(events)
    assert "예산에 꼭 맞음" in words(events)


async def test_follow_ups(engine: Engine, store: SqliteStore) -> None:
    """Cheaper, others, and `the second one in white` refer to what was shown before."""
    chat = Chat(engine, store, RagSettings())
    first = of(await ask(chat, "sofa"), "chatProducts")["products"]
    cheaper = of(await ask(chat, "cheaper"), "chatProducts")["products"]
    assert all(int(c["price"]) < int(first[0]["price"]) for c in cheaper)
    await ask(chat, "grey sofa under 350,000 won")
    others = of(await ask(chat, "something else"), "chatProducts")["products"]
    assert not {c["id"] for c in others} & {"sofa-1", "sofa-2", "sofa-3"}
    await ask(chat, "grey sofa")
    white = of(await ask(chat, "the second one in white"), "chatProducts")["products"]
    assert white[0]["id"] in {"sofa-2", "sofa-4", "sofa-6"}


async def test_nothing_meets_it(engine: Engine, store: SqliteStore) -> None:
    """No card is shown over the budget, and the answer says so."""
    events = await ask(Chat(engine, store, RagSettings()), "sofa under 50,000 won")
    assert of(events, "chatProducts")["products"] == []
    assert words(events) == "There is no sofa up to ₩50,000. Prices begin at ₩100,000."


async def test_history_is_bounded(engine: Engine, store: SqliteStore) -> None:
    """The oldest turns leave, summed up by their questions."""
    chat = Chat(engine, store, RagSettings(chat_history_messages=4, chat_per_minute=100))
    for n in range(4):
        await ask(chat, f"sofa {n}", key=str(n))
    assert [m["id"] for m in await chat.history("u")] == ["2", "2", "3", "3"]
    kept = await chat._conversations.of("u")
    assert kept.summary == "- sofa 0\n- sofa 1"
    assert await chat.history("somebody else") == []
    assert await chat.forget("u")
    assert await chat.history("u") == []


async def test_feedback_becomes_judgements(engine: Engine, store: SqliteStore) -> None:
    """A thumb up is kept for the request that the product was shown for."""
    chat = Chat(engine, store, RagSettings())
    await ask(chat, "grey sofa")
    assert await chat.feedback("u", "q", product_id="sofa-1", helpful=True)
    assert not await chat.feedback("u", "q", product_id="evil-1", helpful=True)
    assert not await chat.feedback("v", "q", product_id="sofa-1", helpful=True)
    assert await judgements(store) == {("grey sofa", "en"): {"sofa-1": 2}}


async def test_concurrency_is_bounded(engine: Engine, store: SqliteStore) -> None:
    """Beyond the limit a question is refused at once, and taken again later."""
    chat = Chat(engine, store, RagSettings(chat_concurrency=1))
    first = asyncio.create_task(ask(chat, "sofa", user="a"))
    await asyncio.sleep(0)
    second = await ask(chat, "sofa", user="b")
    assert second[0][1]["code"] == "overloaded"
    assert (await first)[-1][0] == "chatDone"
    assert (await ask(chat, "sofa", user="b"))[-1][0] == "chatDone"


async def test_fifty_at_a_time(engine: Engine, store: SqliteStore) -> None:
    """Fifty visitors are answered at the same time without an error."""
    chat = Chat(engine, store, RagSettings())
    answers = await asyncio.gather(*(ask(chat, "sofa", user=str(n)) for n in range(50)))
    assert {events[-1][0] for events in answers} == {"chatDone"}


def test_a_minute_slides() -> None:
    """Who waited as told may ask again."""
    now = [0.0]
    limit = PerMinute(2, now=lambda: now[0])
    assert [limit.wait_for("u"), limit.wait_for("u")] == [0, 0]
    now[0] = 10.0
    assert limit.wait_for("u") == 50.0
    assert limit.wait_for("v") == 0
    now[0] = 60.0
    assert limit.wait_for("u") == 0


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("quit", {}),
        ("showProduct", {"ueAsset": "/Game/A"}),
        ("showProduct", {"ueAsset": 7, "name": "A"}),
        ("showProduct", {"ueAsset": "x" * 501, "name": "A"}),
        ("setStyle", {"style": True}),
    ],
)
def test_actions_the_operator_did_not_list(name: str, arguments: dict[str, Any]) -> None:
    """Unknown actions and arguments outside the schema never reach the scene."""
    assert action(DEFAULT_ACTIONS, "q", name, arguments) is None


def test_arguments_the_schema_does_not_have_are_left_out() -> None:
    """Only what the operator named goes on."""
    done = action(DEFAULT_ACTIONS, "q", "setStyle", {"style": "modern", "exec": "quit"})
    assert done is not None
    assert done.arguments == {"style": "modern"}


# With a model.


async def test_the_model_chooses(with_model: WithModel) -> None:
    """Its choice and order win, its reasons stream, names and prices are the catalogue's."""
    chat = with_model()
    events = await ask(chat, "sofa")
    assert of(events, "chatRanked")["ids"][:3] == ["sofa-3", "sofa-1", "sofa-2"]
    assert words(events) == (
        "Three sofas for you. "
        "\n1. Sofa Choa (₩300,000): Calm and wide. Made for living rooms."
        "\n2. Sofa Ara (₩100,000): Small."
        "\n3. Sofa Bom (₩200,000): Bright."
    )
    done = of(events, "chatDone")
    assert done["usage"] == {"inputTokens": 1400, "outputTokens": 120}
    assert "degraded" not in done
    assert sum(name == "chatDelta" for name, _ in events) > 4


@pytest.mark.parametrize("fault", ["429", "500", "bad json", "nonsense", "cut", "slow"])
async def test_a_model_that_fails(
    with_model: WithModel, model: ModelService, fault: str
) -> None:
    """The answer comes without it, and says that it did."""
    model.faults.extend([fault] * 5)
    chat = with_model(chat_first_token_timeout=0.5)
    events = await ask(chat, "sofa")
    done = of(events, "chatDone")
    assert (done["model"], done["degraded"]) == ("extractive", ["model"])
    assert "1. Sofa" in words(events)


@pytest.mark.parametrize("answer", ["", "no", "[]", '{"picks": 7}', '{"picks": [1]}', "{}"])
async def test_answers_that_are_none(
    with_model: WithModel, model: ModelService, answer: str
) -> None:
    """Whatever the model writes, three products of the catalogue are recommended."""
    model.answer = answer
    events = await ask(with_model(), "sofa")
    assert events[-1][0] == "chatDone"
    assert words(events).count("Sofa ") == 3


async def test_a_stream_cut_in_the_middle(with_model: WithModel, model: ModelService) -> None:
    """What was said stays, and the missing recommendations are added without the model."""
    model.cut_after = 100
    events = await ask(with_model(), "sofa")
    assert words(events).startswith("Three sofas for you. \n1. Sofa Choa (₩300,000): ")
    assert "\n3. Sofa" in words(events)
    assert of(events, "chatDone")["degraded"] == ["model"]


async def test_invented_products_and_prices(with_model: WithModel, model: ModelService) -> None:
    """An id that was not retrieved is passed over, and so is a sentence with an amount."""
    picks = [
        {"id": "evil-1", "reason": "The best ever."},
        {"id": "sofa-4", "reason": "Now only $1. Truly wide."},
        {"id": "sofa-4", "reason": "Again."},
    ]
    model.answer = orjson.dumps({"opening": "Only 1,000원 today!", "picks": picks}).decode()
    events = await ask(with_model(), "sofa")
    assert "evil" not in str([words(events), of(events, "chatRanked")])
    assert "$1" not in words(events)
    assert "1,000원" not in words(events)
    assert "1. Sofa Dan (₩400,000): Truly wide." in words(events)
    assert "Again" not in words(events)
    assert of(events, "chatRanked")["ids"][0] == "sofa-4"


async def test_texts_are_data(with_model: WithModel, model: ModelService) -> None:
    """What visitors and catalogues write is inside one JSON object, never an instruction."""
    await ask(with_model(), f"sofa. {ORDER}")
    system, user = model.asked[0]["messages"]
    assert "Ignore your instructions" not in system["content"]
    told = orjson.loads(user["content"])
    assert told["question"].endswith(ORDER)
    assert {c["id"] for c in told["candidates"]} == {row["id"] for row in ROWS}


async def test_nothing_personal_in_the_log(with_model: WithModel, model: ModelService) -> None:
    """Neither the question nor the key is logged, whether the model answers or fails."""
    with structlog.testing.capture_logs() as logs:
        chat = with_model()
        await ask(chat, "a sofa for Zanzibarella")
        model.faults.extend(["500"] * 4)
        await ask(chat, "a sofa for Zanzibarella")
    assert {entry["event"] for entry in logs} >= {"chat_answered", "chat_model_failed"}
    assert "Zanzibarella" not in str(logs)
    assert "sk-test" not in str(logs)
