"""Why a product fits a request: which of the asked words it has, and its price."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from rag.catalogue.items import Product
from rag.consultant.request import Request
from rag.consultant.understanding import ANY_THING
from rag.lexicon import Concept, Kind, Lexicon
from rag.money import Money, Rates, units
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
    matched: tuple[Concept, ...] = ()
    """Concepts of the request that the product has, beside its kind and style."""
    seats: bool = False
    """Whether it is said to be for the asked number of people."""
    left: Decimal | None = None
    """What it leaves of the budget, in its own currency; None without one to compare."""
    together: Decimal | None = None
    """What as many as are wanted cost; None where it is one."""
    is_asked: bool = True
    """Whether it is the sort of thing that was asked for."""
    met: int = 0
    """How much of what was asked for expressly it has."""
    looks: int = 0
    """How many of the asked colours and materials it has."""
    too_small: bool = False
    """Whether it is said to be for fewer people than were named."""

    @property
    def cost(self) -> Decimal:
        """What as many as are wanted cost."""
        return self.product.price if self.together is None else self.together


def fits_of(
    hits: Sequence[Hit[Product]], request: Request, lexicon: Lexicon, limit: Money | None
) -> list[Fit]:
    """Return the hits with nothing that is ruled out, those with most of the asked first."""
    wanted = _named(f"{request.text} {request.words()}", lexicon)
    found = [
        _fit(hit, request, wanted, lexicon, limit)
        for hit in hits
        if not _is_ruled_out(hit.item, request, lexicon)
    ]
    there = [fit for fit in found if fit.product.stock != 0 and fit.is_asked]
    said = max((len(fit.matched) for fit in there), default=-1)

    def place(fit: Fit) -> tuple[int, Decimal]:
        """Put what is sold out behind others, unless it has more of the words than they."""
        is_behind = fit.product.stock == 0 and len(fit.matched) <= said
        price = fit.product.price if request.cheapest_first else Decimal(0)
        return is_behind - fit.met, price

    return sorted(found, key=place)


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
    seats = _seats(text, request.people)
    must = {*request.colours, *request.materials, *request.styles}
    return Fit(
        product=product,
        score=hit.score,
        matched=tuple(c for c in matched if c.name not in must_not_repeat(request)),
        seats=seats > 0,
        left=_left(product, request, limit),
        together=_together(product, request),
        is_asked=not request.category or is_a(product, request.category, lexicon),
        met=sum(c.name in must for c in matched)
        + seats
        - _is_for_others(product, wanted, lexicon),
        looks=sum(c.name in {*request.colours, *request.materials} for c in matched),
        too_small=seats < 0,
    )


def must_not_repeat(request: Request) -> set[str]:
    """Return what the line of a product says anyway: its kind and its style."""
    people = _SEAT_WORDS.get(request.people or 0, "")
    return {request.category, people, *request.styles, *ANY_THING, "affordable"} - {""}


def _left(product: Product, request: Request, limit: Money | None) -> Decimal | None:
    in_range = request.budget is not None and request.budget.low is not None
    several = (request.quantity or 1) > 1 and not request.in_total
    if in_range or several:
        return None  # it would say nothing, or something that is not so
    if limit is None or not request.budget_said or limit.currency != product.currency:
        return None
    return (limit.amount - product.price) * (request.quantity or 1 if request.in_total else 1)


def _together(product: Product, request: Request) -> Decimal | None:
    quantity = request.quantity or 1
    return product.price * quantity if quantity > 1 else None


def _is_ruled_out(product: Product, request: Request, lexicon: Lexicon) -> bool:
    if not request.unwanted:
        return False
    facets = [product.style or "", product.category or "", *product.name.values()]
    facets += [v for v in product.attributes.values() if len(v) < _BODY]
    names = {c.name for c in _concepts(" . ".join(facets), lexicon).values()}
    return not names.isdisjoint(request.unwanted)


def _is_for_others(product: Product, wanted: dict[str, Concept], lexicon: Lexicon) -> bool:
    """Tell whether it is for pets, children or the like, and nobody asked for that."""
    head = lexicon.head(product.category or "")
    read = {mention.text for mention in lexicon.read(product.category or "")}
    uses = read.union([] if head is None else head.name.split())
    asked = {word for c in wanted.values() for word in c.name.split()}
    return bool(uses & _OTHERS - asked)


_OTHERS: Final = frozenset({"pet", "kids", "bunk", "camping", "gaming", "toy"})


def _text(product: Product) -> str:
    parts = [*product.name.values(), product.style or "", product.category or ""]
    parts += [v for v in product.attributes.values() if len(v) < _BODY]
    return clean(" . ".join([*parts, *product.description.values()])[: 2 * _BODY])


def _named(text: str, lexicon: Lexicon) -> dict[str, Concept]:
    return {concept.key: concept for concept in lexicon.known(text)}


def _concepts(text: str, lexicon: Lexicon) -> dict[str, Concept]:
    known = _named(text, lexicon).values()
    return {c.key: c for concept in known for c in (concept, *lexicon.broader(concept))}


def is_a(product: Product, category: str, lexicon: Lexicon) -> bool:
    """Tell whether a product is of the asked kind, or a sort of it."""
    asked = lexicon.head(category)
    names = [product.category or "", *product.name.values()]
    heads = [lexicon.head(name) for name in names if name]
    return asked is not None and any(h is not None and lexicon.is_a(h, asked) for h in heads)


_NUMBERS: Final = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
}  # fmt: skip
_SEAT_WORDS: Final = {
    2: "two-seater", 3: "three-seater", 4: "four-seater", 6: "six-seater", 8: "eight-seater"
}  # fmt: skip
_N: Final = rf"(\d{{1,2}}|{'|'.join(_NUMBERS)})"
_FOR: Final = re.compile(
    rf"\b{_N}(?:\s?(?:to|-|~)\s?{_N})?[\s-]*(?:people|person|seat)|\bseats (?:up to )?{_N}\b|"
    r"(?<!\d)(\d{1,2})(?:\s?[~-]\s?(\d{1,2}))?\s?인(?:용|\s|이|석)",
    re.IGNORECASE,
)


def _seats(text: str, people: int | None) -> int:
    """Return 1 if it is said to be for so many people, -1 if for fewer, 0 if nothing is."""
    said = [word.lower() for match in _FOR.findall(text) for word in match if word]
    numbers = [int(w) if w.isdecimal() else _NUMBERS[w] for w in said]
    if people is None or not numbers:
        return 0
    if min(numbers) <= people <= max(numbers):
        return 1
    return -1 if max(numbers) < people else 0


def is_above(product: Product, low: Money | None, rates: Rates) -> bool:
    """Tell whether a price is at least *low*; one that cannot be compared is."""
    if low is None:
        return True
    return units(product.price) >= rates.limits(low).get(product.currency, 0)
