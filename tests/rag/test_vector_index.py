"""The contract of vector indexes: embedded, and Pinecone behind its real client."""

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from rag.embedded import EmbeddedIndex
from rag.embedding import unit
from rag.entries import Entry, Where
from rag.errors import IndexUnavailableError
from rag.index import Vectored, VectorIndex
from rag.lexicon import default_lexicon
from rag.pinecone_index import PineconeIndex

D = 16
KRW = 10_000  # units of one


def axis(*weights: float) -> np.ndarray:
    """Return a unit vector that leans as the weights say."""
    vector = np.zeros((1, D), np.float32)
    vector[0, : len(weights)] = weights
    return unit(vector)[0]


@pytest.fixture(params=["embedded", "pinecone"])
async def index(
    request: pytest.FixtureRequest, tmp_path: Path, pinecone_service: tuple[object, str]
) -> AsyncIterator[VectorIndex]:
    """Each adapter, empty."""
    if request.param == "embedded":
        embedded = EmbeddedIndex(
            tmp_path / "i.sqlite3", default_lexicon(), model="m", dimensions=D
        )
        await embedded.open()
        yield embedded
        await embedded.close()
        return
    _, host = pinecone_service
    remote = PineconeIndex(host=host, api_key="pc-test", namespace="products", timeout=5)
    yield remote
    await remote.close()


Make = Callable[..., Entry]


async def _fill(index: VectorIndex, make_entry: Make) -> None:
    rows = [
        ("a", axis(1), 100 * KRW, "KRW", "modern"),
        ("b", axis(1, 0.3), 200 * KRW, "KRW", "classic"),
        ("c", axis(1, 1), 300 * KRW, "KRW", "modern"),
        ("d", axis(0, 1), 1 * KRW, "USD", "modern"),
    ]
    await index.put(
        [
            Vectored(make_entry(key, units=units, currency=currency, style=style), vector)
            for key, vector, units, currency, style in rows
        ]
    )


async def _ids(index: VectorIndex, where: Where = Where(), limit: int = 10) -> list[str]:  # noqa: B008
    return [s.id for s in await index.nearest(axis(1), where, limit)]


async def test_the_nearest_come_first_with_their_cosine(
    index: VectorIndex, make_entry: Make
) -> None:
    """Order and score are the cosine's, to the rounding of eight bits."""
    await _fill(index, make_entry)
    found = await index.nearest(axis(1), Where(), 3)
    assert [s.id for s in found] == ["a", "b", "c"]
    assert found[2].score == pytest.approx(2**-0.5, abs=0.01)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Where(limits={"KRW": 200 * KRW}), ["a", "b"]),
        (Where(limits={"KRW": 200 * KRW - 1}), ["a"]),
        (Where(limits={"KRW": 150 * KRW, "USD": KRW}), ["a", "d"]),
        (Where(limits={"EUR": 10**12}), []),
        (Where(limits={}), []),
        (Where(any_of=(frozenset({"style:modern"}),)), ["a", "c", "d"]),
        (Where(any_of=(frozenset({"style:modern", "style:classic"}),)), ["a", "b", "c", "d"]),
        (Where({"KRW": 10**9}, (frozenset({"style:classic"}),)), ["b"]),
        (Where(any_of=(frozenset({"style:none"}),)), []),
    ],
)
async def test_only_what_the_filter_allows_is_found(
    index: VectorIndex, make_entry: Make, where: Where, expected: list[str]
) -> None:
    """Budgets are inclusive and by currency; of several styles any will do."""
    await _fill(index, make_entry)
    assert await _ids(index, where) == expected


async def test_putting_again_replaces_and_removing_forgets(
    index: VectorIndex, make_entry: Make
) -> None:
    """Both are idempotent."""
    await _fill(index, make_entry)
    for _ in range(2):
        await index.put([Vectored(make_entry("a", units=KRW, style="new"), axis(0, 0, 1))])
        await index.remove(["b", "nobody"])
    assert await _ids(index) == ["c", "a", "d"] or await _ids(index) == ["c", "d", "a"]
    assert await _ids(index, Where(any_of=(frozenset({"style:new"}),))) == ["a"]


async def test_a_narrow_filter_costs_no_recall(index: VectorIndex, make_entry: Make) -> None:
    """The far ones are found when only they are allowed."""
    rng = np.random.default_rng(3)
    vectors = unit(rng.normal(size=(400, D)))
    await index.put(
        [
            Vectored(make_entry(f"{i:03}", style="rare" if i % 100 == 0 else "usual"), v)
            for i, v in enumerate(vectors)
        ]
    )
    rare = await _ids(index, Where(any_of=(frozenset({"style:rare"}),)))
    order = np.argsort(-vectors[::100] @ axis(1))
    assert rare == [f"{i * 100:03}" for i in order]


@pytest.mark.parametrize("fault", ["slow", "bad json", "nonsense"])
async def test_pinecone_failing_is_one_error(
    pinecone_service: tuple[object, str], fault: str
) -> None:
    """Whatever the client raises, callers see `IndexUnavailableError`, within the deadline."""
    service, host = pinecone_service
    service.faults.extend([fault] * 9)  # type: ignore[attr-defined]
    index = PineconeIndex(host=host, api_key="pc-test", namespace="", timeout=0.5)
    with pytest.raises(IndexUnavailableError):
        await index.nearest(axis(1), Where(), 5)
    await index.close()


@pytest.mark.parametrize("fault", ["429", "500", "cut"])
async def test_pinecone_failing_once_is_tried_again(
    pinecone_service: tuple[object, str], fault: str, make_entry: Make
) -> None:
    """The client's own retries carry an import over a bad moment."""
    service, host = pinecone_service
    service.faults.append(fault)  # type: ignore[attr-defined]
    index = PineconeIndex(host=host, api_key="pc-test", namespace="n", timeout=5)
    await index.put([Vectored(make_entry("a"), axis(1))])
    assert [s.id for s in await index.nearest(axis(1), Where(), 5)] == ["a"]
    await index.close()


async def test_pinecone_is_asked_as_the_reference_pipeline_does(
    pinecone_service: tuple[object, str],
) -> None:
    """`topK` 20 and `{price: {$lte: budget}, style}` in the namespace."""
    service, host = pinecone_service
    index = PineconeIndex(host=host, api_key="pc-test", namespace="shop", timeout=5)
    where = Where({"KRW": 1_500_000 * KRW}, (frozenset({"style:modern"}),))
    await index.nearest(axis(1), where, 200)
    body = service.requests[-1][1]  # type: ignore[attr-defined]
    assert (body["topK"], body["namespace"]) == (20, "shop")
    assert body["filter"] == {
        "price": {"$lte": 1500000},
        "currency": {"$eq": "KRW"},
        "style": {"$eq": "modern"},
    }
    await index.close()


@pytest.mark.skipif("PINECONE_API_KEY" not in os.environ, reason="needs a real account")
async def test_a_real_pinecone_index_keeps_the_contract(make_entry: Make) -> None:
    """The same calls against PINECONE_HOST, in a namespace of the test's own."""
    index = PineconeIndex(
        host=os.environ["PINECONE_HOST"],
        api_key=os.environ["PINECONE_API_KEY"],
        namespace="live-check",
        timeout=10,
    )
    width = int(os.environ.get("PINECONE_DIMENSIONS", "1536"))
    vector = np.pad(axis(1), (0, width - D))
    await index.put([Vectored(make_entry("live", units=KRW, style="modern"), vector)])
    await index.nearest(vector, Where({"KRW": KRW}), 5)
    await index.remove(["live"])
    await index.close()
