"""Where the consultant works: in a process of its own, or here."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from signalling.chat.consulting import Consultant, consult
from signalling.chat.process import ConsultantProcess
from signalling.errors import OptionError
from stores.documents import DocumentStore, StoreError
from stores.settings import open_document_store

if TYPE_CHECKING:
    from rag.catalogue.routes import Shelves
    from rag.catalogue.store import Catalogue
    from rag.consultant.chat import Chat
    from rag.engine import Engine
    from signalling.settings import ServeSettings

log = structlog.get_logger()


async def _open_store(settings: "ServeSettings") -> DocumentStore:
    try:
        return await open_document_store(settings)
    except StoreError as exc:
        raise OptionError(f"catalogue: {exc}") from None


class Room(Protocol):
    """What the server has of retrieval, while it is open."""

    @property
    def consultant(self) -> Consultant | None:
        """Who answers; None while nobody can."""

    @property
    def shelves(self) -> "Shelves | None":
        """The catalogues; None until they are loaded."""

    def open(self) -> AbstractAsyncContextManager[None]:
        """Open the stores and let the consultant work inside the context."""


class Here:
    """
    Everything in this process.

    For tests, and where there is no room for a second one: a forwarded message may then
    wait for a search.
    """

    def __init__(self, settings: "ServeSettings") -> None:
        self._settings = settings
        self.engine: Engine | None = None
        self.consultant: Chat | None = None

    @property
    def shelves(self) -> "Shelves | None":
        """See `Room`."""
        return None if self.consultant is None else self.engine

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """See `Room`."""
        from rag.engine import open_engine  # noqa: PLC0415 - brought by an extra

        settings = self._settings
        store = await _open_store(settings)
        async with open_engine(settings, store, settings.data_dir) as engine:
            self.engine = engine
            work = asyncio.create_task(self._work(engine, store))
            yield
            self.consultant = None
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        await store.close()

    async def _work(self, engine: "Engine", store: DocumentStore) -> None:
        try:
            await consult(self._settings, engine, store, self._ready)
        except Exception:
            log.exception("retrieval_failed")

    def _ready(self, chat: "Chat") -> None:
        self.consultant = chat
        log.info("retrieval_ready")


@dataclass(frozen=True, slots=True)
class _Shelf:
    """A catalogue that the other process indexes."""

    catalogue: "Catalogue[Any]"
    process: ConsultantProcess

    def wake(self) -> None:
        """Tell it that there is something new; while it starts it will see by itself."""
        if self.process.consultant is not None:
            self.process.consultant.wake()


@dataclass(frozen=True, slots=True)
class _Shelves:
    products: _Shelf
    partners: _Shelf


class Apart:
    """The consultant in a process of its own; here are only the documents."""

    def __init__(self, settings: "ServeSettings") -> None:
        self._settings = settings
        self._process = ConsultantProcess(settings)
        self._shelves: _Shelves | None = None

    @property
    def consultant(self) -> Consultant | None:
        """See `Room`."""
        return self._process.consultant

    @property
    def shelves(self) -> "Shelves | None":
        """See `Room`; they stay while the process starts again."""
        return self._shelves if self._process.was_ready.is_set() else None

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """See `Room`."""
        store = await _open_store(self._settings)
        self._shelves = self._over(store)
        work = asyncio.create_task(self._process.run())
        try:
            yield
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await store.close()

    def _over(self, store: DocumentStore) -> _Shelves:
        from rag.catalogue.items import Partner, Product  # noqa: PLC0415
        from rag.catalogue.store import PARTNERS, PRODUCTS, Catalogue  # noqa: PLC0415 - an extra's

        currency = self._settings.catalogue_currency
        products = Catalogue(store, PRODUCTS, Product, default_currency=currency)
        partners = Catalogue(store, PARTNERS, Partner, default_currency=currency)
        return _Shelves(_Shelf(products, self._process), _Shelf(partners, self._process))
