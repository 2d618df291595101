"""The consultant's sentences without a model, in Korean and English. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from rag.catalogue.items import Partner, Product
from rag.consultant.facets import partner_kind, regions, style, translated, word
from rag.consultant.fit import Fit
from rag.consultant.request import WHOLE_UNITS, Request
from rag.consultant.sentences import TEXTS
from rag.consultant.talk import TOPICS, Talk, says
from rag.lexicon import Lexicon
from rag.money import Money
from rag.retrieval import Hit

_LONGEST_ABOUT: Final = 600  # characters of a description that are said

RECOMMENDED: Final = 3
"""Products an answer speaks of."""

EVERYWHERE: Final = ("전국", "nationwide")
"""Regions of partners who work anywhere."""

_SIGNS: Final = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "KRW": "₩"}

_SEPARATORS: Final = {"ko": ", ", "en": "; "}
_WORDS_BETWEEN: Final = {"ko": "·", "en": ", "}


def text(language: str, key: str, **values: object) -> str:
    """Return one of the consultant's sentences."""
    return TEXTS[language][key].format(**values)


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


def best_of(fits: Sequence[Fit]) -> Sequence[Fit]:
    """Return the products that an answer speaks of: those that have as much as the first."""
    first = fits[0] if fits else None
    return [fit for fit in fits[:RECOMMENDED] if first is None or not _is_worse(fit, first)]


def _is_worse(fit: Fit, first: Fit) -> bool:
    """Tell whether it has less of what was asked for than *first*, or is for pets, say."""
    fits_less = fit.looks < first.looks or fit.too_small > first.too_small
    return fits_less or fit.met < 0 <= first.met


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
            self.say("sold out") if fit.product.stock == 0 else "",
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
        count = f"{fit.together / fit.product.price:.0f}" if fit.product.price else ""
        return self.say("together", count=count or request.quantity, amount=total)

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

    def about(self, product: Product, topic: Talk | None = None) -> str:
        """Return what the catalogue says of a product; that it is silent on *topic* if so."""
        if topic is Talk.STOCK and product.stock is not None:
            return self.say("in stock" if product.stock else "no stock", count=product.stock)
        if topic is Talk.ORDER and product.url:
            return self.say("order at", url=product.url)
        text = product.in_language(product.description, self.language)[:_LONGEST_ABOUT]
        silent = topic is not None and not says(product, topic, self.language)
        return f"{text} {self.say(f'silent {topic}')}".strip() if silent else text

    def talk(self, talk: Talk) -> str:
        """Return the answer to what asks for no product."""
        if talk in {Talk.ABOUT, Talk.COMPARE}:
            return self.say("which")
        return self.say(f"silent {talk}" if talk in TOPICS else talk.value)

    # The whole answer.

    def recommendation(
        self, fits: Sequence[Fit], request: Request, gap: str, set_of: int = 0
    ) -> list[str]:
        """
        Return the answer, a line for each piece; *gap* says what could not be met.

        The first *set_of* products go together.
        """
        best = fits[:set_of] if set_of else best_of(fits)
        if not best:
            return [gap or self.say("nothing")]
        lines = [self.line(fit, n, request) for n, fit in enumerate(best, 1)]
        opening = self._set(best) if set_of else self._opening(best, request, gap)
        return [f"{gap} {opening}".strip(), *lines]

    def _opening(self, best: Sequence[Fit], request: Request, gap: str) -> str:
        asked = "" if gap else self.asked_for(request)
        key = ("first" if len(best) > 1 else "one") + (" of" if asked else "")
        return self.say(key, asked=asked, count=len(best))

    def _set(self, best: Sequence[Fit]) -> str:
        """Return what a set consists of and costs, where its prices can be added."""
        kinds = [
            translated(f.product.category or "", self.lexicon, self.language) for f in best
        ]
        currencies = {fit.product.currency for fit in best}
        if len(currencies) > 1:
            return self.say("first", count=len(best))
        total = sum((fit.cost for fit in best), Decimal(0))
        cost = amount(total, currencies.pop(), self.language)
        said = self.say("set of", kinds=", ".join(kinds), amount=cost)
        return said[:1].upper() + said[1:]

    def asked_for(self, request: Request) -> str:
        """Return the conditions that every product shown meets."""
        budget = self.budget(request)
        styles = [style(each, self.lexicon, self.language) for each in request.styles]
        looks = [*request.colours, *request.materials]
        styles = [*styles, *(translated(each, self.lexicon, self.language) for each in looks)]
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

    def cheapest(self, product: Product, request: Request) -> str:
        """Return that nothing is cheaper than a product that was shown."""
        name = product.in_language(product.name, self.language)
        cost = price(product, self.language)
        return self.say("cheapest", kind=self.kind(request), name=name, price=cost)

    def missing(self, category: str) -> str:
        """Return that the catalogue has no such thing."""
        kind = translated(category, self.lexicon, self.language)
        return self.say("missing", kind=topic(kind) if self.language == "ko" else kind)

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
