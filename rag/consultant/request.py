"""What is looked for: a wish, completed by what was asked and shown before."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from decimal import ROUND_DOWN, Decimal
from typing import Any

from rag.catalogue.items import Product
from rag.consultant.budget import Budget, without_amounts
from rag.consultant.understanding import LONGEST, Step, Wish

WHOLE_UNITS = frozenset({"KRW", "JPY"})
"""Currencies without a smaller unit in use."""


@dataclass(frozen=True, slots=True)
class Request:
    """A complete request; it stands on its own, without the conversation."""

    text: str
    category: str = ""
    styles: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    """What it must not be, by the lexicon's English names."""
    people: int | None = None
    quantity: int | None = None
    in_total: bool = False
    """Whether the budget was named for all of them; it is kept for one."""
    budget: Budget | None = None
    budget_said: bool = True
    """Whether the visitor named the budget; else it follows from what was shown."""
    without: tuple[str, ...] = ()
    """Ids that were shown and are not wanted again."""
    focus: str = ""
    """The one product that is meant."""
    beside: str = ""
    """Another that it is compared with."""
    listed: tuple[str, ...] = ()
    """The words for each of several things, while only their budget changes."""
    like: str = ""
    """The name of a product that the next ones shall resemble."""
    cheapest_first: bool = False
    vague: bool = False
    """Whether none of its words is known: what is found may be about something else."""
    step: Step | None = None
    """How it differs from the last request."""

    @property
    def search_text(self) -> str:
        """What retrieval is asked for."""
        return f"{self.text} {self.like}".strip()

    def words(self) -> str:
        """Return what is asked for in the lexicon's English."""
        people = "" if self.people is None else f"for {self.people} people"
        looks = [*self.colours, *self.styles, *self.materials, *self.rooms]
        parts = [*looks, self.category, people]
        return " ".join(part for part in parts if part)

    def document(self) -> dict[str, Any]:
        """Return the form that the history keeps."""
        found = asdict(self)
        found["step"] = None if self.step is None else self.step.value
        found["budget"] = None if self.budget is None else _budget_document(self.budget)
        return found


def request_of(document: dict[str, Any]) -> Request:
    """Return what `Request.document` gave."""
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in document.items()
        if key in Request.__slots__  # another version may have kept more
    }
    fields["step"] = None if fields.get("step") is None else Step(fields["step"])
    kept = fields.pop("budget", None)
    return Request(**fields, budget=None if kept is None else _budget_of(kept))


def _budget_document(budget: Budget) -> dict[str, str | None]:
    high, low = (None if v is None else f"{v:f}" for v in (budget.high, budget.low))
    return {"high": high, "low": low, "currency": budget.currency}


def _budget_of(document: dict[str, str | None]) -> Budget:
    high, low = (None if v is None else Decimal(v) for v in (document["high"], document["low"]))
    return Budget(high, low, document["currency"] or "")


def complete(wish: Wish, before: Request | None, shown: Sequence[Product]) -> Request:
    """Return the request in *wish*, which may refer to the last one and to what it showed."""
    other = wish.category and before is not None and wish.category != before.category
    points = wish.ordinal is not None or wish.talk is not None
    if before is None or not wish.follows_up or (other and not points):
        return _fresh(wish)
    elsewhere = bool(wish.rooms) and not before.category
    anew = wish.anew and not _changes(wish)
    if (elsewhere or anew) and not (points or wish.step or wish.refers):
        return _fresh(wish)
    compared = [shown[n - 1].id for n in wish.compares if 0 < n <= len(shown)]
    if len(compared) > 1:
        return replace(before, focus=compared[0], beside=compared[1], without=())
    meant = _meant(wish, shown, before.focus)
    if meant is not None and not _changes(wish):
        return replace(before, focus=meant.id, beside="", without=())
    request = _merged(wish, before, meant)
    return _stepped(request, wish, before, shown, meant)


def _fresh(wish: Wish) -> Request:
    return Request(
        text=without_amounts(wish.text),
        category=wish.category,
        styles=wish.styles,
        rooms=wish.rooms,
        colours=wish.colours,
        materials=wish.materials,
        unwanted=wish.unwanted,
        people=wish.people,
        quantity=wish.quantity,
        in_total=wish.in_total,
        budget=_for_one(wish, wish.quantity),
        cheapest_first=wish.inexpensive or wish.step is Step.CHEAPEST,
        vague=not (wish.category or wish.says_more),
    )


