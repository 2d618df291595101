"""OpenAI's real client against a stand-in, well and badly behaved."""

import numpy as np
import pytest

from rag.embedding.openai import OpenAIEmbedder
from rag.embedding.ports import Purpose
from rag.errors import EmbeddingError

D = 16


def _embedder(url: str, **options: float) -> OpenAIEmbedder:
    return OpenAIEmbedder(api_key="sk-test", base_url=url, dimensions=D, **options)  # type: ignore[arg-type]


async def test_vectors_come_in_the_order_of_the_texts(
    openai_service: tuple[object, str],
) -> None:
    """Batches are joined, answers sorted by index, lengths one; a surrogate does no harm."""
    service, url = openai_service
    embedder = _embedder(url)
    texts = [f"text {i}" for i in range(300)] + ["bad \ud800 text", ""]
    vectors = await embedder.embed(texts, Purpose.DOCUMENT)
    alone = await embedder.embed([texts[200]], Purpose.QUERY)
    assert vectors.shape == (302, D)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(vectors[200], alone[0])
    assert sorted(len(b["input"]) for _, b in service.requests[:3]) == [46, 128, 128]  # type: ignore[attr-defined]
    assert (await embedder.embed([], Purpose.DOCUMENT)).shape == (0, D)
    await embedder.close()


@pytest.mark.parametrize("fault", ["429", "500", "cut"])
async def test_a_document_survives_bad_moments(
    openai_service: tuple[object, str], fault: str
) -> None:
    """The request is repeated after what retry-after says."""
    service, url = openai_service
    service.faults.extend([fault, fault])  # type: ignore[attr-defined]
    embedder = _embedder(url)
    assert (await embedder.embed(["a"], Purpose.DOCUMENT)).shape == (1, D)
    assert len(service.requests) == 3  # type: ignore[attr-defined]
    await embedder.close()


@pytest.mark.parametrize("fault", ["429", "500", "cut", "slow", "bad json", "nonsense"])
async def test_a_query_gives_up_soon(openai_service: tuple[object, str], fault: str) -> None:
    """One repetition at most, then `EmbeddingError` without the service's words."""
    service, url = openai_service
    service.faults.extend([fault] * 4)  # type: ignore[attr-defined]
    embedder = _embedder(url, query_timeout=0.3)
    with pytest.raises(EmbeddingError, match="openai:text-embedding-3-small"):
        await embedder.embed(["a"], Purpose.QUERY)
    assert len(service.requests) <= 2  # type: ignore[attr-defined]
    await embedder.close()


async def test_vectors_of_another_size_are_refused(openai_service: tuple[object, str]) -> None:
    """A compatible service that ignores `dimensions` is noticed."""
    service, url = openai_service
    embedder = OpenAIEmbedder(api_key="sk-test", base_url=url, dimensions=99)
    with pytest.raises(EmbeddingError, match="instead of"):
        await embedder.embed(["a"], Purpose.QUERY)
    service.problems.clear()  # type: ignore[attr-defined]
    await embedder.close()
