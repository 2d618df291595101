"""One turn: from a question to its last event."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Final

import structlog

from rag import wording
from rag.actions import action
from rag.advice import AdviceError, Adviser, Brief, Pick, Say, Spent
from rag.budget import Budget
from rag.cards import partner_card, product_card
from rag.chat_events import (
    Delta,
    Done,
    Error,
    Event,
    Json,
    Partners,
    Products,
    Ranked,
    Usage,
)
from rag.chat_settings import ChatSettings
from rag.conversation import EMPTY, Conversation, Conversations, Turn
from rag.engine import Engine
from rag.errors import RagError
from rag.fit import Fit, fits_of, is_above
from rag.items import Product
from rag.money import Money, Rates
from rag.request import Request, complete
from rag.retrieval import Conditions, Found
from rag.understanding import Wish, understand
from stores.documents import StoreError

CARDS: Final = 10
"""Products that are shown and that a model chooses from."""

FOUND: Final = 20
"""Products that retrieval returns; more where some of them are left out afterwards."""

FOUND_TO_SIFT: Final = 60

PARTNER_CARDS: Final = 5

EXTRACTIVE: Final = "extractive"

Send = Callable[[Event], None]
"""Passes an event on at once; must neither wait nor raise."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a visitor sent; fields win over what the text says."""

    id: str
    text: str
    budget: Money | None = None
    style: str = ""
    locale: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What all turns share."""

    engine: Engine
    conversations: Conversations
    settings: ChatSettings
    currency: str
    rates: Rates
    adviser: Adviser | None
    places: Callable[[], frozenset[str]]


@dataclass(slots=True)
class Outcome:
    """What a turn has come to so far; read when it is cancelled or asked for."""

    answer: list[str] = field(default_factory=list)
    shown: tuple[str, ...] = ()
    request: Request | None = None
    timings: dict[str, float] = field(default_factory=dict)
    degraded: list[str] = field(default_factory=list)
    model: str = EXTRACTIVE
    usage: Usage = field(default_factory=Usage)
    language: str = "en"


class Answering:
    """Makes one answer; `run` sends its events, the last one included."""

    def __init__(self, parts: Parts, user: str, question: Question, send: Send) -> None:
        self._parts = parts
        self._user = user
        self.question = question
        self._send = send
        self._began = time.perf_counter()
        self._before: Conversation = EMPTY
        self.outcome = Outcome()

    async def run(self) -> None:
        """Answer; a cancellation ends it with `chatDone` too. What was said is kept."""
        cancelled = False
        try:
            await self._answer()
        except asyncio.CancelledError:
            cancelled = True
        except (RagError, StoreError, TimeoutError) as error:
            log.warning("chat_failed", error=type(error).__name__)
            self._fail("unavailable", "The catalogue does not answer. Try again soon.")
            return
        except Exception:
            log.exception("chat_failed")
            self._fail("internal", "Something went wrong here.")
            return
        await self._keep(cancelled=cancelled)
        self._done(cancelled=cancelled)

    # Stages.

    async def _answer(self) -> None:
        self._before = await self._remembered()
        wish = await asyncio.to_thread(self._understood)
        self.outcome.language = wish.language
        if wish.wants_partner:
            await self._show_partners(wish)
        elif wish.wants_style and wish.styles:
            self._change_style(wish)
        else:
            await self._advise(wish)

    async def _remembered(self) -> Conversation:
        try:
            async with asyncio.timeout(self._parts.settings.chat_store_timeout):
                return await self._parts.conversations.of(self._user)
        except (StoreError, TimeoutError):
            self.outcome.degraded.append("history")
            return EMPTY

    def _understood(self) -> Wish:
        question, parts = self.question, self._parts
        wish = understand(question.text, parts.engine.lexicon, places=parts.places())
        if question.budget is not None:
            given = Budget(question.budget.amount, None, question.budget.currency)
            wish = replace(wish, budget=given)
        if question.style:
            style = parts.engine.lexicon.canonical(question.style)
            wish = replace(wish, styles=(style,))
        speaks_korean = question.locale.lower().startswith("ko")
        if speaks_korean and not any(c.isalpha() for c in question.text):
            wish = replace(wish, language="ko")
        return wish

    async def _advise(self, wish: Wish) -> None:
        shown = await self._parts.engine.products.catalogue.get(self._before.shown)
        request = complete(wish, self._before.request, shown)
        self.outcome.request = request
        fits = await self._fits(request)
        self._show(fits, wish)
        if request.focus:
            self._speak_of(fits, wish)
        elif self._parts.adviser is not None and fits:
            await self._with_model(self._parts.adviser, fits, request, wish)
        else:
            self._extractive(fits, request, wish.language)
        if wish.wants_to_see and fits:
            self._show_in_scene(fits[0].product, wish.language)

    # Finding.

    async def _fits(self, request: Request) -> list[Fit]:
        if request.focus:
            found = await self._parts.engine.products.catalogue.get([request.focus])
            return [Fit(p, 1.0, (), seats=False, left=None, is_asked=True) for p in found]
        limit = None if request.budget is None else request.budget.limit(self._parts.currency)
        async with asyncio.timeout(self._parts.settings.chat_search_timeout):
            found_now = await self._search(request, limit)
        self._note(found_now)
        hits = [h for h in found_now.hits if self._is_wanted(h.item, request)]
        lexicon = self._parts.engine.lexicon
        fits = await asyncio.to_thread(fits_of, hits, request, lexicon, limit)
        return fits[:CARDS]

    async def _search(self, request: Request, limit: Money | None) -> Found[Product]:
        retriever = self._parts.engine.products.retriever
        low = request.budget is not None and request.budget.low is not None
        count = FOUND_TO_SIFT if low or request.without else FOUND
        conditions = Conditions(budget=limit, styles=request.styles)
        found = await retriever.search(request.text, conditions, limit=count)
        if found.hits or not request.styles or self.question.style:
            return found
        # A style that was only heard in the text may have been meant otherwise.
        return await retriever.search(request.text, Conditions(budget=limit), limit=count)

    def _is_wanted(self, product: Product, request: Request) -> bool:
        if product.id in request.without:
            return False
        budget = request.budget
        if budget is None or budget.low is None:
            return True
        low = Money(budget.low, budget.currency or self._parts.currency)
        return is_above(product, low, self._parts.rates)

    def _note(self, found: Found[Any]) -> None:
        self.outcome.timings["embed"] = round(found.embed_ms, 1)
        self.outcome.timings["search"] = round(found.search_ms, 1)
        self.outcome.degraded.extend(found.degraded)

    # Saying.

    def _show(self, fits: Sequence[Fit], wish: Wish) -> None:
        language = wish.language
        self.outcome.shown = tuple(fit.product.id for fit in fits)
        cards = [
            product_card(
                fit.product,
                language=language,
                score=fit.score,
                reason=wording.reason(fit, wish.people, language),
            )
            for fit in fits
        ]
        self._send(Products(self.question.id, cards))

    def _say(self, text: str) -> None:
        if "firstToken" not in self.outcome.timings:
            self.outcome.timings["firstToken"] = self._elapsed()
        self.outcome.answer.append(text)
        self._send(Delta(self.question.id, text))

    def _speak_of(self, fits: Sequence[Fit], wish: Wish) -> None:
        language = wish.language
        for fit in fits[:1]:
            name = fit.product.in_language(fit.product.name, language)
            price = wording.price(fit.product, language)
            self._say(wording.text(language, "focus", name=name, price=price))

    def _extractive(self, fits: Sequence[Fit], request: Request, language: str) -> None:
        for piece in wording.recommendation(fits, request.people, language):
            self._say(piece)

    async def _with_model(
        self, adviser: Adviser, fits: Sequence[Fit], request: Request, wish: Wish
    ) -> None:
        """Let the model choose and write; what it leaves undone is done without it."""
        picked: list[str] = []
        self.outcome.model = adviser.name
        try:
            await self._take_advice(adviser, self._brief(fits, request, wish), picked)
        except (AdviceError, TimeoutError) as error:
            log.warning("chat_model_failed", error=type(error).__name__, reason=str(error))
            self.outcome.degraded.append("model")
        if not picked and not self.outcome.answer:
            self.outcome.model = EXTRACTIVE
            self._extractive(fits, request, wish.language)
            return
        self._fill_up(picked, fits, wish)
        self._rank(picked, fits)

    async def _take_advice(self, adviser: Adviser, brief: Brief, picked: list[str]) -> None:
        settings = self._parts.settings
        async with (
            asyncio.timeout(settings.chat_answer_timeout),
            asyncio.timeout(settings.chat_first_token_timeout) as first,
            aclosing(adviser.advise(brief)) as advice,
        ):
            async for piece in advice:
                first.reschedule(None)
                match piece:
                    case Say(text):
                        self._say(text)
                    case Pick(product_id):
                        picked.append(product_id)
                        self._head(product_id, len(picked), brief)
                    case Spent(usage):
                        self.outcome.usage = usage

    def _head(self, product_id: str, number: int, brief: Brief) -> None:
        """Name a product with its price: both are the catalogue's words, not the model's."""
        product = next(f.product for f in brief.fits if f.product.id == product_id)
        lead = "\n" if self.outcome.answer else ""
        self._say(lead + wording.heading(product, number, brief.language))

    def _fill_up(self, picked: list[str], fits: Sequence[Fit], wish: Wish) -> None:
        rest = [fit for fit in fits if fit.product.id not in picked]
        for fit in rest[: max(0, wording.RECOMMENDED - len(picked))]:
            picked.append(fit.product.id)
            self._say(wording.line(fit, len(picked), wish.people, wish.language))

    def _rank(self, picked: Sequence[str], fits: Sequence[Fit]) -> None:
        ids = [*picked, *(f.product.id for f in fits if f.product.id not in picked)]
        if tuple(ids) != self.outcome.shown:
            self.outcome.shown = tuple(ids)
            self._send(Ranked(self.question.id, ids))

    def _brief(self, fits: Sequence[Fit], request: Request, wish: Wish) -> Brief:
        limit = None if request.budget is None else request.budget.limit(self._parts.currency)
        return Brief(
            question=wish.text,
            language=wish.language,
            fits=fits,
            people=request.people,
            summary=self._before.summary,
            turns=self._before.turns[-3:],
            budget="" if limit is None else f"{limit.amount:f} {limit.currency}",
        )

    # The scene, and people.

    def _show_in_scene(self, product: Product, language: str) -> None:
        name = product.in_language(product.name, language)
        arguments = {"ueAsset": product.ue_asset, "name": name}
        if self._act("showProduct", arguments):
            self._say("\n" + wording.text(language, "showing", name=name))

    def _change_style(self, wish: Wish) -> None:
        if self._act("setStyle", {"style": wish.styles[0]}):
            self._say(wording.text(wish.language, "styled", style=wish.styles[0]))
        else:
            self._say(wording.text(wish.language, "greeting"))

    def _act(self, name: str, arguments: Json) -> bool:
        event = action(self._parts.settings.chat_actions, self.question.id, name, arguments)
        if event is not None:
            self._send(event)
        return event is not None

    async def _show_partners(self, wish: Wish) -> None:
        budget = None if wish.budget is None else wish.budget.limit(self._parts.currency)
        conditions = Conditions(budget=budget, regions=wish.regions)
        async with asyncio.timeout(self._parts.settings.chat_search_timeout):
            found = await self._parts.engine.partners.retriever.search(
                wish.text, conditions, limit=PARTNER_CARDS
            )
        self._note(found)
        cards = [
            partner_card(
                hit.item,
                language=wish.language,
                score=hit.score,
                reason=wording.partner_reason(hit.item, wish.language),
            )
            for hit in found.hits
        ]
        self._send(Partners(self.question.id, cards))
        key = "partners" if cards else "no partners"
        self._say(wording.text(wish.language, key, count=len(cards)))

    # The end.

    async def _keep(self, *, cancelled: bool) -> None:
        outcome = self.outcome
        after = self._before.with_turn(
            self.turn(cancelled=cancelled), keep=self._parts.conversations.turns_kept
        )
        if outcome.request is not None:
            after = replace(after, request=outcome.request)
        if outcome.shown and not (outcome.request and outcome.request.focus):
            after = replace(after, shown=outcome.shown)
        if "history" in outcome.degraded:
            return  # what is stored must not be replaced by what could not be read
        try:
            async with asyncio.timeout(self._parts.settings.chat_store_timeout):
                await self._parts.conversations.keep(self._user, after)
        except (StoreError, TimeoutError):
            outcome.degraded.append("history")

    def turn(self, *, cancelled: bool = False) -> Turn:
        """Return the turn as far as it has come."""
        return Turn(
            id=self.question.id,
            question=self.question.text,
            answer="".join(self.outcome.answer),
            products=self.outcome.shown,
            at=round(time.time(), 3),
            cancelled=cancelled,
            language=self.outcome.language,
        )

    def _done(self, *, cancelled: bool) -> None:
        outcome = self.outcome
        timings = {**outcome.timings, "total": self._elapsed()}
        log.info(
            "chat_answered",
            model=outcome.model,
            cancelled=cancelled,
            degraded=outcome.degraded,
            input_tokens=outcome.usage.input_tokens,
            output_tokens=outcome.usage.output_tokens,
            **{f"{key}_ms": value for key, value in timings.items()},
        )
        self._send(
            Done(
                self.question.id,
                model=outcome.model,
                usage=outcome.usage,
                timings=timings,
                degraded=tuple(dict.fromkeys(outcome.degraded)),
                cancelled=cancelled,
            )
        )

    def cancelled(self) -> None:
        """Say that the answer ended where `run` could not."""
        self._done(cancelled=True)

    def _fail(self, code: str, message: str) -> None:
        self._send(Error(self.question.id, code, message))

    def _elapsed(self) -> float:
        return round((time.perf_counter() - self._began) * 1e3, 1)
