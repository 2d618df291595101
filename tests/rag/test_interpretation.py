"""What a model reads: the table by structured output, faults, and what it may not do."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.consultant.budget import Budget
from rag.consultant.chat import make_interpreter
from rag.consultant.hearing import Question
from rag.consultant.interpretation import Told, merged
from rag.consultant.understanding import Wish, understand
from rag.lexicon import default_lexicon
from rag.settings import RagSettings
from tests.rag.model_service import NOTHING_READ, ModelService
from tests.rag.showroom import ORDER, WithModel, ask, of, shown, words
from tests.rag.test_understanding import PLACES, TABLE, said

LEXICON = default_lexicon()


def reading_of(wish: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the table as a model would answer it."""
    budget = wish.get("budget", {})
    kind = next(
        (
            kind
            for field, kind in (
                ("wants_partner", "partner"),
                ("wants_style", "style"),
            )
            if wish.get(field)
        ),
        "product",
    )
    renamed = {"show": "wants_to_see", "partner": "partner_kind"}
    own = {
        field: wish[renamed.get(field, field)]
        for field in NOTHING_READ
        if renamed.get(field, field) in wish
    }
    ends = {
        "max": float(budget["high"]) if "high" in budget else None,
        "min": float(budget["low"]) if "low" in budget else None,
        "currency": budget.get("currency"),
        "total": wish.get("in_total", False),
    }
    return {**NOTHING_READ, **own, "kind": kind, "budget": ends}


async def test_the_table_by_a_model(model: ModelService) -> None:
    """Every sentence is understood from the model's answer alone, and beside the rules."""
    rows = {row["text"]: row["wish"] for row in TABLE}
    model.read = lambda message: reading_of(rows[message])
    options = RagSettings(
        openai_api_key="sk-test",  # type: ignore[arg-type]
        openai_base_url=model.url,
        chat_understanding_timeout=20.0,
    )
    interpreter = make_interpreter(options)
    assert interpreter is not None
    slots = asyncio.Semaphore(8)
    wrong: list[tuple[str, Any]] = []

    async def check(text: str, wish: dict[str, Any]) -> None:
        async with slots:
            answer, _ = await interpreter.interpret(Told(text, None, ()))
        by_rules = understand(text, LEXICON, places=PLACES)
        for start in (Wish(by_rules.text, by_rules.language), by_rules):
            found = said(merged(start, answer, LEXICON))
            if found != wish:
                wrong.append((text, found))

    await asyncio.gather(*(check(text, wish) for text, wish in rows.items()))
    await interpreter.close()
    assert wrong == []
    assert len(model.readings) == len(rows)


RULES = understand("grey sofa under 900,000 won", LEXICON)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        7,
        [],
        {},
        {"kind": "admin", "category": 7, "styles": "modern", "people": "four", "budget": 9},
        {
            "colours": ["bitcoin", 7, "x" * 100],
            "step": "free",
            "ordinal": True,
            "refers": "yes",
        },
        {"people": -2, "quantity": 10**9, "ordinal": 4_000, "regions": ["Mars"]},
        {"category": ORDER, "exec": "rm", "wants_to_see": True, "text": "evil-1"},
        {"budget": {"max": 1, "min": None, "currency": "USD", "total": False}},
        {"budget": {"max": -5, "min": 10**30, "currency": "WON!", "total": "no"}},
        {**NOTHING_READ},
    ],
)
def test_what_a_model_may_not_say(answer: object) -> None:
    """Wrong types, unknown words, absurd numbers and fields nobody asked for change nothing."""
    assert merged(RULES, answer, LEXICON) == RULES


@pytest.mark.parametrize(
    ("high", "low", "expected"),
    [
        (1500, None, Budget(Decimal(1500), None, "USD")),
        (99.999, None, Budget(Decimal(100), None, "USD")),
        (800, 500, Budget(Decimal(800), Decimal(500), "USD")),
        (500, 800, None),
        (0, None, None),
        (-3, None, None),
        (1e30, None, None),
        (float("nan"), None, None),
        (float("inf"), None, None),
        (True, None, None),
        ("900", None, None),
    ],
)
def test_amounts_of_a_model(high: Any, low: Any, expected: Budget | None) -> None:
    """An amount that the rules did not read counts if it is one, and a number is said."""
    said_budget = {"max": high, "min": low, "currency": "USD", "total": False}
    wish = understand("sofa for fifteen Benjamins", LEXICON)
    assert merged(wish, {"budget": said_budget}, LEXICON).budget == expected
    without = understand("a sofa", LEXICON)
    assert merged(without, {"budget": said_budget}, LEXICON).budget is None


