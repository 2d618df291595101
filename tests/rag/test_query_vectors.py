"""Queries that several searches of one question share."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from rag.embedding.ports import Purpose, Vectors
from rag.embedding.queries import KEPT_SECONDS, MOST_KEPT, SharedQueries
from rag.errors import EmbeddingError


class Slow:
    """An embedder that answers when it is told to, and counts."""

    name = "slow"
    dimensions = 2

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go = asyncio.Event()
        self.fails = False

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        """Return ones."""
        assert purpose in Purpose
        self.asked += texts
        await self.go.wait()
        if self.fails:
            raise EmbeddingError("no")
        return np.ones((len(texts), 2), np.float32)

    async def close(self) -> None:
        """Do nothing."""


async def test_one_request_for_one_text() -> None:
    """Who asks meanwhile or soon after gets the same vector; later it is made anew."""
    now = [0.0]
    inner = Slow()
    shared = SharedQueries(inner, now=lambda: now[0])
    first = asyncio.create_task(shared.embed(["sofa"], Purpose.QUERY))
    second = asyncio.create_task(shared.embed(["sofa"], Purpose.QUERY))
    await asyncio.sleep(0)
    first.cancel()
    inner.go.set()
    assert (await second).shape == (1, 2)
    await shared.embed(["sofa"], Purpose.QUERY)
    assert inner.asked == ["sofa"]
    now[0] = KEPT_SECONDS + 1
    await shared.embed(["sofa"], Purpose.QUERY)
    assert inner.asked == ["sofa", "sofa"]
    await shared.close()


async def test_failures_are_not_kept() -> None:
    """The next search tries again."""
    inner = Slow()
    inner.go.set()
    inner.fails = True
    shared = SharedQueries(inner)
    for _ in range(2):
        with pytest.raises(EmbeddingError):
            await shared.embed(["sofa"], Purpose.QUERY)
    assert len(inner.asked) == 2
    await shared.close()


async def test_documents_pass_and_queries_are_bounded() -> None:
    """Documents are not kept here, and of queries only so many."""
    inner = Slow()
    inner.go.set()
    shared = SharedQueries(inner)
    assert (await shared.embed(["a", "b"], Purpose.DOCUMENT)).shape == (2, 2)
    for n in range(MOST_KEPT + 10):
        await shared.embed([str(n)], Purpose.QUERY)
    assert len(shared._kept) <= MOST_KEPT
    await shared.close()
    assert await SharedQueries(inner).embed([], Purpose.QUERY) is not None
