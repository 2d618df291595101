"""The consultant over a small catalogue: without a model, and with one that misbehaves."""

import asyncio
from typing import Any

import orjson
import pytest
import structlog

from rag.catalogue.feeds import read_json
from rag.consultant.actions import action
from rag.consultant.chat import Chat
from rag.consultant.limits import PerMinute
from rag.consultant.settings import DEFAULT_ACTIONS
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
    first = of(await ask(chat, "white sofa"), "chatProducts")["products"]
    cheaper = of(await ask(chat, "cheaper"), "chatProducts")["products"]
    assert cheaper
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


async def test_history_has_what_was_shown(engine: Engine, store: SqliteStore) -> None:
    """Cards are whole, with score and reason of then; what is gone is left out."""
    chat = Chat(engine, store, RagSettings())
    events = await ask(chat, "grey sofa under 550,000 won")
    cards = of(events, "chatProducts")["products"]
    assert (await chat.history("u"))[-1]["products"] == cards
    assert cards[0]["score"] > 0
    assert cards[0]["reason"]
    await engine.products.catalogue.delete([cards[0]["id"]])
    assert (await chat.history("u"))[-1]["products"] == cards[1:]


async def test_history_has_partners_and_thumbs(engine: Engine, store: SqliteStore) -> None:
    """Partners come back as they were shown, and so does what the visitor thought."""
    rows = [
        {
            "id": "p1",
            "name": {"en": "Atelier"},
            "regions": ["Seoul", "서울"],
            "kind": "designer",
        }
    ]
    await engine.partners.catalogue.upsert(read_json([orjson.dumps(r) for r in rows]))
    await engine.partners.indexer.catch_up()
    chat = Chat(engine, store, RagSettings())
    await chat.read_places()
    partners = of(await ask(chat, "a designer in Seoul"), "chatPartners")["partners"]
    assert [p["id"] for p in partners] == ["p1"]
    assert partners[0]["labels"] == {"regions": ["Seoul"]}
    await ask(chat, "sofa", key="s")
    await chat.feedback("u", "s", product_id="sofa-1", helpful=True)
    await chat.feedback("u", "s", product_id="sofa-1", helpful=False)
    await chat.feedback("u", "s", product_id=None, helpful=True)
    messages = await chat.history("u")
    assert messages[1]["partners"] == partners
    assert messages[3]["feedback"] == [
        {"productId": "sofa-1", "helpful": False},
        {"helpful": True},
    ]
    assert [m["id"] for m in await chat.history("u", 1)] == ["s"]


async def test_a_thumb_while_the_next_answer_is_made(
    engine: Engine, store: SqliteStore
) -> None:
    """It is not lost when that answer is stored."""
    chat = Chat(engine, store, RagSettings())
    await ask(chat, "sofa", key="a")
    asking = asyncio.create_task(ask(chat, "sofa", key="b"))
    await asyncio.sleep(0)
    assert await chat.feedback("u", "a", product_id="sofa-1", helpful=True)
    await asking
    assert (await chat.history("u"))[1]["feedback"] == [
        {"productId": "sofa-1", "helpful": True}
    ]


async def test_another_thumb_replaces_the_first(engine: Engine, store: SqliteStore) -> None:
    """However often a visitor presses, it is one judgement."""
    chat = Chat(engine, store, RagSettings())
    await ask(chat, "grey sofa")
    for helpful in (True, True, False):
        await chat.feedback("u", "q", product_id="sofa-1", helpful=helpful)
    assert await judgements(store) == {("grey sofa", "en"): {"sofa-1": 0}}


async def test_a_currency_without_a_rate(engine: Engine, store: SqliteStore) -> None:
    """Nothing is shown, and the answer says why; with a rate it is compared."""
    events = await ask(Chat(engine, store, RagSettings()), "sofa under $10")
    assert of(events, "chatProducts")["products"] == []
    assert words(events) == (
        "Prices are in KRW, so I could not compare them with a budget of up to $10.00. "
        "Tell me your budget in KRW."
    )
    events = await ask(Chat(engine, store, RagSettings()), "10달러 이하 소파", user="v")
    assert "KRW 기준이라 $10.00 이하 예산과는 비교할 수 없었습니다" in words(events)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("안녕하세요", "어떤 제품을 찾으시나요?"),
        ("hello", "What are you looking for?"),
        ("show it", "Which product do you mean?"),
        ("더 저렴한 걸로", "어떤 제품을 말씀하시나요?"),
        ("a grand piano", "The catalogue has no piano."),
        ("소파 5만원 이하", "50,000원 이하의 소파는 없습니다. 가격은 100,000원부터입니다."),
        ("sofa over 9,000,000 won", "There is no sofa from ₩9,000,000."),
        ("classic sofa", "There is no sofa in that style, so these are in others."),
        ("a red sofa", "There is no red sofa, so these are the closest."),
        ("빨간 소파", "빨강 소파는 없어서 가까운 제품을 골랐습니다."),
        ("소파", "소파 추천 제품 3가지입니다."),
        ("60만원 이하 모던 소파", "600,000원 이하 모던 소파 추천 제품 3가지입니다."),
        ("sofa under 350,000 won", "Sofa up to ₩350,000: here are 3 I recommend."),
    ],
)
async def test_first_words(engine: Engine, store: SqliteStore, text: str, answer: str) -> None:
    """An answer says what was understood, or what could not be met."""
    events = await ask(Chat(engine, store, RagSettings()), text)
    assert words(events).startswith(answer)
    assert of(events, "chatAction") is None


