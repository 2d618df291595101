"""Texts into vectors: the port, a cache by content, and the joining of two models."""

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from rag.errors import EmbeddingError
from stores.sqlite import write_ahead

Vectors = NDArray[np.float32]
"""One row for each text, of length 1."""

A = TypeVar("A")
R = TypeVar("R")

_CHUNK = 400  # digests of one lookup


class Purpose(Enum):
    """What a text is: some models embed questions and answers differently."""

    QUERY = "query"
    DOCUMENT = "document"


class Embedder(Protocol):
    """
    A model.

    *name* stands for the model with everything that changes its vectors;
    vectors of different names are never compared.
    """

    name: str
    dimensions: int

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        """Return a vector of length 1 for each text; raise `EmbeddingError`."""

    async def close(self) -> None:
        """Let go of threads and connections."""


def unit(vectors: NDArray[np.floating]) -> Vectors:
    """Return *vectors* with length 1; a zero vector stays zero."""
    wide = vectors.astype(np.float32)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.maximum(lengths, 1e-12), dtype=np.float32)


class JoinedEmbedder:
    """
    Two models as one: their vectors side by side.

    The product of two joined vectors is the weighted mean of the two models'
    cosines, so any index serves both models with one search.
    """

    def __init__(self, first: Embedder, second: Embedder, *, weight: float) -> None:
        self._parts = ((first, weight**0.5), (second, (1 - weight) ** 0.5))
        self.name = f"{first.name}*{weight:g}+{second.name}"
        self.dimensions = first.dimensions + second.dimensions

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        """Embed with both models: a request with both at once, an import with one core."""
        if purpose is Purpose.QUERY:
            found = await asyncio.gather(*(p.embed(texts, purpose) for p, _ in self._parts))
        else:
            found = [await part.embed(texts, purpose) for part, _ in self._parts]
        columns = [scale * v for v, (_, scale) in zip(found, self._parts, strict=True)]
        return np.asarray(np.hstack(columns), dtype=np.float32)

    async def close(self) -> None:
        """Close both."""
        for part, _ in self._parts:
            await part.close()


@contextmanager
def _cache_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise EmbeddingError(f"vectors kept in {path}: {error}") from error


class CachedEmbedder:
    """
    An embedder that never computes a document's vector twice.

    Vectors are kept by model and content (SHA-256) as 16-bit floats in a file,
    committed batch by batch: an interrupted import continues where it was.
    Queries are not kept; they are the users' words.
    """

    def __init__(self, inner: Embedder, path: Path) -> None:
        self._inner = inner
        self.name = inner.name
        self.dimensions = inner.dimensions
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embedding-cache")
        with _cache_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False, timeout=10)
            write_ahead(self._db)
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS vectors (digest BLOB PRIMARY KEY, vector BLOB) "
                "WITHOUT ROWID"
            )
        self._path = path

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        """Return kept vectors and compute the missing ones."""
        if purpose is Purpose.QUERY:
            return await self._inner.embed(texts, purpose)
        digests = [self._digest(text) for text in texts]
        known = await self._in_thread(self._load, digests)
        missing = {d: t for d, t in zip(digests, texts, strict=True) if d not in known}
        if missing:
            fresh = await self._inner.embed(list(missing.values()), purpose)
            made = dict(zip(missing, fresh.astype(np.float16), strict=True))
            await self._in_thread(self._save, made)
            known |= made
        return unit(np.stack([known[d] for d in digests]))

    async def close(self) -> None:
        """Close the file and the embedder."""
        await asyncio.to_thread(self._thread.shutdown)
        self._db.close()
        await self._inner.close()

    def _digest(self, text: str) -> bytes:
        return hashlib.sha256(f"{self.name}\0{text}".encode()).digest()

    async def _in_thread(self, work: Callable[[A], R], argument: A) -> R:
        loop = asyncio.get_running_loop()
        with _cache_errors(self._path):
            return await loop.run_in_executor(self._thread, work, argument)

    def _load(self, digests: Sequence[bytes]) -> dict[bytes, NDArray[np.float16]]:
        found: dict[bytes, NDArray[np.float16]] = {}
        for start in range(0, len(digests), _CHUNK):
            part = digests[start : start + _CHUNK]
            marks = ",".join("?" * len(part))
            query = f"SELECT digest, vector FROM vectors WHERE digest IN ({marks})"  # noqa: S608
            for digest, vector in self._db.execute(query, part):
                found[digest] = np.frombuffer(vector, np.float16)
        return found

    def _save(self, made: Mapping[bytes, NDArray[np.float16]]) -> None:
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?)",
                [(digest, vector.tobytes()) for digest, vector in made.items()],
            )
