"""Documents that grow old."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from stores.documents import Collection, StoreError
from stores.retention import BATCH, DAY_SECONDS, INTERVAL_SECONDS, kept_for
from stores.sqlite import SqliteStore
from tests.resting_clock import RestingClock

LETTERS = Collection("letters", indexes=("at",))
CARDS = Collection("cards", indexes=("at",))
TIMES = {LETTERS: "at", CARDS: "at"}
NOW = 1_763_826_169.0
OLD = NOW - 3 * DAY_SECONDS


class Unsteady(SqliteStore):
    """A store that cannot be reached now and then."""

    down = ""
    """The collection that cannot be."""

    async def delete_below(self, collection: Collection, *args: Any, **options: Any) -> int:
        """See `DocumentStore`."""
        if collection.name == self.down:
            raise StoreError("down")
        return await super().delete_below(collection, *args, **options)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Unsteady]:
    """Open a store with an old and a new letter."""
    opened = await Unsteady.open(tmp_path / "d.sqlite3")
    await opened.put(LETTERS, [{"_id": "old", "at": OLD}, {"_id": "new", "at": NOW}])
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> RestingClock:
    """Return the time."""
    return RestingClock(NOW)


async def test_what_is_too_old_goes_now_and_every_hour(
    store: Unsteady, clock: RestingClock
) -> None:
    """The day a letter is too old it goes, not before."""
    async with kept_for(store, TIMES, 2, now=clock.now, sleep=clock.sleep):
        await clock.rest()
        assert [d["_id"] async for d in store.find(LETTERS)] == ["new"]
        await clock.advance(2 * DAY_SECONDS)
        assert await store.count(LETTERS) == 1
        await clock.advance(INTERVAL_SECONDS)
        assert await store.count(LETTERS) == 0


async def test_a_backlog_goes_by_batches(store: Unsteady, clock: RestingClock) -> None:
    """Others have a turn between them."""
    await store.put(CARDS, [{"_id": f"{i}", "at": OLD} for i in range(2 * BATCH + 1)])
    with capture_logs() as logs:
        async with kept_for(store, {CARDS: "at"}, 2, now=clock.now, sleep=clock.sleep):
            await clock.rest()
    assert await store.count(CARDS) == 0
    assert clock.short == 3
    said = {"event": "old_documents_removed", "collection": "cards", "count": 2 * BATCH + 1}
    assert logs == [said | {"log_level": "info"}]


async def test_a_store_that_is_down_is_tried_again(
    store: Unsteady, clock: RestingClock
) -> None:
    """It is said, and other collections do not wait for it."""
    await store.put(CARDS, [{"_id": "old", "at": OLD}])
    store.down = "letters"
    with capture_logs() as logs:
        async with kept_for(store, TIMES, 2, now=clock.now, sleep=clock.sleep):
            await clock.rest()
            assert (await store.count(LETTERS), await store.count(CARDS)) == (2, 0)
            store.down = ""
            await clock.advance(INTERVAL_SECONDS)
            assert await store.count(LETTERS) == 1
    left = {"event": "old_documents_left", "collection": "letters", "error": "down"}
    assert [line for line in logs if line["log_level"] == "warning"] == [
        left | {"log_level": "warning"}
    ]


async def test_for_ever(store: Unsteady) -> None:
    """With 0 days nothing is looked at."""

    async def sleep(_: float) -> None:
        pytest.fail("somebody works")

    async with kept_for(store, TIMES, 0, now=lambda: NOW, sleep=sleep):
        assert await store.count(LETTERS) == 2
    assert await store.count(LETTERS) == 2
