"""The port for lasting documents; SQLite and MongoDB are its adapters."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Document = dict[str, Any]
"""A JSON object; its key is the string under `_id`."""

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of documents and the top-level fields it is looked up by."""

    name: str
    indexes: Sequence[str] = ()


class DocumentStore(Protocol):
    """
    Documents by collection and `_id`.

    A write that returned is durable: it survives the end of the process and
    of the machine. Methods raise `StoreError` when the store cannot be
    reached or a document is not one (JSON values, integers of 64 bits, text
    without lone surrogates); nothing else escapes.
    """

    async def put(self, collection: Collection, documents: Iterable[Document]) -> None:
        """Insert or replace *documents* by `_id`; all of them or, on error, any part."""

    async def get(self, collection: Collection, ids: Sequence[str]) -> list[Document]:
        """Return the documents that exist, in the order of *ids*."""

    async def delete(self, collection: Collection, ids: Sequence[str]) -> int:
        """Remove documents by id and return how many there were."""

    async def delete_where(self, collection: Collection, where: Mapping[str, Scalar]) -> int:
        """Remove every document whose fields equal *where*; return how many."""

    async def delete_below(
        self, collection: Collection, field: str, bound: float, *, limit: int
    ) -> int:
        """
        Remove documents with a number below *bound* in *field*, the lowest first.

        At most *limit* of them, which is at least 1; return how many. Documents without a
        number there stay, and so do those that a write lifts to the bound meanwhile.
        """

    def find(
        self,
        collection: Collection,
        where: Mapping[str, Scalar] | None = None,
        *,
        order_by: str = "_id",
        descending: bool = False,
        after: Scalar = None,
        limit: int | None = None,
    ) -> AsyncIterator[Document]:
        """
        Yield documents whose fields equal *where*, ordered by one field and then by id.

        *where* compares types too: True is not 1, None matches a missing field.
        *after* continues behind that value of the order field (exclusive: of several
        documents with that value none comes again). The order field should hold one
        type in all documents. What is written meanwhile may or may not be seen.
        """

    async def count(
        self, collection: Collection, where: Mapping[str, Scalar] | None = None
    ) -> int:
        """Return how many documents match."""

    async def close(self) -> None:
        """Let go of the connection; the store cannot be used afterwards."""


class StoreError(Exception):
    """The document store could not do what was asked; the message says why."""
