"""The consultant's sentences without a model, in Korean and English. No I/O."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from rag.fit import Fit
from rag.items import Partner, Product
from rag.lexicon import Concept
from rag.request import WHOLE_UNITS

RECOMMENDED: Final = 3
"""Products an answer speaks of."""

_SIGNS: Final = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "KRW": "₩"}

_TEXTS: Final = {
    "ko": {
        "first": "{asked} 추천 제품 {count}가지입니다.",
        "one": "{asked} 이 제품을 추천합니다.",
        "focus": "말씀하신 제품은 {name} ({price})입니다.",
        "showing": "{name}: 공간에 배치합니다.",
        "nothing": "조건에 맞는 제품을 찾지 못했습니다. 예산이나 스타일을 바꿔 보세요.",
        "beyond": "정확히 일치하는 종류는 없어서 가까운 제품을 골랐습니다.",
        "matched": "원하신 {words}",
        "left": "예산보다 {amount} 저렴",
        "exact": "예산에 꼭 맞음",
        "style": "{style} 스타일",
        "people": "{people}인에 적합",
        "near": "요청과 가장 비슷한 제품",
        "partners": "조건에 맞는 파트너 {count}곳입니다.",
        "no partners": "조건에 맞는 파트너를 찾지 못했습니다. 지역이나 예산을 바꿔 보세요.",
        "price from": "{amount}부터",
        "styled": "{style} 스타일로 바꿉니다.",
        "greeting": "어떤 제품을 찾으시나요? 종류, 예산, 스타일을 말씀해 주세요.",
    },
    "en": {
        "first": "{asked}Here are {count} I recommend.",
        "one": "{asked}This is the one I recommend.",
        "focus": "You mean {name} ({price}).",
        "showing": "Placing {name} in the scene.",
        "nothing": "I found nothing that meets this. Try another budget or style.",
        "beyond": "There is nothing of exactly this kind, so these are the closest.",
        "matched": "has what you asked for: {words}",
        "left": "{amount} under your budget",
        "exact": "exactly your budget",
        "style": "{style} style",
        "people": "right for {people} people",
        "near": "closest to your request",
        "partners": "{count} partners meet this.",
        "no partners": "I found no partner that meets this. Try another region or budget.",
        "price from": "from {amount}",
        "styled": "Changing the style to {style}.",
        "greeting": "What are you looking for? Tell me the kind, your budget and a style.",
    },
}


def text(language: str, key: str, **values: object) -> str:
    """Return one of the consultant's sentences."""
    return _TEXTS[language][key].format(**values)


def amount(value: Decimal, currency: str, language: str) -> str:
    """Return an amount of money as people write it."""
    digits = f"{value:,.0f}" if currency in WHOLE_UNITS else f"{value:,.2f}"
    if currency == "KRW" and language == "ko":
        return f"{digits}원"
    sign = _SIGNS.get(currency)
    return f"{sign}{digits}" if sign else f"{digits} {currency}"


def price(product: Product, language: str) -> str:
    """Return a product's price as people write it."""
    return amount(product.price, product.currency, language)


def label(concept: Concept, language: str) -> str:
    """Return a concept's first word in *language*."""
    return concept.korean[0] if language == "ko" else concept.name


def reason(fit: Fit, people: int | None, language: str) -> str:
    """Return why a product fits: matched words, price against budget, style."""
    words = ", ".join(label(c, language) for c in fit.matched[:5])
    parts = [text(language, "matched", words=words)] if words else []
    if fit.seats and people is not None:
        parts.append(text(language, "people", people=people))
    if fit.left is not None:
        left = amount(fit.left, fit.product.currency, language)
        parts.append(
            text(language, "left", amount=left) if fit.left else text(language, "exact")
        )
    if fit.style is not None and fit.style not in fit.matched:
        parts.append(text(language, "style", style=label(fit.style, language)))
    return ", ".join(parts) or text(language, "near")


def recommendation(fits: Sequence[Fit], people: int | None, language: str) -> list[str]:
    """Return the answer, a line for each piece."""
    best = fits[:RECOMMENDED]
    if not best:
        return [text(language, "nothing")]
    asked = "" if best[0].is_asked else text(language, "beyond") + " "
    opening = text(language, "first" if len(best) > 1 else "one", asked=asked, count=len(best))
    return [opening.strip(), *(line(fit, n, people, language) for n, fit in enumerate(best, 1))]


def line(fit: Fit, number: int, people: int | None, language: str) -> str:
    """Return a recommended product's line; the price is the catalogue's."""
    why = reason(fit, people, language)
    return f"\n{heading(fit.product, number, language)}{why}."


def heading(product: Product, number: int, language: str) -> str:
    """Return what begins a recommended product's line."""
    name = product.in_language(product.name, language)
    return f"{number}. {name} ({price(product, language)}): "


def partner_reason(partner: Partner, language: str) -> str:
    """Return what speaks for a partner."""
    where = ", ".join(partner.regions)
    cost = amount(partner.price_from, partner.currency, language)
    parts = [where, text(language, "price from", amount=cost) if partner.price_from else ""]
    return ", ".join(part for part in [*parts, ", ".join(partner.styles)] if part)