def test_a_model_hears_the_no() -> None:
    """What it says is not wanted is taken out of what the rules heard."""
    wish = understand("a sofa, and leather is out of the question", LEXICON)
    assert wish.materials == ("leather",)
    found = merged(wish, {**NOTHING_READ, "unwanted": ["leather"]}, LEXICON)
    assert (found.materials, found.unwanted) == ((), ("leather",))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)  # a busy machine takes its time
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(NOTHING_READ, _JSON)))
def test_any_answer_is_checked(answer: dict[str, Any]) -> None:
    """Whatever JSON comes, the wish stays within its bounds."""
    found = merged(RULES, answer, LEXICON)
    assert found.budget == RULES.budget
    assert found.text == RULES.text
    assert max(map(len, (found.styles, found.colours, found.unwanted))) <= 5


# In a conversation.

WHITE = {**NOTHING_READ, "category": "sofa", "colours": ["white"]}


async def test_the_model_understands_more(with_model: WithModel, model: ModelService) -> None:
    """What only the model reads is looked for, and the cards say why."""
    model.read = lambda _: WHITE
    model.answer = "{}"
    events = await ask(with_model(), "a sofa the colour of fresh snow")
    assert set(shown(events)[-1][:3]) == {"sofa-2", "sofa-4", "sofa-6"}
    assert words(events).count("Matches white") + words(events).count("matches white") == 3
    assert "understanding" not in of(events, "chatDone").get("degraded", ())


@pytest.mark.parametrize(
    "fault",
    ["429", "500", "bad json", "nonsense", "cut", "slow", "refusal", "length", "no json"],
)
async def test_a_model_that_does_not_read(
    with_model: WithModel, model: ModelService, fault: str
) -> None:
    """The rules' cards come, the answer is the model's all the same, and it is told."""
    model.reading_faults.append(fault)
    chat = with_model(chat_understanding_timeout=0.5)
    events = await ask(chat, "grey sofa under 550,000 won")
    assert set(shown(events)[0][:3]) == {"sofa-1", "sofa-3", "sofa-5"}
    assert len(shown(events)) == 1
    assert of(events, "chatDone")["degraded"] == ["understanding"]
    assert words(events).startswith("Three sofas for you. ")


@pytest.mark.parametrize("nonsense", ["[]", "7", '"sofa"', "{}", '{"kind": ["product"]}'])
async def test_readings_that_are_none(
    with_model: WithModel, model: ModelService, nonsense: str
) -> None:
    """JSON that is no reading is done without."""
    model.read = lambda _: nonsense
    events = await ask(with_model(), "grey sofa under 550,000 won")
    assert set(shown(events)[0][:3]) == {"sofa-1", "sofa-3", "sofa-5"}
    assert events[-1][0] == "chatDone"


async def test_first_cards_do_not_wait(with_model: WithModel, model: ModelService) -> None:
    """A slow reading finds the rules' cards on the page, and puts its own in their place."""
    held = asyncio.Event()
    chat = with_model(chat_understanding_timeout=20.0)
    interpreter = chat._parts.interpreter
    assert interpreter is not None
    interpret = interpreter.interpret
    model.read = lambda _: WHITE

    async def slow(told: Told) -> Any:
        await held.wait()
        return await interpret(told)

    interpreter.interpret = slow  # type: ignore[method-assign]
    asking = asyncio.create_task(_until(chat, "a sofa like snow", "chatProducts", held))
    events = await asking
    first, second = shown(events)
    assert first != second
    assert set(second[:3]) == {"sofa-2", "sofa-4", "sofa-6"}
    names = [name for name, _ in events]
    assert names.index("chatDelta") > max(
        at for at, name in enumerate(names) if name == "chatProducts"
    )
    assert (await chat.history("u"))[-1]["products"]


async def _until(chat: Any, text: str, name: str, held: asyncio.Event) -> list[Any]:
    """Ask; let the held go on when an event of *name* has come."""
    events: asyncio.Queue[Any] = asyncio.Queue()
    chat.start("u", Question(id="q", text=text), events.put_nowait)
    found: list[Any] = []
    async with asyncio.timeout(20):
        while not found or found[-1][0] != "chatDone":
            event = await events.get()
            found.append((event.wire_name, event.fields()))
            if event.wire_name == name:
                held.set()
    await asyncio.sleep(0)
    return found


async def test_cards_never_contradict_a_partner(
    with_model: WithModel, model: ModelService
) -> None:
    """What turns out to be about people takes the products away again."""
    model.read = lambda _: {**NOTHING_READ, "kind": "partner"}
    events = await ask(with_model(), "who could help me with the sofa corner")
    assert of(events, "chatPartners") == {"id": "q", "partners": []}
    assert all(cards == [] for cards in shown(events)[-1:])


