"""Ended sessions reach the document store, sooner or later."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from matchmaker.model import Demand, EndReason, InstanceSpec, SessionRequest
from matchmaker.records import SESSIONS, Recorder, records_kept
from matchmaker.store import MatchStore
from stores.documents import Collection, Document, DocumentStore, StoreError
from stores.sqlite import SqliteStore
from tests.resting_clock import RestingClock

NOW = 1_000.0


class Shelf:
    """The part of a document store that is used, in a dict."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.down = False

    async def put(self, collection: Collection, documents: Iterable[Document]) -> None:
        """See `DocumentStore`."""
        assert collection.name == "sessions"
        if self.down:
            raise StoreError("down")
        self.documents |= {document["_id"]: document for document in documents}

    async def delete_where(self, _collection: Collection, where: Mapping[str, Any]) -> int:
        """See `DocumentStore`."""
        found = [i for i, d in self.documents.items() if where.items() <= d.items()]
        for name in found:
            del self.documents[name]
        return len(found)


async def played(store: MatchStore) -> None:
    """Let alice wait five seconds and play for sixty."""
    request = SessionRequest(id="s", user="alice", demand=Demand.of("game"), holder="n1/1")
    await store.request(request, now=NOW)
    spec = InstanceSpec(id="ue1", host="h1", application="game")
    await store.put_instance(spec, now=NOW + 5)
    await store.activate("s", player_id="p", now=NOW + 6)
    await store.end("s", reason=EndReason.RELEASED, now=NOW + 66)


@pytest.fixture
async def store(make_store: Callable[..., Awaitable[MatchStore]]) -> MatchStore:
    """Yield a store in which somebody has played."""
    made = await make_store()
    await played(made)
    return made


async def test_a_record_says_who_when_where_and_why(store: MatchStore) -> None:
    """Written once, with waiting and streaming time."""
    shelf = Shelf()
    recorder = Recorder(store, cast("DocumentStore", shelf))
    assert await recorder.drain() == 1
    assert await recorder.drain() == 0
    assert shelf.documents["s"] == {
        "_id": "s",
        "user": "alice",
        "host": "h1",
        "instance": "ue1",
        "pool": "application=game&profile=&region=&version=",
        "application": "game",
        "region": "",
        "created_at": NOW,
        "started_at": NOW + 6,
        "ended_at": NOW + 66,
        "reason": "released",
        "waited_seconds": 5.0,
        "streamed_seconds": 60.0,
    }


async def test_a_store_that_is_down_gets_them_later(store: MatchStore) -> None:
    """Nothing is lost meanwhile."""
    shelf = Shelf()
    shelf.down = True
    recorder = Recorder(store, cast("DocumentStore", shelf))
    assert await recorder.drain() == 0
    shelf.down = False
    assert await recorder.drain() == 1
    assert list(shelf.documents) == ["s"]


async def test_a_user_is_forgotten_everywhere(store: MatchStore) -> None:
    """In the live state and in the records."""
    shelf = Shelf()
    recorder = Recorder(store, cast("DocumentStore", shelf))
    await recorder.drain()
    assert await recorder.forget("alice") == 1
    assert shelf.documents == {}
    assert await store.session("s") is None


async def test_records_go_when_they_are_old(store: MatchStore, tmp_path: Path) -> None:
    """So many days after the end; who plays is in no record and stays."""
    await store.request(
        SessionRequest(id="t", user="bob", demand=Demand.of("game"), holder="n1/2"), now=NOW
    )
    clock = RestingClock(NOW + 66)
    documents = await SqliteStore.open(tmp_path / "d.sqlite3")
    await Recorder(store, documents).drain()
    late = {"_id": "late", "ended_at": NOW + 67}
    await documents.put(SESSIONS, [late])
    async with records_kept(documents, 30, clock):
        await clock.rest()
        await clock.advance(30 * 86_400)
        assert await documents.count(SESSIONS) == 2
        await clock.advance(1)
        assert await documents.count(SESSIONS) == 2  # it rests for an hour
        await documents.put(SESSIONS, [late | {"ended_at": clock.now()}])
        await clock.advance(3_600)
        assert [d["_id"] async for d in documents.find(SESSIONS)] == ["late"]
    session = await store.session("t")
    assert session is not None
    assert session.live
    await documents.close()


async def test_without_a_document_store_nothing_piles_up(store: MatchStore) -> None:
    """Records are dropped when nobody wants them."""
    recorder = Recorder(store, None)
    assert await recorder.drain() == 1
    assert await store.unrecorded() == []
    assert await recorder.forget("alice") == 0
