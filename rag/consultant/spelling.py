"""Misspelt words of a request, by what the lexicon knows. No I/O but a list of words, once."""

import re
import unicodedata
from collections.abc import Callable
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.resources import files
from itertools import chain
from typing import Final

from rag.lexicon import Lexicon
from rag.text import clean, has_hangul, tokens, without_particle

_ALIKE: Final = 0.8  # of difflib's ratio: `reclner`, not `stool` for `tool`
_SHORTEST, _LONGEST = 4, 16  # letters of a word that is corrected
_MOST: Final = 6  # unknown words of one request that are looked at
_VOWELS: Final = str.maketrans("ᅢᅤᅫᅬ", "ᅦᅨᅰᅰ")  # pairs that sound alike
_BESIDE: Final = frozenset(
    """
    under below above between budget million thousand cheaper cheapest expensive designer
    installer people family second third another different
    """.split()  # noqa: SIM905 - a table reads better than a column of quotes
)
"""Words of requests that name nothing."""


_PLAIN: Final = {
    "bigger": "big",
    "larger": "large",
    "smaller": "small",
    "wider": "wide",
    "narrower": "narrow",
    "darker": "dark",
    "brighter": "bright",
    "softer": "soft",
    "firmer": "firm",
    "taller": "tall",
    "lower": "low",
    "warmer": "warm",
    "cosier": "cosy",
    "cozier": "cozy",
    "comfier": "comfy",
    "simpler": "simple",
    "longer": "long",
    "shorter": "short",
    "quieter": "quiet",
}
"""Comparatives of a follow-up; the lexicon has the plain forms."""

_TURNED: Final = (
    (re.compile(r"너무\s?(?:크|커|큰)[가-힣]*"), "작은"),
    (re.compile(r"너무\s?(?:작)[가-힣]*"), "큰"),
    (re.compile(r"\btoo (?:big|large|wide)\b", re.IGNORECASE), "small"),
    (re.compile(r"\btoo (?:small|little|narrow)\b", re.IGNORECASE), "large"),
    (re.compile(r"\btoo dark\b", re.IGNORECASE), "bright"),
    (re.compile(r"너무\s?어두[가-힣]*"), "밝은"),
)
"""Complaints, and what is wanted instead."""


def corrected(text: str, lexicon: Lexicon) -> str:
    """
    Return *text* (cleaned) with its misspelt words as the lexicon writes them.

    A word that exists in English stays, whatever it is near to: a horse is no house. In
    Korean only vowels that sound alike are taken for each other (`배드` for `베드`).
    """
    for complaint, wanted in _TURNED:
        text = complaint.sub(wanted, text)
    unknown = [mention for mention in lexicon.read(text) if mention.concept is None]
    speller = _speller(lexicon)
    for mention in reversed(unknown[:_MOST]):
        right = speller.right(text[mention.start : mention.end].lower())
        if right is not None:
            text = f"{text[: mention.start]}{right}{text[mention.end :]}"
    return text


class _Speller:
    """What words of one lexicon may be misspelt as."""

    def __init__(self, lexicon: Lexicon) -> None:
        english = {
            t.text for c in lexicon.concepts for w in c.english for t in tokens(clean(w))
        }
        self._by_letter: dict[str, list[str]] = {}
        for word in sorted({*english, *_BESIDE}):
            if word.isalpha() and len(word) >= _SHORTEST:
                self._by_letter.setdefault(word[0], []).append(word)
        korean = {w for c in lexicon.concepts for w in c.korean if has_hangul(w) and len(w) > 1}
        self._korean = {_folded(word): word for word in sorted(korean)}
        self.right: Callable[[str], str | None] = lru_cache(2_048)(self._right)

    def _right(self, word: str) -> str | None:
        if word in _PLAIN:
            return _PLAIN[word]
        if has_hangul(word):
            stem = without_particle(word)
            known = self._korean.get(_folded(stem))
            return None if known is None else known + word[len(stem) :]
        if not word.isalpha() or not _SHORTEST <= len(word) <= _LONGEST or word in _english():
            return None
        spelt = word.replace("ph", "f")
        near = self._by_letter.get(spelt[0], ())
        swapped = (each for each in near if sorted(each) == sorted(spelt))
        return next(chain(swapped, get_close_matches(spelt, near, 1, _ALIKE)), None)


@lru_cache(4)
def _speller(lexicon: Lexicon) -> _Speller:
    return _Speller(lexicon)


def _folded(hangul: str) -> str:
    return unicodedata.normalize("NFD", hangul).translate(_VOWELS)


@cache
def _english() -> frozenset[str]:
    text = files("rag").joinpath("data/bert-base-uncased-vocab.txt").read_text("utf-8")
    return frozenset(text.split("\n"))
