"""Who is told what: turns changes of the store into events for this node's sinks."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matchmaker.events import Assigned, Ended, Expiring, Queued, Sink
from matchmaker.model import Change, ChangeKind, EndReason, Session, SessionState
from matchmaker.standings import Standing


@dataclass(slots=True, eq=False)
class Holder:
    """A connection of this node that holds or wants a session."""

    name: str
    sink: Sink
    session: Session | None = None
    place: tuple[int, int, float | None] | None = None
    """Position, length and minutes to wait that it was told last."""
    reserved: float = -1.0
    """The reservation that it was told last."""


class Holders:
    """This node's connections by name, sink and session."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._numbers = itertools.count(1)
        self._by_name: dict[str, Holder] = {}
        self._by_sink: dict[Sink, Holder] = {}
        self.waiting: dict[str, Holder] = {}
        """Those in the queue, by session."""

    def __len__(self) -> int:
        return len(self._by_name)

    def of(self, sink: Sink) -> Holder:
        """Return the holder of *sink*, made at its first use."""
        holder = self._by_sink.get(sink)
        if holder is None:
            holder = Holder(f"{self._node}/{next(self._numbers)}", sink)
            self._by_sink[sink] = self._by_name[holder.name] = holder
        return holder

    def find(self, sink: Sink) -> Holder | None:
        """Return the holder of *sink* if it has one."""
        return self._by_sink.get(sink)

    def named(self, name: str) -> Holder | None:
        """Return a holder by name if it is of this node and still there."""
        return self._by_name.get(name)

    def drop(self, holder: Holder) -> None:
        """Forget a holder."""
        self._by_name.pop(holder.name, None)
        self._by_sink.pop(holder.sink, None)
        if holder.session is not None:
            self.waiting.pop(holder.session.id, None)

    def all(self) -> list[Holder]:
        """Return everybody."""
        return list(self._by_name.values())


class Notifier:
    """
    Tells sinks what happened to their sessions, each thing once.

    The same news may come twice, as the answer to a request and as a change,
    and in either order: what is older than what was told is dropped.
    """

    def __init__(
        self,
        holders: Holders,
        *,
        now: Callable[[], float],
        token: Callable[[Session], str],
        url: Callable[[Session], str],
        idle: float,
    ) -> None:
        self._holders = holders
        self._now = now
        self._token = token
        self._url = url
        self._idle = idle
        self._table: dict[ChangeKind, Callable[[Change], None]] = {
            ChangeKind.QUEUED: self._on_state,
            ChangeKind.ASSIGNED: self._on_state,
            ChangeKind.ACTIVE: self._on_state,
            ChangeKind.GRACE: self._on_state,
            ChangeKind.EXPIRING: self._on_expiring,
            ChangeKind.TAKEN_OVER: self._on_taken_over,
            ChangeKind.ENDED: self._on_ended,
        }

    def on_changes(self, changes: Sequence[Change]) -> None:
        """Tell whom it concerns."""
        for change in changes:
            handle = self._table.get(change.kind)
            if handle is not None:
                handle(change)

    def tell_state(self, holder: Holder, session: Session) -> None:
        """Tell *holder* of a reservation; a place in the queue is told by `tell_place`."""
        if _is_older(session, holder.session):
            return
        holder.session = session
        if session.state is SessionState.QUEUED:
            self._holders.waiting[session.id] = holder
            return
        self._holders.waiting.pop(session.id, None)
        holder.place = None
        if holder.reserved != session.reserved_until:
            holder.reserved = session.reserved_until
            holder.sink.deliver(self.assigned(session))

    def assigned(self, session: Session) -> Assigned:
        """Return the news of a reservation."""
        return Assigned(
            session.id,
            session.instance,
            self._token(session),
            expires_at(session),
            session.max_duration,
            self._url(session),
        )

    def tell_place(
        self, session_id: str, standing: Standing, eta: Callable[[Standing], float | None]
    ) -> bool:
        """Tell a waiter its place and estimate if they are news; returns whether it was."""
        holder = self._holders.waiting.get(session_id)
        if holder is None:
            return False
        seconds = eta(standing)
        minutes = None if seconds is None else round(seconds / 60)
        place = (standing.position, standing.length, minutes)
        if holder.place == place:
            return False
        holder.place = place
        queued = Queued(session_id, standing.position, standing.length, seconds)
        holder.sink.deliver(queued)
        return True

    def end(self, holder: Holder, reason: str) -> None:
        """Tell *holder* that its session is over, and forget it."""
        session_id = holder.session.id if holder.session else ""
        self._holders.drop(holder)
        holder.sink.deliver(Ended(session_id, reason))

    def _holder(self, change: Change) -> Holder | None:
        return self._holders.named(change.session.holder) if change.session else None

    def _on_state(self, change: Change) -> None:
        holder = self._holder(change)
        if holder is not None and change.session is not None:
            self.tell_state(holder, change.session)

    def _on_expiring(self, change: Change) -> None:
        holder, session = self._holder(change), change.session
        if holder is None or session is None:
            return
        by_duration = change.reason == EndReason.MAX_DURATION
        end = session.ends_at if by_duration else session.last_input + self._idle
        left = max(0.0, round(end - self._now(), 1))
        holder.sink.deliver(Expiring(session.id, left, change.reason))

    def _on_ended(self, change: Change) -> None:
        holder, session = self._holder(change), change.session
        if holder is None or session is None:
            return
        holder.session = holder.session or session
        if holder.session.id == session.id:
            self.end(holder, change.reason)

    def _on_taken_over(self, change: Change) -> None:
        holder = self._holders.named(change.subject)
        if holder is not None and change.session is not None:
            holder.session = change.session
            self.end(holder, "taken_over")


def expires_at(session: Session) -> float:
    """Return by when the user must act: subscribe, come back, or be done."""
    match session.state:
        case SessionState.QUEUED:
            return session.poll_by
        case SessionState.RESERVED:
            return session.reserved_until
        case SessionState.GRACE:
            return session.grace_until
        case _:
            return session.ends_at


def _is_older(session: Session, told: Session | None) -> bool:
    """Tell whether *session* is an earlier state of the same session than *told*."""
    if told is None or told.id != session.id:
        return False
    if session.waits != told.waits:
        return session.waits < told.waits
    return session.state is SessionState.QUEUED and told.state is not SessionState.QUEUED
