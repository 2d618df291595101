"""Indexes follow the documents: what changed since a cursor is embedded and written."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar

import structlog

from rag.catalogue.store import Catalogue, Stored
from rag.embedding.ports import Embedder, Purpose
from rag.errors import RagError
from rag.index.embedded import Change, EmbeddedIndex
from rag.index.ports import Vectored, VectorIndex
from rag.lexicon import Lexicon
from stores.documents import StoreError

T = TypeVar("T")

BATCH = 128  # documents embedded and committed at a time
OVERLAP_NS = 60_000_000_000  # read again what was written in the last minute: other
# nodes' clocks and transactions may be that much behind

log = structlog.get_logger(__name__)


class Indexer:
    """
    Keeps the embedded index, and a vector service beside it, equal to a catalogue.

    A batch counts as done when every index has it; until then the cursor stays and
    the batch is repeated, which changes nothing that is already there.
    """

    def __init__(
        self,
        catalogue: Catalogue[Any],
        index: EmbeddedIndex,
        embedder: Embedder,
        lexicon: Lexicon,
        *,
        remote: VectorIndex | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._index = index
        self._embedder = embedder
        self._lexicon = lexicon
        self._remote = remote
        self._wake = asyncio.Event()
        self._busy = asyncio.Lock()

    def wake(self) -> None:
        """Tell the following task that there is something new."""
        self._wake.set()

    async def follow(self, *, interval: float) -> None:
        """Catch up at every wake-up and every *interval* seconds, until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self.catch_up()
            except (RagError, StoreError) as error:
                log.warning("index_behind", collection=self._catalogue.name, reason=str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), interval)

    async def catch_up(self, progress: Callable[[int], None] = lambda _: None) -> int:
        """
        Index what changed; return how many items were written or removed.

        *progress* is told after each batch how many items it wrote or removed.
        Raises `EmbeddingError`, `IndexUnavailableError` or `StoreError`; what was done
        before stays.
        """
        done = 0
        async with self._busy:
            after = _before(await self._index.cursor())
            async for batch in _batches(self._catalogue.changes(after), BATCH):
                taken = await self._take(batch)
                done += taken
                progress(taken)
        return done

    async def _take(self, batch: Sequence[Stored[Any]]) -> int:
        known = await self._index.digests([s.id for s in batch])
        changed = [s for s in batch if known.get(s.id, "") != s.digest]
        entries = [s.item.entry(self._lexicon) for s in changed if s.item is not None]
        vectors = await self._embedded([e.embedding_text() for e in entries])
        by_id = {e.id: (e, v) for e, v in zip(entries, vectors, strict=True)}
        if self._remote is not None:
            await self._tell(self._remote, changed, by_id)
        changes = [self._change(s, by_id) for s in changed]
        cursor = max(batch[-1].changed, await self._index.cursor())
        await self._index.apply(changes, cursor)
        return len(changes)

    def _change(self, stored: Stored[Any], by_id: dict[str, tuple[Any, Any]]) -> Change:
        entry, vector = by_id.get(stored.id, (None, None))
        own = vector if self._remote is None else None
        return Change(stored.id, stored.digest, entry, own)

    async def _tell(
        self,
        remote: VectorIndex,
        changed: Sequence[Stored[Any]],
        by_id: dict[str, tuple[Any, Any]],
    ) -> None:
        await remote.put([Vectored(e, v) for e, v in by_id.values()])
        await remote.remove([s.id for s in changed if s.id not in by_id])

    async def _embedded(self, texts: list[str]) -> Sequence[Any]:
        if not texts:
            return []
        return list(await self._embedder.embed(texts, Purpose.DOCUMENT))


def _before(cursor: str) -> str:
    """Return where to read on, some time before the cursor."""
    return f"{max(int(cursor) - OVERLAP_NS, 0):020d}" if cursor else ""


async def _batches(source: AsyncIterator[T], size: int) -> AsyncIterator[list[T]]:
    batch: list[T] = []
    async for item in source:
        batch.append(item)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch
