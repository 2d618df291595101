"""
What a visitor wants, read from a sentence by rules: no key, no network, no model.

Words are the lexicon's, amounts are `rag.budget`'s; here are numbers of people and
things, references to what was shown before, and the wish to see it or to meet a partner.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from rag.analysis import read_request
from rag.budget import Budget, read_budget
from rag.lexicon import THINGS, Concept, Kind, Lexicon
from rag.text import clean, has_hangul

LONGEST: Final = 2_000
"""Characters of a sentence that are looked at."""


class Step(StrEnum):
    """How a follow-up differs from what was shown before."""

    CHEAPER = "cheaper"
    DEARER = "dearer"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Wish:
    """What one sentence says; what it does not say is empty."""

    text: str
    language: str
    """`ko` or `en`: the language to answer in."""
    budget: Budget | None = None
    category: str = ""
    """The thing asked for, by its canonical English name."""
    styles: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    people: int | None = None
    quantity: int | None = None
    step: Step | None = None
    ordinal: int | None = None
    """Which of the things shown before, from 1; -1 is the last."""
    refers: bool = False
    """Whether it points at something shown before: `it`, `그거`."""
    wants_to_see: bool = False
    wants_partner: bool = False
    wants_style: bool = False
    """Whether the room's style is to change, not a product's."""
    regions: tuple[str, ...] = ()

    @property
    def follows_up(self) -> bool:
        """Whether it makes sense only with what was said before."""
        if self.wants_partner or self.wants_style:
            return False
        points = self.step is not None or self.ordinal is not None
        return points or not self.category or (self.refers and self.wants_to_see)


_COUNTED: Final = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "twelve": 12, "a couple of": 2, "a pair of": 2, "couple": 2,
    "한": 1, "두": 2, "세": 3, "네": 4, "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9,
    "열": 10, "둘이": 2, "둘이서": 2, "셋이": 3, "셋이서": 3, "넷이": 4, "넷이서": 4, "혼자": 1,
}  # fmt: skip
_N: Final = r"(?P<n>\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|twelve)"
_KO_N: Final = r"(?P<n>\d{1,3}|한|두|세|네|다섯|여섯|일곱|여덟|아홉|열)"
_NO_PEOPLE: Final = (
    r"(?!\s*(?:hundred|thousand|million|dollars|bucks|euros|pounds|won|usd|[,.\d]|k\b|"
    r"months|years|days))"
)
_NO_THINGS: Final = r"(?!people|person|dollar|hundred|thousand)"
_PEOPLE: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_N}[\s-]*(?:people|persons?|adults|guests|seat(?:er|s)?|of us)\b",
        rf"\b(?:seats?|for|family of)\s+{_N}\b{_NO_PEOPLE}",
        rf"{_KO_N}\s?(?:인용|명|사람|식구|인 가족|인가족|인 가구|인이|인(?=\s|$))",
        r"(?P<n>둘이서?|셋이서?|넷이서?|혼자)(?:서)?(?=\s)",
    )
)
_QUANTITY: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_KO_N}\s?(?:개|점|세트|대(?=\s|$|가|를|요)|조|쌍)(?!월)",
        r"\b(?P<n>a pair of|a couple of)\b",
        rf"\b(?:buy|need|want|get|like|find|set of)\s+(?:me\s+)?{_N}\s+{_NO_THINGS}[a-z]",
        rf"^{_N}\s+{_NO_THINGS}(?:[a-z]+\s+){{0,2}}[a-z]+s\b(?!\s+sofa)",
    )
)
_ORDINALS: Final = {
    1: r"first|1st|첫\s?번째|첫째|처음|1번(?!\s?째?\s?만)|1번째|일번|"
    r"number one|number 1|no\.? ?1|맨 위",
    2: r"second|2nd|두\s?번째|둘째|2번|2번째|이번\s?번|number two|number 2|no\.? ?2",
    3: r"third|3rd|세\s?번째|셋째|3번|3번째|number three|number 3|no\.? ?3",
    4: r"fourth|4th|네\s?번째|넷째|4번|4번째|number four|number 4",
    5: r"fifth|5th|다섯\s?번째|5번|5번째|number five|number 5",
    -1: r"last one|the last|마지막|맨 아래|맨 끝",
}
_ORDINAL: Final = {
    number: re.compile(rf"(?<![\w가-힣])(?:{words})", re.IGNORECASE)
    for number, words in _ORDINALS.items()
}
_STEPS: Final = {
    Step.CHEAPER: re.compile(
        r"\bcheaper\b|less expensive|more affordable|lower price|too (?:expensive|pricey|much)|"
        r"less pricey|costs? less|cheapest|"
        r"더\s?(?:저렴|싼|싸|낮은 가격|착한|알뜰)|저렴한\s?(?:걸|거|것|쪽)|"
        r"(?<!비)싼\s?(?:걸|거|것|쪽)|"
        r"(?:너무|좀|조금)\s?비싸|비싸(?:요|네|다|서)|"
        r"가격(?:을|을 좀|이)?\s?(?:낮|더 낮|내려)|"
        r"덜\s?비싼|제일\s?(?:싼|저렴)|"
        r"가장\s?(?:싼|저렴)",
        re.IGNORECASE,
    ),
    Step.DEARER: re.compile(
        r"more expensive|higher[- ]end|more luxurious|more premium|"
        r"fancier|pricier|better quality|"
        r"더\s?(?:비싼|고급|좋은|럭셔리)|고급스러운\s?(?:걸|거|것)|좀\s?더\s?고급",
        re.IGNORECASE,
    ),
    Step.OTHERS: re.compile(
        r"\b(?:something else|another(?: one| option)?|other (?:ones|options|products)|"
        r"anything else|different ones?|more options|show (?:me )?more|what else|others)\b|"
        r"다른\s?(?:거|것|걸|제품|상품|소파|옵션|건|디자인)|또\s?(?:없|다른)|더\s?(?:보여|없|추천)|그\s?외|말고",
        re.IGNORECASE,
    ),
}
_REFERS: Final = re.compile(
    r"\b(?:it|that one|this one|those|them|"
    r"the same|same one)\b(?!\s+(?:is|are)\b.*\?)|"
    r"그거|그것|그걸|이거|이것|이걸|저거|그\s?제품|그\s?소파|같은\s?(?:거|것|걸|제품)|방금",
    re.IGNORECASE,
)
_SEE: Final = re.compile(
    r"\b(?:show (?:me )?(?:it|that|this|the (?:first|second|third|last|one))|"
    r"place (?:it|that|the)|"
    r"put (?:it|that|the (?:first|second|third))|"
    r"in the (?:scene|room view|showroom)|"
    r"let me see (?:it|that|the)|try (?:it|that) (?:out )?in)\b|"
    r"배치|놓아\s?(?:줘|봐|보)|놔\s?(?:줘|봐)|"
    r"(?:그\s[가-힣]+\s?|그거|그것|이거|그걸|이걸|번째|째|번|걸로|것)\S*\s?(?:좀\s?)?(?:보여|띄워)|"
    r"공간에\s?(?:보여|띄워)|화면에\s?(?:보여|띄워)",
    re.IGNORECASE,
)
_STYLE: Final = re.compile(
    r"(?:스타일|풍|느낌)(?:으로|로)?\s?(?:바꿔|변경|전환|꾸며)|"
    r"\b(?:change|switch|set|turn|make)\b.*\b(?:style|look|scene|room|showroom)\b",
    re.IGNORECASE,
)
_PARTNER: Final = re.compile(
    r"\b(?:designers?|installers?|decorators?|interior (?:designer|firm|company|studio)|"
    r"contractors?|architects?|consultants?|someone to (?:install|design))\b|"
    r"디자이너|인테리어\s?(?:업체|회사|전문가|디자인|시공)|시공\s?(?:업체|기사|팀|해)|설치\s?(?:기사|업체|팀)|전문가|파트너|건축가|"
    r"상담사",
    re.IGNORECASE,
)
_NOT_STYLE: Final = re.compile(
    r"french (?:door|press)|country of|loft bed|beach towel", re.IGNORECASE
)


def understand(text: str, lexicon: Lexicon, *, places: frozenset[str] = frozenset()) -> Wish:
    """Read a sentence; *places* are the names of the regions that partners work in."""
    cleaned = clean(text)[:LONGEST]
    reading = read_request(cleaned, lexicon)
    concepts = [m.concept for m in reading.mentions if m.concept is not None]
    if _NOT_STYLE.search(cleaned):
        concepts = [c for c in concepts if c.kind is not Kind.STYLE]
    head = reading.head or next((c for c in concepts[::-1] if c.kind in THINGS), None)
    return Wish(
        text=cleaned,
        language="ko" if has_hangul(cleaned) else "en",
        budget=read_budget(cleaned),
        category="" if head is None else head.name,
        styles=_named(concepts, Kind.STYLE),
        rooms=_named(concepts, Kind.ROOM),
        colours=_named(concepts, Kind.COLOUR),
        materials=_named(concepts, Kind.MATERIAL),
        people=_number(_PEOPLE, cleaned),
        quantity=_number(_QUANTITY, cleaned),
        step=next((s for s, pattern in _STEPS.items() if pattern.search(cleaned)), None),
        ordinal=next((n for n, pattern in _ORDINAL.items() if pattern.search(cleaned)), None),
        refers=_REFERS.search(cleaned) is not None,
        wants_to_see=_SEE.search(cleaned) is not None,
        wants_partner=_PARTNER.search(cleaned) is not None,
        wants_style=_STYLE.search(cleaned) is not None,
        regions=tuple(p for p in sorted(places) if _names(cleaned, p)),
    )


def _named(concepts: list[Concept], kind: Kind) -> tuple[str, ...]:
    return tuple(dict.fromkeys(c.name for c in concepts if c.kind is kind))


def _number(patterns: tuple[re.Pattern[str], ...], text: str) -> int | None:
    for pattern in patterns:
        match = pattern.search(text)
        if match is not None:
            word = match["n"].lower()
            return int(word) if word.isdecimal() else _COUNTED[word]
    return None


def _names(text: str, place: str) -> bool:
    if has_hangul(place):
        return place in text
    return re.search(rf"\b{re.escape(place)}\b", text, re.IGNORECASE) is not None
