"""Documents that grow old: they are kept for so many days and no longer."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog

from stores.documents import Collection, DocumentStore, StoreError

DAY_SECONDS: Final = 86_400.0

INTERVAL_SECONDS: Final = 3_600.0
"""How late a document may go: of days, nobody counts the hours."""

BATCH: Final = 100
"""Documents removed in one go: of the longest conversations 15 MB, 0.3 s of SQLite's writer."""

PAUSE_SECONDS: Final = 0.1
"""Between batches: the first time there may be years of them, and others write too."""

log = structlog.get_logger(__name__)


@asynccontextmanager
async def kept_for(
    store: DocumentStore,
    times: Mapping[Collection, str],
    days: int,
    *,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[None]:
    """
    Inside the context, remove documents once they are older than *days*; 0 is never.

    *times* names the field of each collection that has the document's time, in seconds
    since the epoch, and should be an index. Any number of nodes may do this to one store.
    """
    ageing = _Ageing(store, times, days * DAY_SECONDS, now, sleep)
    task = asyncio.create_task(ageing.run()) if days else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class _Ageing:
    store: DocumentStore
    times: Mapping[Collection, str]
    seconds: float
    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]

    async def run(self) -> None:
        while True:
            for collection, field in self.times.items():
                try:
                    await self._remove(collection, field)
                except StoreError as error:
                    log.warning(
                        "old_documents_left", collection=collection.name, error=str(error)
                    )
            await self.sleep(INTERVAL_SECONDS)

    async def _remove(self, collection: Collection, field: str) -> None:
        oldest, removed = self.now() - self.seconds, 0
        while count := await self.store.delete_below(collection, field, oldest, limit=BATCH):
            removed += count
            await self.sleep(PAUSE_SECONDS)
        if removed:
            log.info("old_documents_removed", collection=collection.name, count=removed)
