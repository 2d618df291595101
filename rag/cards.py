"""Products and partners as the page shows them."""

from typing import Any

from rag.items import Item, Partner, Product

_LONGEST = 600  # characters of a description on a card


def product_card(
    product: Product, *, language: str, score: float, reason: str
) -> dict[str, Any]:
    """Return a card; prices are decimal strings, texts in *language* where there are any."""
    card = {
        **_common(product, language),
        "price": f"{product.price:f}",
        "currency": product.currency,
        "style": product.style or "",
        "category": product.category or "",
        "score": round(score, 4),
        "reason": reason,
    }
    return card if product.ue_asset is None else {**card, "ueAsset": product.ue_asset}


def partner_card(
    partner: Partner, *, language: str, score: float, reason: str
) -> dict[str, Any]:
    """Return a partner's card."""
    card = {
        **_common(partner, language),
        "kind": partner.kind,
        "regions": partner.regions,
        "styles": partner.styles,
        "priceFrom": f"{partner.price_from:f}",
        "currency": partner.currency,
        "portfolio": partner.portfolio,
        "score": round(score, 4),
        "reason": reason,
    }
    return card if partner.price_to is None else {**card, "priceTo": f"{partner.price_to:f}"}


def _common(item: Item, language: str) -> dict[str, Any]:
    card = {
        "id": item.id,
        "name": item.in_language(item.name, language),
        "description": item.in_language(item.description, language)[:_LONGEST],
    }
    pictures = {"image": item.image, "url": item.url}
    return {**card, **{key: value for key, value in pictures.items() if value is not None}}
