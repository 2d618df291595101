"""Partners for a wish: designers and installers, and what was said of them before."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any, Final

from rag.catalogue.items import Partner
from rag.consultant.understanding import Wish
from rag.consultant.wording import EVERYWHERE
from rag.engine import Shelf
from rag.money import Money
from rag.retrieval import Conditions, Found

CARDS: Final = 5


@dataclass(frozen=True, slots=True)
class PartnerRequest:
    """What is looked for in a partner; later turns add to it."""

    text: str
    kind: str = ""
    regions: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    highest: str = ""
    """What they may cost at most, a decimal string; empty without a limit."""
    currency: str = ""

    def document(self) -> dict[str, Any]:
        """Return the form that the history keeps."""
        return asdict(self)


def partner_request_of(document: dict[str, Any]) -> PartnerRequest:
    """Return what `PartnerRequest.document` gave."""
    known = {k: v for k, v in document.items() if k in PartnerRequest.__slots__}
    words = {k: tuple(v) for k, v in known.items() if isinstance(v, list)}
    return PartnerRequest(**{**known, **words})


def partner_request(wish: Wish, before: PartnerRequest | None, currency: str) -> PartnerRequest:
    """Return what a wish asks for; one that names no partner goes on from *before*."""
    own = PartnerRequest(wish.text, wish.partner_kind, wish.regions, wish.styles)
    budget = None if wish.budget is None else wish.budget.limit(currency)
    if budget is not None:
        own = replace(own, highest=f"{budget.amount:f}", currency=budget.currency)
    if before is None or wish.wants_partner:
        return own
    return replace(
        before,
        text=f"{before.text} {wish.text}"[-_LONGEST:],
        regions=own.regions or before.regions,
        styles=own.styles or before.styles,
        highest=own.highest or before.highest,
        currency=own.currency or before.currency,
    )


def below(request: PartnerRequest, shown: Sequence[Partner]) -> PartnerRequest:
    """Return a request for partners that cost less than any shown."""
    if not shown:
        return request
    least = min(shown, key=lambda partner: partner.price_from)
    highest = max(least.price_from - 1, Decimal(0))
    return replace(request, highest=f"{highest:f}", currency=least.currency)


_LONGEST: Final = 1_000


def meant(wish: Wish, shown: Sequence[Partner]) -> Partner | None:
    """Return the partner that a wish points at, of those that were shown last."""
    points = wish.refers or wish.talk is not None or wish.wants_to_see
    number = wish.ordinal or (1 if points else None)
    if number is None or not shown or number > len(shown) or wish.step is not None:
        return None
    return shown[number - 1 if number > 0 else number]


async def matching(
    shelf: Shelf[Partner], request: PartnerRequest, *, strictly: bool = False
) -> Found[Partner]:
    """Return partners of the asked kind and region; of any where there is none, if allowed."""
    budget = Money(Decimal(request.highest), request.currency) if request.highest else None
    regions = (*request.regions, *EVERYWHERE) if request.regions else ()
    kinds = (request.kind,) if request.kind else ()
    narrower = [(regions, kinds), ((), kinds), (regions, ())]
    for places, sorts in dict.fromkeys(narrower):
        conditions = Conditions(budget=budget, regions=places, categories=sorts)
        found = await shelf.retriever.search(request.text, conditions, limit=CARDS)
        if found.hits or strictly:
            return found
    return await shelf.retriever.search(request.text, Conditions(budget=budget), limit=CARDS)
