"""
Search an indexed catalogue with the default models: wall and CPU time, memory.

    PYTHONPATH=. python bench/rag/synthetic.py 100000 > products.jsonl
    python -m rag index products.jsonl --data_dir DIR
    PYTHONPATH=. python bench/rag/latency.py DIR
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import numpy as np
from growth import requests, rss_mb

from rag.engine import open_engine
from rag.settings import RagSettings
from stores.sqlite import SqliteStore


async def main(folder: Path) -> None:
    """Print one line of figures."""
    store = await SqliteStore.open(folder / "documents.sqlite3")
    async with open_engine(RagSettings(), store, folder) as engine:
        await engine.warm_up()
        await engine.products.index.warm()
        retriever = engine.products.retriever
        for text, conditions in requests(40):
            await retriever.search(text, conditions)
        wall, cpu, embedding, misfits = [], [], [], 0
        for text, conditions in requests(440)[40:]:
            began, used = time.perf_counter(), time.process_time()
            found = await retriever.search(text, conditions)
            wall.append((time.perf_counter() - began) * 1e3)
            cpu.append((time.process_time() - used) * 1e3)
            embedding.append(found.embed_ms)
            where = retriever.where(conditions)
            entries = [hit.item.entry(engine.lexicon) for hit in found.hits]
            misfits += sum(not where.allows(entry.facts) for entry in entries)
        figures = {
            name: [round(float(q), 1) for q in np.percentile(values, [50, 95, 99])]
            for name, values in (("wall_ms", wall), ("cpu_ms", cpu), ("embed_ms", embedding))
        }
        print(json.dumps({**figures, "outside_filter": misfits, "rss_mb": round(rss_mb())}))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
