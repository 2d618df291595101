"""The local reranker: a thing that is asked for comes before what only goes with it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from rag.index.analysis import Reading
from rag.index.embedded import EmbeddedIndex
from rag.retrieval import Candidate

BESIDE: Final = 0.7
"""Factor for toner where a printer was asked for: some 26 ranks at the top (decision 0207)."""


class ThingsFirst:
    """Puts parts and accessories of the thing asked for behind the thing itself."""

    def __init__(self, index: EmbeddedIndex) -> None:
        self._index = index

    async def rerank(
        self, reading: Reading, candidates: Sequence[Candidate]
    ) -> Sequence[Candidate]:
        """Return all candidates, best first; raises `IndexUnavailableError`."""
        beside = await self._index.beside(reading, [c.id for c in candidates])
        if not beside:
            return candidates
        weighed = (
            replace(c, score=c.score * BESIDE) if c.id in beside else c for c in candidates
        )
        return sorted(weighed, key=lambda c: -c.score)
