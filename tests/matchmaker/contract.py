"""What the tests of the stores' contract have in common."""

import asyncio
from collections.abc import Awaitable, Callable

from matchmaker.model import (
    Change,
    ChangeKind,
    Demand,
    InstanceSpec,
    Requested,
    Session,
    SessionRequest,
    SessionState,
)
from matchmaker.store import MatchStore

MakeStore = Callable[..., Awaitable[MatchStore]]
NOW = 1_763_826_169.123


def spec(name: str, host: str = "h1", **options: object) -> InstanceSpec:
    """Return an instance on a host."""
    return InstanceSpec(id=name, host=host, **options)  # type: ignore[arg-type]


def ask(user: str, demand: Demand | None = None, **options: object) -> SessionRequest:
    """Return the request of a user on a connection."""
    values = {"holder": f"n1/{user}"} | options
    return SessionRequest(
        id=f"s-{user}",
        user=user,
        demand=demand or Demand.of(),
        **values,  # type: ignore[arg-type]
    )


def session_of(answer: Requested) -> Session:
    """Return the session of an answer that has one."""
    assert answer.session is not None, answer.code
    return answer.session


async def enter(store: MatchStore, user: str, now: float = NOW, **options: object) -> Session:
    """Ask for a place and return the session."""
    return session_of(await store.request(ask(user, **options), now=now))


class Heard:
    """Collects changes and lets a test wait for one."""

    def __init__(self, store: MatchStore) -> None:
        self.changes: list[Change] = []
        self._news = asyncio.Event()
        store.listen(self._on, lambda: None)

    def _on(self, changes: object) -> None:
        self.changes.extend(changes)  # type: ignore[arg-type]
        self._news.set()

    async def until(self, kind: ChangeKind, session: str = "", subject: str = "") -> Change:
        """Return such a change, once it was heard."""
        async with asyncio.timeout(5):
            while True:
                for change in self.changes:
                    named = change.session.id if change.session else ""
                    if (change.kind, named, change.subject) == (kind, session, subject):
                        return change
                self._news.clear()
                await self._news.wait()


async def state(store: MatchStore, session_id: str) -> SessionState | None:
    """Return how a session stands."""
    found = await store.session(session_id)
    return found.state if found else None
