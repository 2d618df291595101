"""Products and partners as lasting documents; only what changed is written."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import orjson

from rag.catalogue.feeds import Row
from rag.catalogue.items import Item, Partner, Product
from rag.errors import RowError
from stores.documents import Collection, Document, DocumentStore

ItemT = TypeVar("ItemT", Product, Partner)

BATCH = 500  # rows written and acknowledged at a time
_BREATH = 50  # rows checked in one go: some milliseconds of the event loop
ERRORS_KEPT = 1_000  # the rest of a bad feed's errors are only counted

PRODUCTS = Collection("products", indexes=("changed",))
PARTNERS = Collection("partners", indexes=("changed",))


@dataclass(slots=True)
class Imported:
    """What became of a feed's rows."""

    rows: int = 0
    written: int = 0
    unchanged: int = 0
    failed: int = 0
    errors: list[RowError] = field(default_factory=list)

    def refuse(self, error: RowError) -> None:
        """Count a row that could not be taken."""
        self.rows += 1
        self.failed += 1
        if len(self.errors) < ERRORS_KEPT:
            self.errors.append(error)


@dataclass(frozen=True, slots=True)
class Stored(Generic[ItemT]):
    """A document as the indexer follows it; no item means it was deleted."""

    id: str
    changed: str
    digest: str
    item: ItemT | None


class Catalogue(Generic[ItemT]):
    """
    One collection of items.

    Every write stamps its documents with a time that only grows in this process;
    indexes follow by it. A deleted item leaves its stamp behind so that every
    node's index learns of it.
    """

    def __init__(
        self,
        store: DocumentStore,
        collection: Collection,
        item: type[ItemT],
        *,
        default_currency: str = "KRW",
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._store = store
        self._collection = collection
        self._item: type[ItemT] = item
        self._currency = default_currency
        self._clock = clock
        self._last = 0

    @property
    def name(self) -> str:
        """What the items are, in the plural."""
        return self._collection.name

    async def upsert(
        self,
        rows: Iterable[Row | RowError],
        *,
        progress: Callable[[Imported], None] = lambda _: None,
    ) -> Imported:
        """
        Write the rows that are new or changed; the same feed again writes nothing.

        *progress* is told after each batch; what it was told of is durable. Wrong
        rows are reported and passed over. Raises `StoreError`.
        """
        report = Imported()
        batch: dict[str, ItemT] = {}
        for row in rows:
            self._take(row, batch, report)
            if report.rows % _BREATH == 0:
                await asyncio.sleep(0)
            if len(batch) >= BATCH:
                await self._flush(batch, report)
                progress(report)
        await self._flush(batch, report)
        progress(report)
        return report

    async def get(self, ids: Sequence[str]) -> list[ItemT]:
        """Return the items that exist, in the order of *ids*."""
        found = await self._store.get(self._collection, ids)
        return [self._item.model_validate(d["item"]) for d in found if d.get("item")]

    async def count(self) -> int:
        """Return how many documents there are, with the stamps of deleted items."""
        return await self._store.count(self._collection)

    async def delete(self, ids: Sequence[str]) -> int:
        """Remove items; return how many there were."""
        known = [
            d["_id"] for d in await self._store.get(self._collection, ids) if d.get("item")
        ]
        gone = [self._document(key, None) for key in known]
        await self._store.put(self._collection, gone)
        return len(known)

    async def changes(self, after: str) -> AsyncIterator[Stored[ItemT]]:
        """Yield what changed behind a stamp, oldest first, deletions too."""
        async for document in self._store.find(
            self._collection, order_by="changed", after=after or None
        ):
            item = document.get("item")
            yield Stored(
                id=document["_id"],
                changed=document["changed"],
                digest=document["digest"],
                item=None if item is None else self._item.model_validate(item),
            )

    def _take(self, row: Row | RowError, batch: dict[str, ItemT], report: Imported) -> None:
        if isinstance(row, RowError):
            report.refuse(row)
            return
        try:
            fields = {"currency": self._currency, **_filled(row.fields)}
            item = self._item.from_row(row.number, fields)
        except RowError as error:
            report.refuse(error.within(row.source))
            return
        report.rows += 1
        batch[item.id] = item

    async def _flush(self, batch: dict[str, ItemT], report: Imported) -> None:
        known = {
            d["_id"]: d["digest"] for d in await self._store.get(self._collection, list(batch))
        }
        documents = [self._document(key, item) for key, item in batch.items()]
        changed = [d for d in documents if known.get(d["_id"]) != d["digest"]]
        await self._store.put(self._collection, changed)
        report.written += len(changed)
        report.unchanged += len(documents) - len(changed)
        batch.clear()

    def _document(self, key: str, item: Item | None) -> Document:
        fields: dict[str, Any] | None = None if item is None else item.document()
        return {
            "_id": key,
            "changed": self._stamp(),
            "digest": digest_of(fields),
            "item": fields,
        }

    def _stamp(self) -> str:
        self._last = max(self._last + 1, self._clock())
        return f"{self._last:020d}"


def digest_of(fields: dict[str, Any] | None) -> str:
    """Return what tells one content from another; empty for a deleted item."""
    if fields is None:
        return ""
    return hashlib.sha256(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def _filled(fields: Any) -> dict[str, Any]:
    return {k: v for k, v in fields.items() if v is not None and v != ""}
