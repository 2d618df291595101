"""The consultant's sentences without a model, in Korean and English. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from rag.catalogue.items import Partner, Product
from rag.consultant.facets import partner_kind, regions, style, translated, word
from rag.consultant.fit import Fit
from rag.consultant.request import WHOLE_UNITS, Request
from rag.lexicon import Lexicon
from rag.money import Money
from rag.retrieval import Hit

RECOMMENDED: Final = 3
"""Products an answer speaks of."""

EVERYWHERE: Final = ("전국", "nationwide")
"""Regions of partners who work anywhere."""

_SIGNS: Final = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "KRW": "₩"}

_TEXTS: Final = {
    "ko": {
        "first": "추천 제품 {count}가지입니다.",
        "first of": "{asked} 추천 제품 {count}가지입니다.",
        "one": "이 제품을 추천합니다.",
        "one of": "{asked} 중에서 이 제품을 추천합니다.",
        "focus": "말씀하신 제품은 {name} ({price})입니다. {facts}",
        "showing": "{name}: 공간에 배치합니다.",
        "nothing": "조건에 맞는 제품을 찾지 못했습니다. 예산이나 스타일을 바꿔 보세요.",
        "kind": "찾으시는 종류의 제품은 없어서 가까운 제품을 골랐습니다.",
        "style": "그 스타일의 {kind} 없어서 다른 스타일에서 골랐습니다.",
        "looks": "{words} {kind} 없어서 가까운 제품을 골랐습니다.",
        "budget": "{budget}의 {kind} 없습니다. 가격은 {nearest}부터입니다.",
        "budget above": "{budget}의 {kind} 없습니다. 가장 비싼 것은 {nearest}입니다.",
        "cheaper": "더 저렴한 {kind} 없습니다.",
        "dearer": "조건 안에서 더 비싼 {kind} 없습니다.",
        "others": "보여 드리지 않은 {kind} 더 없습니다. 예산이나 스타일을 바꿔 보세요.",
        "absent": "카탈로그에 {kind} 없습니다. 다른 제품을 찾아 드릴까요?",
        "currency": (
            "가격이 {prices} 기준이라 {budget} 예산과는 비교할 수 없었습니다. "
            "예산을 {prices}로 말씀해 주세요."
        ),
        "which": "어떤 제품을 말씀하시나요? 먼저 찾으시는 제품을 알려 주세요.",
        "it": "제품은",
        "up to": "{high} 이하",
        "from": "{low} 이상",
        "between": "{low}~{high}",
        "matched": "말씀하신 조건({words})에 맞음",
        "left": "예산보다 {amount} 저렴",
        "exact": "예산에 꼭 맞음",
        "together": "{count}개에 {amount}",
        "style of": "{style} 스타일 {kind}",
        "people": "{people}인에 적합",
        "near": "요청과 가장 비슷한 제품",
        "partners": "조건에 맞는 파트너 {count}곳입니다.",
        "one partner": "조건에 맞는 파트너입니다.",
        "no partners": "조건에 맞는 파트너를 찾지 못했습니다. 지역이나 예산을 바꿔 보세요.",
        "elsewhere": "{place}에서 일하는 파트너는 없어서 다른 지역의 파트너를 골랐습니다.",
        "price from": "{amount}부터",
        "works in": "{places}에서 활동",
        "styled": "{style} 스타일로 바꿉니다.",
        "greeting": "어떤 제품을 찾으시나요? 종류, 예산, 스타일을 말씀해 주세요.",
    },
    "en": {
        "first": "Here are {count} I recommend.",
        "first of": "{asked}: here are {count} I recommend.",
        "one": "This is the one I recommend.",
        "one of": "{asked}: this is the one I recommend.",
        "focus": "You mean {name} ({price}): {facts}",
        "showing": "Placing {name} in the scene.",
        "nothing": "I found nothing that meets this. Try another budget or style.",
        "kind": "There is nothing of exactly this kind, so these are the closest.",
        "style": "There is no {kind} in that style, so these are in others.",
        "looks": "There is no {words} {kind}, so these are the closest.",
        "budget": "There is no {kind} {budget}. Prices begin at {nearest}.",
        "budget above": "There is no {kind} {budget}. The most expensive one costs {nearest}.",
        "cheaper": "There is no cheaper {kind}.",
        "dearer": "There is no more expensive {kind} that meets this.",
        "others": "You have seen every {kind} that meets this. Try another budget or style.",
        "absent": "The catalogue has no {kind}. Shall I look for something else?",
        "currency": (
            "Prices are in {prices}, so I could not compare them with a budget of {budget}. "
            "Tell me your budget in {prices}."
        ),
        "which": "Which product do you mean? Tell me first what you are looking for.",
        "it": "product",
        "up to": "up to {high}",
        "from": "from {low}",
        "between": "between {low} and {high}",
        "matched": "matches {words}",
        "left": "{amount} under your budget",
        "exact": "exactly your budget",
        "together": "{count} of them for {amount}",
        "style of": "{style} {kind}",
        "people": "right for {people} people",
        "near": "closest to your request",
        "partners": "These {count} partners meet this.",
        "one partner": "This partner meets this.",
        "no partners": "I found no partner that meets this. Try another region or budget.",
        "elsewhere": "I found no partner in {place}. These work elsewhere.",
        "price from": "from {amount}",
        "works in": "works in {places}",
        "styled": "Changing the style to {style}.",
        "greeting": "What are you looking for? Tell me the kind, your budget and a style.",
    },
}
_SEPARATORS: Final = {"ko": ", ", "en": "; "}
_WORDS_BETWEEN: Final = {"ko": "·", "en": ", "}


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


def topic(noun: str) -> str:
    """Return a Korean noun with its topic particle, which its last syllable decides."""
    last = noun[-1:]
    has_final = "가" <= last <= "힣" and (ord(last) - ord("가")) % 28 > 0
    return f"{noun}{'은' if has_final else '는'}"


@dataclass(frozen=True, slots=True)
class Voice:
    """The consultant in one language, for one request."""

    language: str
    lexicon: Lexicon
    currency: str
    """Of budgets that name none."""

    def say(self, key: str, **values: object) -> str:
        """Return one sentence."""
        return text(self.language, key, **values)

    def reason(self, fit: Fit, request: Request) -> str:
        """Return why a product fits: its style, matched words, price against the budget."""
        parts = [
            self._what(fit.product),
            self._matched(fit),
            self.say("people", people=request.people) if fit.seats else "",
            self._together(fit, request),
            self._left(fit),
        ]
        said = _SEPARATORS[self.language].join(part for part in parts if part)
        return said[:1].upper() + said[1:] or self.say("near")

    def _what(self, product: Product) -> str:
        kind = translated(product.category or "", self.lexicon, self.language)
        if not product.style:
            return kind
        named = style(product.style, self.lexicon, self.language)
        return self.say("style of", style=named, kind=kind).strip()

    def _matched(self, fit: Fit) -> str:
        own = {fit.product.category, fit.product.style}
        words = [word(c, self.language) for c in fit.matched if c.name not in own]
        between = _WORDS_BETWEEN[self.language]
        return self.say("matched", words=between.join(words[:5])) if words else ""

    def _together(self, fit: Fit, request: Request) -> str:
        if fit.together is None:
            return ""
        total = amount(fit.together, fit.product.currency, self.language)
        return self.say("together", count=request.quantity, amount=total)

    def _left(self, fit: Fit) -> str:
        if fit.left is None:
            return ""
        left = amount(fit.left, fit.product.currency, self.language)
        return self.say("left", amount=left) if fit.left else self.say("exact")

    def facts(self, product: Product) -> str:
        """Return what the catalogue's facets say of a product, as a sentence."""
        known = self.lexicon.read(" . ".join(product.attributes.values()))
        words = [word(m.concept, self.language) for m in known if m.concept is not None]
        parts = [self._what(product), *dict.fromkeys(words)]
        return ", ".join(part for part in parts[:6] if part) + "."

    # The whole answer.

    def recommendation(self, fits: Sequence[Fit], request: Request, gap: str) -> list[str]:
        """Return the answer, a line for each piece; *gap* says what could not be met."""
        best = fits[:RECOMMENDED]
        if not best:
            return [gap or self.say("nothing")]
        lines = [self.line(fit, n, request) for n, fit in enumerate(best, 1)]
        return [f"{gap} {self._opening(best, request, gap)}".strip(), *lines]

    def _opening(self, best: Sequence[Fit], request: Request, gap: str) -> str:
        asked = "" if gap else self.asked_for(request)
        key = ("first" if len(best) > 1 else "one") + (" of" if asked else "")
        return self.say(key, asked=asked, count=len(best))

    def asked_for(self, request: Request) -> str:
        """Return the conditions that every product shown meets."""
        budget = self.budget(request)
        styles = [style(each, self.lexicon, self.language) for each in request.styles]
        kind = translated(request.category, self.lexicon, self.language)
        order = [budget, *styles, kind] if self.language == "ko" else [*styles, kind, budget]
        if not kind:
            return ""
        found = " ".join(part for part in order if part)
        return found[:1].upper() + found[1:]

    def budget(self, request: Request) -> str:
        """Return the budget as the visitor named it; empty where it only follows."""
        budget = request.budget
        if budget is None or not request.budget_said or request.in_total:
            return ""
        currency = budget.currency or self.currency
        low, high = (
            "" if end is None else amount(end, currency, self.language)
            for end in (budget.low, budget.high)
        )
        key = "between" if low and high else "from" if low else "up to"
        return self.say(key, low=low, high=high)

    def kind(self, request: Request) -> str:
        """Return the kind that was asked for, ready to stand before `없습니다`."""
        kind = translated(request.category, self.lexicon, self.language) or self.say("it")
        if self.language != "ko" or not request.category:
            return kind
        return topic(kind)

    def gap(
        self, key: str, request: Request, nearest: Money | None, unmet: Sequence[str] = ()
    ) -> str:
        """Return what could not be met; *key* is a `rag.consultant.finding.Gap`."""
        budget = self.budget(request)
        if key in {"budget", "currency"} and (nearest is None or not budget):
            key = "nothing"
        elif key == "budget" and request.budget is not None and request.budget.high is None:
            key = "budget above"
        elif key == "nothing" and request.category:
            key = "absent"
        prices = "" if nearest is None else nearest.currency
        near = "" if nearest is None else amount(nearest.amount, prices, self.language)
        kind = self.kind(request)
        words = [translated(each, self.lexicon, self.language) for each in unmet]
        said = {"kind": kind, "budget": budget, "nearest": near, "prices": prices}
        return self.say(key, words=_WORDS_BETWEEN[self.language].join(words), **said)

    def line(self, fit: Fit, number: int, request: Request) -> str:
        """Return a recommended product's line; the price is the catalogue's."""
        return f"\n{self.heading(fit.product, number)}{self.reason(fit, request)}."

    def heading(self, product: Product, number: int) -> str:
        """Return what begins a recommended product's line."""
        name = product.in_language(product.name, self.language)
        return f"{number}. {name} ({price(product, self.language)}): "

    # Partners.

    def partners(self, found: Sequence[Hit[Partner]], places: Sequence[str]) -> str:
        """Return what is said of the partners that are shown."""
        if not found:
            return self.say("no partners")
        here = {*places, *EVERYWHERE}
        if places and not any(here & set(hit.item.regions) for hit in found):
            return self.say("elsewhere", place=places[0], count=len(found))
        return self.say("partners" if len(found) > 1 else "one partner", count=len(found))

    def partner_reason(self, partner: Partner) -> str:
        """Return what speaks for a partner."""
        where = ", ".join(regions(partner.regions, self.language))
        cost = amount(partner.price_from, partner.currency, self.language)
        styles = [style(each, self.lexicon, self.language) for each in partner.styles]
        parts = [
            partner_kind(partner.kind, self.language),
            ", ".join(styles),
            self.say("works in", places=where) if where else "",
            self.say("price from", amount=cost) if partner.price_from else "",
        ]
        return _SEPARATORS["en"].join(part for part in parts if part)
