"""The catalogue and the index that follows it, killed and repeated at will."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rag.catalogue.feeds import Row
from rag.catalogue.items import Product
from rag.catalogue.store import PRODUCTS, Catalogue
from rag.embedding.ports import CachedEmbedder, Embedder, Purpose, Vectors
from rag.entries import Where
from rag.errors import EmbeddingError, RowError
from rag.index.analysis import read_request
from rag.index.embedded import EmbeddedIndex
from rag.index.indexing import Indexer
from rag.lexicon import Lexicon, load_lexicon
from rag.money import Money
from rag.retrieval import Conditions, Deadlines, Retriever
from stores.documents import DocumentStore
from stores.sqlite import SqliteStore


def rows(count: int, **fields: Any) -> Iterable[Row]:
    """Return rows of chairs, priced 1000, 2000, … won."""
    for n in range(1, count + 1):
        row = {"id": f"c{n}", "name": {"ko": f"의자 {n}", "en": f"chair number{n}"}}
        yield Row(n, {**row, "price": f"{n * 1000}", "currency": "KRW", **fields})


@pytest.fixture
def catalogue(store: DocumentStore) -> Catalogue[Product]:
    """Make an empty catalogue of products."""
    return Catalogue(store, PRODUCTS, Product)


@pytest.fixture
async def index(
    tmp_path: Path, lexicon: Lexicon, embedder: Embedder
) -> AsyncIterator[EmbeddedIndex]:
    """Make an empty index."""
    opened = _index(tmp_path / "index.sqlite3", lexicon, embedder)
    await opened.open()
    yield opened
    await opened.close()


def _index(path: Path, lexicon: Lexicon, embedder: Embedder) -> EmbeddedIndex:
    return EmbeddedIndex(path, lexicon, model=embedder.name, dimensions=embedder.dimensions)


@pytest.fixture
def indexer(
    catalogue: Catalogue[Product], index: EmbeddedIndex, embedder: Embedder, lexicon: Lexicon
) -> Indexer:
    """Make an indexer over both."""
    return Indexer(catalogue, index, embedder, lexicon)


@pytest.fixture
def retriever(
    catalogue: Catalogue[Product], index: EmbeddedIndex, embedder: Embedder, lexicon: Lexicon
) -> Retriever[Product]:
    """Make a retriever over both."""
    return Retriever(catalogue, index, index, embedder, lexicon)


async def _found(retriever: Retriever[Product], text: str, **conditions: Any) -> list[str]:
    found = await retriever.search(text, Conditions(**conditions))
    return [h.item.id for h in found.hits]


async def test_a_feed_twice_writes_and_embeds_once(
    catalogue: Catalogue[Product], indexer: Indexer, embedder: Any
) -> None:
    """Only changed rows are written, only they are embedded and indexed."""
    first = await catalogue.upsert(rows(30))
    assert (first.rows, first.written, await indexer.catch_up()) == (30, 30, 30)
    again = await catalogue.upsert(rows(30))
    assert (again.written, again.unchanged, await indexer.catch_up()) == (0, 30, 0)
    await catalogue.upsert(rows(2, style="modern"))
    assert await indexer.catch_up() == 2
    assert len(embedder.texts) == 32


async def test_changes_and_deletions_are_followed(
    catalogue: Catalogue[Product], indexer: Indexer, retriever: Retriever[Product]
) -> None:
    """What was renamed is found by its new name only, what was deleted not at all."""
    await catalogue.upsert(rows(5))
    await indexer.catch_up()
    await catalogue.upsert([Row(1, {"id": "c1", "name": "lamp", "price": "1"})])
    await catalogue.delete(["c2"])
    assert await indexer.catch_up() == 2
    found = await _found(retriever, "chair")
    assert "c2" not in found
    assert found[-1] == "c1"
    assert await _found(retriever, "lamp", budget=Money(1, "KRW")) == ["c1"]  # type: ignore[arg-type]
    await catalogue.upsert(rows(2))
    await indexer.catch_up()
    assert sorted(await _found(retriever, "chair")) == ["c1", "c2", "c3", "c4", "c5"]


async def test_a_deleted_product_is_not_shown_before_the_index_knows(
    catalogue: Catalogue[Product], indexer: Indexer, retriever: Retriever[Product]
) -> None:
    """Hits are read from the documents, so a stale index shows nothing wrong."""
    await catalogue.upsert(rows(3))
    await indexer.catch_up()
    await catalogue.delete(["c1"])
    await catalogue.upsert([Row(1, {"id": "c2", "name": "chair", "price": "999999"})])
    budget = Money(5000, "KRW")  # type: ignore[arg-type]
    assert await _found(retriever, "chair", budget=budget) == ["c3"]


async def test_another_process_writing_is_noticed(
    catalogue: Catalogue[Product],
    indexer: Indexer,
    tmp_path: Path,
    lexicon: Lexicon,
    embedder: Embedder,
) -> None:
    """A second opening of the file sees every later commit."""
    await catalogue.upsert(rows(1))
    await indexer.catch_up()
    other = _index(tmp_path / "index.sqlite3", lexicon, embedder)
    await other.open()
    vector = (await embedder.embed(["chair"], Purpose.QUERY))[0]
    assert len(await other.nearest(vector, Where(), 9)) == 1
    await catalogue.upsert(rows(3))
    await catalogue.delete(["c1"])
    await indexer.catch_up()
    found = {s.id for s in await other.nearest(vector, Where(), 9)}
    await other.close()
    assert found == {"c2", "c3"}


async def test_a_new_file_opened_by_many_at_once_is_made_once(
    tmp_path: Path, lexicon: Lexicon, embedder: Embedder
) -> None:
    """As when a server and an import begin on one empty directory."""
    for turn in range(10):
        opened = [_index(tmp_path / f"{turn}.sqlite3", lexicon, embedder) for _ in range(6)]

        async def begin(index: EmbeddedIndex) -> str:
            await index.open()
            await index.apply([], "reached")
            return await index.cursor()

        assert await asyncio.gather(*map(begin, opened)) == ["reached"] * len(opened)
        for index in opened:
            await index.close()


async def test_a_server_starts_while_an_import_writes(
    tmp_path: Path, index: EmbeddedIndex, lexicon: Lexicon, embedder: Embedder
) -> None:
    """What is made already is opened without the lock of writers."""
    with closing(sqlite3.connect(tmp_path / "index.sqlite3", isolation_level=None)) as writing:
        writing.execute("BEGIN IMMEDIATE")
        second = _index(tmp_path / "index.sqlite3", lexicon, embedder)
        async with asyncio.timeout(5):
            await second.open()
        assert await second.count() == await index.count()
        await second.close()


async def test_another_model_makes_the_index_anew(  # noqa: PLR0917 - fixtures
    catalogue: Catalogue[Product],
    indexer: Indexer,
    index: EmbeddedIndex,
    tmp_path: Path,
    lexicon: Lexicon,
    embedder: Any,
) -> None:
    """Vectors of two models never meet."""
    await catalogue.upsert(rows(4))
    await indexer.catch_up()
    await index.close()
    embedder.name = "hash-2"
    other = _index(tmp_path / "index.sqlite3", lexicon, embedder)
    await other.open()
    assert await other.count() == 0
    assert await Indexer(catalogue, other, embedder, lexicon).catch_up() == 4
    await other.close()


class _Failing:
    name, dimensions = "hash-1", 16

    def __init__(self, *, slow: bool = False) -> None:
        self._slow = slow

    async def embed(self, texts: Any, purpose: Purpose) -> Vectors:  # noqa: ARG002 - the port's
        if self._slow:
            await asyncio.Event().wait()
        raise EmbeddingError("down")

    async def close(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize("slow", [False, True])
async def test_without_vectors_full_text_answers_and_says_so(
    catalogue: Catalogue[Product],
    indexer: Indexer,
    index: EmbeddedIndex,
    lexicon: Lexicon,
    slow: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """A model that fails or hangs costs its deadline, not the answer."""
    await catalogue.upsert(rows(3))
    await indexer.catch_up()
    retriever = Retriever(
        catalogue,
        index,
        index,
        _Failing(slow=slow),
        lexicon,
        deadlines=Deadlines(embed=0.05),
    )
    found = await retriever.search("의자")
    assert len(found.hits) == 3
    assert found.degraded == ("embedding",)


async def test_wrong_rows_are_reported_and_passed_over(catalogue: Catalogue[Product]) -> None:
    """The error names row and field; the others are written."""
    bad = [
        Row(7, {"id": "x", "name": "x", "price": 1.5, "currency": "KRW"}),
        Row(8, {"id": "y", "name": "y", "price": "1", "currency": "won"}),
        Row(9, {"name": "z", "price": "1"}),
        RowError(10, "", "not JSON"),
        Row(11, {"id": "s", "name": "s", "price": "1", "stock": -1}),
    ]
    report = await catalogue.upsert([*rows(2), *bad])
    assert (report.rows, report.written, report.failed) == (7, 2, 5)
    named = [(e.row, e.field) for e in report.errors]
    assert named == [(7, "price"), (8, "currency"), (9, "id"), (10, ""), (11, "stock")]


async def test_the_embedding_cache_survives_and_is_asked_first(
    tmp_path: Path, embedder: Any
) -> None:
    """By content and model; queries are not kept."""
    for expected in (["a", "b"], []):
        embedder.texts.clear()
        cached = CachedEmbedder(embedder, tmp_path / "e.sqlite3")
        vectors = await cached.embed(["a", "b", "a"], Purpose.DOCUMENT)
        await cached.embed(["query"], Purpose.QUERY)
        assert embedder.texts == expected
        assert (vectors[0] == vectors[2]).all()
        await cached.close()


async def test_a_cache_of_vectors_that_fails_is_an_error_of_the_package(
    tmp_path: Path, embedder: Embedder
) -> None:
    """The task that follows the catalogue outlives those, and tries again."""
    path = tmp_path / "e.sqlite3"
    cached = CachedEmbedder(embedder, path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("DROP TABLE vectors")
    with pytest.raises(EmbeddingError, match=r"e\.sqlite3: no such table: vectors"):
        await cached.embed(["a chair"], Purpose.DOCUMENT)
    await cached.close()
    broken = tmp_path / "broken.sqlite3"
    broken.write_bytes(b"not a database" * 100)
    with pytest.raises(EmbeddingError, match="file is not a database"):
        CachedEmbedder(embedder, broken)


async def test_killed_while_indexing_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """After SIGKILL every reported row is stored, and another run indexes the rest."""
    feed = tmp_path / "feed.jsonl"
    with feed.open("w") as out:
        for row in rows(3000):
            out.write(json.dumps(row.fields) + "\n")
    command = [sys.executable, "-c", _KILLED, str(feed), str(tmp_path / "data")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:  # noqa: ASYNC220, S603
        assert run.stdout is not None
        said = [next(run.stdout) for _ in range(9)]
        run.send_signal(signal.SIGKILL)
        said += run.stdout.readlines()
    counts = dict(line.split() for line in said)
    store = await SqliteStore.open(tmp_path / "data" / "documents.sqlite3")
    assert await store.count(PRODUCTS) >= int(counts["written"])
    assert 0 < int(counts["indexed"]) < 3000
    await store.close()
    finished = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: ASYNC221, S603
    last = dict(line.split() for line in finished.stdout.splitlines())
    assert last["count"] == "3000"
    assert int(last["new"]) <= 3000 - int(counts["indexed"])


_KILLED = """
import asyncio, sys
from pathlib import Path
import numpy as np
from rag.catalogue.store import PRODUCTS, Catalogue
from rag.index.analysis import read_request
from rag.index.embedded import EmbeddedIndex
from rag.catalogue.feeds import read_file
from rag.index.indexing import Indexer
from rag.catalogue.items import Product
from rag.lexicon import default_lexicon
from stores.sqlite import SqliteStore

