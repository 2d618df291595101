"""Vectors from OpenAI, or any service that speaks its embeddings API, by its own client."""

import asyncio
from collections.abc import Sequence

import numpy as np
from openai import AsyncOpenAI, OpenAIError

from rag.embedding.ports import Purpose, Vectors, unit
from rag.errors import EmbeddingError
from rag.text import clean

_BATCH = 128  # texts of one request; the service takes 2,048 and 300,000 tokens
_LONGEST = 6_000  # characters; the service refuses more than 8,192 tokens
_DOCUMENT_RETRIES = (
    6  # an import may wait for a rate limit to pass; the client reads retry-after
)
_QUERIES = 64  # visitors wait for none of each other, nor for an import
_QUERY_RETRIES = 1  # a visitor may not


class OpenAIEmbedder:
    """
    An embedding model behind HTTP.

    Documents go in batches, some at a time; the client waits as long as the
    service's retry-after says. Queries are tried twice and then given up.
    """

    def __init__(
        self,
        *,
        api_key: str,
        model: str = "text-embedding-3-small",
        dimensions: int = 1536,
        base_url: str | None = None,
        concurrency: int = 4,
        query_timeout: float = 2.0,
        document_timeout: float = 60.0,
    ) -> None:
        self.name = f"openai:{model}:{dimensions}"
        self.dimensions = dimensions
        self._model = model
        self._client = AsyncOpenAI(api_key=api_key, base_url=base_url)
        self._slots = {
            Purpose.QUERY: asyncio.Semaphore(_QUERIES),
            Purpose.DOCUMENT: asyncio.Semaphore(concurrency),
        }
        self._timeouts = {Purpose.QUERY: query_timeout, Purpose.DOCUMENT: document_timeout}

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        """Return the texts' vectors; raise `EmbeddingError` when the service fails."""
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        parts = [texts[i : i + _BATCH] for i in range(0, len(texts), _BATCH)]
        tasks = [asyncio.ensure_future(self._request(part, purpose)) for part in parts]
        try:
            return np.vstack(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()

    async def close(self) -> None:
        """Close the client's connections."""
        await self._client.close()

    async def _request(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        retries = _QUERY_RETRIES if purpose is Purpose.QUERY else _DOCUMENT_RETRIES
        client = self._client.with_options(timeout=self._timeouts[purpose], max_retries=retries)
        async with self._slots[purpose]:
            try:
                answer = await client.embeddings.create(
                    model=self._model,
                    input=[clean(t)[:_LONGEST] or " " for t in texts],
                    dimensions=self.dimensions,
                )
                ordered = sorted(answer.data, key=lambda item: item.index)
                return self._checked([item.embedding for item in ordered], len(texts))
            except OpenAIError as error:
                raise EmbeddingError(f"{self.name}: {type(error).__name__}") from error
            except (ValueError, TypeError, AttributeError) as error:  # an answer that is none
                raise EmbeddingError(f"{self.name}: unusable answer") from error

    def _checked(self, vectors: list[list[float]], expected: int) -> Vectors:
        found = np.asarray(vectors, np.float32)
        if found.shape != (expected, self.dimensions) or not np.isfinite(found).all():
            raise EmbeddingError(f"{self.name}: {found.shape} instead of {expected} vectors")
        return unit(found)
