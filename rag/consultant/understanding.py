"""
What a visitor wants, read from a sentence by rules: no key, no network, no model.

Words are the lexicon's, amounts are `rag.consultant.budget`'s; here are numbers of people and
things, references to what was shown before, and the wish to see it or to meet a partner.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import Final, TypeVar

from rag.consultant.budget import Budget, bounded, read_budget, without_amounts
from rag.consultant.refusals import apart, without_refused
from rag.consultant.spelling import corrected
from rag.consultant.talk import Talk, talk_of, topic_of
from rag.index.analysis import read_request
from rag.lexicon import THINGS, Concept, Kind, Lexicon
from rag.text import clean, has_hangul

Key = TypeVar("Key")

ANY_THING: Final = frozenset({"furniture"})
"""Words that name no kind of thing."""

LONGEST: Final = 2_000
"""Characters of a sentence that are looked at."""


class Step(StrEnum):
    """How a follow-up differs from what was shown before."""

    CHEAPER = "cheaper"
    CHEAPEST = "cheapest"
    DEARER = "dearer"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Wish:
    """What one sentence says; what it does not say is empty."""

    text: str
    """What is searched for: without the words for what is not wanted."""
    language: str
    """`ko` or `en`: the language to answer in."""
    budget: Budget | None = None
    category: str = ""
    """The thing asked for, by its canonical English name."""
    styles: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    materials: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    """Materials, colours, styles or things that it must not be."""
    people: int | None = None
    quantity: int | None = None
    in_total: bool = False
    """Whether the budget is for all the things together."""
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
    partner_kind: str = ""
    """`designer` or `installer`, where it says which."""
    compares: tuple[int, ...] = ()
    """Two of the things shown before that it asks to compare."""
    first: str = ""
    """The words for the first of several things."""
    also: tuple[str, ...] = ()
    """Further sentences, for each thing that was asked for besides the first."""
    inexpensive: bool = False
    """Whether it asks for something cheap, with no amount."""
    drops: tuple[str, ...] = ()
    """What was asked for before and does not matter any more: names of fields."""
    talk: Talk | None = None
    """What it says instead of asking for something."""
    anew: bool = False
    """Whether it asks what there is: then nothing of before is meant."""
    known: bool = False
    """Whether any of its words is one of the lexicon's that says something."""

    @property
    def follows_up(self) -> bool:
        """Whether it makes sense only with what was said before."""
        if self.wants_partner or self.wants_style:
            return False
        points = self.step is not None or self.ordinal is not None or self.talk is not None
        if points or (self.refers and self.wants_to_see):
            return True
        return not self.category and (self.says_more or self.refers or self.wants_to_see)

    @property
    def says_more(self) -> bool:
        """Whether it says anything that could be looked for."""
        said = (self.budget, self.people, self.quantity)
        named = self.known or self.inexpensive or bool(self.unwanted or self.drops)
        return named or any(each is not None for each in said)

    @property
    def only_points(self) -> bool:
        """Whether it says nothing but what an earlier answer must explain."""
        says = (self.category, self.styles, self.rooms, self.colours, self.materials)
        says_more = any(says) or self.budget is not None or self.people is not None
        points = self.ordinal is not None or self.step in _RELATIVE
        return not says_more and (points or self.refers or self.wants_to_see)


_RELATIVE: Final = frozenset({Step.CHEAPER, Step.DEARER, Step.OTHERS})

