"""From a request to the products that are shown, and what could not be met."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final

from rag.catalogue.items import Product
from rag.consultant.budget import Budget
from rag.consultant.fit import Fit, fits_of, is_above
from rag.consultant.request import Request
from rag.consultant.understanding import Step
from rag.engine import Engine
from rag.money import Money, Rates
from rag.retrieval import Conditions, Found
from rag.text import has_hangul

CARDS: Final = 10
"""Products that are shown and that a model chooses from."""

FOUND: Final = 20
"""Products that retrieval returns; more where some of them are left out afterwards."""

FOUND_TO_SIFT: Final = 60

UNRELATED: Final = 0.19
"""
Cosine below which a request of unknown words is about something else.

Of the local models: jokes, abuse and questions about the world are at 0.06 to 0.17, English
wishes without a word of the lexicon at 0.23 and more. Korean is not told apart by it, so
what is found for unknown words is never shown without saying so.
"""


class Gap(StrEnum):
    """Why what is shown is not what was asked for."""

    STYLE = "style"
    LOOKS = "looks"
    BUDGET = "budget"
    CURRENCY = "currency"
    CHEAPER = "cheaper"
    DEARER = "dearer"
    OTHERS = "others"
    KIND = "kind"
    UNSURE = "unsure"
    UNCLEAR = "unclear"
    TOGETHER = "over together"
    NOTHING = "nothing"


_STEPS: Final = {
    Step.CHEAPER: Gap.CHEAPER,
    Step.DEARER: Gap.DEARER,
    Step.OTHERS: Gap.OTHERS,
}


PATIENCE: Final = 4
"""Times the seconds of a search that it may wait for others to end."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Products for a request, best first."""

    request: Request
    fits: tuple[Fit, ...] = ()
    gap: Gap | None = None
    unmet: tuple[str, ...] = ()
    """Colours and materials that nothing shown has."""
    nearest: Money | None = None
    """The price nearest to a budget that nothing meets, or any in the catalogue's currency."""
    timings: dict[str, float] = field(default_factory=dict)
    degraded: tuple[str, ...] = ()
    set_of: int = 0
    """How many of the first products were chosen to go together, one of each asked thing."""
    missing: tuple[str, ...] = ()
    """Things that were asked for beside others and are not in the catalogue."""

    @property
    def lasting(self) -> Request | None:
        """What later turns go on with: not what could not be met."""
        request = self.request
        if not self.fits and (request.step in _STEPS or self.gap in _ABSENT):
            return None
        unmet = set(self.unmet)
        return replace(
            request,
            styles=() if self.gap is Gap.STYLE else request.styles,
            colours=tuple(each for each in request.colours if each not in unmet),
            materials=tuple(each for each in request.materials if each not in unmet),
        )


