"""Ended sessions, written to the document store."""

from contextlib import AbstractAsyncContextManager
from typing import Final

import structlog
from msgspec.structs import asdict

from matchmaker.clock import Clock
from matchmaker.model import Session
from matchmaker.store import MatchStore
from stores.documents import Collection, Document, DocumentStore, StoreError
from stores.retention import kept_for

log = structlog.get_logger(__name__)

SESSIONS: Final = Collection("sessions", indexes=("user", "ended_at", "instance"))

BATCH: Final = 256


def record(session: Session) -> Document:
    """Return what is kept: who, when, where, why it ended, and how long they waited."""
    kept = asdict(session)
    names = ("user", "host", "instance", "pool", "created_at", "started_at", "ended_at")
    document: Document = {name: kept[name] for name in names}
    streamed = session.ended_at - session.started_at if session.started_at else 0.0
    return document | {
        "_id": session.id,
        "application": session.attributes.get("application", ""),
        "region": session.attributes.get("region", ""),
        "reason": str(session.reason),
        "waited_seconds": round(session.waited, 3),
        "streamed_seconds": round(streamed, 3),
    }


def records_kept(
    documents: DocumentStore, days: int, clock: Clock
) -> AbstractAsyncContextManager[None]:
    """Keep records for so many *days* after the end of their session; 0 is for ever."""
    return kept_for(documents, {SESSIONS: "ended_at"}, days, now=clock.now, sleep=clock.sleep)


class Recorder:
    """
    Writes behind: ended sessions wait in the live store until they are durable.

    They are written at least once, under their own id, so twice does no harm;
    with live state in Redis they survive the end of this node. The live store
    bounds how many wait.
    """

    def __init__(self, store: MatchStore, documents: DocumentStore | None) -> None:
        self._store = store
        self._documents = documents
        self._failing = False

    async def drain(self) -> int:
        """Write what waits, at most a batch; returns how many were written."""
        sessions = await self._store.unrecorded(limit=BATCH)
        if not sessions:
            return 0
        if self._documents is not None and not await self._write(sessions):
            return 0
        await self._store.recorded([session.id for session in sessions])
        return len(sessions)

    async def forget(self, user: str) -> int:
        """Remove everything about *user*; returns the number of records."""
        await self._store.forget_user(user)
        if self._documents is None:
            return 0
        return await self._documents.delete_where(SESSIONS, {"user": user})

    async def _write(self, sessions: list[Session]) -> bool:
        assert self._documents is not None  # noqa: S101 - for the type checker
        try:
            await self._documents.put(SESSIONS, [record(session) for session in sessions])
        except StoreError as error:
            if not self._failing:
                log.warning("session_records_delayed", error=str(error))
            self._failing = True
            return False
        self._failing = False
        return True
