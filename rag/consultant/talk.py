"""
What visitors say that asks for no product: greetings, abuse, the weather, an order.

By rules, like `rag.consultant.understanding`, and only where a sentence names nothing that
could be looked for. A topic is a question about a product or the shop; its answer is what
the catalogue says, or that it says nothing.
"""

import re
from enum import StrEnum
from typing import Final

from rag.catalogue.items import Product


class Talk(StrEnum):
    """What is said instead of a request."""

    GREETING = "greeting"
    THANKS = "thanks"
    BYE = "bye"
    WHO = "who"
    YES = "yes"
    NO = "no"
    RESTART = "restart"
    RUDE = "rude"
    OTHER = "other"
    """Something that no showroom can help with."""

    SIZE = "size"
    STOCK = "stock"
    DELIVERY = "delivery"
    ORDER = "order"
    DISCOUNT = "discount"
    RETURNS = "returns"
    CARE = "care"
    COMPARE = "compare"
    ABOUT = "about"
    """Anything else about a product: why it, what of, how much."""


TOPICS: Final = frozenset(
    {
        Talk.SIZE, Talk.STOCK, Talk.DELIVERY, Talk.ORDER, Talk.DISCOUNT, Talk.RETURNS,
        Talk.CARE, Talk.COMPARE, Talk.ABOUT,
    }
)  # fmt: skip
"""Questions about a product, where one was shown."""

_WHOLE: Final = {
    Talk.GREETING: (
        r"안녕(?:하세요|하십니까|하신가요|히\s?계세요)?|반갑습니다|반가워요?|하이|헬로우?|여보세요|"
        r"도와\s?(?:줘|주세요)|도움말|"
        r"(?:뭐|뭘|무엇을|어떤 (?:걸|것을|제품을))\s?"
        r"(?:파(?:나요|세요|니|는데)?|팔(?:아요|아|고 있나요)?|판매하(?:나요|세요)|"
        r"할 수 있(?:나요|어요?|니))|"
        r"\b(?:hi|hello|hey|howdy|good (?:morning|afternoon|evening)|how are you(?: today)?|"
        r"what'?s up|what (?:do you (?:sell|have)|can you do)|can you help me|help(?: me)?|"
        r"there|please|everyone)\b"
    ),
    Talk.THANKS: (
        r"(?:정말\s?)?(?:고마워요?|고맙습니다|감사(?:합니다|해요|드려요)?)|땡큐|"
        r"\b(?:thanks?(?: you)?(?: very| so)?(?: much)?|thx|ty|cheers|a lot|that'?s all)\b"
    ),
    Talk.BYE: (
        r"잘\s?가요?|안녕히\s?(?:가세요|계세요)|다음에\s?(?:봐요?|올게요)|"
        r"\b(?:bye(?:[\s-]?bye)?|good ?bye|see you(?: later)?|good ?night|cya)\b"
    ),
    Talk.YES: (
        r"네+|예|응+|그래요?|좋아요?|좋습니다|좋네요?|맞아요?|알겠(?:어요?|습니다)|오케이|ㅇㅇ|ㅇㅋ|"
        r"\b(?:yes|yeah|yep|yup|sure|ok|okay|alright|great|perfect|nice|cool|good|got it|"
        r"i see|fine|sounds good|i (?:like|love) (?:it|that|this)(?: one)?)\b|"
        r"(?:그게|이게|그거|이거)\s?(?:마음에\s?들어요?|좋아요?|좋네요?)"
    ),
    Talk.NO: (
        r"아니+(?:요|오|야)?|아뇨|싫어요?|됐어요?|괜찮아요?|별로(?:예요|네요|야)?|ㄴㄴ|"
        r"\b(?:no|nope|nah|not really|never ?mind|no thanks?(?: you)?)\b"
    ),
    Talk.RESTART: (
        r"처음부터(?:\s?다시)?(?:\s?(?:할게요?|해줘|시작))?|처음으로|다시\s?시작|취소(?:해\s?줘|할게요?)?|초기화|리셋|"
        r"\b(?:start (?:over|again)|restart|reset|cancel|go back|back|forget (?:it|that|"
        r"everything)|"
        r"new search|clear)\b"
    ),
}  # fmt: skip
"""What a sentence consists of as a whole."""

