"""What is the embedded store's own: how much work a read is."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stores.documents import Collection
from stores.sqlite import SqliteStore

THINGS = Collection("things", indexes=("group",))
STEP = 100
"""Instructions of SQLite's machine between two calls of the counter."""


class Work:
    """Counts the instructions that SQLite's machine takes."""

    def __init__(self) -> None:
        self.steps = 0
        self._connect = sqlite3.connect

    def connect(self, path: Path, *, timeout: float, check_same_thread: bool) -> object:
        """Stand in for `sqlite3.connect`."""
        db = self._connect(path, timeout=timeout, check_same_thread=check_same_thread)
        db.set_progress_handler(self._count, STEP)
        return db

    def _count(self) -> int:
        self.steps += 1
        return 0


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Return a count of the work that stores opened in this test do."""
    counted = Work()
    monkeypatch.setattr(sqlite3, "connect", counted.connect)
    return counted


@pytest.fixture
async def store(work: Work, tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """Return a store whose work is counted."""
    assert work.steps == 0
    opened = await SqliteStore.open(tmp_path / "d.sqlite3")
    yield opened
    await opened.close()


@pytest.mark.parametrize("order_by", ["_id", "group"])
@pytest.mark.parametrize("descending", [False, True])
async def test_reading_everything_is_work_by_the_document(
    order_by: str,
    descending: bool,  # noqa: FBT001 -- pytest passes it
    store: SqliteStore,
    work: Work,
) -> None:
    """Each page begins where the last ended, also among many equals."""

    async def cost(count: int) -> int:
        await store.put(THINGS, [{"_id": f"{i:06}", "group": i % 7} for i in range(count)])
        before = work.steps
        found = [d async for d in store.find(THINGS, order_by=order_by, descending=descending)]
        assert len(found) == count
        return work.steps - before

    few, many = await cost(2_000), await cost(8_000)
    assert few > 0
    assert many < 6 * few


async def test_removing_what_is_low_does_not_look_at_the_rest(
    store: SqliteStore, work: Work
) -> None:
    """However many documents are above the bound."""
    await store.put(THINGS, [{"_id": f"{i:06}", "group": i} for i in range(8_000)])
    before = work.steps
    assert await store.delete_below(THINGS, "group", 5, limit=100) == 5
    assert await store.delete_below(THINGS, "group", 5, limit=100) == 0
    assert work.steps - before < 10


async def test_a_new_file_that_another_process_writes_is_waited_for(tmp_path: Path) -> None:
    """As when a server and an import begin on one empty directory."""
    path = tmp_path / "documents.sqlite"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    opening = asyncio.create_task(SqliteStore.open(path))
    await asyncio.sleep(0.2)
    assert not opening.done()
    other.execute("COMMIT")
    other.close()
    await (await opening).close()
