"""Documents in one SQLite file: the embedded adapter of the document port."""

import asyncio
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import orjson

from stores.documents import Collection, Document, Scalar, StoreError

PAGE = 500  # documents a read holds in memory at a time
_BUSY_SECONDS = 10.0  # another process (an import beside the server) may hold the lock
_RETRY_SECONDS = 0.02
T = TypeVar("T")

_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class SqliteStore:
    """
    Documents as JSON text in one table for each collection.

    Writes and reads have a thread and a connection each, so that a long import
    does not hold up lookups. Every commit is synced to the disk.
    """

    def __init__(
        self, path: Path, writer: sqlite3.Connection, reader: sqlite3.Connection
    ) -> None:
        self._path = path
        self._writer = _Lane(path, writer, "documents-write")
        self._reader = _Lane(path, reader, "documents-read")
        self._known: set[str] = set()

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open or make the file and its directory."""
        return await asyncio.to_thread(cls._open, path)

    @classmethod
    def _open(cls, path: Path) -> Self:
        with _store_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)  # what people wrote is nobody else's to read
            return cls(path, _connect(path), _connect(path))

    async def put(self, collection: Collection, documents: Iterable[Document]) -> None:
        """Insert or replace *documents* by `_id` in one transaction."""
        with _store_errors(self._path):
            rows = [(_id_of(d), orjson.dumps(d).decode()) for d in documents]
        statement = (
            f'INSERT INTO "{await self._table(collection)}" VALUES (?, ?) '  # noqa: S608
            "ON CONFLICT (id) DO UPDATE SET body = excluded.body"
        )
        await self._writer.run(lambda db: _write(db, statement, rows))

    async def get(self, collection: Collection, ids: Sequence[str]) -> list[Document]:
        """Return the documents that exist, in the order of *ids*."""
        table = await self._table(collection)
        found: dict[str, Document] = {}
        for start in range(0, len(ids), PAGE):
            part = ids[start : start + PAGE]
            marks = ",".join("?" * len(part))
            query = f'SELECT id, body FROM "{table}" WHERE id IN ({marks})'  # noqa: S608
            rows = await self._reader.run(_fetch(query, part))
            found |= {key: orjson.loads(body) for key, body in rows}
        return [found[key] for key in ids if key in found]

    async def delete(self, collection: Collection, ids: Sequence[str]) -> int:
        """Remove documents by id and return how many there were."""
        statement = f'DELETE FROM "{await self._table(collection)}" WHERE id = ?'  # noqa: S608
        return await self._writer.run(lambda db: _write(db, statement, [(i,) for i in ids]))

    async def delete_where(self, collection: Collection, where: Mapping[str, Scalar]) -> int:
        """Remove every document whose fields equal *where*; return how many."""
        table = await self._table(collection)
        condition, values = _condition(where)
        statement = f'DELETE FROM "{table}" WHERE {condition}'  # noqa: S608
        return await self._writer.run(lambda db: _write(db, statement, [values]))

    async def delete_below(
        self, collection: Collection, field: str, bound: float, *, limit: int
    ) -> int:
        """Remove documents with a number below *bound* in *field*, the lowest first."""
        table, value = await self._table(collection), _expression(field)
        statement = (
            f'DELETE FROM "{table}" WHERE id IN (SELECT id FROM "{table}" '  # noqa: S608
            f"WHERE {value} < ? AND {_is_number(field)} ORDER BY {value}, id LIMIT ?)"
        )
        return await self._writer.run(lambda db: _write(db, statement, [(bound, limit)]))

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
        """Yield matching documents, a page at a time, ordered by one field and then by id."""
        table = await self._table(collection)
        filters = _condition(where or {})
        left = limit
        for stretch in _stretches(order_by, after, descending=descending):
            async for rows in self._pages(table, filters, stretch, left):
                for row in rows:
                    yield orjson.loads(row[2])
                left = None if left is None else left - len(rows)

    async def _pages(
        self,
        table: str,
        filters: tuple[str, list[Scalar]],
        stretch: "_Stretch",
        left: int | None,
    ) -> AsyncIterator[list[tuple[Any, ...]]]:
        places: list[_Place] = [("", ())]
        while places and (left is None or left > 0):
            size = PAGE if left is None else min(PAGE, left)
            query, values = stretch.query(table, filters, places.pop())
            rows = await self._reader.run(_fetch(query, [*values, size]))
            yield rows
            left = None if left is None else left - len(rows)
            if len(rows) == size:
                places = stretch.behind(rows[-1])

    async def count(
        self, collection: Collection, where: Mapping[str, Scalar] | None = None
    ) -> int:
        """Return how many documents match."""
        table = await self._table(collection)
        condition, values = _condition(where or {})
        query = f'SELECT count(*) FROM "{table}" WHERE {condition}'  # noqa: S608
        return int((await self._reader.run(_fetch(query, values)))[0][0])

    async def close(self) -> None:
        """Finish what was begun and close the file."""
        await self._reader.close()
        await self._writer.close()

    async def _table(self, collection: Collection) -> str:
        """Return the table's name; make it and its indexes when first used."""
        name = _checked(collection.name)
        if name not in self._known:
            await self._writer.run(lambda db: _make(db, name, collection.indexes))
            self._known.add(name)
        return name


