"""
All vectors in memory, eight bits a number, searched exhaustively under a filter.

Every item is compared, so a filter never costs recall; what the rounding costs
is measured in `docs/rag-figures.md`.
"""

import threading
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import simsimd
from numpy.typing import NDArray

from rag.embedding.ports import Vectors
from rag.entries import Facts, Scored, Where

_GATHER = 3  # below a third of the rows, copying them out is cheaper than scanning all


@dataclass(frozen=True, slots=True)
class Packed:
    """A vector as signed bytes and the factor that restores it."""

    values: bytes
    scale: float


def pack(vectors: Vectors) -> list[Packed]:
    """Round each vector to bytes, its largest number to 127."""
    scales = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), 1e-12) / 127
    rounded = np.rint(vectors / scales).astype(np.int8)
    return [Packed(r.tobytes(), float(s[0])) for r, s in zip(rounded, scales, strict=True)]


class VectorTable:
    """
    Items' vectors and facts by row; safe to use from several threads.

    A changed item takes a new row and its old one is dead until the next start.
    """

    def __init__(self, dimensions: int, capacity: int = 1024) -> None:
        self._lock = threading.Lock()
        self._vectors = np.zeros((capacity, dimensions), np.int8)
        self._scales = np.zeros(capacity, np.float32)
        self._units = np.zeros(capacity, np.int64)
        self._currency = np.zeros(capacity, np.int16)
        self._alive = np.zeros(capacity, np.bool_)
        self._ids: list[str] = []
        self._row_of: dict[str, int] = {}
        self._currencies: dict[str, int] = {}
        self._tags: dict[str, array[int]] = {}

    def __len__(self) -> int:
        """Return how many items there are."""
        return len(self._row_of)

    def put(self, key: str, vector: Packed, facts: Facts) -> None:
        """Add or replace an item."""
        with self._lock:
            self._drop(key)
            row = len(self._ids)
            if row == len(self._vectors):
                self._grow()
            self._ids.append(key)
            self._row_of[key] = row
            self._vectors[row] = np.frombuffer(vector.values, np.int8)
            self._scales[row] = vector.scale
            self._set_facts(row, facts)
            self._alive[row] = True

    def remove(self, key: str) -> None:
        """Forget an item; unknown ones are ignored."""
        with self._lock:
            self._drop(key)

    def search(self, vector: Vectors, where: Where, limit: int) -> list[Scored]:
        """Return the *limit* best items that *where* allows, by cosine."""
        packed = pack(vector.reshape(1, -1))[0]
        query = np.frombuffer(packed.values, np.int8).reshape(1, -1)
        with self._lock:
            rows = np.flatnonzero(self._mask(where))
            if not len(rows):
                return []
            scores = self._scores(query, rows) * np.float32(packed.scale)
            best = _best(scores, limit)
            return [Scored(self._ids[rows[i]], float(scores[i])) for i in best]

    def _scores(self, query: NDArray[np.int8], rows: NDArray[np.intp]) -> NDArray[np.float32]:
        used = len(self._ids)
        if len(rows) * _GATHER < used:
            products = simsimd.cdist(query, self._vectors[rows], "dot")
            near = np.multiply(np.asarray(products, np.float32)[0], self._scales[rows])
            return np.asarray(near, np.float32)
        products = simsimd.cdist(query, self._vectors[:used], "dot")
        scores = np.multiply(np.asarray(products, np.float32)[0], self._scales[:used])
        return np.asarray(scores[rows], np.float32)

    def _mask(self, where: Where) -> NDArray[np.bool_]:
        used = len(self._ids)
        mask = self._alive[:used].copy()
        if where.limits is not None:
            affordable = np.zeros(used, np.bool_)
            for currency, limit in where.limits.items():
                code = self._currencies.get(currency, -1)
                affordable |= (self._currency[:used] == code) & (self._units[:used] <= limit)
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
        more = max(1024, len(self._vectors) // 2)
        self._vectors = np.vstack(
            [self._vectors, np.zeros((more, self._vectors.shape[1]), np.int8)]
        )
        self._scales = np.append(self._scales, np.zeros(more, np.float32))
        self._units = np.append(self._units, np.zeros(more, np.int64))
        self._currency = np.append(self._currency, np.zeros(more, np.int16))
        self._alive = np.append(self._alive, np.zeros(more, np.bool_))


def _best(scores: NDArray[np.float32], limit: int) -> Sequence[int]:
    if len(scores) > limit:
        part = np.argpartition(-scores, limit - 1)[:limit]
    else:
        part = np.arange(len(scores))
    return [int(i) for i in part[np.argsort(-scores[part], kind="stable")]]
