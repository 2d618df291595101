"""The document stores under test: SQLite, and MongoDB by both of its clients."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pymongo import AsyncMongoClient
from secantus import SecantusDBServer

from stores.documents import DocumentStore
from stores.mongo import MongoStore
from stores.sqlite import SqliteStore


@pytest.fixture(scope="session")
def mongo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one server that speaks MongoDB's wire protocol for all tests."""
    with SecantusDBServer(storage_path=str(tmp_path_factory.mktemp("mongo"))) as server:
        yield server.uri


@pytest.fixture(params=["sqlite", "motor", "pymongo"])
async def documents(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[DocumentStore]:
    """Each adapter of the port, empty."""
    store = await _open(request, tmp_path)
    yield store
    await store.close()


async def _open(request: pytest.FixtureRequest, tmp_path: Path) -> DocumentStore:
    if request.param == "sqlite":
        return await SqliteStore.open(tmp_path / "documents.sqlite3")
    url = request.getfixturevalue("mongo_url")
    database = f"t{abs(hash(request.node.nodeid)):x}"
    if request.param == "motor":
        return await MongoStore.connect(_named(url, database))
    return MongoStore(AsyncMongoClient(url), database)


def _named(url: str, database: str) -> str:
    address, _, query = url.partition("?")
    return f"{address.rstrip('/')}/{database}" + (f"?{query}" if query else "")
