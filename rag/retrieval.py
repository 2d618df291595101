"""From a request to the best items: full text and vectors, fused, inside the filters."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol

from rag.catalogue.store import Catalogue, ItemT
from rag.embedding.ports import Embedder, Purpose
from rag.entries import Scored, Where, tag
from rag.errors import EmbeddingError, IndexUnavailableError
from rag.index.analysis import Reading, read_request
from rag.index.embedded import EmbeddedIndex
from rag.index.ports import VectorIndex
from rag.lexicon import Lexicon
from rag.money import Money, Rates

CANDIDATES = 200  # of each ranking; fusion of more changed nothing
_SPARE = 10  # candidates read beyond the limit when some of it changed meanwhile
_K = 60  # of reciprocal rank fusion (Cormack, Clarke, Büttcher 2009)
TEXT_WEIGHT, VECTOR_WEIGHT = 3.0, 1.0  # decision 0202


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a visitor set, in their own words; any style or category spelling is fine."""

    budget: Money | None = None
    styles: Sequence[str] = ()
    categories: Sequence[str] = ()
    regions: Sequence[str] = ()
    in_stock: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """An id with its ranks (from 1) in the two lists it may be in."""

    id: str
    score: float
    text_rank: int | None
    vector_rank: int | None


@dataclass(frozen=True, slots=True)
class Hit(Generic[ItemT]):
    """An item and how well it fits, 0 to 1."""

    item: ItemT
    score: float
    text_rank: int | None
    vector_rank: int | None


@dataclass(frozen=True, slots=True)
class Found(Generic[ItemT]):
    """
    The hits, best first, and how they came about.

    *degraded* names what did not answer in time, so that the rest answered alone.
    Times are in milliseconds.
    """

    hits: tuple[Hit[ItemT], ...]
    reading: Reading
    degraded: tuple[str, ...]
    embed_ms: float
    search_ms: float
    similarity: float | None = None
    """Cosine of the request and the nearest item; None where no vectors were compared."""


class Reranker(Protocol):
    """Puts candidates in a better order; a slow one must keep its own deadline."""

    async def rerank(
        self, reading: Reading, candidates: Sequence[Candidate]
    ) -> Sequence[Candidate]:
        """Return the candidates, all of them or the best; raise `IndexUnavailableError`."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds a stage may take before the rest answers without it."""

    embed: float = 2.0
    vectors: float = 1.5


NO_RATES, DEADLINES, ANYTHING = Rates(), Deadlines(), Conditions()  # immutable defaults


class Retriever(Generic[ItemT]):
    """Search over one catalogue; any number of searches may run at a time."""

    def __init__(
        self,
        catalogue: Catalogue[ItemT],
        text: EmbeddedIndex,
        vectors: VectorIndex,
        embedder: Embedder,
        lexicon: Lexicon,
        *,
        rates: Rates = NO_RATES,
        deadlines: Deadlines = DEADLINES,
        reranker: Reranker | None = None,
    ) -> None:
        self._catalogue: Catalogue[ItemT] = catalogue
        self._text = text
        self._vectors = vectors
        self._embedder = embedder
        self._lexicon = lexicon
        self._rates = rates
        self._deadlines = deadlines
        self._reranker = reranker

    async def search(
        self,
        request: str,
        conditions: Conditions = ANYTHING,
        *,
        limit: int = 20,
    ) -> Found[ItemT]:
        """
        Return the best items for a request in any language that all meet *conditions*.

        Raises `IndexUnavailableError` only when full text fails too, `StoreError` when
        the documents cannot be read.
        """
        began = time.perf_counter()
        reading = read_request(request, self._lexicon)
        where = self.where(conditions)
        texts, (near, degraded, embedded) = await asyncio.gather(
            self._text.matching(reading, where, CANDIDATES),
            self._near(reading, where),
        )
        candidates: Sequence[Candidate] = fuse(texts, near)
        if self._reranker is not None:
            candidates = await self._reranker.rerank(reading, candidates)
        hits = await self._hits(candidates, where, limit)
        total = (time.perf_counter() - began) * 1e3
        similarity = near[0].score if near else None
        return Found(hits, reading, degraded, embedded, total - embedded, similarity)

    def where(self, conditions: Conditions) -> Where:
        """Return the conditions as the indexes take them."""
        named = {
            "style": conditions.styles,
            "category": conditions.categories,
            "region": conditions.regions,
        }
        any_of = [self._tags(name, values) for name, values in named.items() if values]
        if conditions.in_stock:
            any_of.append(frozenset({tag("stock", "yes")}))
        budget = conditions.budget
        limits = None if budget is None else self._rates.limits(budget)
        return Where(limits, tuple(any_of))

    def _tags(self, name: str, values: Sequence[str]) -> frozenset[str]:
        canonical = str if name == "region" else self._lexicon.canonical
        return frozenset(tag(name, canonical(value)) for value in values)

    async def _near(
        self, reading: Reading, where: Where
    ) -> tuple[list[Scored], tuple[str, ...], float]:
        """Return the nearest, what failed on the way, and the milliseconds of embedding."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._deadlines.embed):
                vector = (await self._embedder.embed([reading.text], Purpose.QUERY))[0]
        except (EmbeddingError, TimeoutError):
            return [], ("embedding",), (time.perf_counter() - began) * 1e3
        took = (time.perf_counter() - began) * 1e3
        try:
            async with asyncio.timeout(self._deadlines.vectors):
                return await self._vectors.nearest(vector, where, CANDIDATES), (), took
        except (IndexUnavailableError, TimeoutError):
            return [], ("vectors",), took

    async def _hits(
        self, candidates: Sequence[Candidate], where: Where, limit: int
    ) -> tuple[Hit[ItemT], ...]:
        """Read the items; one that changed meanwhile is checked against the filter again."""
        found = await self._allowed(candidates[:limit], where)
        if len(found) < limit:
            found += await self._allowed(candidates[limit : limit + _SPARE], where)
        return tuple(
            Hit(item, c.score, c.text_rank, c.vector_rank) for item, c in found[:limit]
        )

    async def _allowed(
        self, candidates: Sequence[Candidate], where: Where
    ) -> list[tuple[ItemT, Candidate]]:
        items = {i.id: i for i in await self._catalogue.get([c.id for c in candidates])}
        pairs = [(items[c.id], c) for c in candidates if c.id in items]
        return [(i, c) for i, c in pairs if where.allows(i.facts(self._lexicon))]


def fuse(text: Sequence[Scored], vectors: Sequence[Scored]) -> list[Candidate]:
    """Join two rankings by weighted reciprocal ranks; first in both scores 1."""
    text_ranks = {s.id: rank for rank, s in enumerate(text, 1)}
    vector_ranks = {s.id: rank for rank, s in enumerate(vectors, 1)}
    best = (TEXT_WEIGHT + VECTOR_WEIGHT) / (_K + 1)
    found = [
        Candidate(
            key,
            (_part(text_ranks, key, TEXT_WEIGHT) + _part(vector_ranks, key, VECTOR_WEIGHT))
            / best,
            text_ranks.get(key),
            vector_ranks.get(key),
        )
        for key in {**text_ranks, **vector_ranks}
    ]
    return sorted(found, key=lambda c: (-c.score, c.id))


def _part(ranks: Mapping[str, int], key: str, weight: float) -> float:
    return weight / (_K + ranks[key]) if key in ranks else 0.0
