"""
The embedded index: one SQLite file with full text, facts and vectors.

Writers commit batches with the cursor they reached. Readers, in this process or
another, notice a commit and take over what changed, so that several processes
may share the file.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rag.entries import Entry, Facts, Scored, Where
from rag.errors import IndexUnavailableError
from rag.index.analysis import Reading, columns_of
from rag.index.ports import Vectored
from rag.index.vectors import Packed, VectorTable, pack
from rag.lexicon import Lexicon
from stores.sqlite import write_ahead

T = TypeVar("T")

FORMAT = "5"  # of the file; another one is built anew from the documents
READERS = 2  # threads that search at a time; more would only share the core
_WEIGHTS = "3.0, 8.0, 3.0, 1.0, 1.0, 2.0"  # name, head, concepts, body, its concepts, Hangul
_SCORED = 1_500  # items a request scores; some microseconds each, decision 0204
_COUNTED = 100_000  # items; more common terms are all alike
_DRIFT = 0.1  # of the items may change before terms are counted again
_ENOUGH = 20  # hits; with fewer the request is widened to every item with any term
_FREQUENCIES_KEPT = 20_000  # terms, a megabyte
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (
    n INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, version INTEGER NOT NULL,
    digest TEXT NOT NULL, currency TEXT NOT NULL, units INTEGER NOT NULL, tags TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS facts_version ON facts (version);
CREATE TABLE IF NOT EXISTS tags (tag TEXT, n INTEGER, PRIMARY KEY (tag, n)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vectors (n INTEGER PRIMARY KEY, scale REAL, vector BLOB);
CREATE TABLE IF NOT EXISTS gone (id TEXT PRIMARY KEY, version INTEGER) WITHOUT ROWID;
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
    name, head, concepts, body, body_concepts, hangul,
    tokenize = 'porter unicode61 remove_diacritics 2');
"""
_UNFILTERED = f"""
SELECT facts.id, score FROM (
    SELECT rowid AS n, bm25(words, {_WEIGHTS}) AS score FROM words WHERE words MATCH ?
    ORDER BY score LIMIT ?) JOIN facts USING (n)
ORDER BY score, facts.id
"""  # noqa: S608 - of constants; only the best are looked up
_TABLES = ("words", "facts", "tags", "vectors", "gone", "meta")


@dataclass(frozen=True, slots=True)
class Change:
    """What one document became: an entry (with a vector unless that is elsewhere), or gone."""

    id: str
    digest: str
    entry: Entry | None
    vector: NDArray[np.float32] | None = None