_COUNTED: Final = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "twelve": 12, "a couple of": 2, "a pair of": 2, "couple": 2,
    "한": 1, "두": 2, "세": 3, "네": 4, "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9,
    "열": 10, "둘이": 2, "둘이서": 2, "셋이": 3, "셋이서": 3, "넷이": 4, "넷이서": 4, "혼자": 1,
}  # fmt: skip
_N: Final = r"(?P<n>\d{1,3}|one|two|three|four|five|six|seven|eight|nine|ten|twelve)"
_KO_N: Final = r"(?P<n>\d{1,3}|한|두|세|네|다섯|여섯|일곱|여덟|아홉|열)"
_NO_PEOPLE: Final = (
    r"(?!\s*(?:hundred|thousand|million|dollars|bucks|euros|pounds|won|usd|[,.]?\d|k\b|"
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
    Step.CHEAPEST: re.compile(
        r"\bcheapest\b|\bleast expensive\b|\blowest price|"
        r"(?:제일|가장)\s?(?:싼|저렴|싸)|최저가",
        re.IGNORECASE,
    ),
    Step.CHEAPER: re.compile(
        r"\bcheaper\b|less expensive|more affordable|lower price|"
        r"(?<!not )too (?:expensive|pricey|much)|"
        r"less pricey|costs? less|"
        r"더\s?(?:저렴|싼|싸|낮은 가격|착한|알뜰)|저렴한\s?(?:걸|거|것|쪽)|"
        r"(?<!비)싼\s?(?:걸|거|것|쪽)|"
        r"(?:너무|좀|조금)\s?비싸(?!지\s?않)|비싸(?:요|네|다|서)|"
        r"가격(?:을|을 좀|이)?\s?(?:낮|더 낮|내려)|"
        r"덜\s?비싼",
        re.IGNORECASE,
    ),
    Step.DEARER: re.compile(
        r"more expensive|higher[- ]end|more luxurious|more premium|"
        r"fancier|pricier|better quality|"
        r"더\s?(?:비싼|고급|좋은|럭셔리)|고급스러운\s?(?:걸|거|것)|좀\s?더\s?고급",
        re.IGNORECASE,
    ),
    Step.OTHERS: re.compile(
        r"\bnot (?:that|this|these|those)(?: ones?)?\b|"
        r"\b(?:something else|another(?: one| option)?|other (?:ones|options|products)|"
        r"anything else|different ones?|more options|show (?:me )?more|what else|others)\b|"
        r"\b(?:i (?:hate|don'?t like) (?:it|this|that|them|these|those)|it'?s ugly|ugly)\b|"
        r"마음에\s?안|안\s?예[쁘뻐]|못생|별로(?=[예네야이]|\s*[.!]?$)|"
        r"다른\s?(?:거|것|걸|제품|상품|소파|옵션|건|디자인|스타일|느낌|종류)|또\s?(?:없|다른)|더\s?(?:보여|없|추천)|그\s?외|말고",
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
    r"[가-힣](?:하게|으로)\s(?:바꿔|변경해|꾸며)|"
    r"\b(?:change|switch|turn)\b.*\b(?:style|look|scene|room|showroom)\b|"
    r"\b(?:set|make|give)\s+(?:the|this|my|our|it)\b.*\b(?:style|look|scene|room|showroom)\b|"
    r"\bmake (?:it|everything) (?:more |look |all )?(?!in\b)[a-z-]+\s*[.!]?$",
    re.IGNORECASE,
)
_PARTNER: Final = re.compile(
    r"\b(?:designers?|installers?|decorators?|interior (?:designer|firm|company|studio)|"
    r"contractors?|architects?|consultants?|someone to (?:install|design))\b|"
    r"디자이너|인테리어\s?(?:업체|회사|전문가|디자인|시공)|시공\s?(?:업체|기사|팀|해)|설치\s?(?:기사|업체|팀)|전문가|파트너|건축가|"
    r"상담사|상담원|사람(?:이랑|하고|과)?\s?(?:연결|상담|통화|얘기)|"
    r"\b(?:talk|speak) (?:to|with) (?:a |an |some)?(?:human|person|one|expert|agent|somebody)|"
    r"\breal (?:person|human)\b|기사님|기사(?=를|가|\s|$)|(?:설치|조립|시공|"
    r"꾸며)\s?(?:해\s?)?(?:줄|주실|주는)|"
    r"\bsome(?:one|body) (?:to|who can) (?:install|design|assemble|furnish|decorate)",
    re.IGNORECASE,
)
_PARTNER_KINDS: Final = {
    "installer": re.compile(
        r"\binstall|\bcontractors?\b|\bassemble|설치|시공|조립|기사", re.IGNORECASE
    ),
    "designer": re.compile(r"\bdesigners?\b|\bdecorators?\b|디자이너", re.IGNORECASE),
}
_PLACE: Final = re.compile(
    r"\b(?:in|near|around)\s+(?P<en>[A-Z][a-z]+(?:\s[A-Z][a-z]+)?)|"
    r"(?P<known>제주|서울|부산|인천|대구|대전|광주|울산|세종|경기|강원|수원|성남|전주|청주|창원|"
    r"\b(?:[Jj]eju|[Ss]eoul|[Bb]usan|[Ii]ncheon|[Dd]aegu|[Dd]aejeon|[Gg]wangju|[Uu]lsan|[Ss]uwon)\b)|"
    r"(?P<ko>[가-힣]{2,6})(?:에서|에\s?(?:있는|사는)|\s?지역)"
)
_NO_PLACE: Final = frozenset({Kind.STYLE, Kind.ROOM, Kind.COLOUR, Kind.MATERIAL, *THINGS})
_IN_TOTAL: Final = re.compile(
    r"합쳐서|합해서|합쳐|총\s?(?=\d|예산)|전부\s?(?:해서|합)|다\s?(?:해서|합)|모두\s?(?:해서|합)|"
    r"\bin total\b|\baltogether\b|\bfor (?:all|both)\b|\btotal\b|\bcombined\b",
    re.IGNORECASE,
)
_INEXPENSIVE: Final = re.compile(
    r"\b(?:cheap|inexpensive|affordable|low[- ]cost|budget[- ]friendly|good value|"
    r"(?:not|isn'?t) (?:too|so|very|that) (?:expensive|pricey)|reasonabl[ey])|"
    r"저렴|(?<![가-힣])싼|가성비|저가|값싼|비싸지\s?않|안\s?비싼|부담\s?없",
    re.IGNORECASE,
)
_NO_MATTER: Final = (
    r"(?:은|는|이|가|도)?\s?(?:전혀\s?)?(?:상관\s?없|무관|중요하지\s?않|신경\s?안|제한\s?없)"
)
_MATTERS_NOT: Final = (
    r"s?\s(?:(?:does|do)(?:n'?t| not) matter|is(?:n'?t| not) (?:important|an issue|a problem)|"
    r"is no (?:object|problem|issue))"
)
_DROPS: Final = {
    "budget": re.compile(
        rf"(?:가격|예산|돈|금액){_NO_MATTER}|얼마(?:든|라도)|"
        rf"\b(?:price|budget|money|cost){_MATTERS_NOT}|\b(?:any (?:price|budget)|"
        rf"no (?:budget|price) limit)\b",
        re.IGNORECASE,
    ),
    "colours": re.compile(
        rf"아무\s?(?:색|컬러)|(?:색깔|색상|색|컬러){_NO_MATTER}|\bany colou?r\b|"
        rf"\bcolou?r{_MATTERS_NOT}",
        re.IGNORECASE,
    ),
    "styles": re.compile(
        rf"아무\s?스타일|스타일{_NO_MATTER}|\bany style\b|\bstyle{_MATTERS_NOT}", re.IGNORECASE
    ),
    "materials": re.compile(
        rf"아무\s?(?:소재|재질)|(?:소재|재질){_NO_MATTER}|\bany material\b|"
        rf"\bmaterial{_MATTERS_NOT}",
        re.IGNORECASE,
    ),
}
_SAYS_LITTLE: Final = frozenset(
    "one max plus pro air car set new home screen fast sound video audio color".split()  # noqa: SIM905
)
"""Names of qualities that are parts of other words more often than not."""
_JOINT: Final = re.compile(
    r"(?:^|\s)(?:and|plus|그리고|및|또|하나(?:랑|하고)?)(?:\s|$)|[,&+/]", re.IGNORECASE
)
_JOINT_PARTICLE: Final = re.compile(r"(?:이?랑|하고|와|과)$")
_GOES_WITH: Final = re.compile(
    r"어울|맞는|같은|같이\s?쓸|옆|세트|아니|\bno\b|\bnot\b|instead|rather|match|goes?\b|set\b",
    re.IGNORECASE,
)
_ANEW: Final = re.compile(
    r"뭐[가를]?\s?(?:있|놓|두면|사|필요)|꾸미|추천|"
    r"\b(?:what (?:do you have|should|could|can)|(?:some|any)thing for|furnish)\b",
    re.IGNORECASE,
)
_WITH: Final = re.compile(r"^\s*(?:with|without)\s", re.IGNORECASE)
_ASKS_FOR: Final = re.compile(
    r"\b(?:want|need|looking for|find|show me|recommend|get me)\b|추천|찾[아고는]|보여|필요",
    re.IGNORECASE,
)
"""Then what it says of `it` is said of what is asked for."""
_ABOUT_THE: Final = re.compile(
    r"^\s*(?:is|are|does|do|can|could|how|what)\b[^?]*\b(?:the|its|this|that)\s", re.IGNORECASE
)
"""A question about a thing that was shown: `is the cover washable?`"""
THINGS_AT_ONCE: Final = 3
"""Things that one request may ask for."""
_NOT_STYLE: Final = re.compile(
    r"french (?:door|press)|country of|loft bed|beach towel", re.IGNORECASE
)


def understand(text: str, lexicon: Lexicon, *, places: frozenset[str] = frozenset()) -> Wish:
    """Read a sentence; *places* are the names of the regions that partners work in."""
    spelt = corrected(apart(bounded(clean(text)[:LONGEST])), lexicon)
    cleaned, unwanted = without_refused(spelt, lexicon)
    words = without_amounts(cleaned)
    parts = _parts(cleaned, words, lexicon)
    concepts, category = _things(without_amounts(parts[0]), lexicon)
    if len(parts) > 1:  # the room is that of all the things
        rooms = [c for c in lexicon.known(words) if c.kind is Kind.ROOM]
        concepts = [*rooms, *(c for c in concepts if c.kind is not Kind.ROOM)]
    wants_partner = _PARTNER.search(cleaned) is not None
    wish = Wish(
        text=cleaned,
        language="ko" if has_hangul(text) else "en",
        budget=read_budget(cleaned),
        category=category,
        styles=_named(concepts, Kind.STYLE),
        rooms=_named(concepts, Kind.ROOM),
        colours=_named(concepts, Kind.COLOUR),
        materials=_named(concepts, Kind.MATERIAL),
        unwanted=unwanted,
        people=_number(_PEOPLE, cleaned),
        quantity=_number(_QUANTITY, cleaned),
        in_total=_IN_TOTAL.search(cleaned) is not None,
        step=_first(_STEPS, cleaned),
        ordinal=_first(_ORDINAL, cleaned),
        compares=_compares(cleaned),
        refers=_REFERS.search(cleaned) is not None,
        wants_to_see=_SEE.search(cleaned) is not None,
        wants_partner=wants_partner,
        wants_style=_STYLE.search(cleaned) is not None,
        regions=_regions(cleaned, places, lexicon, wants_partner=wants_partner),
        partner_kind=(_first(_PARTNER_KINDS, cleaned) or "") if wants_partner else "",
        first=parts[0] if len(parts) > 1 else "",
        also=() if wants_partner else tuple(parts[1:]),
        inexpensive=_INEXPENSIVE.search(spelt) is not None,
        drops=tuple(name for name, found in _DROPS.items() if found.search(spelt)),
        anew=_ANEW.search(cleaned) is not None,
        known=any(_says_something(concept) for concept in concepts),
    )
    relative = wish.step is not None
    return replace(wish, talk=_talk(wish, spelt), inexpensive=wish.inexpensive and not relative)


def _talk(wish: Wish, text: str) -> Talk | None:
    """Return what is said instead of a request, where nothing is named to look for."""
    whole = talk_of(text)
    looks = (wish.styles, wish.colours, wish.materials, wish.unwanted, wish.drops)
    asks = any(looks) or wish.budget is not None or wish.step is not None
    if whole is not None or asks or wish.wants_partner or wish.wants_to_see or wish.wants_style:
        return whole
    points = wish.refers or wish.ordinal is not None or _ABOUT_THE.search(text) is not None
    points = points and not (wish.category and _ASKS_FOR.search(text))
    names = wish.category or wish.rooms or wish.people is not None
    topic = topic_of(text) if points or not names else None
    return None if topic is Talk.GREETING and (points or wish.known) else topic


def _compares(text: str) -> tuple[int, ...]:
    """Return the two that are compared; the first two where it does not say which."""
    if topic_of(text) is not Talk.COMPARE:
        return ()
    numbers = [number for number, found in _ORDINAL.items() if found.search(text)]
    return (1, 2) if len(numbers) < 2 else tuple(numbers[:2])  # noqa: PLR2004 - it takes two


def _says_something(concept: Concept) -> bool:
    return concept.kind is not Kind.BRAND and concept.name not in _SAYS_LITTLE


def _parts(text: str, words: str, lexicon: Lexicon) -> list[str]:
    """
    Return a text in parts that each ask for one thing: `a sofa and a lamp`.

    Only things that are listed side by side are taken apart; `a lamp for the dining
    table` is one, and so is `소파와 어울리는 테이블`. *words* is the text without amounts.
    """
    found, begin = list[str](), 0
    things = [m for m in lexicon.read(words) if m.concept and m.concept.kind in THINGS]
    for one, other in pairwise(things):
        if one.concept is other.concept or one.end > other.start:
            continue
        between = text[one.end : other.start]
        joint = _JOINT.search(between)
        if joint is None and _JOINT_PARTICLE.search(text[one.start : one.end]) is None:
            continue
        if _GOES_WITH.search(between):
            continue
        at = one.end + (joint.start() if joint else 0)
        found.append(text[begin:at])
        begin = one.end + (joint.end() if joint else 0)
    parts = [part.strip() for part in (*found, text[begin:])]
    return parts if len(parts) <= THINGS_AT_ONCE else [text]


def _things(text: str, lexicon: Lexicon) -> tuple[list[Concept], str]:
    """Return the concepts of a text, and the name of the thing asked for."""
    reading = read_request(text, lexicon)
    concepts = [m.concept for m in reading.mentions if m.concept is not None]
    if _NOT_STYLE.search(text):
        concepts = [c for c in concepts if c.kind is not Kind.STYLE]
    head = reading.head or next((c for c in concepts[::-1] if c.kind in THINGS), None)
    if head is None or head.name in ANY_THING or _WITH.match(text):
        return concepts, ""
    return concepts, head.name


def _regions(
    text: str, places: frozenset[str], lexicon: Lexicon, *, wants_partner: bool
) -> tuple[str, ...]:
    """Return the known places that are named, else one that no partner works in."""
    known = tuple(p for p in sorted(places) if _names(text, p))
    if known or not wants_partner:
        return known
    for match in _PLACE.finditer(text):
        name = match["known"] or match["en"] or match["ko"]
        kinds = {m.concept.kind for m in lexicon.read(name) if m.concept is not None}
        if match["known"] or (not kinds & _NO_PLACE and not name.endswith("집")):
            return (name,)
    return ()


def _first(patterns: Mapping[Key, re.Pattern[str]], text: str) -> Key | None:
    return next((key for key, pattern in patterns.items() if pattern.search(text)), None)


def _named(concepts: Iterable[Concept], kind: Kind) -> tuple[str, ...]:
    """Return the names of the concepts of one kind."""
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
