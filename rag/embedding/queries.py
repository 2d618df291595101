"""
Vectors of queries, shared while they are made and for a moment after.

One question may be searched for more than once: when a model has read it otherwise than
the rules, or when nothing met all of its conditions. Its vector is then asked for once.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from rag.embedding.ports import Embedder, Purpose, Vectors

KEPT_SECONDS: Final = 10.0
"""Longer than an answer's searches take; the texts are the visitors' words."""

MOST_KEPT: Final = 256


class SharedQueries:
    """An embedder whose latest queries are embedded once; documents pass through."""

    def __init__(self, inner: Embedder, *, now: Callable[[], float] = time.monotonic) -> None:
        self._inner = inner
        self.name = inner.name
        self.dimensions = inner.dimensions
        self._now = now
        self._kept: OrderedDict[str, tuple[float, asyncio.Task[Vectors]]] = OrderedDict()

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        """Return the texts' vectors; raises `EmbeddingError`."""
        if purpose is not Purpose.QUERY:
            return await self._inner.embed(texts, purpose)
        # Shielded: who gives up waiting must not end it for another who waits.
        found = [await asyncio.shield(self._query(text)) for text in texts]
        return np.vstack(found) if found else await self._inner.embed(texts, purpose)

    async def close(self) -> None:
        """End what is under way and close the embedder."""
        tasks = [task for _, task in self._kept.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._inner.close()

    def _query(self, text: str) -> "asyncio.Task[Vectors]":
        self._drop_old()
        kept = self._kept.get(text)
        if kept is not None and not _failed(kept[1]):
            return kept[1]
        task = asyncio.ensure_future(self._inner.embed([text], Purpose.QUERY))
        task.add_done_callback(_failed)  # its error is read even when nobody waits any more
        self._kept[text] = (self._now(), task)
        self._kept.move_to_end(text)
        return task

    def _drop_old(self) -> None:
        oldest = self._now() - KEPT_SECONDS
        while self._kept:
            began, task = next(iter(self._kept.values()))
            if len(self._kept) < MOST_KEPT and (began > oldest or not task.done()):
                return
            self._kept.popitem(last=False)


def _failed(task: "asyncio.Task[Vectors]") -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
