"""Why a product fits a request: which of the asked words it has, and its price."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from rag.items import Product
from rag.lexicon import Concept, Kind, Lexicon
from rag.money import Money, Rates, units
from rag.request import Request
from rag.retrieval import Hit
from rag.text import clean

_BODY = 1_500  # characters of a description that are compared
_SHOWN = frozenset(
    {Kind.PRODUCT, Kind.ROOM, Kind.COLOUR, Kind.MATERIAL, Kind.STYLE, Kind.QUALITY, Kind.USE}
)


@dataclass(frozen=True, slots=True)
class Fit:
    """A product with what speaks for it."""

    product: Product
    score: float
    matched: tuple[Concept, ...]
    """Concepts of the request that the product has."""
    seats: bool
    """Whether it is said to be for the asked number of people."""
    left: Decimal | None
    """What it leaves of the budget, in its own currency; None without one to compare."""
    is_asked: bool
    """Whether it is the sort of thing that was asked for."""
    style: Concept | None = None


def fits_of(
    hits: Sequence[Hit[Product]], request: Request, lexicon: Lexicon, limit: Money | None
) -> list[Fit]:
    """
    Return the hits that are what was asked for, those with most of the asked words first.

    Where none is of the asked sort, all of them are returned.
    """
    wanted = _named(f"{request.text} {request.words()}", lexicon)
    found = [_fit(hit, request, wanted, lexicon, limit) for hit in hits]
    asked = [fit for fit in found if fit.is_asked] or found
    must = [*request.colours, *request.materials, *request.styles]
    return sorted(asked, key=lambda fit: -_met(fit, must))


def _met(fit: Fit, must: Sequence[str]) -> int:
    names = {concept.name for concept in fit.matched}
    return sum(name in names for name in must) + fit.seats


def _fit(
    hit: Hit[Product],
    request: Request,
    wanted: dict[str, Concept],
    lexicon: Lexicon,
    limit: Money | None,
) -> Fit:
    product = hit.item
    text = _text(product)
    has = _concepts(text, lexicon)
    matched = [c for key, c in wanted.items() if key in has and c.kind in _SHOWN]
    said = limit is not None and request.budget_said
    comparable = said and limit is not None and limit.currency == product.currency
    styles = list(_named(product.style or "", lexicon).values())
    return Fit(
        product=product,
        score=hit.score,
        matched=tuple(matched),
        seats=request.people is not None and _is_for(text, request.people),
        left=limit.amount - product.price if limit is not None and comparable else None,
        style=styles[0] if styles else None,
        is_asked=not request.category or _is_a(product, request.category, lexicon),
    )


def _text(product: Product) -> str:
    parts = [*product.name.values(), product.style or "", product.category or ""]
    parts += [v for v in product.attributes.values() if len(v) < _BODY]
    return clean(" . ".join([*parts, *product.description.values()])[: 2 * _BODY])


def _named(text: str, lexicon: Lexicon) -> dict[str, Concept]:
    return {m.concept.key: m.concept for m in lexicon.read(text) if m.concept is not None}


def _concepts(text: str, lexicon: Lexicon) -> dict[str, Concept]:
    known = _named(text, lexicon).values()
    return {c.key: c for concept in known for c in (concept, *lexicon.broader(concept))}


def _is_a(product: Product, category: str, lexicon: Lexicon) -> bool:
    asked = lexicon.head(category)
    names = [product.category or "", *product.name.values()]
    heads = [lexicon.head(name) for name in names if name]
    return asked is not None and any(h is not None and lexicon.is_a(h, asked) for h in heads)


_SEATS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 8: "eight"}


def _is_for(text: str, people: int) -> bool:
    number = rf"(?:{people}|{_SEATS.get(people, people)})"
    english = rf"\b{number}[\s-]*(?:people|person|seat)|\bseats (?:up to )?{number}\b"
    return (
        re.search(rf"{english}|(?<!\d){people}\s?인(?:용|\s|이|석)", text, re.IGNORECASE)
        is not None
    )


def is_above(product: Product, low: Money | None, rates: Rates) -> bool:
    """Tell whether a price is at least *low*; one that cannot be compared is."""
    if low is None:
        return True
    return units(product.price) >= rates.limits(low).get(product.currency, 0)