_ABSENT: Final = frozenset({Gap.NOTHING, Gap.UNCLEAR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finder:
    """Searches until something fits, giving up what was meant least strictly first."""

    engine: Engine
    currency: str
    rates: Rates
    timeout: float
    style_is_strict: bool = False
    """Whether the style was given as a field: then nothing of another is shown."""

    async def find(self, request: Request) -> Findings:
        """Return what fits; raises `RagError`, `StoreError` and `TimeoutError`."""
        async with asyncio.timeout(PATIENCE * self.timeout):
            await self.engine.slots.acquire()
        try:
            async with asyncio.timeout(self.timeout):
                if request.focus:
                    return await self._focused(request)
                return await self._found(request)
        finally:
            self.engine.slots.release()

    async def _focused(self, request: Request) -> Findings:
        ids = [request.focus, *([request.beside] if request.beside else [])]
        found = await self.engine.products.catalogue.get(ids)
        return Findings(request, tuple(Fit(product, 1.0) for product in found))

    async def _found(self, request: Request) -> Findings:
        first, fits = await self._search(request)
        about = _about(first)
        if request.vague:
            return _guessed(request, first, fits)
        asked = _asked(fits)
        if asked:
            unmet = _unmet(asked, request)
            gap = Gap.LOOKS if unmet else None
            return replace(about, request=request, fits=asked, gap=gap, unmet=unmet)
        if request.styles and not self.style_is_strict:
            # A style that was only heard in the text may have been meant otherwise.
            looser = replace(request, styles=())
            asked = _asked((await self._search(looser))[1])
            if asked:
                return replace(about, request=request, fits=asked, gap=Gap.STYLE)
        return replace(await self._instead(request, fits), timings=about.timings)

    async def _instead(self, request: Request, fits: Sequence[Fit]) -> Findings:
        """Say why nothing is of the asked kind, or show what is closest."""
        if request.step in _STEPS:
            return Findings(request, gap=_STEPS[request.step])
        if request.budget is not None:
            beyond = await self._beyond(request, request.budget)
            if beyond is not None:
                return beyond
        close = tuple(fit for fit in fits if fit.matched)[:CARDS]
        return Findings(request, close, Gap.KIND if close else Gap.NOTHING)

    async def _beyond(self, request: Request, budget: Budget) -> Findings | None:
        """Return what the same request costs without its budget, None where there is none."""
        styles = request.styles if self.style_is_strict else ()
        _, fits = await self._search(replace(request, budget=None, styles=styles))
        asked = [fit.product for fit in fits if fit.is_asked]
        if not asked:
            return None
        known = self.rates.limits(_end_of(budget, self.currency))
        comparable = [p for p in asked if p.currency in known]
        if not comparable:
            return Findings(request, gap=Gap.CURRENCY, nearest=_cost(asked[0]))
        nearest = max if budget.high is None else min
        found = nearest(comparable, key=lambda product: product.price)
        return Findings(request, gap=Gap.BUDGET, nearest=_cost(found))

    async def _search(self, request: Request) -> tuple[Found[Product], list[Fit]]:
        budget = request.budget
        limit = None if budget is None else budget.limit(self.currency)
        sifts = budget is not None and budget.low is not None
        sifts = sifts or bool(request.without or request.unwanted or request.cheapest_first)
        found = await self.engine.products.retriever.search(
            request.search_text,
            Conditions(budget=limit, styles=request.styles),
            limit=FOUND_TO_SIFT if sifts else FOUND,
        )
        hits = [hit for hit in found.hits if self._is_wanted(hit.item, request)]
        lexicon = self.engine.lexicon
        return found, await asyncio.to_thread(fits_of, hits, request, lexicon, limit)

    def _is_wanted(self, product: Product, request: Request) -> bool:
        if product.id in request.without:
            return False
        budget = request.budget
        if budget is None or budget.low is None:
            return True
        return is_above(
            product, Money(budget.low, budget.currency or self.currency), self.rates
        )


def _about(found: Found[Product]) -> Findings:
    timings = {"embed": round(found.embed_ms, 1), "search": round(found.search_ms, 1)}
    return Findings(Request(""), timings=timings, degraded=found.degraded)


def _guessed(request: Request, first: Found[Product], fits: Sequence[Fit]) -> Findings:
    """Return what may be meant by unknown words, and that it may not."""
    about = _about(first)
    near, told = first.similarity, any(hit.text_rank is not None for hit in first.hits)
    if (near is not None and near < UNRELATED) or (has_hangul(request.text) and not told):
        return replace(about, request=request, gap=Gap.UNCLEAR)
    gap = Gap.UNSURE if fits else Gap.UNCLEAR
    return replace(about, request=request, fits=tuple(fits[:CARDS]), gap=gap)


def _asked(fits: Sequence[Fit]) -> tuple[Fit, ...]:
    return tuple(fit for fit in fits if fit.is_asked)[:CARDS]


def _unmet(fits: Sequence[Fit], request: Request) -> tuple[str, ...]:
    has = {concept.name for fit in fits for concept in fit.matched}
    return tuple(word for word in (*request.colours, *request.materials) if word not in has)


def _end_of(budget: Budget, currency: str) -> Money:
    end = budget.high if budget.high is not None else budget.low
    return Money(end or Decimal(0), budget.currency or currency)


def _cost(product: Product) -> Money:
    return Money(product.price, product.currency)
