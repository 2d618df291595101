"""What waiters are told of their place: often enough, never all at once too often."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from matchmaker.estimate import Estimates, attributes_of
from matchmaker.model import Change, ChangeKind, Session, SessionState
from matchmaker.notify import Holders, Notifier
from matchmaker.standings import Standing, standings
from matchmaker.store import MatchStore, StateUnavailableError

PUSH_SLICE: Final = 200
"""Waiters told in one go before others get the event loop."""

ESTIMATE_SECONDS: Final = 20.0
"""How often a queue that stands is told that it will take longer."""

QUEUE_MOVES: Final = frozenset({ChangeKind.QUEUED, ChangeKind.ASSIGNED, ChangeKind.ENDED})
"""Changes after which places in the queue may be others."""


class WaitingRoom:
    """
    Places, lengths and estimates, computed for all waiters together.

    However much the queue moves, a round of pushes comes at most every
    *interval* seconds, and a node pushes at most *rate* places a second.
    """

    def __init__(
        self,
        store: MatchStore,
        holders: Holders,
        notifier: Notifier,
        *,
        now: Callable[[], float],
        interval: float,
        rate: int,
    ) -> None:
        self.estimates = Estimates()
        self._store = store
        self._holders = holders
        self._notifier = notifier
        self._now = now
        self._interval = interval
        self._rate = rate
        self._standings: dict[str, Standing] = {}
        self._stale = True
        self._next_push = 0.0
        self._next_estimate = 0.0
        self._next_refresh = 0.0

    def on_changes(self, changes: Sequence[Change]) -> None:
        """Take note of what moves the queue and of places that became free."""
        for change in changes:
            if change.kind in QUEUE_MOVES:
                self._stale = True
            session = change.session
            if session is not None and session.state is not SessionState.QUEUED:
                self._standings.pop(session.id, None)
            if change.kind is ChangeKind.ENDED and session is not None and session.pool:
                self.estimates.note_end(session.pool, session.ended_at)

    def forget(self) -> None:
        """Compute everything anew at the next occasion: changes were missed."""
        self._stale = True

    async def standing(self, session: Session) -> Standing:
        """Return the place of a session; 0 of 0 when it does not wait."""
        if session.state is not SessionState.QUEUED:
            return Standing(session.demand, 0, 0)
        if session.id not in self._standings:
            self._stale = True
            await self._refresh()
        elif self._now() >= self._next_refresh:
            await self._refresh()
        return self._standings.get(session.id) or Standing(session.demand, 1, 1)

    def arrival(self, session: Session, position: int) -> Standing:
        """Return the place of a session that has just been put at *position*."""
        known = self._standings.get(session.id)
        length = max(position, known.length if known else 0)
        standing = Standing(session.demand, position, length)
        if session.state is SessionState.QUEUED:
            self._standings[session.id] = standing
        return standing

    def eta(self, standing: Standing) -> float | None:
        """Return the seconds until it is served; None while too little is known."""
        demand = attributes_of(standing.demand)
        return self.estimates.eta(demand, standing.position, self._now())

    async def push(self) -> None:
        """Tell this node's waiters their places if they changed and it is time."""
        now = self._now()
        is_due = self._stale or now >= self._next_estimate
        if not self._holders.waiting or now < self._next_push or not is_due:
            return
        await self._refresh()
        told = await self._tell_all()
        self._next_push = self._now() + max(self._interval, told / self._rate)
        self._next_estimate = self._next_push + ESTIMATE_SECONDS

    async def _tell_all(self) -> int:
        told = 0
        for number, session_id in enumerate(list(self._holders.waiting)):
            standing = self._standings.get(session_id)
            if standing is not None:
                told += self._notifier.tell_place(session_id, standing, self.eta)
            if number % PUSH_SLICE == PUSH_SLICE - 1:
                await asyncio.sleep(0)
        return told

    async def _refresh(self) -> None:
        if not self._stale:
            return
        self._stale = False
        self._next_refresh = self._now() + self._interval
        try:
            self._standings = standings(await self._store.waiting())
        except StateUnavailableError:
            self._stale = True
            raise
