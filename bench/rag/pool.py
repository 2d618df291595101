"""
List what the systems show first and nobody has judged, for judging blind.

    python bench/rag/pool.py OUT DIR > unjudged.tsv

OUT is what `electronics.py` wrote, DIR the index. A line is the request's number, its
text, the product's id and name; the order is shuffled within a request, and nothing
tells which system found a product, in which language, or how high.
"""

import asyncio
import random
import sys
from collections import defaultdict
from pathlib import Path

from rag.engine import open_engine
from rag.evaluation import SYSTEMS, Evaluation, read_set
from rag.settings import RagSettings
from stores.sqlite import SqliteStore

DEPTH = 5


async def main(out: Path, folder: Path) -> None:
    """Print the list."""
    requests = read_set(out / "queries.tsv", out / "qrels.txt")
    store = await SqliteStore.open(folder / "documents.sqlite3")
    pool: dict[str, set[str]] = defaultdict(set)
    async with open_engine(RagSettings(), store, folder) as engine:
        evaluation = Evaluation(engine.products, engine.embedder, engine.lexicon)
        for run in await evaluation.run(requests, SYSTEMS):
            shown = set(run.ranking[:DEPTH]) - set(run.request.grades)
            pool[run.request.id[1:]] |= shown
        texts = {r.id[1:]: r.text for r in requests if r.language == "en"}
        for key in sorted(pool, key=int):
            items = await engine.products.catalogue.get(sorted(pool[key]))
            random.Random(key).shuffle(items)  # noqa: S311 - not for secrets
            for item in items:
                print(key, texts[key], item.id, item.name["en"], sep="\t")
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
