"""How much a visitor wants to spend, read from a sentence in English or Korean."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from rag.money import LARGEST, Money

_SYMBOLS: Final = {"$": "USD", "€": "EUR", "£": "GBP", "₩": "KRW", "¥": "JPY"}
_WORDS: Final = {
    **dict.fromkeys(("usd", "dollar", "dollars", "bucks", "달러", "불"), "USD"),
    **dict.fromkeys(("krw", "won", "원"), "KRW"),
    **dict.fromkeys(("eur", "euro", "euros", "유로"), "EUR"),
    **dict.fromkeys(("gbp", "pound", "pounds", "파운드"), "GBP"),
    **dict.fromkeys(("jpy", "yen", "엔"), "JPY"),
}
_SCALES: Final = {
    "k": 1_000, "thousand": 1_000, "grand": 1_000, "m": 1_000_000, "mil": 1_000_000,
    "million": 1_000_000, "hundred": 100, "": 1,
}  # fmt: skip
_DIGITS: Final = dict(zip("일이삼사오육칠팔구", range(1, 10), strict=True))
_PLACES: Final = {"십": 10, "백": 100, "천": 1_000}
_COUNTS: Final = {
    word: number
    for number, word in enumerate(
        "one two three four five six seven eight nine ten".split(),  # noqa: SIM905 - reads better
        1,
    )
}

_PARTS: Final = {
    "a": Decimal(1), "half a": Decimal("0.5"), "one and a half": Decimal("1.5"),
    "two and a half": Decimal("2.5"),
}  # fmt: skip

_DIGITS_SAID: Final = r"\d[\d,]{0,20}(?:\.\d{1,20})?"
"""Bounded, like each repetition below: without an end, a thousand digits take minutes."""

_KOREAN: Final = re.compile(
    r"(?:₩\s?)?(?=[\d일이삼사오육칠팔구십백천만])"
    r"(?P<man>[\d,.]{0,20}[일이삼사오육칠팔구십백천\d]{0,20})\s?(?<!미)만(?:\s?(?P<rest>[\d일이삼사오육칠팔구십백천,]{1,20}))?"
    r"\s?(?:원|(?=[^가-힣]|대|이|정도|쯤|으로|로|까지|언더|미만|안|내|밑|아래|넘|부터|에서|선|원|언저리|$))"
    r"|(?P<eok>[\d.]{1,20}|[일이삼사오육칠팔구십백]{1,20})\s?억(?:\s?(?P<over>[\d,천백십]{1,20})\s?만)?\s?원?"
    r"|(?P<small>[\d일이삼사오육칠팔구,.]{0,20}[십백천]|[\d,]{1,20})\s?원"
)
_NUMBER: Final = (
    rf"{_DIGITS_SAID}|one and a half|two and a half|one|two|three|four|five|six|seven|"
    r"eight|nine|"
    r"ten|half a|a"
)
_ENGLISH: Final = re.compile(
    rf"(?P<symbol>[$€£₩¥])\s?(?P<a>{_DIGITS_SAID})\s?(?P<ascale>k|thousand|m|mil|million)?\b"
    rf"|\b(?P<b>{_NUMBER})\s?(?P<bscale>k|thousand|grand|million|hundred|mil|m)?\s?"
    r"(?P<word>usd|dollars?|bucks|krw|won|eur|euros?|gbp|pounds?|jpy|yen|달러|불|유로|파운드|엔)"
    r"(?![a-z])"
    rf"|\b(?P<d>{_DIGITS_SAID})\s?(?P<dscale>k|m)?(?P<after>[$€£₩¥])"
    rf"|\b(?:usd|krw|eur|gbp|jpy)\s?(?P<c>{_DIGITS_SAID})(?P<cscale>k|m)?\b",
    re.IGNORECASE,
)
_BARE: Final = re.compile(
    r"\b(?:under|below|less than|up to|at most|max(?:imum)?|within|budget(?: is| of|:)?|"
    r"no more than|around|about|over|above|more than|at least|from)\s+(?:of\s+)?"
    rf"(?P<n>{_DIGITS_SAID})(?P<scale>k|m|\s?(?:grand|mil|million|thousand))?\b(?!\s?(?:-|people|person|seat|cm|mm|m\b|inch|in\b|ft|kg|%))"
    rf"|(?:[<≤]=?|예산(?:은|이|:)?|가격(?:은|이)?|금액(?:은|이)?)\s?(?P<l>{_DIGITS_SAID})(?P<lscale>k|m)?\b"
    r"(?!\s?(?:천|백|십|만|억))"
    rf"|\bfor\s+(?P<f>{_DIGITS_SAID})(?P<fscale>k|m|mil|million)\b(?! (?:people|by))"
    r"|"
    r"(?<!높이 )(?<!높이)(?<!너비 )(?<!너비)(?<!깊이 )(?<!깊이)(?<!길이 )(?<!폭 )(?<!가로 )"
    r"(?<!세로 )"
    r"\b(?P<t>\d{2,4})(?=\s?(?:이하|미만|이내|이상|까지|언더|정도|쯤|안팎|아래로|밑으로|안으로|안에서|내로))"
    r"|\b(?P<g>\d[\d,.]{0,20})\s?(?P<gscale>grand|million|mil)\b",
    re.IGNORECASE,
)
_TEN_THOUSANDS: Final = Decimal(10_000)
"""What a bare number counts in Korean: `100 이하`, `예산 200`."""

_LOW_BEFORE: Final = re.compile(
    r"(?:over|above|(?<!no )(?<!not )more than|at least|starting (?:at|from)|minimum(?: of)?|"
    r"min|"
    r"최소|적어도)\s*$",
    re.IGNORECASE,
)
_LOW_AFTER: Final = re.compile(
    r"^\s*(?:이상|넘는|넘게|초과|부터|or more|and up|and above|minimum|\+)", re.IGNORECASE
)
_ABOUT_BEFORE: Final = re.compile(
    r"(?:around|about|roughly|approximately|some|약|대략|한)\s*$", re.IGNORECASE
)
_ABOUT_AFTER: Final = re.compile(
    r"^\s*(?:정도|쯤|안팎|내외|전후|언저리|선에서|or so|ish|give or take)", re.IGNORECASE
)
_CLASS_AFTER: Final = re.compile(r"^\s*대(?![가-힣]{2})")
_BETWEEN: Final = re.compile(r"^\s*(?:~|-|–|to|and|에서|부터)\s*$", re.IGNORECASE)
_BARE_RANGE: Final = re.compile(
    r"(?P<low>\d[\d,]{0,20})\s*(?:~|-|–|에서|부터)\s*(?=\d[\d,]{0,20}\s*(?:천|백)?만)"
)
_SHARED_RANGE: Final = re.compile(
    rf"(?P<low>{_DIGITS_SAID})\s?(?P<scale>k|m|thousand|mil|million)?\s*(?:~|-|–|to|and)\s*$",
    re.IGNORECASE,
)
"""The lower end of `500 to 800 dollars`, before an amount."""
_GROUPED: Final = re.compile(
    r"(?<![\d.,])\d{1,3}(?:[ .]\d{3})+(?![\d.,])(?=\s?(?:원|won|krw))", re.IGNORECASE
)
"""Thousands set apart by points or spaces, in a currency without decimals."""
_ENDLESS: Final = re.compile(r"[\d,.일이삼사오육칠팔구십백천만억]{25,}")
"""No amount, but what the patterns would try in more ways than there is time for."""
_ABOUT_SHARE: Final = Decimal("1.2")


@dataclass(frozen=True, slots=True)
class Budget:
    """What a price must be at most and at least; *currency* is empty where none is named."""

    high: Decimal | None
    low: Decimal | None
    currency: str

    def limit(self, default_currency: str) -> Money | None:
        """Return the upper end, in *default_currency* where none was named."""
        if self.high is None:
            return None
        return Money(self.high, self.currency or default_currency)


@dataclass(frozen=True, slots=True)
class _Amount:
    start: int
    end: int
    value: Decimal
    currency: str


def read_budget(text: str) -> Budget | None:
    """Return the budget in *text* (cleaned), or None if no amount of money is in it."""
    text = bounded(text)
    text = _GROUPED.sub(lambda found: re.sub(r"[ .]", "", found.group()), text)
    amounts = _amounts(text)
    if not amounts:
        return None
    if len(amounts) > 1 and _BETWEEN.match(text[amounts[0].end : amounts[1].start]):
        return _range(amounts[0], amounts[1])
    last = amounts[-1]
    shared = _BARE_RANGE.search(text)
    if shared and shared.end() <= last.end:
        low = _decimal(shared["low"]) * 10_000
        return Budget(last.value, low, last.currency)
    lower = _SHARED_RANGE.search(text[: last.start])
    if lower:
        low = _decimal(lower["low"]) * _SCALES[(lower["scale"] or "").lower()]
        if 0 < low < last.value:
            return Budget(last.value, low, last.currency)
    return _single(last, text[: last.start], text[last.end :])


def bounded(text: str) -> str:
    """Return a text with spaces for runs of digits that are too long for an amount."""
    return _ENDLESS.sub(lambda found: " " * len(found.group()), text)


def without_amounts(text: str) -> str:
    """Return a text (cleaned) with spaces for its amounts of money, if words are left then."""
    rest = text
    for amount in _amounts(bounded(text)):
        rest = rest[: amount.start] + " " * (amount.end - amount.start) + rest[amount.end :]
    return rest if any(c.isalpha() for c in rest) else text


def _range(first: _Amount, second: _Amount) -> Budget:
    low, high = sorted((first.value, second.value))
    return Budget(high, low, second.currency or first.currency)


def _single(amount: _Amount, before: str, after: str) -> Budget:
    if _CLASS_AFTER.match(after):
        return Budget(_end_of_class(amount.value), amount.value, amount.currency)
    if _LOW_BEFORE.search(before) or _LOW_AFTER.match(after):
        return Budget(None, amount.value, amount.currency)
    if _ABOUT_BEFORE.search(before) or _ABOUT_AFTER.match(after):
        return Budget(amount.value * _ABOUT_SHARE, None, amount.currency)
    return Budget(amount.value, None, amount.currency)


def _end_of_class(value: Decimal) -> Decimal:
    """
    Return the highest price of *value*대: 100만원대 ends below two million.

    The last digit that is said decides: 150만원대 ends below 1.6 million.
    """
    digits = value.normalize()
    return value + Decimal(10) ** max(int(digits.as_tuple().exponent), 0) - 1


def _amounts(text: str) -> list[_Amount]:
    found = [_korean(m) for m in _KOREAN.finditer(text)]
    taken = [(a.start, a.end) for a in found if a is not None]
    for pattern in (_ENGLISH, _BARE):
        for match in pattern.finditer(text):
            if all(match.end() <= s or match.start() >= e for s, e in taken):
                amount = _english(match) if pattern is _ENGLISH else _bare(match)
                found.append(amount)
                taken.append((match.start(), match.end()))
    return sorted(
        (a for a in found if a is not None and 0 < a.value < LARGEST), key=lambda a: a.start
    )


def _korean(match: re.Match[str]) -> _Amount | None:
    before = match.string[match.start() - 1 : match.start()]
    if match["man"] == "" and "가" <= before <= "힣":
        return None  # a particle: `소파만` is only a sofa
    if match["eok"]:
        over = _korean_number(match["over"] or "") * 10_000
        value = _korean_number(match["eok"]) * 100_000_000 + over
    elif match["small"]:
        value = _korean_number(match["small"])
    else:
        value = _korean_number(match["man"] or "1") * 10_000 + _korean_number(
            match["rest"] or ""
        )
    return _Amount(match.start(), match.end(), value, "KRW") if value else None


def _korean_number(text: str) -> Decimal:
    """Return what digits and numerals say together: 삼백오십, 1천 2백, 150."""
    total, current = Decimal(0), Decimal(0)
    for part in re.findall(rf"{_DIGITS_SAID}|[가-힣]", text):
        if part in _PLACES:
            total += (current or 1) * _PLACES[part]
            current = Decimal(0)
        else:
            current = Decimal(_DIGITS[part]) if part in _DIGITS else _decimal(part)
    return total + current


def _english(match: re.Match[str]) -> _Amount:
    number = match["a"] or match["b"] or match["c"] or match["d"]
    scales = (match[f"{each}scale"] for each in "abcd")
    scale = next((each for each in scales if each), "").lower()
    symbol = match["symbol"] or match["after"]
    word = (match["word"] or match.group()[:3]).lower()
    currency = _SYMBOLS[symbol] if symbol else _WORDS[word]
    return _Amount(match.start(), match.end(), _decimal(number) * _SCALES[scale], currency)


def _bare(match: re.Match[str]) -> _Amount:
    if match["t"]:
        return _Amount(match.start(), match.end(), _decimal(match["t"]) * _TEN_THOUSANDS, "KRW")
    if match["g"]:
        return _Amount(
            match.start(),
            match.end(),
            _decimal(match["g"]) * _SCALES[match["gscale"].lower()],
            "",
        )
    name = next(each for each in ("n", "l", "f") if match[each])
    scale = match["scale"] or match["lscale"] or match["fscale"] or ""
    value = _decimal(match[name]) * _SCALES[scale.strip().lower()]
    if name == "l" and not scale and value < _TEN_THOUSANDS and "<" not in match.group():
        return _Amount(match.start(name), match.end(), value * _TEN_THOUSANDS, "KRW")
    return _Amount(match.start(name), match.end(), value, "")


def _decimal(number: str) -> Decimal:
    word = number.lower()
    if word in _COUNTS:
        return Decimal(_COUNTS[word])
    if word in _PARTS:
        return _PARTS[word]
    digits = word.replace(",", "").rstrip(".")
    return Decimal(digits) if re.fullmatch(r"\d{1,15}(\.\d+)?", digits) else Decimal(0)
