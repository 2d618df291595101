"""
The embedded index: one SQLite file with full text, facts and vectors.

Writers commit batches with the cursor they reached. Readers, in this process or
another, notice a commit and take over what changed, so that several processes
may share the file. What a search compares is in memory.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from rag.entries import Entry, Facts, Scored, Where
from rag.errors import IndexUnavailableError
from rag.index.analysis import PART_KEY, Reading, columns_of, lexicon_terms
from rag.index.ports import Vectored
from rag.index.rows import Rows
from rag.index.terms import Terms
from rag.index.vectors import Packed, VectorTable, best_of, pack
from rag.lexicon import Kind, Lexicon
from stores.sqlite import write_ahead

T = TypeVar("T")

FORMAT = "7"  # of the file; another one is built anew from the documents
READERS = 2  # threads that search at a time; more would only share the core
_DRIFT = 0.1  # of the items may change before what terms are worth is asked again
_FIRST = 20  # hits: what is shown at a time
_SPARE = 1_024  # rows of room for what comes later
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (
    n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, version INTEGER NOT NULL,
    digest TEXT NOT NULL, currency TEXT NOT NULL, units INTEGER NOT NULL, tags TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS facts_version ON facts (version);
CREATE TABLE IF NOT EXISTS tags (tag TEXT, n INTEGER, PRIMARY KEY (tag, n)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vectors (n INTEGER PRIMARY KEY, scale REAL, vector BLOB);
CREATE TABLE IF NOT EXISTS gone (id TEXT PRIMARY KEY, version INTEGER) WITHOUT ROWID;
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
    name, head, concepts, body, body_concepts, hangul,
    tokenize = 'porter unicode61 remove_diacritics 2');
"""
_SIZES = "SELECT (SELECT count(*) FROM facts), (SELECT count(*) FROM vectors)"
_CHANGED = """
SELECT n, id, currency, units, tags, scale, vector FROM facts LEFT JOIN vectors USING (n)
WHERE version > ? ORDER BY n
"""
_TABLES = ("words", "facts", "tags", "vectors", "gone", "meta")


@dataclass(frozen=True, slots=True)
class Change:
    """What one document became: an entry (with a vector unless that is elsewhere), or gone."""

    id: str
    digest: str
    entry: Entry | None
    vector: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class _Tables:
    """What a search compares; a search keeps to the ones it began with."""

    rows: Rows
    terms: Terms
    vectors: VectorTable

    @classmethod
    def of(cls, items: int, vectors: int, dimensions: int) -> Self:
        """Make room, so that nothing is copied while what is there is loaded."""
        rows = Rows(items + _SPARE)
        return cls(rows, Terms(rows), VectorTable(dimensions, vectors and vectors + _SPARE))

    def named(self, found: Iterable[tuple[int, float]]) -> list[Scored]:
        """Name the items; of equal ones the order is by id, the same on every node."""
        scored = [Scored(self.rows.key(row), score) for row, score in found]
        return sorted(scored, key=lambda s: (-s.score, s.id))