async def test_it_is_the_product_spoken_of_last(engine: Engine, store: SqliteStore) -> None:
    """After a question about the third, `show it` shows the third."""
    chat = Chat(engine, store, RagSettings())
    cards = of(await ask(chat, "sofa"), "chatProducts")["products"]
    assert cards[2]["name"] in words(await ask(chat, "what about the third one?"))
    act = of(await ask(chat, "show it"), "chatAction")
    assert act["arguments"]["name"] == cards[2]["name"]


async def test_what_is_not_wanted(engine: Engine, store: SqliteStore) -> None:
    """A colour that is ruled out is not shown, nor after a follow-up."""
    chat = Chat(engine, store, RagSettings())
    for text in ("흰색 말고 소파", "cheapest"):
        cards = of(await ask(chat, text), "chatProducts")["products"]
        assert {c["id"] for c in cards} == {"sofa-1", "sofa-3", "sofa-5"}


async def test_a_budget_for_all_of_them(engine: Engine, store: SqliteStore) -> None:
    """It is shared out, and the answer says what all cost together."""
    events = await ask(Chat(engine, store, RagSettings()), "소파 3개 합쳐서 100만원")
    cards = of(events, "chatProducts")["products"]
    assert {c["id"] for c in cards} == {"sofa-1", "sofa-2", "sofa-3"}
    assert "3개에 900,000원, 예산보다 100,000원 저렴" in words(events)


async def test_facets_in_the_visitors_language(engine: Engine, store: SqliteStore) -> None:
    """Wire fields are the catalogue's, labels and words the visitor's."""
    chat = Chat(engine, store, RagSettings())
    korean = await ask(chat, "회색 소파")
    card = of(korean, "chatProducts")["products"][0]
    assert (card["style"], card["category"]) == ("modern", "sofa")
    assert card["labels"] == {"style": "모던", "category": "소파"}
    assert "모던 스타일 소파" in words(korean)
    assert "modern" not in words(korean)
    english = of(await ask(chat, "grey sofa", user="v"), "chatProducts")["products"][0]
    assert "labels" not in english


async def test_nothing_more_to_see(engine: Engine, store: SqliteStore) -> None:
    """After all of a kind were shown, no other kind takes its place."""
    chat = Chat(engine, store, RagSettings())
    await ask(chat, "sofa")
    events = await ask(chat, "something else")
    assert of(events, "chatProducts")["products"] == []
    assert words(events).startswith("You have seen every sofa that meets this.")
    events = await ask(chat, "소파 10만원 이하")
    events = await ask(chat, "더 저렴한 걸로")
    assert words(events) == (
        "더 저렴한 소파는 없습니다. 보여 드린 소파 Ara (100,000원) 제품이 가장 저렴합니다."
    )


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


async def test_the_model_is_asked_about_what_was_shown(
    with_model: WithModel, model: ModelService
) -> None:
    """A question about one product goes to the model, with that one; one of stock does not."""
    chat = with_model(chat_understanding=False)
    await ask(chat, "sofa")  # the model puts the third first
    picked = {"id": "sofa-3", "reason": "Its cover comes off."}
    model.answer = orjson.dumps({"opening": "Yes.", "picks": [picked]}).decode()
    events = await ask(chat, "can I wash it?")
    told = orjson.loads(model.asked[-1]["messages"][1]["content"])
    assert [each["id"] for each in told["candidates"]] == ["sofa-3"]
    assert "Its cover comes off." in words(events)
    before = len(model.asked)
    assert "does not say how many" in words(await ask(chat, "is it in stock?"))
    assert len(model.asked) == before


async def test_the_model_chooses_within_a_set(
    with_model: WithModel, model: ModelService, engine: Engine
) -> None:
    """Of several things at once it may speak of those that were chosen to go together."""
    lamp = {"id": "lamp-1", "name": {"en": "Lamp Bit"}, "category": "floor lamp"}
    row = {**lamp, "price": "50000", "currency": "KRW"}
    await engine.products.catalogue.upsert(read_json([orjson.dumps(row)]))
    await engine.products.indexer.catch_up()
    events = await ask(
        with_model(chat_understanding=False), "a sofa and a lamp under 200,000 won"
    )
    told = orjson.loads(model.asked[-1]["messages"][1]["content"])
    assert [each["id"] for each in told["candidates"]] == ["sofa-1", "lamp-1"]
    assert "Lamp Bit (₩50,000)" in words(events)
    assert [c["id"] for c in of(events, "chatProducts")["products"]][:2] == ["sofa-1", "lamp-1"]
