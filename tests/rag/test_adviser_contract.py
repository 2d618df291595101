"""
The contract of chat models as consultant: a stand-in, and a real account when there is one.

`make live-check` runs the same functions with OPENAI_API_KEY in the environment
(OPENAI_BASE_URL for a compatible service) and OPENAI_CHAT_MODEL for another model.
"""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from rag.catalogue.items import Product
from rag.consultant.advice import Advice, AdviceError, Brief, Pick, Say, Spent
from rag.consultant.fit import Fit
from rag.consultant.openai_adviser import OpenAIAdviser
from rag.consultant.openai_chat import ChatModel
from rag.consultant.settings import ChatSettings

NAMES = ("Ara", "Bom", "Choa", "Dan")
ANSWER = {
    "opening": "Three sofas for you. This one costs $5.",
    "picks": [{"id": f"sofa-{n}", "reason": f"Reason {n}."} for n in (3, 99, 1, 2)],
}

Opened = Callable[..., OpenAIAdviser]


def _brief(language: str = "en") -> Brief:
    fits = [
        Fit(
            product=Product(
                id=f"sofa-{n}",
                name={"en": f"Sofa {name}"},
                description={"en": "A grey fabric sofa for three people."},
                price=Decimal(n * 100_000),
                currency="KRW",
                category="sofa",
            ),
            score=1.0,
        )
        for n, name in enumerate(NAMES, 1)
    ]
    return Brief("a grey sofa for a small living room", language, fits)


async def _stream(request: web.Request) -> web.StreamResponse:
    """Answer POST /v1/chat/completions as the published API streams it."""
    if request.headers["authorization"] != "Bearer sk-test":
        return web.json_response({"error": {"message": "Incorrect API key"}}, status=401)
    body = await request.json()
    assert body["stream"]
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    text = orjson.dumps(ANSWER).decode()
    choices: list[Any] = [
        [{"index": 0, "delta": {"content": text[at : at + 9]}}] for at in range(0, len(text), 9)
    ]
    for choice in [*choices, []]:
        usage = (
            None if choice else {"prompt_tokens": 9, "completion_tokens": 8, "total_tokens": 17}
        )
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        data = orjson.dumps({**chunk, "choices": choice, "usage": usage})
        await response.write(b"data: " + data + b"\n\n")
    await response.write(b"data: [DONE]\n\n")
    return response


@pytest.fixture(params=["stand-in", pytest.param("real", marks=pytest.mark.live)])
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[Opened]:
    """Give a function that makes advisers; close them at the end."""
    application = web.Application()
    application.router.add_post("/v1/chat/completions", _stream)
    async with TestServer(application) as server, AsyncExitStack() as stack:
        account = {"api_key": "sk-test", "base_url": str(server.make_url("/v1")), "model": "m"}
        if request.param == "real":
            account = _real()

        def make(**options: Any) -> OpenAIAdviser:
            adviser = OpenAIAdviser(ChatModel(**{**account, **options}))
            stack.push_async_callback(adviser.close)
            return adviser

        yield make


def _real() -> dict[str, Any]:
    if "OPENAI_API_KEY" not in os.environ:
        pytest.skip("needs OPENAI_API_KEY: an account of OpenAI or of a compatible service")
    return {
        "api_key": os.environ["OPENAI_API_KEY"],
        "base_url": os.environ.get("OPENAI_BASE_URL"),
        "model": os.environ.get(
            "OPENAI_CHAT_MODEL", ChatSettings.model_fields["chat_model"].default
        ),
        "timeout": 60.0,
    }


async def _answer(adviser: OpenAIAdviser, brief: Brief) -> list[Advice]:
    return [piece async for piece in adviser.advise(brief)]


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_three_of_the_brief_with_reasons_and_the_cost(
    opened: Opened, language: str
) -> None:
    """Nothing else can be recommended, no amount of money is named, usage comes once."""
    pieces = await _answer(opened(), _brief(language))
    picks = [piece.id for piece in pieces if isinstance(piece, Pick)]
    said = "".join(piece.text for piece in pieces if isinstance(piece, Say))
    assert len(picks) == len(set(picks)) == 3
    assert set(picks) <= {fit.product.id for fit in _brief().fits}
    assert said.strip()
    assert "$" not in said
    assert "₩" not in said
    spent = [piece.usage for piece in pieces if isinstance(piece, Spent)]
    assert [usage.output_tokens > 0 for usage in spent] == [True]


async def test_a_wrong_key_is_an_error_without_the_key(opened: Opened) -> None:
    """Callers see `AdviceError`; nothing secret is in it."""
    with pytest.raises(AdviceError) as failed:
        await _answer(opened(api_key="sk-wrong-key"), _brief())
    assert "AuthenticationError" in str(failed.value)
    assert "sk-wrong" not in str(failed.value)


async def test_a_model_that_takes_too_long_is_an_error(opened: Opened) -> None:
    """The deadline holds on the wire."""
    with pytest.raises(AdviceError, match="Timeout"):
        await _answer(opened(timeout=0.0001), _brief())
