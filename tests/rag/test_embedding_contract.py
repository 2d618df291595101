"""
The contract of embedding services: the stand-in always, a real account when there is one.

`make live-check` runs the same functions with OPENAI_API_KEY in the environment
(OPENAI_BASE_URL for a compatible service, OPENAI_EMBEDDING_MODEL for its model).
"""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag.embedding.openai import OpenAIEmbedder
from rag.embedding.ports import CachedEmbedder, Purpose
from rag.errors import EmbeddingError

MODEL = "text-embedding-3-small"


@dataclass(frozen=True, slots=True)
class Account:
    """Where the service is and who asks."""

    api_key: str
    base_url: str | None
    model: str
    dimensions: int
    alike: float
    """How much vectors of the same text may differ from call to call."""

    def embedder(self, **options: Any) -> OpenAIEmbedder:
        """Return the adapter under test."""
        settings = {
            "api_key": self.api_key,
            "base_url": self.base_url,
            "model": self.model,
            "dimensions": self.dimensions,
            "query_timeout": 20.0,
        }
        return OpenAIEmbedder(**{**settings, **options})


def _real() -> Account:
    if "OPENAI_API_KEY" not in os.environ:
        pytest.skip("needs OPENAI_API_KEY: an account of OpenAI or of a compatible service")
    return Account(
        os.environ["OPENAI_API_KEY"],
        os.environ.get("OPENAI_BASE_URL"),
        os.environ.get("OPENAI_EMBEDDING_MODEL", MODEL),
        dimensions=256,
        alike=0.01,
    )


@pytest.fixture(params=["stand-in", pytest.param("real", marks=pytest.mark.live)])
def account(request: pytest.FixtureRequest, openai_service: tuple[object, str]) -> Account:
    """Return the stand-in's account, then the real one."""
    if request.param == "real":
        return _real()
    _, url = openai_service
    return Account("sk-test", url, MODEL, dimensions=16, alike=1e-4)


Opened = Callable[..., OpenAIEmbedder]


@pytest.fixture
async def opened(account: Account) -> AsyncIterator[Opened]:
    """Give a function that makes adapters; close them at the end."""
    async with AsyncExitStack() as stack:

        def make(**options: Any) -> OpenAIEmbedder:
            embedder = account.embedder(**options)
            stack.push_async_callback(embedder.close)
            return embedder

        yield make


async def test_batches_keep_the_order_of_the_texts(account: Account, opened: Opened) -> None:
    """More texts than a request takes come back one for one, of length 1."""
    embedder = opened()
    texts = [f"chair number {n}" for n in range(150)]
    vectors = await embedder.embed(texts, Purpose.DOCUMENT)
    assert vectors.shape == (150, account.dimensions)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    for n in (0, 127, 128, 149):
        alone = (await embedder.embed([texts[n]], Purpose.QUERY))[0]
        assert vectors[n] @ alone > 1 - account.alike
        assert int(np.argmax(vectors @ alone)) == n


async def test_any_text_has_a_vector(account: Account, opened: Opened) -> None:
    """None, an empty one, a lone surrogate, Hangul, and one far too long."""
    embedder = opened()
    assert (await embedder.embed([], Purpose.DOCUMENT)).shape == (0, account.dimensions)
    texts = ["", "bad \ud800 text", "따뜻한 소파", "chair " * 9_000]
    vectors = await embedder.embed(texts, Purpose.DOCUMENT)
    assert np.isfinite(vectors).all()
    assert vectors.shape == (4, account.dimensions)


async def test_a_cached_text_is_not_sent_again(opened: Opened, tmp_path: Path) -> None:
    """By content, over a restart; what the cache gives is what the service gave."""
    first = CachedEmbedder(opened(), tmp_path / "e.sqlite3")
    asked = await first.embed(["a chair", "a desk", "a chair"], Purpose.DOCUMENT)
    await first.close()
    unreachable = opened(base_url="http://127.0.0.1:1/v1", query_timeout=0.1)
    second = CachedEmbedder(unreachable, tmp_path / "e.sqlite3")
    kept = await second.embed(["a desk", "a chair"], Purpose.DOCUMENT)
    await second.close()
    assert np.allclose(kept, asked[[1, 0]], atol=1e-3)


async def test_a_wrong_key_is_an_error_without_the_key(opened: Opened) -> None:
    """Callers see `EmbeddingError`; nothing secret is in it."""
    with pytest.raises(EmbeddingError) as failed:
        await opened(api_key="sk-wrong-key").embed(["a"], Purpose.QUERY)
    assert "AuthenticationError" in str(failed.value)
    assert "sk-wrong" not in str(failed.value)


async def test_a_query_that_takes_too_long_is_given_up(opened: Opened) -> None:
    """The deadline of queries holds on the wire."""
    with pytest.raises(EmbeddingError, match="Timeout"):
        await opened(query_timeout=0.0001).embed(["a"], Purpose.QUERY)


@pytest.mark.live
async def test_meaning_goes_across_languages() -> None:
    """Only a real model shows it: a Korean sofa is nearer to a sofa than to a printer."""
    embedder = _real().embedder()
    texts = ["따뜻한 소파", "a warm sofa", "a laser printer"]
    korean, sofa, printer = await embedder.embed(texts, Purpose.QUERY)
    await embedder.close()
    assert korean @ sofa > korean @ printer