class EmbeddedIndex:
    """Full text and vectors in a file; searches run in threads, writes in one of their own."""

    def __init__(self, path: Path, lexicon: Lexicon, *, model: str, dimensions: int) -> None:
        self._path = path
        self._lexicon = lexicon
        self._model = f"{FORMAT} {lexicon.digest} {model}"
        self._table = VectorTable(dimensions, 1)
        self._dimensions = dimensions
        self._local = threading.local()
        self._refreshing = threading.Lock()
        self._version = -1  # of the file, as far as the table in memory has it
        self._frequencies: dict[str, int] = {}
        self._total = self._counted_at = 0  # items now, and when terms were counted
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
        return await self._read(lambda db: self._matching(db, reading, where, limit))

    def _matching(
        self, db: sqlite3.Connection, reading: Reading, where: Where, limit: int
    ) -> list[Scored]:
        """Ask for the thing and the rare terms; only if they give too little, for all."""
        query, values = _text_query(where)
        self._refresh(db)
        frequencies = {term: self._frequency(db, term) for term in reading.terms}
        for match in _expressions(frequencies, reading):
            rows = db.execute(query, [match, *values, limit]).fetchall()
            if len(rows) >= min(limit, _ENOUGH):
                break
        return [Scored(key, -score) for key, score in rows]

    def _frequency(self, db: sqlite3.Connection, term: str) -> int:
        """Return how many items have a term, counted up to `_COUNTED`."""
        if term not in self._frequencies:
            if len(self._frequencies) >= _FREQUENCIES_KEPT:
                self._frequencies.clear()
            query = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)"
            count = db.execute(query, (term, _COUNTED)).fetchone()[0]
            self._frequencies[term] = int(count)
        return self._frequencies[term]

    async def nearest(
        self, vector: NDArray[np.float32], where: Where, limit: int
    ) -> list[Scored]:
        """Return the nearest items, every one of them compared."""

        def work(db: sqlite3.Connection) -> list[Scored]:
            self._refresh(db)
            return self._table.search(vector, where, limit)

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

    def _refresh(self, db: sqlite3.Connection) -> None:
        """Take over what was committed since this process last looked."""
        changed = int(db.execute("PRAGMA data_version").fetchone()[0])
        if changed == getattr(self._local, "data_version", None):
            return
        with self._refreshing:
            version = int(_meta(db, "version") or 0)
            if version != self._version:
                self._load(db, version)
            self._local.data_version = changed

    def _load(self, db: sqlite3.Connection, version: int) -> None:
        since = self._version
        if since < 0:
            total = int(db.execute("SELECT count(*) FROM facts").fetchone()[0])
            self._table = VectorTable(self._dimensions, total + 1024)
        for (key,) in db.execute("SELECT id FROM gone WHERE version > ?", (since,)):
            self._table.remove(key)
        query = (
            "SELECT id, currency, units, tags, scale, vector FROM facts JOIN vectors USING (n) "
            "WHERE version > ?"
        )
        for key, currency, units, tags, scale, vector in db.execute(query, (since,)):
            facts = Facts(currency, units, frozenset(tags.split("\n")))
            self._table.put(key, Packed(vector, scale), facts)
        self._version = version
        self._total = int(db.execute("SELECT max(n) FROM facts").fetchone()[0] or 0)
        if abs(self._total - self._counted_at) > _DRIFT * self._counted_at:
            self._frequencies, self._counted_at = {}, self._total

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


def choose_rare(frequencies: Mapping[str, int], thing: str | None) -> tuple[str, ...]:
    """Return the thing's term and the rarest that together may be scored, at least one."""
    chosen, total = list[str](), 0
    for term in sorted(frequencies, key=lambda t: (t != thing, frequencies[t])):
        total += frequencies[term]
        if chosen and total > _SCORED:
            break
        chosen.append(term)
    return tuple(term for term in frequencies if term in chosen)


def _expressions(frequencies: Mapping[str, int], reading: Reading) -> list[str]:
    """
    Return what to ask for, the cheapest first; each finds all that the one before does.

    Every mention of a term costs its whole list of items again, so a common thing is
    not repeated: it has to have any of the other words. Rare terms are, on both sides,
    and so count twice, as they may.
    """
    thing, terms = reading.head_term, reading.terms
    rare = choose_rare(frequencies, thing)
    others = [term for term in terms if term not in reading.head_terms]
    found = [" OR ".join(terms)]
    if len(rare) < len(terms):
        found.insert(0, f"({' OR '.join(rare)}) AND ({found[0]})")
    if thing is not None and others and frequencies.get(thing, 0) > _SCORED:
        found.insert(0, f"{thing} AND ({' OR '.join(others)})")
    return found


def _text_query(where: Where) -> tuple[str, list[str | int]]:
    """Return the statement with the filter inside; parameters are match, these, limit."""
    conditions, values = ["words MATCH ?"], list[str | int]()
    if where.limits is not None:
        prices = ["currency = ? AND units <= ?"] * len(where.limits)
        conditions.append(f"({' OR '.join(prices) or '0'})")
        values += [v for pair in where.limits.items() for v in pair]
    for choices in where.any_of:
        marks = ",".join("?" * len(choices))
        conditions.append(
            f"EXISTS (SELECT 1 FROM tags WHERE tags.n = words.rowid AND tag IN ({marks}))"  # noqa: S608
        )
        values += sorted(choices)
    if where.everything:
        return _UNFILTERED, values
    return (
        f"SELECT facts.id, bm25(words, {_WEIGHTS}) AS score FROM words "  # noqa: S608
        f"JOIN facts ON facts.n = words.rowid WHERE {' AND '.join(conditions)} "
        "ORDER BY score, facts.id LIMIT ?"
    ), values


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
