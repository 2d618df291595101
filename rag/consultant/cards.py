"""Products and partners as the page shows them."""

from dataclasses import dataclass
from typing import Any

from rag.catalogue.items import Item, Partner, Product
from rag.consultant.facets import partner_labels, product_labels
from rag.lexicon import Lexicon

_LONGEST = 600  # characters of a description on a card


@dataclass(frozen=True, slots=True)
class Shown:
    """What a card says beside the catalogue; enough to make it again."""

    id: str
    score: float = 0.0
    reason: str = ""


def product_card(
    product: Product, shown: Shown, *, lexicon: Lexicon, language: str
) -> dict[str, Any]:
    """
    Return a card; prices are decimal strings, texts in *language* where there are any.

    `labels` has the words for style and category where the catalogue's are of another
    language.
    """
    card = {
        **_common(product, language),
        "price": f"{product.price:f}",
        "currency": product.currency,
        "style": product.style or "",
        "category": product.category or "",
        "score": round(shown.score, 4),
        "reason": shown.reason,
    }
    labels = product_labels(product, lexicon, language)
    more = {"ueAsset": product.ue_asset, "labels": labels or None}
    return {**card, **{key: value for key, value in more.items() if value is not None}}


def partner_card(
    partner: Partner, shown: Shown, *, lexicon: Lexicon, language: str
) -> dict[str, Any]:
    """Return a partner's card; `labels` as for a product, for kind, regions and styles."""
    card = {
        **_common(partner, language),
        "kind": partner.kind,
        "regions": partner.regions,
        "styles": partner.styles,
        "priceFrom": f"{partner.price_from:f}",
        "currency": partner.currency,
        "portfolio": partner.portfolio,
        "score": round(shown.score, 4),
        "reason": shown.reason,
    }
    highest = None if partner.price_to is None else f"{partner.price_to:f}"
    labels = partner_labels(partner, lexicon, language)
    more = {"priceTo": highest, "labels": labels or None}
    return {**card, **{key: value for key, value in more.items() if value is not None}}


def _common(item: Item, language: str) -> dict[str, Any]:
    card = {
        "id": item.id,
        "name": item.in_language(item.name, language),
        "description": item.in_language(item.description, language)[:_LONGEST],
    }
    pictures = {"image": item.image, "url": item.url}
    return {**card, **{key: value for key, value in pictures.items() if value is not None}}
