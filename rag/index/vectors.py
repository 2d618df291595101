"""
All vectors in memory, eight bits a number, and a short sketch of each before them.

Where a filter leaves few items every one of them is compared. Of more, the sketches say
which are worth comparing: a share of all, so that what is missed does not grow with the
catalogue. What sketch and rounding cost is measured in `docs/rag-figures.md`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import simsimd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from rag.embedding.ports import Vectors
from rag.index.rows import grown

EXACT: Final = 4_000
"""So many items, and fewer, are all compared."""

_SHARE = 50  # of more one in so many is compared, and half of EXACT at least
_SKETCHED = 128  # numbers of a sketch: the directions in which the catalogue differs most
_SAMPLE = 4_000  # items that these directions are learnt from
_CHUNK = 4_096  # rows sketched at a time: floats for all would take gigabytes


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


@dataclass(frozen=True, slots=True)
class _Sketches:
    """The first rows, projected on their principal directions, in bytes."""

    directions: Vectors
    scale: float
    values: NDArray[np.int8]

    def of(self, vectors: Vectors) -> NDArray[np.int8]:
        """Project vectors; what is longer than the sample's longest number is cut."""
        rounded = np.rint((vectors @ self.directions.T / self.scale).clip(-127, 127))
        return np.asarray(rounded, np.int8)


class VectorTable:
    """
    Vectors by row, written once each by one thread and read by any number.

    Readers name rows that were written before they began.
    """

    def __init__(self, dimensions: int, capacity: int = 0) -> None:
        self._vectors = np.zeros((capacity, dimensions), np.int8)
        self._scales = np.zeros(capacity, np.float32)
        self._sketches: _Sketches | None = None
        self._learnt_from = 0  # rows there were when the directions were found

    def put(self, row: int, vector: Packed) -> None:
        """Write a row."""
        while row >= len(self._scales):
            self._vectors = grown(self._vectors)
            self._scales = grown(self._scales)
        self._vectors[row] = np.frombuffer(vector.values, np.int8)
        self._scales[row] = vector.scale

    def sketch(self, used: int) -> None:
        """Sketch the first *used* rows as far as that is not done; a few need none."""
        if used > EXACT and self._vectors.shape[1] > _SKETCHED:
            with threadpool_limits(1, "blas"):  # more threads only wait for each other
                self._sketch(used)

    def _sketch(self, used: int) -> None:
        known = self._sketches
        if known is None or used > 2 * self._learnt_from:
            known = self._learn(used)
            self._learnt_from = used
        parts = [known.values]
        for start in range(len(known.values), used, _CHUNK):
            rows = np.arange(start, min(start + _CHUNK, used))
            parts.append(known.of(self._floats(rows)))
        self._sketches = _Sketches(known.directions, known.scale, np.concatenate(parts))

    def nearest(
        self, vector: Vectors, allowed: NDArray[np.bool_], limit: int
    ) -> list[tuple[int, float]]:
        """Return the *limit* best of the allowed rows with their cosines, best first."""
        rows = np.flatnonzero(allowed)
        if len(rows) > EXACT and self._sketches is not None:
            rows = _likely(self._sketches, vector, rows, limit)
        if not len(rows):
            return []
        halves, scale = _halves(vector)
        high, low = np.asarray(simsimd.cdist(halves, self._vectors[rows], "dot"))
        scores = np.asarray((high * 256 + low) * (self._scales[rows] * scale), np.float32)
        return [(int(rows[i]), float(scores[i])) for i in best_of(scores, limit)]

    def _learn(self, used: int) -> _Sketches:
        """Find the directions in which a sample of the rows is longest."""
        sample = self._floats(np.linspace(0, used - 1, min(used, _SAMPLE)).astype(np.intp))
        _, directions = np.linalg.eigh(sample.T @ sample)
        first = np.ascontiguousarray(directions[:, : -_SKETCHED - 1 : -1].T, np.float32)
        scale = max(float(np.abs(sample @ first.T).max()), 1e-12) / 127
        return _Sketches(first, scale, np.zeros((0, _SKETCHED), np.int8))

    def _floats(self, rows: NDArray[np.intp]) -> Vectors:
        return self._vectors[rows].astype(np.float32) * self._scales[rows, None]


def _halves(vector: Vectors) -> tuple[NDArray[np.int8], float]:
    """Return a request's vector in sixteen bits, the high bytes and the low, and its factor."""
    scale = max(float(np.abs(vector).max()), 1e-12) / (127 * 256)
    whole = np.rint(vector / scale)
    high = np.floor((whole + 128) / 256)
    return np.stack([high, whole - 256 * high]).astype(np.int8), scale


def _likely(
    sketches: _Sketches, vector: Vectors, rows: NDArray[np.intp], limit: int
) -> NDArray[np.intp]:
    """Return the rows most like the vector by their sketches, and all not sketched yet."""
    # Not by BLAS, whose threads would wait for each other on a busy machine.
    query = np.asarray(simsimd.cdist(vector.reshape(1, -1), sketches.directions, "dot"))
    rounded = np.rint(query * (127 / max(float(np.abs(query).max()), 1e-12))).astype(np.int8)
    likeness = np.asarray(simsimd.cdist(rounded, sketches.values, "dot"))[0]
    known = rows[: np.searchsorted(rows, len(sketches.values))]
    wanted = max(EXACT // 2, len(rows) // _SHARE, limit)
    if wanted >= len(known):
        return rows
    best = known[np.argpartition(-likeness[known], wanted - 1)[:wanted]]
    return np.concatenate([np.sort(best), rows[len(known) :]])


def best_of(scores: NDArray[np.float32], limit: int) -> Sequence[int]:
    """Return where the *limit* highest scores stand, highest first."""
    if len(scores) > limit:
        part = np.argpartition(-scores, limit - 1)[:limit]
    else:
        part = np.arange(len(scores))
    return [int(i) for i in part[np.argsort(-scores[part], kind="stable")]]