def _for_one(wish: Wish, quantity: int | None) -> Budget | None:
    """Return the budget for one thing where it was named for all of them."""
    budget = wish.budget
    if budget is None or not wish.in_total or not quantity or quantity < 2:  # noqa: PLR2004
        return budget
    high, low = (
        None if end is None else (end / quantity).quantize(Decimal("0.01"), ROUND_DOWN)
        for end in (budget.high, budget.low)
    )
    return Budget(high, low, budget.currency)


def _meant(wish: Wish, shown: Sequence[Product], focus: str) -> Product | None:
    """Return the product a wish points at; `it` is the last one meant, or the best."""
    points = wish.refers or wish.wants_to_see or wish.talk is not None
    if points and wish.ordinal is None and focus:
        return next((product for product in shown if product.id == focus), None)
    number = wish.ordinal or (1 if points else None)
    if number is None or not shown or number > len(shown):
        return None
    return shown[number - 1 if number > 0 else number]


def _changes(wish: Wish) -> bool:
    said = (wish.step, wish.colours, wish.styles, wish.materials, wish.unwanted, wish.drops)
    return any(said) or any((wish.budget, wish.people, wish.quantity))


def _merged(wish: Wish, before: Request, meant: Product | None) -> Request:
    quantity = wish.quantity or before.quantity
    before = _without_dropped(before, wish)
    merged = replace(
        before,
        category=wish.category or before.category,
        styles=wish.styles or before.styles,
        rooms=wish.rooms or before.rooms,
        colours=wish.colours or before.colours,
        materials=wish.materials or before.materials,
        unwanted=tuple(dict.fromkeys([*before.unwanted, *wish.unwanted])),
        people=wish.people or before.people,
        quantity=quantity,
        in_total=wish.in_total if wish.budget is not None else before.in_total,
        budget=_narrowed(_for_one(wish, quantity), before.budget),
        without=(),
        focus="",
        beside="",
        listed=before.listed if _only_of_money(wish) else (),
        budget_said=before.budget_said or wish.budget is not None,
        cheapest_first=wish.inexpensive or wish.step is Step.CHEAPEST,
        step=wish.step,
        vague=before.vague and not (wish.category or wish.says_more),
    )
    merged = replace(merged, **_without_ruled_out(merged))
    return replace(merged, text=_text(wish, before, merged, meant), like=_like(meant))


def _only_of_money(wish: Wish) -> bool:
    looks = (wish.colours, wish.styles, wish.materials, wish.unwanted, wish.step, wish.people)
    return wish.budget is not None and not any(looks) and wish.ordinal is None


def _without_dropped(before: Request, wish: Wish) -> Request:
    """Return what was asked for before without what does not matter any more."""
    nothing: dict[str, Any] = {name: None if name == "budget" else () for name in wish.drops}
    return replace(before, **nothing)


def _without_ruled_out(request: Request) -> dict[str, Any]:
    """Return what was asked for before without what is ruled out now."""
    return {
        name: tuple(each for each in getattr(request, name) if each not in request.unwanted)
        for name in ("styles", "colours", "materials")
    }


def _text(wish: Wish, before: Request, merged: Request, meant: Product | None) -> str:
    replaces = (wish.colours, wish.styles, wish.materials, wish.unwanted, wish.drops)
    if any(replaces) or wish.people is not None or meant is not None:
        return merged.words()
    only_narrows = wish.step is not None or wish.budget is not None or wish.quantity is not None
    return (
        before.text
        if only_narrows
        else f"{before.text} {without_amounts(wish.text)}"[-LONGEST:]
    )


def _like(meant: Product | None) -> str:
    return "" if meant is None else meant.in_language(meant.name, "en")


def _narrowed(said: Budget | None, before: Budget | None) -> Budget | None:
    if said is None or before is None or said.currency:
        return said or before
    return replace(said, currency=before.currency)


def _stepped(
    request: Request,
    wish: Wish,
    before: Request,
    shown: Sequence[Product],
    meant: Product | None,
) -> Request:
    of = meant or (shown[0] if shown else None)
    if wish.step is Step.OTHERS:
        return replace(request, without=(*before.without, *(p.id for p in shown))[-100:])
    if of is None and wish.step is Step.DEARER:
        return replace(request, budget=wish.budget)  # nothing was found within the last one
    if of is None or wish.step in (None, Step.CHEAPEST) or wish.budget is not None:
        return request
    unit = Decimal(1) if of.currency in WHOLE_UNITS else Decimal("0.01")
    if wish.step is Step.CHEAPER:
        below = Budget(of.price - unit, None, of.currency)
        return replace(request, budget=below, budget_said=False)
    high = before.budget.high if before.budget else None
    high = high if high is not None and high > of.price else None
    above = Budget(high, of.price + unit, of.currency)
    return replace(request, budget=above, budget_said=False)
