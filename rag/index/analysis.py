"""Texts as terms of the full-text index: of entries and of requests."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from rag.entries import Entry
from rag.lexicon import THINGS, Concept, Kind, Lexicon, Mention
from rag.measures import measure_terms, model_terms
from rag.text import Script, bigrams, clean, has_hangul, tokens, without_particle

_MONEY = re.compile(
    r"[$€£₩]\s?\d[\d,.]{0,20}|\d[\d,.]{0,20}\s?(?:천|백|십)?(?:만\s?원|천\s?원|원|만|달러|dollars?|usd|krw|won)"
    r"(?:대)?(?=\W|이|대|으|에|까|정|미|$)",
    re.IGNORECASE,
)


PART_KEY: Final = "kindpart"
"""Stands among the heads of what is a part of something or goes with it."""


@dataclass(frozen=True, slots=True)
class Columns:
    """An entry's row of the full-text index; the fields are its columns."""

    name: str
    head: str
    concepts: str
    body: str
    body_concepts: str
    hangul: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a request was understood as; *terms* are alternatives of the full-text index."""

    text: str
    mentions: tuple[Mention, ...]
    head: Concept | None
    terms: tuple[str, ...]


@cache
def stop_words() -> frozenset[str]:
    """Return words of requests that say nothing about a product."""
    text = files("rag").joinpath("data/stopwords.txt").read_text("utf-8")
    return frozenset(line for line in text.split("\n") if line and not line.startswith("#"))


def columns_of(entry: Entry, lexicon: Lexicon) -> Columns:
    """Return what is indexed of an entry."""
    names = " ".join(entry.names)
    facets = " ".join([entry.kind, *entry.facets])
    return Columns(
        name=f"{names} {facets}",
        head=" ".join(_head_keys(entry, lexicon)),
        concepts=" ".join([*_keys(f"{names} . {facets}", lexicon), *_exact(names)]),
        body=entry.body,
        body_concepts=" ".join([*_keys(entry.body, lexicon), *_exact(entry.body)]),
        hangul=" ".join(_hangul(f"{names} {facets} {entry.body}")),
    )


def _head_keys(entry: Entry, lexicon: Lexicon) -> list[str]:
    heads = [lexicon.head(entry.kind), *(lexicon.head(name) for name in entry.names)]
    found = [c for c in heads if c is not None]
    keys = [c.key for head in found for c in (head, *lexicon.broader(head))]
    return [*keys, PART_KEY] if any(head.kind is Kind.PART for head in found) else keys


def _keys(text: str, lexicon: Lexicon) -> list[str]:
    known = [m.concept for m in lexicon.read(text) if m.concept is not None]
    return [c.key for concept in known for c in (concept, *lexicon.broader(concept))]


def _exact(text: str) -> list[str]:
    return list(dict.fromkeys([*measure_terms(text), *model_terms(text)]))


def _hangul(text: str) -> list[str]:
    runs = (t.text for t in tokens(text) if t.script is Script.HANGUL)
    return [pair for run in runs for pair in bigrams(run)]


def read_request(text: str, lexicon: Lexicon) -> Reading:
    """Understand a request in either language; amounts of money are left to the filters."""
    cleaned = _MONEY.sub(" ", clean(text))
    mentions = tuple(lexicon.read(cleaned))
    head = lexicon.head(_without_last_words(cleaned))
    return Reading(
        text=cleaned.strip() or clean(text),
        mentions=mentions,
        head=head,
        terms=tuple(dict.fromkeys([*_terms(mentions, head, lexicon), *_exact_terms(cleaned)])),
    )


def _without_last_words(text: str) -> str:
    """Cut "please" and its like, which Korean puts where English has the noun."""
    end = len(text)
    for token in reversed(list(tokens(text))):
        if token.text not in stop_words():
            return text[:end]
        end = token.start
    return text


def _terms(
    mentions: Iterable[Mention], head: Concept | None, lexicon: Lexicon
) -> Iterable[str]:
    for mention in mentions:
        concept = mention.concept
        if concept is not None:
            beside = head is not None and concept is not head
            yield from _concept_terms(concept, lexicon, beside=beside)
        elif mention.text not in stop_words():
            yield from _word_terms(mention.text)


def lexicon_terms(lexicon: Lexicon) -> list[str]:
    """Return every term a concept can bring into a request, each once."""
    return list(
        dict.fromkeys(
            term
            for concept in lexicon.concepts
            for beside in (False, True)
            for term in _concept_terms(concept, lexicon, beside=beside)
        )
    )


def _exact_terms(text: str) -> Iterable[str]:
    return (f'"{term}"' for term in _exact(text))


def _concept_terms(concept: Concept, lexicon: Lexicon, *, beside: bool) -> Iterable[str]:
    """
    Find a concept, what it also is, and the words of a thing's long name.

    What stands beside the thing asked for is not looked for among the things: a
    lamp over the dining table is no table.
    """
    columns = "{name concepts body body_concepts}: " if beside else ""
    for key in [concept.key, *(b.key for b in lexicon.broader_by_name(concept))]:
        yield f'{columns}"{key}"'
    words = concept.name.split()
    if concept.kind is Kind.BRAND or (len(words) > 1 and concept.kind in THINGS and not beside):
        for word in words:
            for part in tokens(word):
                yield f'"{part.text}"'


def _word_terms(word: str) -> Iterable[str]:
    if has_hangul(word):
        yield from _bigram_terms(without_particle(word))
    else:
        yield f'"{word}"'


def _bigram_terms(text: str) -> Iterable[str]:
    for token in tokens(text):
        if token.script is Script.HANGUL:
            for pair in bigrams(without_particle(token.text)):
                yield f'"{pair}"'
