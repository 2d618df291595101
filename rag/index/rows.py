"""Items by row, in memory, with what filters compare."""

import threading
from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rag.entries import Facts, Where

Numbers = NDArray[np.int64]


class Rows:
    """
    Which item stands in which row, and whether a filter allows it.

    A changed item takes a new row and its old one is dead, so a row never comes to mean
    another item. Safe to use from several threads.
    """

    def __init__(self, capacity: int = 1024) -> None:
        self._lock = threading.Lock()
        self._ids: list[str] = []
        self._numbers = np.zeros(capacity, np.int64)
        self._units = np.zeros(capacity, np.int64)
        self._currency = np.zeros(capacity, np.int16)
        self._alive = np.zeros(capacity, np.bool_)
        self._row_of: dict[str, int] = {}
        self._currencies: dict[str, int] = {}
        self._tags: dict[str, array[int]] = {}

    def __len__(self) -> int:
        """Return how many rows there are, dead ones too."""
        return len(self._ids)

    @property
    def dead(self) -> int:
        """How many rows have no item any more."""
        return len(self._ids) - len(self._row_of)

    def key(self, row: int) -> str:
        """Return the item of a row."""
        return self._ids[row]

    def put(self, key: str, number: int, facts: Facts) -> None:
        """Give an item a new row; its *number* in the file is above all before."""
        with self._lock:
            self._drop(key)
            row = len(self._ids)
            if row == len(self._alive):
                self._grow()
            self._numbers[row] = number
            self._set_facts(row, facts)
            self._alive[row] = True
            self._row_of[key] = row
            self._ids.append(key)

    def remove(self, key: str) -> None:
        """Forget an item; unknown ones are ignored."""
        with self._lock:
            self._drop(key)

    def newest(self) -> int:
        """Return the highest number, 0 when there is none."""
        with self._lock:
            return int(self._numbers[len(self._ids) - 1]) if self._ids else 0

    def at(self, numbers: Numbers) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Return the rows of ascending *numbers*, and which of them have one."""
        with self._lock:
            known = self._numbers[: len(self._ids)]
        rows = np.searchsorted(known, numbers)
        found = rows < len(known)
        found[found] = known[rows[found]] == numbers[found]
        return rows[found].astype(np.int32), found

    def of(self, keys: Sequence[str]) -> NDArray[np.int32]:
        """Return the items' rows, -1 for those that are not there."""
        return np.array([self._row_of.get(key, -1) for key in keys], np.int32)

    def allowed(self, where: Where) -> NDArray[np.bool_]:
        """Return for each row whether its item lives and meets *where*."""
        with self._lock:
            used = len(self._ids)
            mask = self._alive[:used].copy()
            if where.limits is not None:
                affordable = np.zeros(used, np.bool_)
                for currency, limit in where.limits.items():
                    code = self._currencies.get(currency, -1)
                    same = self._currency[:used] == code
                    affordable |= same & (self._units[:used] <= limit)
                mask &= affordable
            for choices in where.any_of:
                mask &= self._tagged(choices, used)
            return mask

    def _tagged(self, choices: frozenset[str], used: int) -> NDArray[np.bool_]:
        found = np.zeros(used, np.bool_)
        for choice in choices:
            rows = self._tags.get(choice)
            if rows is not None:
                found[np.array(rows, np.int64)] = True
        return found

    def _set_facts(self, row: int, facts: Facts) -> None:
        self._units[row] = facts.units
        code = self._currencies.setdefault(facts.currency, len(self._currencies))
        self._currency[row] = code
        for name in facts.tags:
            self._tags.setdefault(name, array("i")).append(row)

    def _drop(self, key: str) -> None:
        row = self._row_of.pop(key, None)
        if row is not None:
            self._alive[row] = False

    def _grow(self) -> None:
        self._numbers = grown(self._numbers)
        self._units = grown(self._units)
        self._currency = grown(self._currency)
        self._alive = grown(self._alive)


def grown(table: NDArray) -> NDArray:  # type: ignore[type-arg]
    """Return a copy of *table* with half as many rows again, at least 1,024 more."""
    more = max(1024, len(table) // 2)
    return np.concatenate([table, np.zeros((more, *table.shape[1:]), table.dtype)])
