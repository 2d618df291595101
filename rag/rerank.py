"""Cheap local reranking; measured and left out of the default (decision 0203)."""

from collections.abc import Sequence

from rag.entries import Entry
from rag.index.analysis import Reading
from rag.lexicon import Concept, Lexicon
from rag.retrieval import Candidate

_OTHER_THING = 0.7  # factor for a lamp when a desk was asked for
_UNKNOWN_THING = 0.9


class HeadNounReranker:
    """Prefers products that are the thing asked for over those that go with it."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon

    async def rerank(
        self, reading: Reading, candidates: Sequence[tuple[Entry, Candidate]]
    ) -> Sequence[Candidate]:
        """Return all candidates, best first."""
        if reading.head is None:
            return [c for _, c in candidates]
        wanted = reading.head
        scored = [(c.score * self._factor(entry, wanted), c) for entry, c in candidates]
        return [c for _, c in sorted(scored, key=lambda pair: -pair[0])]

    def _factor(self, entry: Entry, wanted: Concept) -> float:
        heads = [self._lexicon.head(text) for text in (entry.kind, *entry.names)]
        known = [h for h in heads if h is not None]
        if any(self._lexicon.is_a(h, wanted) for h in known):
            return 1.0
        return _OTHER_THING if known else _UNKNOWN_THING
