"""
What each term gives each item, asked of FTS5's BM25 once and then kept in memory.

BM25 of several terms is the sum of theirs. FTS5 works that sum out anew for every
request, a microsecond for each item and term; here it is an addition of two arrays.
"""

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rag.index.rows import Rows

WEIGHTS: Final = "3.0, 8.0, 3.0, 1.0, 1.0, 2.0"
"""Of the columns: name, head, concepts, body, its concepts, Hangul."""

MOST_KEPT: Final = 8_000_000
"""Items of all kept terms together, 64 MB; what was not used longest goes."""

_QUERY = f"""
SELECT rowid, -bm25(words, {WEIGHTS}) FROM words
WHERE words MATCH ? AND rowid > ? AND rowid <= ? ORDER BY rowid
"""  # noqa: S608 - of constants
_SCORED = np.dtype([("number", np.int64), ("score", np.float32)])


@dataclass(frozen=True, slots=True)
class _Kept:
    rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    newest: int


_NOTHING = _Kept(np.zeros(0, np.int32), np.zeros(0, np.float32), 0)


class Terms:
    """The scores of the terms that were asked for lately; any number of threads may ask."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._size = 0

    def clear(self) -> None:
        """Forget all: how rare terms are has changed."""
        with self._lock:
            self._kept.clear()
            self._size = 0

    def scores(
        self, db: sqlite3.Connection, terms: Iterable[str], used: int
    ) -> NDArray[np.float32]:
        """Return BM25 of *terms* for each of the first *used* rows; 0 has none of them."""
        total = np.zeros(used, np.float32)
        for term in terms:
            kept = self._of(db, term)
            known = int(np.searchsorted(kept.rows, used))
            total[kept.rows[:known]] += kept.scores[:known]
        return total

    def having(
        self, db: sqlite3.Connection, term: str, rows: NDArray[np.int32]
    ) -> NDArray[np.bool_]:
        """Return which of *rows* have a term."""
        known = self._of(db, term).rows
        if not len(known):
            return np.zeros(len(rows), np.bool_)
        at = np.minimum(np.searchsorted(known, rows), len(known) - 1)
        return np.asarray(known[at] == rows)

    def warm(self, term: str, db: sqlite3.Connection) -> None:
        """Ask for a term before somebody waits for it."""
        self._of(db, term)

    def _of(self, db: sqlite3.Connection, term: str) -> _Kept:
        newest = self._rows.newest()
        with self._lock:
            kept = self._kept.get(term, _NOTHING)
            if kept is not _NOTHING:
                self._kept.move_to_end(term)
        if kept.newest < newest:
            kept = self._asked(db, term, kept, newest)
            self._keep(term, kept)
        return kept

    def _asked(self, db: sqlite3.Connection, term: str, old: _Kept, newest: int) -> _Kept:
        """Ask for the items that came since."""
        fresh = np.fromiter(db.execute(_QUERY, (term, old.newest, newest)), _SCORED)
        rows, found = self._rows.at(fresh["number"])
        return _Kept(
            np.concatenate([old.rows, rows]),
            np.concatenate([old.scores, fresh["score"][found]]),
            newest,
        )

    def _keep(self, term: str, kept: _Kept) -> None:
        with self._lock:
            before = self._kept.pop(term, _NOTHING)
            self._kept[term] = kept
            self._size += len(kept.rows) - len(before.rows)
            while self._size > MOST_KEPT and len(self._kept) > 1:
                _, dropped = self._kept.popitem(last=False)
                self._size -= len(dropped.rows)
