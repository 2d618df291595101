"""The same catalogue over MongoDB, and with its vectors in Pinecone, well and badly."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from secantus import SecantusDBServer

from rag.catalogue.feeds import Row
from rag.catalogue.items import Product
from rag.catalogue.store import PRODUCTS, Catalogue
from rag.embedding.ports import Embedder
from rag.errors import IndexUnavailableError
from rag.index.embedded import EmbeddedIndex
from rag.index.indexing import Indexer
from rag.index.pinecone import PineconeIndex
from rag.lexicon import Lexicon
from rag.money import Money, amount_of
from rag.retrieval import Conditions, Deadlines, Retriever
from stores.mongo import MongoStore


@pytest.fixture
def mongo_url(tmp_path: Path) -> Iterator[str]:
    """Run a server that speaks MongoDB's wire protocol."""
    with SecantusDBServer(storage_path=str(tmp_path / "mongo")) as server:
        yield server.uri


@pytest.fixture
async def catalogue(mongo_url: str) -> AsyncIterator[Catalogue[Product]]:
    """Make a catalogue in MongoDB."""
    store = await MongoStore.connect(mongo_url)
    yield Catalogue(store, PRODUCTS, Product)
    await store.close()


@pytest.fixture
async def text(tmp_path: Path, lexicon: Lexicon) -> AsyncIterator[EmbeddedIndex]:
    """Make the full-text index that stands beside Pinecone."""
    index = EmbeddedIndex(tmp_path / "i.sqlite3", lexicon, model="elsewhere", dimensions=16)
    await index.open()
    yield index
    await index.close()


@pytest.fixture
async def pinecone(pinecone_service: tuple[object, str]) -> AsyncIterator[PineconeIndex]:
    """Connect the real client to the stand-in."""
    _, host = pinecone_service
    index = PineconeIndex(host=host, api_key="pc-test", namespace="products", timeout=0.5)
    yield index
    await index.close()


def sofas(*numbers: int) -> list[Row]:
    """Return sofas that cost their number in thousands of won."""
    return [
        Row(n, {"id": f"s{n}", "name": f"sofa number{n}", "price": f"{n}000"}) for n in numbers
    ]


async def test_mongo_and_pinecone_serve_the_same_catalogue(  # noqa: PLR0917 - fixtures
    catalogue: Catalogue[Product],
    text: EmbeddedIndex,
    pinecone: PineconeIndex,
    pinecone_service: tuple[object, str],
    embedder: Embedder,
    lexicon: Lexicon,
) -> None:
    """Written, changed, deleted and found, until Pinecone hangs and full text says so."""
    service, _ = pinecone_service
    indexer = Indexer(catalogue, text, embedder, lexicon, remote=pinecone)
    retriever = Retriever(
        catalogue, text, pinecone, embedder, lexicon, deadlines=Deadlines(vectors=0.2)
    )
    await catalogue.upsert(sofas(1, 2, 3))
    assert await indexer.catch_up() == 3
    await catalogue.delete(["s2"])
    await indexer.catch_up()
    assert set(service.namespaces["products"]) == {"s1", "s3"}  # type: ignore[attr-defined]
    budget = Conditions(budget=Money(amount_of("2500"), "KRW"))
    whole = await retriever.search("sofa", budget)
    assert ([h.item.id for h in whole.hits], whole.degraded) == (["s1"], ())
    service.faults.extend(["slow"] * 9)  # type: ignore[attr-defined]
    partly = await retriever.search("sofa", budget)
    assert ([h.item.id for h in partly.hits], partly.degraded) == (["s1"], ("vectors",))


async def test_what_pinecone_did_not_take_is_sent_again(  # noqa: PLR0917 - fixtures
    catalogue: Catalogue[Product],
    text: EmbeddedIndex,
    pinecone: PineconeIndex,
    pinecone_service: tuple[object, str],
    embedder: Embedder,
    lexicon: Lexicon,
) -> None:
    """The cursor stays while the service is down, so nothing is forgotten."""
    service, _ = pinecone_service
    indexer = Indexer(catalogue, text, embedder, lexicon, remote=pinecone)
    await catalogue.upsert(sofas(1, 2))
    service.faults.extend(["cut"] * 3)  # type: ignore[attr-defined]
    with pytest.raises(IndexUnavailableError):
        await indexer.catch_up()
    assert await text.count() == 0
    assert await indexer.catch_up() == 2
    assert set(service.namespaces["products"]) == {"s1", "s2"}  # type: ignore[attr-defined]
