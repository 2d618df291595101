"""
Documents in MongoDB.

Written to what motor and PyMongo's own asynchronous client share, so that the
successor can take motor's place by handing its client to `MongoStore`.
"""

import inspect
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

from bson.errors import BSONError
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReplaceOne, WriteConcern
from pymongo.errors import PyMongoError

from stores.documents import Collection, Document, Scalar, StoreError

DATABASE = "pycirrus"  # used when the URL names none
BATCH = 1_000  # documents of one bulk write
_SELECTION_MS = 5_000  # how long to look for a server before giving up
_SOCKET_MS = 20_000  # how long one answer may take


class MongoStore:
    """Documents in one database; writes wait for the majority's journals."""

    def __init__(self, client: Any, database: str = DATABASE) -> None:
        self._client = client
        self._database = client.get_default_database(database).with_options(
            write_concern=WriteConcern(w="majority", j=True)
        )
        self._indexed: set[str] = set()

    @classmethod
    async def connect(cls, url: str) -> Self:
        """
        Connect by motor; raise `StoreError` when no server answers in time.

        Time limits that *url* names itself go above ours.
        """
        with _store_errors():
            client: Any = AsyncIOMotorClient(url, **_limits(url))
            try:
                await client.admin.command("ping")
            except PyMongoError:
                client.close()
                raise
            return cls(client)

    async def put(self, collection: Collection, documents: Iterable[Document]) -> None:
        """Insert or replace *documents* by `_id`, in bulk writes of `BATCH`."""
        target = await self._collection(collection)
        with _store_errors():
            writes = [ReplaceOne({"_id": _id_of(d)}, d, upsert=True) for d in documents]
            for start in range(0, len(writes), BATCH):
                await target.bulk_write(writes[start : start + BATCH])

    async def get(self, collection: Collection, ids: Sequence[str]) -> list[Document]:
        """Return the documents that exist, in the order of *ids*."""
        target = await self._collection(collection)
        found: dict[str, Document] = {}
        with _store_errors():
            async for document in target.find({"_id": {"$in": list(ids)}}):
                found[document["_id"]] = document
        return [found[key] for key in ids if key in found]

    async def delete(self, collection: Collection, ids: Sequence[str]) -> int:
        """Remove documents by id and return how many there were."""
        return await self._delete(collection, {"_id": {"$in": list(ids)}})

    async def delete_where(self, collection: Collection, where: Mapping[str, Scalar]) -> int:
        """Remove every document whose fields equal *where*; return how many."""
        return await self._delete(collection, dict(where))

    async def delete_below(
        self, collection: Collection, field: str, bound: float, *, limit: int
    ) -> int:
        """Remove documents with a number below *bound* in *field*, the lowest first."""
        target = await self._collection(collection)
        below = {field: {"$lt": bound}}
        with _store_errors():
            lowest = target.find(below, {"_id": True}).sort([(field, 1), ("_id", 1)])
            ids = [document["_id"] async for document in lowest.limit(limit)]
        return await self._delete(collection, {"_id": {"$in": ids}, **below}) if ids else 0

    async def find(
        self,
        collection: Collection,
        where: Mapping[str, Scalar] | None = None,
        *,
        order_by: str = "_id",
        descending: bool = False,
        after: Scalar = None,
        limit: int | None = None,
    ) -> AsyncIterator[Document]:
        """Yield matching documents, ordered by one field and then by id."""
        if limit is not None and limit <= 0:
            return  # MongoDB takes 0 for no limit
        target = await self._collection(collection)
        direction = -1 if descending else 1
        order = [(order_by, direction)]
        if order_by != "_id":
            order.append(("_id", direction))
        with _store_errors():
            cursor = target.find(_behind(where or {}, order_by, after, descending=descending))
            async for document in cursor.sort(order).limit(limit or 0):
                yield document

    async def count(
        self, collection: Collection, where: Mapping[str, Scalar] | None = None
    ) -> int:
        """Return how many documents match."""
        target = await self._collection(collection)
        with _store_errors():
            return int(await target.count_documents(dict(where or {})))

    async def close(self) -> None:
        """Close the client's connections."""
        closing = self._client.close()
        if inspect.isawaitable(closing):  # PyMongo's is a coroutine, motor's is not
            await closing

    async def _delete(self, collection: Collection, query: Mapping[str, Any]) -> int:
        target = await self._collection(collection)
        with _store_errors():
            return int((await target.delete_many(query)).deleted_count)

    async def _collection(self, collection: Collection) -> Any:
        """Return the driver's collection; make its indexes when first used."""
        target = self._database[collection.name]
        if collection.name not in self._indexed:
            with _store_errors():
                for name in collection.indexes:
                    await target.create_index([(name, 1), ("_id", 1)])
            self._indexed.add(collection.name)
        return target


def _limits(url: str) -> dict[str, Any]:
    ours = {"serverSelectionTimeoutMS": _SELECTION_MS, "socketTimeoutMS": _SOCKET_MS}
    given = url.casefold().partition("?")[2]
    return {name: limit for name, limit in ours.items() if f"{name.casefold()}=" not in given}


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except PyMongoError as error:
        raise StoreError(f"MongoDB: {error}") from error
    except (BSONError, OverflowError, UnicodeError, TypeError) as error:
        raise StoreError(f"not a document: {error}") from error
    except ValueError as error:  # an address that the driver cannot read
        raise StoreError(f"mongo_url: {error}") from error


def _behind(
    where: Mapping[str, Scalar], order_by: str, after: Scalar, *, descending: bool
) -> dict[str, Any]:
    if after is None:
        return dict(where)
    return {"$and": [dict(where), {order_by: {"$lt" if descending else "$gt": after}}]}


def _id_of(document: Document) -> str:
    key = document.get("_id")
    if not isinstance(key, str):
        raise StoreError("a document needs a string under _id")
    return key
