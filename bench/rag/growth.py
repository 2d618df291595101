"""
How search, memory and files grow with the number of products.

    PYTHONPATH=. python bench/rag/growth.py measure SIZE DIR >> growth.jsonl
    PYTHONPATH=. python bench/rag/growth.py plot growth.jsonl growth.svg

Texts are the synthetic ones; vectors are random, since a model's speed does not
depend on the size. What is measured is the embedded index: full text, vectors,
fusion and reading of 20 products, with and without filters.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from synthetic import MATERIALS, QUALITIES, ROOMS, STYLES, THINGS, products

from rag.catalogue.items import Product
from rag.catalogue.store import PRODUCTS, Catalogue, digest_of
from rag.embedding.ports import Purpose, Vectors, unit
from rag.entries import Entry
from rag.index import embedded
from rag.index.analysis import Columns
from rag.index.embedded import Change, EmbeddedIndex
from rag.lexicon import Lexicon, default_lexicon
from rag.money import Money, amount_of
from rag.retrieval import Conditions, Retriever
from stores.sqlite import SqliteStore

DIMENSIONS = 896
REPEATED = 50_000  # products with texts of their own
BATCH = 2_000


class RandomEmbedder:
    """Vectors by chance."""

    name = "random"
    dimensions = DIMENSIONS

    def __init__(self) -> None:
        self._rng = np.random.default_rng(1)

    async def embed(self, texts: Sequence[str], _: Purpose) -> Vectors:
        """Return a vector for each text."""
        return unit(self._rng.normal(size=(len(texts), DIMENSIONS)))

    async def close(self) -> None:
        """Do nothing."""


def requests(count: int) -> list[tuple[str, Conditions]]:
    """Return requests in both languages, half of them under a budget or a style."""
    rng = np.random.default_rng(5)
    found = []
    for n in range(count):
        language = n % 2
        parts = [
            group[rng.integers(len(group))][language]
            for group in (ROOMS, QUALITIES, MATERIALS, THINGS)
        ]
        budget = Money(amount_of(int(rng.integers(50, 3000)) * 1000), "KRW")
        conditions = [
            Conditions(),
            Conditions(),
            Conditions(budget=budget),
            Conditions(budget=budget, styles=[STYLES[rng.integers(len(STYLES))][0]]),
        ][n % 4]
        found.append((" ".join(parts), conditions))
    return found


async def fill(size: int, store: SqliteStore, index: EmbeddedIndex) -> None:
    """
    Write documents and index side by side; how long that takes is not measured here.

    The texts begin again after `REPEATED` products, read once each.
    """
    lexicon, rng = default_lexicon(), np.random.default_rng(1)
    remember_columns()
    rows = enumerate(products(min(size, REPEATED)), 1)
    items = [Product.from_row(n, row) for n, row in rows]
    entries = [item.entry(lexicon) for item in items]
    documents = [item.document() for item in items]
    for start in range(0, size, BATCH):
        numbers = range(start, min(start + BATCH, size))
        vectors = unit(rng.standard_normal((len(numbers), DIMENSIONS), np.float32))
        changes, written = [], []
        for n, vector in zip(numbers, vectors, strict=True):
            key = f"p{n:07}"
            fields = {**documents[n % REPEATED], "id": key}
            changed = {"changed": f"{n:020d}", "digest": digest_of(fields)}
            written.append({"_id": key, **changed, "item": fields})
            entry = replace(entries[n % REPEATED], id=key)
            changes.append(Change(key, changed["digest"], entry, vector))
        await store.put(PRODUCTS, written)
        await index.apply(changes, written[-1]["changed"])


def remember_columns() -> None:
    """Let equal texts be read once; only the writing of a million repeated ones needs it."""
    known: dict[int, Columns] = {}
    read = embedded.columns_of

    def columns_of(entry: Entry, lexicon: Lexicon) -> Columns:
        key = hash((entry.names, entry.body))
        if key not in known:
            known[key] = read(entry, lexicon)
        return known[key]

    embedded.columns_of = columns_of


async def measure(size: int, folder: Path) -> dict[str, float]:
    """Build an index of *size* products in *folder* and search it."""
    lexicon, embedder = default_lexicon(), RandomEmbedder()
    store = await SqliteStore.open(folder / "documents.sqlite3")
    catalogue = Catalogue(store, PRODUCTS, Product)
    path = folder / "products-index.sqlite3"

    async def opened() -> EmbeddedIndex:
        index = EmbeddedIndex(path, lexicon, model="random", dimensions=DIMENSIONS)
        await index.open()
        return index

    index = await opened()
    if await index.count() < size:
        await fill(size, store, index)
    await index.close()
    began = time.perf_counter()
    index = await opened()
    loaded = time.perf_counter() - began
    await index.warm()
    warmed = time.perf_counter() - began - loaded
    retriever = Retriever(catalogue, index, index, embedder, lexicon)
    result = {"size": size, "load_s": loaded, "warm_s": warmed, **await search(retriever, 200)}
    result["index_mb"] = path.stat().st_size / 1e6
    result["rss_mb"] = rss_mb()
    await index.close()
    await store.close()
    return result


async def search(retriever: Retriever[Product], count: int) -> dict[str, float]:
    """Return quantiles of search times in milliseconds."""
    times, cpu, misfits = [], [], 0
    for text, conditions in requests(count):
        began, used = time.perf_counter(), time.process_time()
        found = await retriever.search(text, conditions)
        times.append((time.perf_counter() - began) * 1e3)
        cpu.append((time.process_time() - used) * 1e3)
        where = retriever.where(conditions)
        entries = (hit.item.entry(default_lexicon()) for hit in found.hits)
        misfits += sum(not where.allows(entry.facts) for entry in entries)
    p50, p95, p99 = np.percentile(times, [50, 95, 99])
    found_ms = {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "cpu_ms": np.median(cpu)}
    return {**found_ms, "outside_filter": misfits}


def rss_mb() -> float:
    """Return the memory this process holds now."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def plot(source: Path, target: Path) -> None:
    """Draw the measurements."""
    import matplotlib as mpl  # noqa: PLC0415 - only for the picture

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    rows = sorted(
        (json.loads(line) for line in source.read_text("ascii").splitlines()),
        key=lambda row: row["size"],
    )
    sizes = [row["size"] for row in rows]
    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    for key in ("p50_ms", "p95_ms", "p99_ms", "cpu_ms"):
        axes[0].loglog(sizes, [row[key] for row in rows], "o-", label=key.removesuffix("_ms"))
    axes[0].set_ylabel("search without the model, ms")
    for key in ("rss_mb", "index_mb"):
        axes[1].loglog(sizes, [row[key] for row in rows], "o-", label=key.removesuffix("_mb"))
    axes[1].set_ylabel("MB")
    for axis in axes:
        axis.set_xlabel("products")
        axis.grid(alpha=0.3, which="both")
        axis.legend()
    figure.tight_layout()
    figure.savefig(target)


if __name__ == "__main__":
    if sys.argv[1] == "plot":
        plot(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        figures = asyncio.run(measure(int(sys.argv[2]), Path(sys.argv[3])))
        print(json.dumps({k: round(float(v), 2) for k, v in figures.items()}))