class EmbeddedIndex:
    """Full text and vectors in a file; searches run in threads, writes in one of their own."""

    def __init__(self, path: Path, lexicon: Lexicon, *, model: str, dimensions: int) -> None:
        self._path = path
        self._lexicon = lexicon
        self._model = f"{FORMAT} {lexicon.digest} {model}"
        self._dimensions = dimensions
        self._tables = _Tables.of(0, 0, dimensions)
        self._local = threading.local()
        self._refreshing = threading.Lock()
        self._version = -1  # of the file, as far as the table in memory has it
        self._counted_at = 0  # rows there were when terms were last forgotten
        self._opened: list[sqlite3.Connection] = []
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="index-write")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="index-read")

    async def open(self) -> None:
        """Make or open the file and load the vectors; raise `IndexUnavailableError`."""
        await self._write(self._prepare)
        await self._read(self._refresh)

    async def close(self) -> None:
        """Finish what was begun and close the file."""
        for pool in (self._readers, self._writer):
            await asyncio.to_thread(pool.shutdown)
        for connection in self._opened:
            connection.close()

    async def apply(self, changes: Sequence[Change], cursor: str) -> None:
        """Write changes and the cursor they reach in one transaction."""
        rows = [(c, self._prepared(c)) for c in changes]
        await self._write(lambda db: self._apply(db, rows, cursor))

    async def cursor(self) -> str:
        """Return what `apply` was last given; empty for a new index."""
        return await self._read(lambda db: _meta(db, "cursor"))

    async def digests(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the digests under which the known of *ids* were written."""
        marks = ",".join("?" * len(ids))
        query = f"SELECT id, digest FROM facts WHERE id IN ({marks})"  # noqa: S608
        return await self._read(lambda db: dict(db.execute(query, ids).fetchall()))

    async def count(self) -> int:
        """Return how many items are indexed."""
        return await self._read(
            lambda db: int(db.execute("SELECT count(*) FROM facts").fetchone()[0])
        )

    async def matching(self, reading: Reading, where: Where, limit: int) -> list[Scored]:
        """Return the best items that have any of the request's terms, by BM25 (positive)."""
        if not reading.terms:
            return []

        def work(db: sqlite3.Connection) -> list[Scored]:
            tables = self._refresh(db)
            allowed = tables.rows.allowed(where)
            scores = tables.terms.scores(db, reading.terms, len(allowed))
            rows = np.flatnonzero(allowed & (scores > 0))
            best = best_of(scores[rows], limit)
            return tables.named((int(rows[i]), float(scores[rows[i]])) for i in best)

        return await self._read(work)

    async def beside(self, reading: Reading, ids: Sequence[str]) -> frozenset[str]:
        """
        Return which of *ids*, best first, only go with the thing asked for.

        None do where a part is asked for itself, or where the first are not the thing:
        in a catalogue without printers toner is the best that "printer" finds.
        """
        thing = reading.head
        if thing is None or thing.kind is not Kind.PRODUCT:
            return frozenset()
        wanted = f'head: "{thing.key}"'

        def work(db: sqlite3.Connection) -> frozenset[str]:
            tables = self._refresh(db)
            rows = tables.rows.of(ids)
            things = tables.terms.having(db, wanted, rows)
            if not things[:_FIRST].any():
                return frozenset()
            parts = tables.terms.having(db, f'head: "{PART_KEY}"', rows) & ~things
            return frozenset(ids[int(i)] for i in np.flatnonzero(parts))

        return await self._read(work)

    async def warm(self) -> None:
        """Ask ahead what the lexicon's terms are worth, the commonest of all, one by one."""
        for term in lexicon_terms(self._lexicon):
            await self._read(partial(self._tables.terms.warm, term))

    async def nearest(
        self, vector: NDArray[np.float32], where: Where, limit: int
    ) -> list[Scored]:
        """Return the nearest items; where the filter leaves few, every one is compared."""

        def work(db: sqlite3.Connection) -> list[Scored]:
            tables = self._refresh(db)
            allowed = tables.rows.allowed(where)
            return tables.named(tables.vectors.nearest(vector, allowed, limit))

        return await self._read(work)

    async def put(self, items: Sequence[Vectored]) -> None:
        """Add or replace items, text and vectors; the cursor stays."""
        changes = [Change(i.entry.id, "", i.entry, i.vector) for i in items]
        await self.apply(changes, await self.cursor())

    async def remove(self, ids: Sequence[str]) -> None:
        """Forget items."""
        await self.apply([Change(key, "", None) for key in ids], await self.cursor())

    def _prepared(self, change: Change) -> Packed | None:
        return None if change.vector is None else pack(change.vector.reshape(1, -1))[0]

    def _prepare(self, db: sqlite3.Connection) -> None:
        """
        Make the tables; throw away what another model or format wrote.

        In one transaction: a process that opens the file beside must not take
        tables that are just being made for another model's. What is there already
        is left alone, so that a server starts while an import writes.
        """
        made = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone()
        if made and _meta(db, "model") == self._model:
            return
        with db:
            db.execute("BEGIN IMMEDIATE")
            _make(db)
            if _meta(db, "model") != self._model:
                for table in _TABLES:
                    db.execute(f"DROP TABLE {table}")
                _make(db)
                _set_meta(db, "model", self._model)

    def _apply(
        self,
        db: sqlite3.Connection,
        rows: Sequence[tuple[Change, Packed | None]],
        cursor: str,
    ) -> None:
        with db:
            db.execute("BEGIN IMMEDIATE")
            version = int(_meta(db, "version") or 0) + 1
            for change, packed in rows:
                _forget(db, change.id, version)
                if change.entry is not None:
                    self._insert(db, change, change.entry, packed, version)
            _set_meta(db, "version", str(version))
            _set_meta(db, "cursor", cursor)

    def _insert(
        self,
        db: sqlite3.Connection,
        change: Change,
        entry: Entry,
        packed: Packed | None,
        version: int,
    ) -> None:
        facts = entry.facts
        tags = sorted(facts.tags)
        row = (entry.id, version, change.digest, facts.currency, facts.units, "\n".join(tags))
        n = db.execute("INSERT INTO facts VALUES (NULL, ?, ?, ?, ?, ?, ?)", row).lastrowid
        db.execute("DELETE FROM gone WHERE id = ?", (entry.id,))
        db.executemany("INSERT INTO tags VALUES (?, ?)", [(tag, n) for tag in tags])
        columns = astuple(columns_of(entry, self._lexicon))
        db.execute(
            "INSERT INTO words (rowid, name, head, concepts, body, body_concepts, hangul) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (n, *columns),
        )
        if packed is not None:
            db.execute("INSERT INTO vectors VALUES (?, ?, ?)", (n, packed.scale, packed.values))

    def _refresh(self, db: sqlite3.Connection) -> _Tables:
        """Take over what was committed since this process last looked."""
        changed = int(db.execute("PRAGMA data_version").fetchone()[0])
        if changed == getattr(self._local, "data_version", None):
            return self._tables
        with self._refreshing:
            version = int(_meta(db, "version") or 0)
            if version != self._version:
                self._take_over(db, version)
            self._local.data_version = changed
            return self._tables

    def _take_over(self, db: sqlite3.Connection, version: int) -> None:
        """Load what is new; all of it at first, and when most rows are of changed items."""
        tables, since = self._tables, self._version
        if since < 0 or tables.rows.dead > len(tables.rows) // 2 + _SPARE:
            items, vectors = db.execute(_SIZES).fetchone()
            tables, since = _Tables.of(items, vectors, self._dimensions), -1
        self._version = -1  # what fails half-way is loaded anew
        _load(db, tables, since)
        self._tables, self._version = tables, version
        if abs(len(tables.rows) - self._counted_at) > _DRIFT * self._counted_at:
            self._counted_at = len(tables.rows)
            tables.terms.clear()

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._run(self._readers, work)

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._run(self._writer, work)

    async def _run(
        self, pool: ThreadPoolExecutor, work: Callable[[sqlite3.Connection], T]
    ) -> T:
        def call() -> T:
            with _index_errors():
                return work(self._connection())

        return await asyncio.get_running_loop().run_in_executor(pool, call)

    def _connection(self) -> sqlite3.Connection:
        """Return this thread's connection."""
        if not hasattr(self._local, "db"):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(
                self._path, check_same_thread=False, timeout=10, isolation_level=None
            )
            write_ahead(db)
            db.execute("PRAGMA synchronous = NORMAL")  # can be built anew from the documents
            self._local.db = db
            self._opened.append(db)
        connection: sqlite3.Connection = self._local.db
        return connection


def _load(db: sqlite3.Connection, tables: _Tables, since: int) -> None:
    """Put what changed after a version into the tables."""
    for (key,) in db.execute("SELECT id FROM gone WHERE version > ?", (since,)):
        tables.rows.remove(key)
    for n, key, currency, units, tags, scale, vector in db.execute(_CHANGED, (since,)):
        if vector is not None:
            tables.vectors.put(len(tables.rows), Packed(vector, scale))
        tables.rows.put(key, n, Facts(currency, units, frozenset(tags.split("\n"))))
    tables.vectors.sketch(len(tables.rows))


def _forget(db: sqlite3.Connection, key: str, version: int) -> None:
    row = db.execute("SELECT n, tags FROM facts WHERE id = ?", (key,)).fetchone()
    if row is None:
        return
    n, tags = row
    db.executemany(
        "DELETE FROM tags WHERE tag = ? AND n = ?", [(t, n) for t in tags.split("\n")]
    )
    db.execute("DELETE FROM words WHERE rowid = ?", (n,))
    db.execute("DELETE FROM vectors WHERE n = ?", (n,))
    db.execute("DELETE FROM facts WHERE n = ?", (n,))
    db.execute("INSERT OR REPLACE INTO gone VALUES (?, ?)", (key, version))


def _meta(db: sqlite3.Connection, key: str) -> str:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return "" if row is None else str(row[0])


def _set_meta(db: sqlite3.Connection, key: str, value: str) -> None:
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def _make(db: sqlite3.Connection) -> None:
    for statement in _SCHEMA.split(";"):  # executescript would commit
        db.execute(statement)


@contextmanager
def _index_errors() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise IndexUnavailableError(f"embedded index: {error}") from error
