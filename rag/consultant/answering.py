"""One turn: from a question to its last event."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

import structlog

from rag.catalogue.items import Partner, Product
from rag.consultant import facets, wording
from rag.consultant import partners as partnering
from rag.consultant.actions import action
from rag.consultant.advice import AdviceError, Adviser, Brief, Say, Spent
from rag.consultant.cards import Shown, partner_card, product_card
from rag.consultant.conversation import EMPTY, Conversation, Turn
from rag.consultant.events import (
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
from rag.consultant.finding import Finder, Findings, Gap
from rag.consultant.fit import Fit
from rag.consultant.hearing import Hearing, Question, Route, route_of
from rag.consultant.outcome import EXTRACTIVE, Outcome, Parts
from rag.consultant.partners import partner_request
from rag.consultant.request import Request, complete
from rag.consultant.several import find_all, once_more, requests_of
from rag.consultant.talk import Talk
from rag.consultant.understanding import Step, Wish
from rag.errors import RagError
from stores.documents import StoreError

TURNS_TOLD: Final = 3
"""Turns that a model is told whole; of older ones it has the summary."""

Send = Callable[[Event], None]
"""Passes an event on at once; must neither wait nor raise."""

log = structlog.get_logger(__name__)


class Answering:
    """Makes one answer; `run` sends its events, the last one included."""

    def __init__(self, parts: Parts, user: str, question: Question, send: Send) -> None:
        self._parts = parts
        self._user = user
        self.question = question
        self._send = send
        self._began = time.perf_counter()
        self._before: Conversation = EMPTY
        self._shown: Sequence[Product] = ()
        self._is_shown: Findings | None = None
        self.outcome = Outcome()
        self._hearing = Hearing(
            question=question,
            lexicon=parts.engine.lexicon,
            places=parts.places,
            interpreter=parts.interpreter,
            timeout=parts.settings.chat_understanding_timeout,
        )
        self._finder = Finder(
            engine=parts.engine,
            currency=parts.currency,
            rates=parts.rates,
            timeout=parts.settings.chat_search_timeout,
            style_is_strict=bool(question.style),
        )

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
        shown = self._shown = await self._shown_before()
        wish = await self._hearing.by_rules()
        found: Findings | None = None
        if self._parts.interpreter is None:
            found = await self._found(wish, shown)
        else:
            wish, found = await self._heard(wish, shown)
        self.outcome.language = wish.language
        await self._respond(wish, found)

    async def _heard(
        self, wish: Wish, shown: Sequence[Product]
    ) -> tuple[Wish, Findings | None]:
        """
        Return what the model reads and what is found for it; decision 0223.

        The search goes by the rules meanwhile. Its cards are shown at once if it ends
        first, and it is repeated only where the model's reading leads elsewhere.
        """
        reading = asyncio.create_task(self._hearing.by_model(wish, self._before, shown))
        finding = asyncio.create_task(self._found(wish, shown))
        try:
            await asyncio.wait({reading, finding}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                self._show(await finding, wish)
            read, usage = await reading
            self._count(usage)
            if self._plan(read, shown) == self._plan(wish, shown):
                return read, await finding
            finding.cancel()
            return read, await self._found(read, shown)
        finally:
            for task in (reading, finding):
                task.cancel()
            await asyncio.gather(reading, finding, return_exceptions=True)

    def _count(self, usage: Usage | None) -> None:
        if usage is None:
            self.outcome.degraded.append("understanding")
        else:
            self.outcome.usage += usage

    async def _remembered(self) -> Conversation:
        try:
            async with asyncio.timeout(self._parts.settings.chat_store_timeout):
                return await self._parts.conversations.of(self._user)
        except (StoreError, TimeoutError):
            self.outcome.degraded.append("history")
            return EMPTY

    async def _shown_before(self) -> list[Product]:
        """Return the products shown last, in their order; those that are gone are left out."""
        async with asyncio.timeout(self._parts.settings.chat_store_timeout):
            ids = self._before.shown
            return list(await self._parts.engine.products.catalogue.get(ids))

    def _plan(self, wish: Wish, shown: Sequence[Product]) -> tuple[Route, Request | None]:
        route = route_of(wish, self._before)
        if route is not Route.PRODUCTS:
            return route, None
        return route, complete(wish, self._before.request, shown)

    async def _found(self, wish: Wish, shown: Sequence[Product]) -> Findings | None:
        """Return the products for a wish; None where it is not about products."""
        _, request = self._plan(wish, shown)
        if request is None:
            return None
        wish = once_more(wish, request)
        if not wish.also or request.focus:
            return await self._finder.find(request)
        requests = requests_of(wish, request, self._parts.engine.lexicon)
        total = None if requests[0].budget_said else wish.budget
        return await find_all(self._finder, requests, total)

    async def _respond(self, wish: Wish, found: Findings | None) -> None:
        if found is not None:
            await self._advise(found, wish)
            return
        if self._is_shown:  # as products, before the model had read it
            self._show(Findings(Request("")), wish)
        match route_of(wish, self._before):
            case Route.PARTNERS:
                await self._show_partners(wish)
            case Route.STYLE:
                self._change_style(wish)
            case Route.WHICH:
                self._say(self._voice(wish).say("which"))
            case _:
                self.outcome.restarts = wish.talk is Talk.RESTART
                self._say(self._voice(wish).talk(wish.talk or Talk.GREETING))

    async def _advise(self, found: Findings, wish: Wish) -> None:
        self.outcome.request = found.lasting
        self.outcome.focused = bool(found.request.focus)
        if found.gap is Gap.CHEAPER and self._shown:
            self._show_cheapest(self._shown[0], found, wish)
            return
        self._show(found, wish)
        self.outcome.timings |= found.timings
        self.outcome.degraded.extend(found.degraded)
        asks = wish.talk in {Talk.ABOUT, Talk.CARE} and self._parts.adviser is not None
        if found.request.focus and not asks:
            self._speak_of(found.fits, wish)
        elif self._parts.adviser is not None and found.fits:
            await self._with_model(self._parts.adviser, found, wish)
        else:
            self._extractive(found, wish)
        if wish.wants_to_see and found.fits:
            self._show_in_scene(found.fits[0].product, wish)

    # Saying.

    def _voice(self, wish: Wish) -> wording.Voice:
        parts = self._parts
        return wording.Voice(wish.language, parts.engine.lexicon, parts.currency)

    def _show(self, found: Findings | None, wish: Wish) -> None:
        """Send the cards, unless they are those that were sent last."""
        if found is None or found is self._is_shown:
            return
        self._is_shown = found
        voice = self._voice(wish)
        self.outcome.cards = tuple(
            Shown(fit.product.id, round(fit.score, 4), voice.reason(fit, found.request))
            for fit in found.fits
        )
        cards = [
            product_card(fit.product, shown, lexicon=voice.lexicon, language=wish.language)
            for fit, shown in zip(found.fits, self.outcome.cards, strict=True)
        ]
        self._send(Products(self.question.id, cards))

    def _say(self, text: str) -> None:
        if "firstToken" not in self.outcome.timings:
            self.outcome.timings["firstToken"] = self._elapsed()
        self.outcome.answer.append(text)
        self._send(Delta(self.question.id, text))

    def _speak_of(self, fits: Sequence[Fit], wish: Wish) -> None:
        voice = self._voice(wish)
        for number, fit in enumerate(fits):
            name = fit.product.in_language(fit.product.name, wish.language)
            price = wording.price(fit.product, wish.language)
            facts = voice.facts(fit.product)
            shows = wish.wants_to_see and wish.talk is None
            about = "" if shows else voice.about(fit.product, wish.talk)
            said = voice.say("focus", name=name, price=price, facts=facts, about=about).strip()
            self._say(f"\n{said}" if number else said)
        if not fits:
            self._say(voice.say("nothing"))

    def _show_cheapest(self, product: Product, found: Findings, wish: Wish) -> None:
        """Say that nothing is cheaper than *product*, which was shown; show it once more."""
        self.outcome.focused = True
        self.outcome.timings |= found.timings
        self._show(replace(found, fits=(Fit(product, 1.0),)), wish)
        self._say(self._voice(wish).cheapest(product, found.request))

    def _gap(self, found: Findings, wish: Wish) -> str:
        voice = self._voice(wish)
        missing = " ".join(voice.missing(kind) for kind in found.missing)
        if found.gap is None:
            return missing
        gap = voice.gap(found.gap, found.request, found.nearest, found.unmet)
        return f"{missing} {gap}".strip()

    def _extractive(self, found: Findings, wish: Wish) -> None:
        voice = self._voice(wish)
        gap = self._gap(found, wish)
        for piece in voice.recommendation(found.fits, found.request, gap, found.set_of):
            self._say(piece)

    async def _with_model(self, adviser: Adviser, found: Findings, wish: Wish) -> None:
        """Let the model choose and write; what it leaves undone is done without it."""
        picked: list[str] = []
        self.outcome.model = adviser.name
        gap = self._gap(found, wish)
        try:
            await self._take_advice(adviser, self._brief(found, wish), picked, gap)
        except (AdviceError, TimeoutError) as error:
            log.warning("chat_model_failed", error=type(error).__name__, reason=str(error))
            self.outcome.degraded.append("model")
        if not picked and not self.outcome.answer:
            self.outcome.model = EXTRACTIVE
            self._extractive(found, wish)
            return
        self._fill_up(picked, found, wish)
        self._rank(picked)

    async def _take_advice(
        self, adviser: Adviser, brief: Brief, picked: list[str], gap: str
    ) -> None:
        settings = self._parts.settings
        async with (
            asyncio.timeout(settings.chat_answer_timeout),
            asyncio.timeout(settings.chat_first_token_timeout) as first,
            aclosing(adviser.advise(brief)) as advice,
        ):
            async for piece in advice:
                if isinstance(piece, Spent):
                    self.outcome.usage += piece.usage
                    continue
                first.reschedule(None)
                if gap and not self.outcome.answer:
                    self._say(f"{gap} ")
                if isinstance(piece, Say):
                    self._say(piece.text)
                else:
                    picked.append(piece.id)
                    self._head(piece.id, len(picked), brief)

    def _head(self, product_id: str, number: int, brief: Brief) -> None:
        """Name a product with its price: both are the catalogue's words, not the model's."""
        product = next(f.product for f in brief.fits if f.product.id == product_id)
        lead = "\n" if self.outcome.answer else ""
        voice = wording.Voice(brief.language, self._parts.engine.lexicon, self._parts.currency)
        self._say(lead + voice.heading(product, number))

    def _fill_up(self, picked: list[str], found: Findings, wish: Wish) -> None:
        voice = self._voice(wish)
        best = found.fits[: found.set_of] or wording.best_of(found.fits)
        rest = [fit for fit in best if fit.product.id not in picked]
        for fit in rest[: max(0, wording.RECOMMENDED - len(picked))]:
            picked.append(fit.product.id)
            self._say(voice.line(fit, len(picked), found.request))

    def _rank(self, picked: Sequence[str]) -> None:
        cards = {card.id: card for card in self.outcome.cards}
        ids = [*picked, *(key for key in cards if key not in picked)]
        if ids != list(cards):
            self.outcome.cards = tuple(cards[key] for key in ids)
            self._send(Ranked(self.question.id, ids))

    def _brief(self, found: Findings, wish: Wish) -> Brief:
        budget = found.request.budget
        limit = None if budget is None else budget.limit(self._parts.currency)
        return Brief(
            question=self.question.text,
            language=wish.language,
            fits=found.fits[: found.set_of] or found.fits,
            people=found.request.people,
            summary=self._before.summary,
            turns=self._before.turns[-TURNS_TOLD:],
            budget="" if limit is None else f"{limit.amount:f} {limit.currency}",
        )

    # The scene, and people.

    def _show_in_scene(self, product: Product, wish: Wish) -> None:
        name = product.in_language(product.name, wish.language)
        arguments = {"ueAsset": product.ue_asset, "name": name}
        if self._act("showProduct", arguments):
            self._say("\n" + self._voice(wish).say("showing", name=name))

    def _change_style(self, wish: Wish) -> None:
        voice = self._voice(wish)
        if not wish.styles:
            self._say(voice.say("which style"))
        elif self._act("setStyle", {"style": wish.styles[0]}):
            named = facets.style(wish.styles[0], voice.lexicon, wish.language)
            self._say(voice.say("styled", style=named))
        else:
            self._say(voice.say("greeting"))

    def _act(self, name: str, arguments: Json) -> bool:
        event = action(self._parts.settings.chat_actions, self.question.id, name, arguments)
        if event is not None:
            self._send(event)
        return event is not None

    async def _show_partners(self, wish: Wish) -> None:
        voice = self._voice(wish)
        before, shown = self._before.partners, await self._partners_before()
        partner = None if wish.wants_partner else partnering.meant(wish, shown)
        if partner is not None:
            self._send_partners([(partner, 1.0)], wish)
            about = partner.in_language(partner.description, wish.language)
            name, reason = partner.in_language(partner.name, wish.language), ""
            reason = voice.partner_reason(partner)
            self._say(voice.say("partner focus", name=name, reason=reason, about=about))
            return
        narrows = wish.step is Step.CHEAPER and not wish.wants_partner
        request = partner_request(wish, before, self._parts.currency)
        sought = partnering.below(request, shown) if narrows else request
        async with asyncio.timeout(self._parts.settings.chat_search_timeout):
            found = await partnering.matching(
                self._parts.engine.partners, sought, strictly=narrows
            )
        self.outcome.timings["embed"] = round(found.embed_ms, 1)
        self.outcome.timings["search"] = round(found.search_ms, 1)
        self.outcome.degraded.extend(found.degraded)
        if narrows and not found.hits:
            self._say(voice.say("no cheaper partner"))
            return
        self.outcome.sought = request
        self._send_partners([(hit.item, hit.score) for hit in found.hits], wish)
        self._say(voice.partners(found.hits, request.regions))

    async def _partners_before(self) -> list[Partner]:
        """Return the partners shown last, in their order."""
        turns = reversed(self._before.turns)
        last = next((turn for turn in turns if turn.partners), None)
        if last is None:
            return []
        ids = [card.id for card in last.partners]
        async with asyncio.timeout(self._parts.settings.chat_store_timeout):
            return list(await self._parts.engine.partners.catalogue.get(ids))

    def _send_partners(self, found: Sequence[tuple[Partner, float]], wish: Wish) -> None:
        voice = self._voice(wish)
        self.outcome.partners = tuple(
            Shown(partner.id, round(score, 4), voice.partner_reason(partner))
            for partner, score in found
        )
        cards = [
            partner_card(partner, shown, lexicon=voice.lexicon, language=wish.language)
            for (partner, _), shown in zip(found, self.outcome.partners, strict=True)
        ]
        self._send(Partners(self.question.id, cards))

    # The end.

    async def _keep(self, *, cancelled: bool) -> None:
        turn = self.turn(cancelled=cancelled)
        try:
            async with asyncio.timeout(self._parts.settings.chat_store_timeout):
                await self._parts.conversations.change(
                    self._user, lambda before: self._after(before, turn)
                )
        except (StoreError, TimeoutError):
            self.outcome.degraded.append("history")

    def _after(self, before: Conversation, turn: Turn) -> Conversation:
        outcome = self.outcome
        after = before.with_turn(turn, keep=self._parts.conversations.turns_kept)
        if outcome.restarts:
            return replace(after, request=None, shown=(), partners=None)
        if outcome.sought is not None:
            after = replace(after, partners=outcome.sought)
        if outcome.request is not None:
            after = replace(after, request=outcome.request)
        if outcome.cards and not outcome.focused:
            after = replace(after, shown=turn.products)
        return after

    def turn(self, *, cancelled: bool = False) -> Turn:
        """Return the turn as far as it has come."""
        return Turn(
            id=self.question.id,
            question=self.question.text,
            answer="".join(self.outcome.answer),
            cards=self.outcome.cards,
            partners=self.outcome.partners,
            at=round(time.time(), 3),
            cancelled=cancelled,
            language=self.outcome.language,
        )

    def _done(self, *, cancelled: bool) -> None:
        outcome = self.outcome
        timings = {**outcome.timings, "total": self._elapsed()}
        cost = self._parts.settings.cost(outcome.usage)
        log.info(
            "chat_answered",
            model=outcome.model,
            cancelled=cancelled,
            degraded=outcome.degraded,
            input_tokens=outcome.usage.input_tokens,
            output_tokens=outcome.usage.output_tokens,
            **({} if cost is None else {"cost": f"{cost:f}"}),
            **{f"{key}_ms": value for key, value in timings.items()},
        )
        self._send(
            Done(
                self.question.id,
                model=outcome.model,
                usage=outcome.usage,
                cost=cost,
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