_PARTS: Final = {
    Talk.RUDE: (
        r"씨발|시발|ㅅㅂ|병신|ㅂㅅ|개새끼|좆|꺼져|닥쳐|멍청|바보|쓰레기\s?같|또라이|미친\s?(?:놈|년|새끼)|"
        r"\b(?:fuck\w*|shit\w*|bitch\w*|asshole|idiot|stupid|dumb|moron|useless|"
        r"shut up|sucks?|hate you|screw you)\b"
    ),
    Talk.WHO: (
        r"(?:너|넌|당신)(?:는|은|의)?\s?(?:누구|이름|뭐|정체|사람|로봇|기계|인공지능)|누구(?:세요|야|니|냐)|"
        r"(?:사람|로봇|ai|챗봇)\s?(?:이에요|이야|인가요|입니까|이니|맞아)|"
        r"\b(?:who|what) are you\b|\bare you (?:a |an )?(?:\w+ )?(?:robot|bot|human|person|"
        r"ai|real|machine)\b|"
        r"\byour name\b"
    ),
    Talk.OTHER: (
        r"날씨|주가|주식|비트코인|환율|뉴스|점심|저녁\s?뭐|맛집|농담|심심|번역|영화\s?추천|노래|축구|야구|"
        r"대통령|정치|ㅋㅋ|ㅎㅎ|"
        r"\b(?:weather|stocks? (?:price|market)|bitcoin|news|joke|poem|translate|president|"
        r"football|soccer|recipe|song|python|javascript|write (?:me )?(?:some )?code|"
        r"capital of|meaning of life|homework|system prompt|(?:previous|your|"
        r"all) instructions)\b"
    ),
    Talk.STOCK: (
        r"재고|품절|매진|"
        r"\b(?:in stock|out of stock|sold out|availab(?:le|ility)|how many (?:are )?left)\b"
    ),
    Talk.DELIVERY: (
        r"배송|배달|택배|언제\s?(?:와|도착|받)|며칠\s?(?:걸|이나)|"
        r"\b(?:deliver(?:y|ed|s)?|shipp?(?:ing|ed)?|arrive|lead time)\b"
    ),
    Talk.ORDER: (
        r"주문|구매|구입|결제|장바구니|할부|살게요?|사고\s?싶|어디서\s?(?:사|살)|"
        r"(?:그걸|이걸|그거|이거)(?:로|으로)?\s?(?:할게|하겠|주세요)|\bi(?: wi|')ll take\b|"
        r"\b(?:order|buy|purchase|check ?out|pay(?:ment)?|instal+ments|(?:shopping )?cart|"
        r"basket it)\b"
    ),
    Talk.DISCOUNT: (
        r"할인|세일|쿠폰|깎아|에누리|네고|\b(?:discounts?|on sale|coupon|promo\w*|deals?|"
        r"haggle)\b"
    ),
    Talk.RETURNS: (
        r"반품|환불|교환|보증|무상|에이에스|a/?s\b|"
        r"\b(?:returns?|refund|exchange|warranty|guarantee)\b"
    ),
    Talk.CARE: (
        r"세탁|빨\s?수|빨래|물빨래|청소|관리(?:는|가|하)|얼룩|변색|"
        r"\b(?:wash(?:able|ed|ing)?|clean(?:ed|ing)?|stains?|maintain\w*|take care)\b"
    ),
    Talk.SIZE: (
        r"크기|사이즈|치수|너비|폭[이은]|높이[가는]|깊이|몇\s?(?:센티|cm|미터|인치|평|인용|명)|"
        r"들어갈까|맞을까|\d\s?(?:cm|mm|센티|미터|인치)|"
        r"\b(?:how (?:big|wide|tall|long|deep|large|high|heavy|many people)|size|dimensions?|"
        r"measure\w*|width|height|depth|weight|fits?)\b"
    ),
    Talk.COMPARE: (
        r"둘\s?중|차이|비교|(?:뭐|어느\s?(?:게|것|쪽))[가이]?\s?(?:더\s?)?(?:나아|나을|좋|괜찮)|"
        r"\bcompare\b|\bdifferences?\b|\bwhich (?:one )?(?:is|of (?:them|these|those|"
        r"the two) is) "
        r"(?:better|best|nicer)|\b(?:better|best) of the (?:two|three)\b|\bversus\b|\bvs\b"
    ),
    Talk.ABOUT: (
        r"하나만\s?(?:추천|골라)|\bjust one\b|\bpick one\b|\bwhich (?:one )?(?:would|do|"
        r"should) (?:you|i)\b|"
        r"얼마|가격[이은]|재질|소재[가는]|뭘로\s?만|무엇으로\s?만|무슨\s?(?:색|나무|천|재질)|왜\s?(?:이|그|추천)|"
        r"어때|어떤가|자세히|설명|더\s?알려|다른\s?(?:색|컬러)|"
        r"\b(?:other|different|another|which|what) colou?rs?\b|"
        r"\bhow much\b|\bwhat(?:'?s| is| are) (?:it|that|this)\b|\bmade (?:of|from|out of)\b|"
        r"\bwhat (?:material|colou?r|fabric|wood)\b|\btell me (?:more )?about\b|\bwhy\b|"
        r"\bmore details?\b|"
        r"\bdescribe\b|\bcomfortable\b"
    ),
    Talk.GREETING: (
        r"어떤\s?(?:스타일|종류|카테고리|제품|가구|상품)|추천|아무\s?거나|인기|잘\s?나가|베스트|"
        r"\bwhat (?:styles|categories|kinds|sorts|products|furniture)\b|"
        r"\b(?:recommend\w*|suggest\w*|popular|best ?sell\w*|surprise me|what should i)\b"
    ),
}  # fmt: skip
"""What a sentence is about if it names nothing to look for."""

