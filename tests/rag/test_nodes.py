"""Several nodes, each a process with an index of its own, over one store of documents."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from secantus import SecantusDBServer

from rag.catalogue.feeds import Row
from rag.catalogue.items import Product
from rag.catalogue.store import PRODUCTS, Catalogue
from stores.documents import DocumentStore
from stores.mongo import MongoStore
from stores.sqlite import SqliteStore

_PATIENCE = 90  # seconds, on a busy machine

_NODE = """
import asyncio, json, sys
from pathlib import Path
import numpy as np
import rag.engine as engines
from rag.settings import RagSettings
from rag.retrieval import Conditions
from stores.mongo import MongoStore
from stores.sqlite import SqliteStore

class Ones:
    name, dimensions = "ones", 8
    async def embed(self, texts, purpose):
        return np.ones((len(texts), 8), np.float32)
    async def close(self): pass

async def main(place, data):
    mongo = "://" in place
    store = await (MongoStore.connect(place) if mongo else SqliteStore.open(Path(place)))
    engines.make_embedder = lambda *_: Ones()
    async with engines.open_engine(RagSettings(), store, Path(data)) as engine:
        following = asyncio.create_task(engine.follow(interval=0.1))
        said = None
        while not following.done():
            found = await engine.products.retriever.search("chair")
            names = {h.item.id: h.item.name["en"] for h in found.hits}
            if names != said:
                said = names
                print(json.dumps(names, sort_keys=True), flush=True)
            await asyncio.sleep(0.05)
        following.result()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture(params=["sqlite", "mongo"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """Say where the documents are: a file, or a server of MongoDB's protocol."""
    if request.param == "sqlite":
        yield str(tmp_path / "documents.sqlite3")
        return
    with SecantusDBServer(storage_path=str(tmp_path / "mongo")) as server:
        yield server.uri


@pytest.fixture
async def documents(place: str) -> AsyncIterator[DocumentStore]:
    """Open the same store in the test's own process."""
    store: Any = (
        await MongoStore.connect(place)
        if "://" in place
        else await SqliteStore.open(Path(place))
    )
    yield store
    await store.close()


@asynccontextmanager
async def _node(place: str, data: Path) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _NODE, place, str(data), stdout=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _until(process: Process, expected: dict[str, str]) -> None:
    """Wait until a node finds exactly these products."""
    assert process.stdout is not None
    async with asyncio.timeout(_PATIENCE):
        while True:
            line = await process.stdout.readline()
            assert line, "the node ended"
            if json.loads(line) == expected:
                return


def _chair(key: str, name: str) -> Row:
    return Row(1, {"id": key, "name": {"en": name}, "price": "1"})


async def test_every_node_follows_what_any_of_them_wrote(
    place: str, documents: DocumentStore, tmp_path: Path
) -> None:
    """New, changed and deleted products reach the index of each process, also a late one."""
    catalogue = Catalogue(documents, PRODUCTS, Product)
    async with AsyncExitStack() as stack:
        nodes = [
            await stack.enter_async_context(_node(place, tmp_path / name))
            for name in ("a", "b")
        ]
        await catalogue.upsert([_chair("c1", "oak chair"), _chair("c2", "elm chair")])
        for node in nodes:
            await _until(node, {"c1": "oak chair", "c2": "elm chair"})
        await catalogue.upsert([_chair("c2", "ash chair"), _chair("c3", "fir chair")])
        await catalogue.delete(["c1"])
        nodes.append(await stack.enter_async_context(_node(place, tmp_path / "c")))
        for node in nodes:
            await _until(node, {"c2": "ash chair", "c3": "fir chair"})


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_nodes_may_share_one_index_too(
    place: str, documents: DocumentStore, tmp_path: Path
) -> None:
    """Two processes that follow into the same file find the same, and neither ends."""
    catalogue = Catalogue(documents, PRODUCTS, Product)
    shared = tmp_path / "shared"
    async with _node(place, shared) as first, _node(place, shared) as second:
        await catalogue.upsert([_chair(f"c{n}", f"chair {n}") for n in range(9)])
        await catalogue.delete(["c8"])
        expected = {f"c{n}": f"chair {n}" for n in range(8)}
        await asyncio.gather(_until(first, expected), _until(second, expected))