class Ones:
    name, dimensions = "ones", 8
    async def embed(self, texts, purpose):
        return np.ones((len(texts), 8), np.float32)

async def main(feed, data):
    store = await SqliteStore.open(data / "documents.sqlite3")
    lexicon = default_lexicon()
    index = EmbeddedIndex(data / "index.sqlite3", lexicon, model="ones", dimensions=8)
    await index.open()
    catalogue = Catalogue(store, PRODUCTS, Product)
    told = lambda report: print("written", report.written, flush=True)
    await catalogue.upsert(read_file(feed), progress=told)
    passed = [await index.count()]
    def indexed(count):
        passed[0] = min(passed[0] + count, 3000)
        print("indexed", passed[0], flush=True)
    new = await Indexer(catalogue, index, Ones(), lexicon).catch_up(indexed)
    print("new", new)
    print("count", await index.count())
    await index.close()
    await store.close()

asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
"""


async def test_another_lexicon_makes_the_index_anew(
    catalogue: Catalogue[Product], indexer: Indexer, tmp_path: Path, embedder: Embedder
) -> None:
    """New words of the operator are found in products that were there before."""
    await catalogue.upsert([Row(1, {"id": "c", "name": "zorb", "price": "1"})])
    await indexer.catch_up()
    words = tmp_path / "words.tsv"
    words.write_text("product\tzorb\t조브\n", "utf-8")
    more = load_lexicon([words])
    other = _index(tmp_path / "index.sqlite3", more, embedder)
    await other.open()
    assert await Indexer(catalogue, other, embedder, more).catch_up() == 1
    found = await other.matching(read_request("조브", more), Where(), 9)
    await other.close()
    assert [s.id for s in found] == ["c"]