_CASE: Final = re.IGNORECASE
_WHOLE_RE: Final = {talk: re.compile(words, _CASE) for talk, words in _WHOLE.items()}
_PART_RE: Final = {talk: re.compile(words, _CASE) for talk, words in _PARTS.items()}
_ANY_RE: Final = re.compile("|".join(_WHOLE.values()), _CASE)

_EVIDENCE: Final = {
    Talk.SIZE: re.compile(
        r"\d\s?(?:cm|mm|m\b|inch|in\b|ft|kg|센티|미터|인치)|\d\s?인(?:용|석|이)|"
        r"seats? |people|seater|명이",
        _CASE,
    ),
    Talk.CARE: re.compile(r"wash|clean|stain|wipe|세탁|물빨래|오염|닦|청소|때가", _CASE),
    Talk.DELIVERY: re.compile(r"deliver|shipp|배송|배달", _CASE),
    Talk.DISCOUNT: re.compile(r"discount|on sale|할인|세일", _CASE),
    Talk.RETURNS: re.compile(r"return|refund|warrant|guarantee|반품|환불|보증", _CASE),
}
"""Words of a catalogue that say something of a topic."""


def talk_of(text: str) -> Talk | None:
    """Return what a sentence says as a whole: only greetings and the like, or nothing more."""
    if any(c.isalnum() for c in _ANY_RE.sub(" ", text)) or not _ANY_RE.search(text):
        return None
    return next(talk for talk in _BY_WEIGHT if _WHOLE_RE[talk].search(text))


_BY_WEIGHT: Final = (Talk.RESTART, Talk.BYE, Talk.THANKS, Talk.NO, Talk.YES, Talk.GREETING)
"""Which of several counts: `no, start over` starts over."""


def topic_of(text: str) -> Talk | None:
    """Return what a sentence is about that names nothing to look for."""
    return next((talk for talk, found in _PART_RE.items() if found.search(text)), None)


def says(product: Product, topic: Talk, language: str) -> bool:
    """Tell whether the catalogue says something of a topic about a product."""
    if topic in {Talk.ABOUT, Talk.COMPARE}:
        return True
    if topic is Talk.STOCK:
        return product.stock is not None
    if topic is Talk.ORDER:
        return product.url is not None
    text = product.in_language(product.description, language)
    known = " ".join([text, product.name.get(language, ""), *product.attributes.values()])
    named = any(_PART_RE[topic].search(key) for key in product.attributes)
    return named or _EVIDENCE[topic].search(known) is not None
