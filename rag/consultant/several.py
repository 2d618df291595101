"""Several things asked for at once: one of each, within what they may cost together."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import product, zip_longest
from typing import Final

from rag.consultant.budget import Budget, without_amounts
from rag.consultant.finding import CARDS, Finder, Findings, Gap
from rag.consultant.fit import Fit
from rag.consultant.request import Request
from rag.consultant.understanding import THINGS_AT_ONCE, Wish, understand
from rag.lexicon import Lexicon

_TRIED: Final = 10  # of each thing, when they are combined


def once_more(wish: Wish, request: Request) -> Wish:
    """Return a wish that only names another budget with the things that were listed before."""
    if wish.also or not request.listed:
        return wish
    return replace(wish, first=request.listed[0], also=request.listed[1:])


def requests_of(wish: Wish, first: Request, lexicon: Lexicon) -> list[Request]:
    """
    Return a request for each thing that a wish lists; only the first where it lists none.

    An amount that is named once is for all of them together.
    """
    if not wish.also:
        return [first]
    listed = (wish.first or wish.text, *wish.also)
    wishes = [understand(text, lexicon) for text in listed]
    own = [each.budget for each in wishes if each.budget is not None]
    found = [
        replace(
            first,
            text=without_amounts(each.text),
            category=each.category,
            styles=each.styles or (first.styles if not wishes[0].styles else ()),
            rooms=each.rooms or first.rooms,
            colours=each.colours,
            materials=each.materials,
            quantity=each.quantity,
            budget=each.budget if len(own) > 1 else wish.budget,
            budget_said=len(own) > 1,
            in_total=False,
            listed=listed,
        )
        for each in wishes
        if each.category
    ]
    return found[:THINGS_AT_ONCE] or [first]


async def find_all(
    finder: Finder, requests: Sequence[Request], total: Budget | None
) -> Findings:
    """Return one of each that was found, the set first; raises what `Finder.find` does."""
    found = [await finder.find(request) for request in requests]
    there = [each for each in found if each.fits and each.gap is not Gap.KIND]
    missing = tuple(e.request.category for e in found if e not in there)
    if len(there) < 2:  # noqa: PLR2004 - one alone is no set
        return replace(there[0] if there else found[0], missing=missing if there else ())
    chosen = _best_within(there, _limit(there, total, finder.currency))
    gap = None
    if chosen is None:
        chosen, gap = (
            tuple(min(e.fits, key=lambda fit: fit.cost) for e in there),
            Gap.TOGETHER,
        )
    others = [fit for row in zip_longest(*(e.fits for e in there)) for fit in row if fit]
    rest = [fit for fit in others if fit not in chosen]
    return Findings(
        there[0].request,
        (*chosen, *rest)[:CARDS],
        gap,
        timings=there[0].timings,
        degraded=tuple(dict.fromkeys(d for each in found for d in each.degraded)),
        set_of=len(chosen),
        missing=missing,
    )


def _limit(found: Sequence[Findings], total: Budget | None, currency: str) -> Decimal | None:
    """Return what a set may cost; None where prices are not in the currency of the budget."""
    currencies = {fit.product.currency for each in found for fit in each.fits}
    if total is None or currencies != {total.currency or currency}:
        return None
    return total.high


def _best_within(found: Sequence[Findings], limit: Decimal | None) -> tuple[Fit, ...] | None:
    """Return the best set within *limit*: the one whose places in the lists add up to least."""
    sets = product(*(enumerate(each.fits[:_TRIED]) for each in found))
    within = [s for s in sets if limit is None or sum(f.cost for _, f in s) <= limit]
    best = min(within, key=lambda s: sum(place for place, _ in s), default=None)
    return None if best is None else tuple(fit for _, fit in best)
