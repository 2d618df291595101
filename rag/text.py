"""Text made fit for indexing and embedding: normal form, tokens, Hangul bigrams."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

_WORD = re.compile(r"[0-9a-z]+(?:[.'][0-9a-z]+)*|[가-힣]+", re.IGNORECASE)
_NOT_TEXT = re.compile(r"[\ud800-\udfff\x00-\x08\x0b-\x1f\x7f]")
_HANGUL = re.compile(r"[가-힣]")

PARTICLES = frozenset(
    """
    은 는 이 가 을 를 의 에 에서 에게 로 으로 와 과 도 만 까지 부터 이나 나
    하고 랑 이랑 용 형 식 풍 색 처럼 보다 요 이요 좀 인 이고 이며 이랑도 에도
    에는 에서는 으로는 로는 에서도 에게는 용으로 용품 이면 이라면 라면 이라 라서
    이라서 들 들이 들을 들의 들은 류
    """.split()  # noqa: SIM905 - a table reads better than a column of quotes
)
"""Endings that may follow a noun (Korean postpositions and a few suffixes)."""


class Script(Enum):
    """Which writing a token is in."""

    LATIN = "latin"
    HANGUL = "hangul"


@dataclass(frozen=True, slots=True)
class Token:
    """A run of one script; *start* and *end* are offsets into the cleaned text."""

    text: str
    script: Script
    start: int
    end: int


def clean(text: str) -> str:
    """Return *text* in NFKC without lone surrogates and control characters."""
    return unicodedata.normalize("NFKC", _NOT_TEXT.sub(" ", text))


def has_hangul(text: str) -> bool:
    """Tell whether any Hangul syllable is in *text*."""
    return _HANGUL.search(text) is not None


def tokens(text: str) -> Iterator[Token]:
    """Yield the words and numbers of a cleaned text in lower case, Hangul apart from Latin."""
    for match in _WORD.finditer(text):
        word = match.group().lower()
        script = Script.HANGUL if has_hangul(word) else Script.LATIN
        yield Token(word, script, match.start(), match.end())


def singular(word: str) -> str:
    """Return an English word without its plural ending, roughly; others unchanged."""
    if len(word) <= 3 or not word.endswith("s") or word.endswith(("ss", "us", "is")):  # noqa: PLR2004
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    return word[:-1]


def bigrams(hangul: str) -> list[str]:
    """Return the overlapping pairs of a Hangul run; a single syllable stands for itself."""
    if len(hangul) < 2:  # noqa: PLR2004 - a pair needs two
        return [hangul] if hangul else []
    return [hangul[i : i + 2] for i in range(len(hangul) - 1)]


def without_particle(hangul: str) -> str:
    """Strip the longest known ending that leaves at least two syllables."""
    for cut in range(2, len(hangul)):
        if hangul[cut:] in PARTICLES:
            return hangul[:cut]
    return hangul
