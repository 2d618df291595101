"""
The ports of the two indexes.

Full text is always embedded; vectors are in the embedded index or in Pinecone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag.entries import Entry, Scored, Where


@dataclass(frozen=True, slots=True)
class Vectored:
    """An entry and its vector."""

    entry: Entry
    vector: NDArray[np.float32]


class VectorIndex(Protocol):
    """
    Vectors with facts.

    Writes are idempotent; what a returned write did is seen by later searches
    (a service may take seconds). Methods raise `IndexUnavailableError`, nothing else.
    """

    async def put(self, items: Sequence[Vectored]) -> None:
        """Add or replace items."""

    async def remove(self, ids: Sequence[str]) -> None:
        """Forget items; unknown ids are ignored."""

    async def nearest(
        self, vector: NDArray[np.float32], where: Where, limit: int
    ) -> list[Scored]:
        """Return the *limit* nearest items that *where* allows, best first."""

    async def close(self) -> None:
        """Let go of threads and connections."""