_Place = tuple[str, tuple[Scalar, ...]]
"""A condition, with its values, that a page begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """
    Part of a read in order: the documents with the order field, or those without.

    A page begins by the index behind the last row of the page before, so that
    a read of everything costs no more by document than a short one.
    """

    order: str
    condition: str
    values: tuple[Scalar, ...] = ()
    descending: bool = False

    def query(
        self, table: str, filters: tuple[str, list[Scalar]], place: _Place
    ) -> tuple[str, list[Scalar]]:
        """Return the statement of the page at *place*, which takes its size last."""
        direction = "DESC" if self.descending else "ASC"
        statement = (
            f'SELECT {self.order}, id, body FROM "{table}" '  # noqa: S608
            f"WHERE {filters[0]} AND {self.condition}{place[0]} "
            f"ORDER BY {self.order} {direction}, id {direction} LIMIT ?"
        )
        return statement, [*filters[1], *self.values, *place[1]]

    def behind(self, row: Sequence[Any]) -> list[_Place]:
        """Return where it goes on behind *row*, the nearest last: among its equals, then on."""
        value, key, sign = row[0], row[1], "<" if self.descending else ">"
        if self.order == "id":
            return [(f" AND id {sign} ?", (key,))]
        equals = f" AND {self.order} = ? AND id {sign} ?"
        return [(f" AND {self.order} {sign} ?", (value,)), (equals, (value, key))]


def _stretches(order_by: str, after: Scalar, *, descending: bool) -> list[_Stretch]:
    """Return the parts of a read: documents without the field are first upwards, else last."""
    order, sign = _expression(order_by), "<" if descending else ">"
    if after is not None:
        behind = f"{order} {sign} ?"
        return [_Stretch(order=order, condition=behind, values=(after,), descending=descending)]
    present = _Stretch(order=order, condition=f"{order} IS NOT NULL", descending=descending)
    if order == "id":
        return [present]
    missing = _Stretch(order="id", condition=f"{order} IS NULL", descending=descending)
    return [present, missing] if descending else [missing, present]


class _Lane:
    """One connection and the one thread that uses it."""

    def __init__(self, path: Path, connection: sqlite3.Connection, name: str) -> None:
        self._path = path
        self._connection = connection
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with _store_errors(self._path):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, work, self._connection)

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown)
        self._connection.close()


@contextmanager
def _store_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"SQLite, {path}: {error}") from error
    except OSError as error:
        raise StoreError(f"SQLite, {path}: {error.strerror}") from error
    except (TypeError, ValueError, OverflowError) as error:  # also a closed lane's RuntimeError
        raise StoreError(f"not a JSON document: {error}") from error
    except RuntimeError as error:
        raise StoreError("the store is closed") from error


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)
    write_ahead(db)
    db.execute("PRAGMA synchronous = FULL")
    return db


def write_ahead(db: sqlite3.Connection) -> None:
    """
    Switch to the write-ahead log.

    Of a new file that another process opens too, SQLite refuses the switch at
    once, whatever the time-out.
    """
    last = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > last:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return


def _make(db: sqlite3.Connection, table: str, indexes: Sequence[str]) -> None:
    with db:
        db.execute(
            f'CREATE TABLE IF NOT EXISTS "{table}" (id TEXT PRIMARY KEY, body TEXT NOT NULL) '
            "WITHOUT ROWID"
        )
        for name in indexes:
            db.execute(
                f'CREATE INDEX IF NOT EXISTS "{table}.{_checked(name)}" '
                f'ON "{table}" ({_expression(name)}, id)'
            )


def _write(db: sqlite3.Connection, statement: str, rows: Sequence[Sequence[Scalar]]) -> int:
    with db:
        return max(db.executemany(statement, rows).rowcount, 0)


def _fetch(
    query: str, values: Sequence[Scalar]
) -> Callable[[sqlite3.Connection], list[tuple[Any, ...]]]:
    return lambda db: db.execute(query, tuple(values)).fetchall()


def _checked(name: str) -> str:
    if not _FIELD.fullmatch(name):
        raise StoreError(f"not a name of a collection or top-level field: {name!r}")
    return name


def _expression(name: str) -> str:
    return "id" if name == "_id" else f"json_extract(body, '$.{_checked(name)}')"


def _is_number(name: str) -> str:
    return f"json_type(body, '$.{_checked(name)}') IN ('integer', 'real')"


def _condition(where: Mapping[str, Scalar]) -> tuple[str, list[Scalar]]:
    """
    Translate equalities to SQL.

    JSON's true and false come back from json_extract as 1 and 0, so the type is
    compared too: `True` does not equal `1` here, as it does not in MongoDB.
    """
    parts, values = ["1"], list[Scalar]()
    for name, value in where.items():
        if isinstance(value, bool):
            parts.append(f"json_type(body, '$.{_checked(name)}') = ?")
            values.append("true" if value else "false")
            continue
        parts.append(f"{_expression(name)} IS ?")
        values.append(value)
        if isinstance(value, int | float):
            parts.append(_is_number(name))
    return " AND ".join(parts), values


def _id_of(document: Document) -> str:
    key = document.get("_id")
    if not isinstance(key, str):
        raise StoreError("a document needs a string under _id")
    return key