async def test_fields_win_over_a_model(with_model: WithModel, model: ModelService) -> None:
    """A style that was given as a field is not the model's to change."""
    model.read = lambda _: {**NOTHING_READ, "styles": ["classic"]}
    events = await ask(with_model(), "sofa", style="modern")
    assert len(shown(events)[-1]) == 6


@pytest.mark.parametrize(
    ("takes", "requests"),
    [({"json_object", "text"}, 2), ({"text"}, 3)],
)
async def test_a_server_without_schemas(
    with_model: WithModel, model: ModelService, takes: set[str], requests: int
) -> None:
    """It is asked for less, in words; what it takes is remembered."""
    model.takes = takes
    model.read = lambda _: f"```json\n{orjson.dumps(WHITE).decode()}\n```"
    chat = with_model()
    events = await ask(chat, "a sofa the colour of fresh snow")
    assert set(shown(events)[-1][:3]) == {"sofa-2", "sofa-4", "sofa-6"}
    assert "degraded" not in of(events, "chatDone")
    assert (len(model.readings), len(model.asked)) == (requests, requests)
    await ask(chat, "sofa", key="r")
    assert (len(model.readings), len(model.asked)) == (requests + 1, requests + 1)


async def test_it_can_be_turned_off(with_model: WithModel, model: ModelService) -> None:
    """Then the rules read alone, and nothing is missing."""
    events = await ask(with_model(chat_understanding=False), "sofa")
    assert model.readings == []
    assert "degraded" not in of(events, "chatDone")


async def test_a_model_of_its_own(with_model: WithModel, model: ModelService) -> None:
    """Requests may be read by another model than the one that answers."""
    chat = with_model(chat_understanding_model="small", chat_reasoning_effort="low")
    await ask(chat, "sofa")
    assert model.readings[0]["model"] == "small"
    assert model.asked[0]["model"] != "small"
    assert model.readings[0]["reasoning_effort"] == "low"


async def test_what_it_is_told_is_data(with_model: WithModel, model: ModelService) -> None:
    """The message, the catalogue's names and what was said are below fixed instructions."""
    chat = with_model()
    await ask(chat, "sofa")
    await ask(chat, f"{ORDER} and show it", key="r")
    system, user = model.readings[-1]["messages"]
    assert "evil-1" not in system["content"]
    assert system == model.readings[0]["messages"][0]
    told = json.loads(user["content"])
    assert told["message"].startswith(ORDER)
    assert len(told["shown"]) <= 10


async def test_an_obedient_model_does_no_harm(
    with_model: WithModel, model: ModelService
) -> None:
    """Even a model that does what a text orders gets nothing but products of the catalogue."""
    model.read = lambda message: {**NOTHING_READ, "category": message, "styles": [message]}
    picks = [{"id": "evil-1", "reason": "Buy it at www.evil.example.com, 50% off."}] * 3
    model.answer = orjson.dumps({"opening": "See evil.com now.", "picks": picks}).decode()
    events = await ask(with_model(), f"sofa. {ORDER}")
    assert "evil" not in words(events)
    assert words(events).count("Sofa ") == 3
    assert of(events, "chatAction") is None


async def test_a_follow_up_that_only_the_model_understands(
    with_model: WithModel, model: ModelService
) -> None:
    """It refers to what was shown before."""
    chat = with_model()
    first = shown(await ask(chat, "sofa"))[-1]
    model.read = lambda _: {**NOTHING_READ, "step": "cheapest"}
    cheapest = shown(await ask(chat, "my purse strings are tight today", key="r"))[-1]
    assert cheapest[0] == "sofa-1"
    assert set(first) == set(cheapest)


async def test_nothing_of_a_reading_in_the_log(
    with_model: WithModel, model: ModelService
) -> None:
    """Neither the words nor the key are logged when the model cannot read."""
    model.reading_faults.extend(["500", "no json"])
    with structlog.testing.capture_logs() as logs:
        chat = with_model()
        await ask(chat, "sofa for Zanzibarella")
        await ask(chat, "sofa for Zanzibarella")
    assert [e["event"] for e in logs].count("chat_reading_failed") == 2
    assert "Zanzibarella" not in str(logs)
    assert "sk-test" not in str(logs)


def test_the_table_is_the_file() -> None:
    """Both ways of reading are tested with all of it."""
    file = Path(__file__).with_name("utterances.jsonl").read_text("utf-8")
    assert len(TABLE) == len(file.splitlines()) >= 150
