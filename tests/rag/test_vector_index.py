"""
The contract of vector indexes: embedded, and Pinecone behind its real client.

Pinecone is a stand-in, and a real account when there is one: `make live-check` with
PINECONE_API_KEY, PINECONE_HOST and, unless it is 1536, PINECONE_DIMENSIONS of a cosine
index. Each test works in a namespace of its own, which it empties.
"""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pinecone import AsyncIndex

from rag.embedding.ports import unit
from rag.entries import Entry, Scored, Where
from rag.errors import IndexUnavailableError
from rag.index.embedded import EmbeddedIndex
from rag.index.pinecone import PineconeIndex
from rag.index.ports import Vectored, VectorIndex
from rag.lexicon import default_lexicon

D = 16
WIDE = 192  # wider than a sketch
KRW = 10_000  # units of one
ALL = Where()


def axis(*weights: float) -> np.ndarray:
    """Return a unit vector that leans as the weights say."""
    vector = np.zeros((1, D), np.float32)
    vector[0, : len(weights)] = weights
    return unit(vector)[0]


class Place:
    """An index under test, and how it is asked: a real one is told to be patient."""

    def __init__(self, index: VectorIndex, *, width: int = D, patience: float = 0.0) -> None:
        self._index = index
        self._width = width
        self._patience = patience

    async def put(self, items: Sequence[Vectored]) -> None:
        """Write vectors, padded to the index's width."""
        await self._index.put([Vectored(i.entry, self._wide(i.vector)) for i in items])

    async def remove(self, ids: Sequence[str]) -> None:
        """Forget items."""
        await self._index.remove(ids)

    async def finds(
        self, expected: Sequence[str], where: Where = ALL, limit: int = 10
    ) -> list[Scored]:
        """Assert what is found nearest the first axis; writes may take a while to be seen."""
        deadline = asyncio.get_running_loop().time() + self._patience
        while True:
            found = await self._index.nearest(self._wide(axis(1)), where, limit)
            ids = [s.id for s in found]
            if ids == list(expected) or asyncio.get_running_loop().time() >= deadline:
                assert ids == list(expected)
                return found
            await asyncio.sleep(0.5)

    def _wide(self, vector: np.ndarray) -> np.ndarray:
        return np.pad(vector, (0, self._width - D))


Open = Callable[[str], Awaitable[Place]]


@pytest.fixture(params=["embedded", "stand-in", pytest.param("real", marks=pytest.mark.live)])
async def opened(
    request: pytest.FixtureRequest, tmp_path: Path, pinecone_service: tuple[object, str]
) -> AsyncIterator[Open]:
    """Give a function that opens an empty index, or namespace, by name."""
    async with AsyncExitStack() as stack:

        async def embedded(name: str) -> Place:
            path = tmp_path / f"{name}.sqlite3"
            index = EmbeddedIndex(path, default_lexicon(), model="m", dimensions=D)
            stack.push_async_callback(index.close)
            await index.open()
            return Place(index)

        async def stand_in(name: str) -> Place:
            host = pinecone_service[1]
            index = PineconeIndex(host=host, api_key="pc-test", namespace=name, timeout=5)
            stack.push_async_callback(index.close)
            return Place(index)

        async def real(name: str) -> Place:
            return await _account(f"live-check-{name}-{uuid.uuid4().hex}", stack)

        if request.param == "real" and not {"PINECONE_API_KEY", "PINECONE_HOST"} <= set(
            os.environ
        ):
            pytest.skip("needs PINECONE_API_KEY and PINECONE_HOST: an account of Pinecone")
        yield {"embedded": embedded, "stand-in": stand_in, "real": real}[request.param]


async def _account(namespace: str, stack: AsyncExitStack) -> Place:
    host, key = os.environ["PINECONE_HOST"], os.environ["PINECONE_API_KEY"]
    client = AsyncIndex(host=host, api_key=key)
    stack.push_async_callback(client.close)
    stack.push_async_callback(client.delete, delete_all=True, namespace=namespace)
    index = PineconeIndex(host=host, api_key=key, namespace=namespace, timeout=20)
    stack.push_async_callback(index.close)
    width = int(os.environ.get("PINECONE_DIMENSIONS", "1536"))
    return Place(index, width=width, patience=60.0)


