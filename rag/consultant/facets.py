"""Styles, kinds and regions of a catalogue in the visitor's language, where it has words."""

from collections.abc import Iterable
from typing import Any, Final

from rag.catalogue.items import Partner, Product
from rag.lexicon import Concept, Kind, Lexicon
from rag.text import has_hangul

_PARTNER_KINDS: Final = {"designer": "디자이너", "installer": "설치 기사"}
_STYLE: Final = " 스타일"


def word(concept: Concept, language: str) -> str:
    """Return a concept's first word in *language*."""
    return concept.korean[0] if language == "ko" else concept.name


def translated(value: str, lexicon: Lexicon, language: str) -> str:
    """Return a facet of the catalogue; as it is where a part of it is unknown."""
    if not value or has_hangul(value) is (language == "ko"):
        return value
    mentions = lexicon.read(value)
    concepts = [m.concept for m in mentions if m.concept is not None]
    if not concepts or len(concepts) < len(mentions):
        return value
    return " ".join(word(concept, language) for concept in concepts)


def style(value: str, lexicon: Lexicon, language: str) -> str:
    """Return a style; `natural` is one here, and a quality elsewhere."""
    folded = value.strip().casefold()
    own = (
        c
        for c in lexicon.concepts
        if c.kind is Kind.STYLE and folded in (*c.english, *c.korean)
    )
    concept = next(own, None)
    if concept is None or has_hangul(value) is (language == "ko"):
        return value if concept else translated(value, lexicon, language)
    return word(concept, language).removesuffix(_STYLE)


def partner_kind(value: str, language: str) -> str:
    """Return what a partner is."""
    return _PARTNER_KINDS.get(value.casefold(), value) if language == "ko" else value


def regions(values: Iterable[str], language: str) -> list[str]:
    """Return the names in the language's script, all of them where none is."""
    names = list(values)
    own = [name for name in names if has_hangul(name) is (language == "ko")]
    return own or names


def product_labels(product: Product, lexicon: Lexicon, language: str) -> dict[str, Any]:
    """Return the words for a product's style and category that differ from the catalogue's."""
    found = {
        "style": style(product.style or "", lexicon, language),
        "category": translated(product.category or "", lexicon, language),
    }
    own = {"style": product.style or "", "category": product.category or ""}
    return {key: value for key, value in found.items() if value != own[key]}


def partner_labels(partner: Partner, lexicon: Lexicon, language: str) -> dict[str, Any]:
    """Return the words for a partner's kind, regions and styles that differ."""
    own = {"kind": partner.kind, "regions": partner.regions, "styles": partner.styles}
    found = {
        "kind": partner_kind(partner.kind, language),
        "regions": regions(partner.regions, language),
        "styles": [style(each, lexicon, language) for each in partner.styles],
    }
    return {key: value for key, value in found.items() if value != own[key]}
