"""
What words of product names mean, in English and Korean.

The lexicon is data (`rag/data/lexicon.tsv` and files of the operator in the same
form). It turns text of either language into concepts, and a Korean query into the
English words a catalogue uses.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from rag.text import PARTICLES, Script, Token, clean, has_hangul, singular, tokens

_LONGEST = 16  # syllables; longer phrases are not looked for
_WORDS = 4  # words; the same
_CANONICAL_KEPT = 4_096  # texts: styles, categories and regions are few
_COMPLEMENT = re.compile(
    r"(?<=\w)\s+(?:for|with|without|compatible|including|incl|w|over|under|above|below|beside|"
    r"in|on|at|by|near|next to|behind|against|that|which|whose|where|when|to|into|from)\b.*",
    re.IGNORECASE | re.DOTALL,
)
_CUT = re.compile(r"[,(/+|;:\[&]|[-–—]\s|\s[-–—]")


class Kind(Enum):
    """What a concept says about a product."""

    PRODUCT = "product"
    PART = "part"
    QUALITY = "quality"
    MATERIAL = "material"
    COLOUR = "colour"
    STYLE = "style"
    ROOM = "room"
    USE = "use"
    BRAND = "brand"


THINGS = frozenset({Kind.PRODUCT, Kind.PART})


@dataclass(frozen=True, slots=True)
class Concept:
    """One meaning with its words; *name* is the first English one."""

    kind: Kind
    english: tuple[str, ...]
    korean: tuple[str, ...]

    @property
    def name(self) -> str:
        """The canonical English word or phrase."""
        return self.english[0]

    @property
    def key(self) -> str:
        """The name as one token of the full-text index."""
        return "c" + re.sub(r"[^0-9a-z]+", "", self.name)


@dataclass(frozen=True, slots=True)
class Mention:
    """A concept found in a text, with its offsets, or a word that none matches."""

    text: str
    start: int
    end: int
    concept: Concept | None


REMEMBERED: Final = 2_048
"""Texts whose concepts are kept, some megabytes: the same products are read again and again."""


@dataclass(slots=True)
class _Phrases:
    """Concepts by their phrases, and how long a phrase with a given beginning may be."""

    english: dict[str, Concept] = field(default_factory=dict)
    korean: dict[str, Concept] = field(default_factory=dict)
    words: dict[str, int] = field(default_factory=dict)
    """How many words the longest English phrase has that begins with a word."""
    syllables: dict[str, int] = field(default_factory=dict)
    """How long the longest Korean phrase is that begins with a character."""

    def add(self, concept: Concept) -> None:
        """Take in a concept; phrases that are known already keep their meaning."""
        for text in concept.english:
            key = _english_key(text)
            self.english.setdefault(key, concept)
            first, *rest = key.split() or [""]
            self.words[first] = max(self.words.get(first, 0), 1 + len(rest))
        for form in (form for text in concept.korean for form in _forms(text)):
            self.korean.setdefault(form, concept)
            longest = max(self.syllables.get(form[:1], 0), len(form))
            self.syllables[form[:1]] = min(longest, _LONGEST)


@dataclass(slots=True, eq=False)
class Lexicon:
    """Concepts by their words; immutable after construction, and known by identity."""

    concepts: tuple[Concept, ...]
    _phrases: _Phrases = field(default_factory=_Phrases, init=False)
    _broader: dict[str, tuple[Concept, ...]] = field(default_factory=dict, init=False)
    _canonical: dict[str, str] = field(default_factory=dict, init=False)
    _known: Callable[[str], tuple[Concept, ...]] = field(init=False, repr=False, compare=False)
    _head: Callable[[str], Concept | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for concept in self.concepts:
            self._phrases.add(concept)
        self._broader = {c.key: self._find_broader(c, c.english) for c in self.concepts}
        self._known = lru_cache(REMEMBERED)(self._find_known)
        self._head = lru_cache(REMEMBERED)(self._find_head)

    def broader(self, concept: Concept) -> tuple[Concept, ...]:
        """Return what *concept* also is: a laser printer is a printer, and laser."""
        return self._broader.get(concept.key, ())

    def broader_by_name(self, concept: Concept) -> tuple[Concept, ...]:
        """Return what the canonical name alone says a concept also is."""
        return self._find_broader(concept, concept.english[:1])

    def _find_broader(self, concept: Concept, names: Sequence[str]) -> tuple[Concept, ...]:
        found: dict[str, Concept] = {}
        for words in names:
            parts = _english_key(words).split()
            for cut in range(1, len(parts)):
                head = self._phrases.english.get(" ".join(parts[cut:]))
                quality = self._phrases.english.get(" ".join(parts[:cut]))
                if head is not None and head is not concept:
                    found.setdefault(head.key, head)
                if quality is not None and quality.kind not in THINGS:
                    found.setdefault(quality.key, quality)
        return tuple(found.values())

    def read(self, text: str) -> list[Mention]:
        """Split *text* (either language, mixed too) into concepts and unknown words."""
        return _Reader(clean(text), self._phrases).mentions()

    def known(self, text: str) -> tuple[Concept, ...]:
        """Return the concepts in *text*, each once; texts of products are remembered."""
        return self._known(text)

    def _find_known(self, text: str) -> tuple[Concept, ...]:
        found = {m.concept.key: m.concept for m in self.read(text) if m.concept is not None}
        return tuple(found.values())

    def head(self, name: str) -> Concept | None:
        """
        Return what a product name names: its last noun before a complement.

        `Laptop privacy filter for 15"` is a filter, `노트북 가방` a bag.
        """
        return self._head(name)

    def _find_head(self, name: str) -> Concept | None:
        main = _COMPLEMENT.sub("", clean(name))
        for segment in _CUT.split(main):
            mentions = self.read(segment)
            at = next(
                (i for i in reversed(range(len(mentions))) if _is_thing(mentions[i])), None
            )
            if at is not None:
                return None if _names_more(mentions[at + 1 :]) else mentions[at].concept
        return None

    @property
    def digest(self) -> str:
        """What tells one lexicon from another: an index is made with one of them."""
        return hashlib.sha256(repr(self.concepts).encode()).hexdigest()[:12]

    def canonical(self, text: str) -> str:
        """Return the English name of a text that is one concept, else the text itself."""
        known = self._canonical.get(text)
        if known is None:
            if len(self._canonical) >= _CANONICAL_KEPT:
                self._canonical.clear()
            known = self._canonical[text] = self._find_canonical(text)
        return known

    def _find_canonical(self, text: str) -> str:
        mentions = self.read(text)
        found = mentions[0].concept if len(mentions) == 1 else None
        return text.strip().casefold() if found is None else found.name

    def english(self, text: str) -> str:
        """Return *text* with its Korean words in English, as far as they are known."""
        cleaned, parts, at = clean(text), list[str](), 0
        if not has_hangul(cleaned):
            return cleaned
        for mention in self.read(cleaned):
            if has_hangul(cleaned[mention.start : mention.end]):
                parts += [cleaned[at : mention.start], f" {mention.text} "]
                at = max(at, mention.end)
        return " ".join("".join([*parts, cleaned[at:]]).split())

    def is_a(self, concept: Concept, other: Concept) -> bool:
        """Tell whether *concept* is *other* or a sort of it."""
        return concept is other or any(other is b for b in self.broader(concept))


def _is_thing(mention: Mention) -> bool:
    return mention.concept is not None and mention.concept.kind in THINGS


def _names_more(rest: list[Mention]) -> bool:
    """Tell whether an unknown word follows: in `Laptop Roller` the noun is the unknown one."""
    return (
        bool(rest)
        and rest[0].concept is None
        and rest[0].text.isalpha()
        and len(rest[0].text) > 2  # noqa: PLR2004 - initials name no thing
    )


def _english_key(words: str) -> str:
    return " ".join(singular(t.text) for t in tokens(clean(words)))


def _forms(words: str) -> Iterator[str]:
    compact = "".join(t.text for t in tokens(clean(words)))
    yield compact
    if compact.endswith("한") and len(compact) > 2:  # noqa: PLR2004 - an adjective in -하다
        yield from (
            compact[:-1] + ending for ending in ("하고", "하며", "하면서", "해", "하게")
        )


class _Reader:
    """One pass over one text."""

    def __init__(self, text: str, phrases: _Phrases) -> None:
        self._tokens = list(tokens(text))
        self._singular = [singular(t.text) for t in self._tokens]
        self._phrases = phrases

    def mentions(self) -> list[Mention]:
        found: list[Mention] = []
        at = 0
        while at < len(self._tokens):
            match = self._hangul_at(at) or self._latin_at(at)
            if match is None:
                token = self._tokens[at]
                found.append(Mention(token.text, token.start, token.end, None))
                at += 1
                continue
            at, mentions = match
            found.extend(mentions)
        return found

    def _latin_at(self, at: int) -> tuple[int, list[Mention]] | None:
        words = min(self._phrases.words.get(self._singular[at], 0), _WORDS)
        for stop in range(min(len(self._tokens), at + words), at, -1):
            concept = self._phrases.english.get(" ".join(self._singular[at:stop]))
            if concept is not None:
                return stop, [_mention(self._tokens[at], self._tokens[stop - 1], concept)]
        return None

    def _hangul_at(self, at: int) -> tuple[int, list[Mention]] | None:
        """Match Korean phrases from one token on, whatever their spacing."""
        if self._tokens[at].text[0] not in self._phrases.syllables:
            return None
        for stop in range(min(len(self._tokens), at + _WORDS), at, -1):
            part = self._tokens[at:stop]
            if part[-1].script is Script.HANGUL or at + 1 < stop:
                concepts = self._split("".join(t.text for t in part), whole=stop - at > 1)
                if concepts:
                    return stop, [_mention(part[0], part[-1], c) for c in concepts]
        return None

    def _split(self, run: str, *, whole: bool) -> list[Concept]:
        """Cover *run* with phrases, the longest first, and at most an ending left over."""
        if not has_hangul(run):
            return []
        for length in range(min(len(run), self._phrases.syllables.get(run[0], 0)), 0, -1):
            concept = self._phrases.korean.get(run[:length])
            if concept is None:
                continue
            rest = run[length:]
            if length == 1 and rest and rest not in PARTICLES:
                continue
            if not rest or rest in PARTICLES:
                return [concept]
            tail = [] if whole else self._split(rest, whole=False)
            if tail and len(rest) > 1:
                return [concept, *tail]
        return []


def _mention(first: Token, last: Token, concept: Concept) -> Mention:
    return Mention(concept.name, first.start, last.end, concept)


def parse_lexicon(lines: Iterable[str]) -> Iterator[Concept]:
    """Read the tab-separated form; raise `ValueError` naming the line of a mistake."""
    for number, line in enumerate(lines, 1):
        if line.startswith("#") or not line.strip():
            continue
        try:
            kind, english, korean = line.rstrip("\n").split("\t")
            yield Concept(Kind(kind), tuple(english.split("|")), tuple(korean.split("|")))
        except ValueError as error:
            raise ValueError(f"lexicon line {number}: {error}") from error


@cache
def default_lexicon() -> Lexicon:
    """Return the lexicon that comes with the package."""
    source = files("rag").joinpath("data/lexicon.tsv").read_text("utf-8")
    return Lexicon(tuple(parse_lexicon(source.splitlines())))


def load_lexicon(extra: Iterable[Path] = ()) -> Lexicon:
    """Return the package's lexicon with the operator's files before it, so that they win."""
    own = tuple(
        concept
        for path in extra
        for concept in parse_lexicon(path.read_text("utf-8").splitlines())
    )
    return Lexicon(own + default_lexicon().concepts) if own else default_lexicon()