@pytest.fixture
async def index(opened: Open) -> Place:
    """Each adapter, empty."""
    return await opened("products")


Make = Callable[..., Entry]


async def _fill(index: Place, make_entry: Make) -> None:
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


async def test_the_nearest_come_first_with_their_cosine(index: Place, make_entry: Make) -> None:
    """Order and score are the cosine's, to the rounding of eight bits."""
    await _fill(index, make_entry)
    found = await index.finds(["a", "b", "c"], limit=3)
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
    index: Place, make_entry: Make, where: Where, expected: list[str]
) -> None:
    """Budgets are inclusive and by currency; of several styles any will do."""
    await _fill(index, make_entry)
    await index.finds(expected, where)


async def test_putting_again_replaces_and_removing_forgets(
    index: Place, make_entry: Make
) -> None:
    """Both are idempotent."""
    await _fill(index, make_entry)
    for _ in range(2):
        await index.put([Vectored(make_entry("a", units=KRW, style="new"), axis(0, 0, 1))])
        await index.remove(["b", "nobody"])
    await index.finds(["a"], Where(any_of=(frozenset({"style:new"}),)))
    await index.finds(["c"], limit=1)
    await index.finds(["c"], Where({"KRW": 300 * KRW}, (frozenset({"style:modern"}),)))
    await index.finds(["d"], Where({"USD": KRW}))


async def test_never_more_than_asked_for(index: Place, make_entry: Make) -> None:
    """The best ones, whatever the number."""
    await _fill(index, make_entry)
    for limit, expected in ((1, ["a"]), (2, ["a", "b"]), (4, ["a", "b", "c", "d"])):
        await index.finds(expected, limit=limit)


async def test_namespaces_do_not_see_each_other(opened: Open, make_entry: Make) -> None:
    """Products and partners with the same id stay apart, deletions too."""
    products, partners = await opened("products"), await opened("partners")
    await products.put([Vectored(make_entry("x", style="a"), axis(1))])
    await partners.put([Vectored(make_entry("x", style="b"), axis(1))])
    await products.finds(["x"], Where(any_of=(frozenset({"style:a"}),)))
    await partners.finds(["x"], Where(any_of=(frozenset({"style:b"}),)))
    await products.finds([], Where(any_of=(frozenset({"style:b"}),)))
    await products.remove(["x"])
    await products.finds([])
    await partners.finds(["x"])


async def test_a_narrow_filter_costs_no_recall(index: Place, make_entry: Make) -> None:
    """The far ones are found when only they are allowed."""
    rng = np.random.default_rng(3)
    vectors = unit(rng.normal(size=(400, D)))
    await index.put(
        [
            Vectored(make_entry(f"{i:03}", style="rare" if i % 100 == 0 else "usual"), v)
            for i, v in enumerate(vectors)
        ]
    )
    order = np.argsort(-vectors[::100] @ axis(1))
    expected = [f"{i * 100:03}" for i in order]
    await index.finds(expected, Where(any_of=(frozenset({"style:rare"}),)))


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


async def test_beyond_the_exact_size_sketches_choose_what_is_compared(
    tmp_path: Path, make_entry: Make
) -> None:
    """Nearly all of the nearest are found, what came later and was removed included."""
    rng = np.random.default_rng(4)
    centres = rng.normal(size=(60, WIDE))
    vectors = unit(centres[rng.integers(60, size=9_000)] + rng.normal(size=(9_000, WIDE)))
    index = EmbeddedIndex(tmp_path / "i", default_lexicon(), model="m", dimensions=WIDE)
    await index.open()
    entry = make_entry("")
    items = [Vectored(replace(entry, id=f"{n}"), v) for n, v in enumerate(vectors)]
    await index.put(items[:8_900])
    await index.nearest(vectors[0], ALL, 1)
    await index.put(items[8_900:])
    await index.remove(["8999"])
    shares = [await _share_found(index, vectors[:-1], row) for row in range(0, 9_000, 450)]
    await index.close()
    assert np.mean(shares) >= 0.98


async def _share_found(index: EmbeddedIndex, vectors: np.ndarray, row: int) -> float:
    exact = np.argsort(-(vectors @ vectors[row]))[:20]
    found = await index.nearest(vectors[row], ALL, 20)
    assert "8999" not in {s.id for s in found}
    return len({s.id for s in found} & {str(n) for n in exact}) / 20
