"""Live state in the memory of one process."""

import heapq
import random
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from matchmaker import lifecycle
from matchmaker.lines import Queue
from matchmaker.model import (
    HOLDS_PLACE,
    REAL_DEMANDS,
    Change,
    ChangeKind,
    Demand,
    EndReason,
    Host,
    HostPatch,
    InstanceSpec,
    Requested,
    Rules,
    SameUser,
    Session,
    SessionRequest,
    SessionState,
    Ticked,
    Waiting,
    Warned,
    node_of,
)
from matchmaker.places import HostEntry, InstanceEntry, Places
from matchmaker.store import Listener


class Deadlines:
    """When something must happen to whom; a heap with lazy removal."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def set(self, name: str, when: float) -> None:
        """Set or move a deadline; infinity removes it."""
        if self._due.get(name) == when:
            return
        if when == lifecycle.NEVER:
            self._due.pop(name, None)
            return
        self._due[name] = when
        heapq.heappush(self._heap, (when, name))
        if len(self._heap) > 4 * len(self._due) + 64:
            self._heap = [(when, name) for name, when in self._due.items()]
            heapq.heapify(self._heap)

    def remove(self, name: str) -> None:
        """Forget a deadline, if there is one."""
        self._due.pop(name, None)

    def pop_due(self, now: float) -> str | None:
        """Return and forget one that is due."""
        while self._heap and self._heap[0][0] <= now:
            when, name = heapq.heappop(self._heap)
            if self._due.get(name) == when:
                del self._due[name]
                return name
        return None


class MemoryStore:
    """See `MatchStore`; nothing here ever waits, so every method is atomic."""

    def __init__(
        self, rules: Rules, *, node: str = "local", dice: random.Random | None = None
    ) -> None:
        self.node = node
        self._rules = rules
        self._places = Places(rules, dice or random.Random())  # noqa: S311 - breaks ties
        self._queue = Queue()
        self._sessions: dict[str, Session] = {}
        self._newest: dict[str, str] = {}
        self._deadlines = Deadlines()
        self._unrecorded: OrderedDict[str, Session] = OrderedDict()
        self._listeners: list[Listener] = []
        self._changes: list[Change] = []
        self._leased = False

    async def start(self) -> None:
        """See `MatchStore`."""

    async def close(self) -> None:
        """See `MatchStore`."""

    def listen(self, listener: Listener, on_gap: Callable[[], None]) -> None:  # noqa: ARG002
        """See `MatchStore`; there are no gaps."""
        self._listeners.append(listener)

    # Fleet

    async def put_instance(self, spec: InstanceSpec, *, now: float) -> None:
        """See `MatchStore`."""
        if self._places.instance(spec.id) and not self._places.stays(spec):
            self._drop_instance(spec.id, now)
        is_new = self._places.instance(spec.id) is None
        host = self._places.put(spec, self.node)
        self._tell(ChangeKind.INSTANCE_JOINED, subject=spec.id)
        if is_new and host.instances[spec.id].recycling:
            self._tell(ChangeKind.RECYCLE, subject=spec.id)
        self._dispatch(host, now)
        self._deliver()

    async def remove_instance(self, instance_id: str, *, now: float) -> bool:
        """See `MatchStore`."""
        entry = self._places.instance(instance_id)
        if entry is None or entry.node != self.node:
            return False
        self._drop_instance(instance_id, now)
        self._deliver()
        return True

    async def patch_host(self, host_id: str, patch: HostPatch, *, now: float) -> bool:
        """See `MatchStore`."""
        host = self._places.hosts.get(host_id)
        if host is None:
            return False
        host.change(patch)
        self._tell(ChangeKind.HOST_CHANGED, subject=host_id)
        if host.instances or host.draining:
            self._places.reindex(host)
            self._dispatch(host, now)
        else:
            del self._places.hosts[host_id]
        self._deliver()
        return True

    def _drop_instance(self, instance_id: str, now: float) -> None:
        host = self._places.host_of[instance_id]
        entry = self._places.remove(instance_id)
        self._tell(ChangeKind.INSTANCE_LEFT, subject=instance_id)
        lost = [self._sessions[session_id] for session_id in entry.sessions]
        for session in sorted(lost, key=lambda s: (s.created_at, s.id)):
            self._requeue(session, now)
        self._dispatch(host, now)

    def _requeue(self, session: Session, now: float) -> None:
        place = self._queue.next_score(session.priority, head=True)
        waiting = replace(lifecycle.requeue(session, self._rules, now), score=place)
        self._place_or_wait(waiting, now)

    def _place_or_wait(self, session: Session, now: float) -> None:
        if not self._allocate(session, now):
            self._wait(session)

    # Sessions

    async def request(self, request: SessionRequest, *, now: float) -> Requested:
        """See `MatchStore`."""
        known = self._sessions.get(self._newest.get(request.user, ""))
        answer = self._again(known, request, now) if known else None
        answer = answer or self._new(request, now)
        self._deliver()
        return answer

    def _again(self, known: Session, request: SessionRequest, now: float) -> Requested | None:
        """Answer a user who has a session; None when a new one is to be made."""
        if not known.live:
            again = request.client_token and known.client_token == request.client_token
            return Requested(session=known) if again else None
        elsewhere = known.holder and request.holder and known.holder != request.holder
        if elsewhere and self._rules.same_user is SameUser.REFUSE:
            return Requested(code="already_active")
        if request.holder:
            known = self._attach(known, request.holder, node_of(request.demand.id), now)
        else:
            known = self._polled(known, now)
        return Requested(session=known, ahead=self._ahead(known))

    def _new(self, request: SessionRequest, now: float) -> Requested:
        session = self._made(request, now)
        allocated = self._allocate(session, now)
        if allocated:
            return Requested(session=allocated)
        refusal = self._refusal(session)
        if refusal:
            return Requested(code=refusal)
        session = replace(session, score=self._queue.next_score(session.priority))
        self._wait(session)
        return Requested(session=session, ahead=self._queue.ahead(session))

    def _made(self, request: SessionRequest, now: float) -> Session:
        return Session(
            id=request.id,
            user=request.user,
            demand=request.demand.id,
            attributes=request.demand.attributes,
            priority=request.priority,
            client_token=request.client_token,
            holder=request.holder,
            poll_by=0.0 if request.holder else now + self._rules.poll,
            created_at=now,
            queued_at=now,
            max_duration=request.max_duration or self._rules.max_duration,
            canary=request.canary,
        )

    def _refusal(self, session: Session) -> str:
        if self._queue.length >= self._rules.max_queue:
            return "queue_full"
        lines = self._queue.lines
        if session.demand in lines:
            return ""
        exists = bool(self._places.matching(self._demand(session)))
        most = self._rules.max_demands * (REAL_DEMANDS if exists else 1)
        return "too_many_demands" if len(lines) >= most else ""

    def _allocate(self, session: Session, now: float) -> Session | None:
        """Give *session* a free place, if there is one."""
        place = self._find(session)
        return self._reserve(session, place, now) if place else None

    def _find(self, session: Session) -> tuple[HostEntry, InstanceEntry] | None:
        canary = self._rules.canary.get(session.attributes["application"])
        return self._places.find(self._demand(session), canary, session.canary)

    def _reserve(
        self, session: Session, place: tuple[HostEntry, InstanceEntry], now: float
    ) -> Session:
        host, instance = place
        self._places.take(host, instance, session.id)
        session = replace(
            lifecycle.reserve(session, self._rules, now),
            host=host.id,
            instance=instance.spec.id,
            pool=instance.pool,
        )
        self._save(session)
        self._tell(ChangeKind.ASSIGNED, session)
        return session

    def _wait(self, session: Session) -> None:
        self._queue.add(session)
        self._save(session)
        self._tell(ChangeKind.QUEUED, session)

    async def attach(
        self, session_id: str, *, holder: str, now: float, node: str = ""
    ) -> Session | None:
        """See `MatchStore`."""
        session = self._sessions.get(session_id)
        if session is None or not session.live:
            return None
        session = self._attach(session, holder, node, now)
        self._deliver()
        return session

    def _attach(self, session: Session, holder: str, node: str, now: float) -> Session:
        previous = session.holder
        attached = replace(session, holder=holder, poll_by=0.0)
        self._save(attached)
        if previous and previous != holder:
            self._tell(ChangeKind.TAKEN_OVER, attached, subject=previous)
        return self._brought(attached, node, now) if node else attached

    def _brought(self, session: Session, node: str, now: float) -> Session:
        """Let *session* have its place on *node*, or wait for one there."""
        demand = self._demand(session).at(node)
        here = replace(session, demand=demand.id, attributes=demand.attributes)
        if session.state is SessionState.QUEUED:
            if session.demand != demand.id:
                self._queue.remove(session)
                self._place_or_wait(here, now)
        elif self._places.node_of(session.instance) in ("", node):
            self._save(here)
        else:
            host = self._vacate(session)
            self._requeue(lifecycle.carry(here, now), now)
            self._dispatch(host, now) if host else None
        return self._sessions[session.id]

    async def activate(self, session_id: str, *, player_id: str, now: float) -> Session | None:
        """See `MatchStore`."""
        session = self._sessions.get(session_id)
        if session is None or session.state not in HOLDS_PLACE:
            return None
        return self._become(lifecycle.activate(session, player_id, now), ChangeKind.ACTIVE)

    async def detach(
        self, session_id: str, *, holder: str, gone: bool, now: float
    ) -> Session | None:
        """See `MatchStore`."""
        session = self._sessions.get(session_id)
        if session is None or session.holder != holder or not session.live:
            return None
        keeper = "" if gone else holder
        if session.state is SessionState.ACTIVE:
            paused = lifecycle.pause(session, self._rules, now, holder=keeper)
            return self._become(paused, ChangeKind.GRACE)
        if session.state is SessionState.QUEUED and gone:
            session = self._finish(session, EndReason.LEFT, now)
        else:
            session = replace(session, holder=keeper)
            self._save(session)
        self._deliver()
        return session

    def _become(self, session: Session, kind: ChangeKind) -> Session:
        self._save(session)
        self._tell(kind, session)
        self._deliver()
        return session

    async def end(self, session_id: str, *, reason: EndReason, now: float) -> Session | None:
        """See `MatchStore`."""
        session = self._sessions.get(session_id)
        if session is None or not session.live:
            return None
        session = self._finish(session, reason, now)
        self._deliver()
        return session

    def _finish(self, session: Session, reason: EndReason, now: float) -> Session:
        host = self._vacate(session)
        ended = lifecycle.finish(session, reason, now)
        self._save(ended)
        self._tell(ChangeKind.ENDED, ended, reason=reason)
        self._keep_record(ended)
        if host:
            self._dispatch(host, now)
        return ended

    def _vacate(self, session: Session) -> HostEntry | None:
        """Leave the queue or the place; returns the host of the place."""
        if session.state is SessionState.QUEUED:
            self._queue.remove(session)
            return None
        host = self._places.give_back(session.instance, session.id)
        instance = host.instances[session.instance]
        if self._rules.recycle and session.started_at and not instance.sessions:
            instance.recycling = True
            self._tell(ChangeKind.RECYCLE, subject=session.instance)
        self._places.reindex(host)
        return host

    def _dispatch(self, host: HostEntry, now: float) -> None:
        """Give the free places of *host* to those who wait for them."""
        while self._queue.lines:
            open_pools = [pool.attributes for pool in self._places.open_pools_of(host)]
            first = self._queue.first_for(open_pools)
            place = self._find(self._sessions[first]) if first else None
            if first is None or place is None:
                return
            session = self._sessions[first]
            self._queue.remove(session)
            self._reserve(session, place, now)

    # Time

    async def touch(self, session_ids: Sequence[str], *, now: float) -> None:
        """See `MatchStore`."""
        for session_id in session_ids:
            session = self._sessions.get(session_id)
            if session and session.state is SessionState.ACTIVE:
                warned = session.warned & ~Warned.IDLE
                self._save(replace(session, last_input=now, warned=warned))

    async def poll(self, session_id: str, *, now: float) -> Session | None:
        """See `MatchStore`."""
        session = self._sessions.get(session_id)
        return self._polled(session, now) if session else None

    def _polled(self, session: Session, now: float) -> Session:
        if session.state is SessionState.QUEUED and not session.holder:
            session = replace(session, poll_by=now + self._rules.poll)
            self._save(session)
        return session

    async def tick(self, *, now: float, limit: int = 256, pardon: bool = False) -> Ticked:
        """See `MatchStore`."""
        due = 0
        while due < limit and (name := self._deadlines.pop_due(now)) is not None:
            due += 1
            session = self._sessions[name]
            if pardon:
                session = lifecycle.pardon(session, self._rules, now)
            self._expire(session, now)
        self._deliver()
        known, self._leased = self._leased, True
        return Ticked(known, due)

    def _expire(self, session: Session, now: float) -> None:
        if not session.live:
            self._forget(session)
            return
        reason = lifecycle.overdue(session, self._rules, now)
        if reason:
            self._finish(session, reason, now)
            return
        due = lifecycle.warnings(session, self._rules, now)
        session = replace(session, warned=session.warned | due)
        self._save(session)
        for warning in due:
            self._tell(ChangeKind.EXPIRING, session, reason=_name(warning))

    def _forget(self, session: Session) -> None:
        del self._sessions[session.id]
        self._deadlines.remove(session.id)
        if self._newest.get(session.user) == session.id:
            del self._newest[session.user]

    # Reading

    async def session(self, session_id: str) -> Session | None:
        """See `MatchStore`."""
        return self._sessions.get(session_id)

    async def session_of(self, user: str) -> Session | None:
        """See `MatchStore`."""
        return self._sessions.get(self._newest.get(user, ""))

    async def instance_exists(self, instance_id: str) -> bool:
        """See `MatchStore`."""
        return instance_id in self._places.host_of

    async def waiting(self) -> Waiting:
        """See `MatchStore`."""
        return self._queue.snapshot()

    async def hosts(self) -> list[Host]:
        """See `MatchStore`."""
        return [host.view() for host in self._places.hosts.values()]

    async def sessions(self, *, limit: int = 10_000) -> list[Session]:
        """See `MatchStore`."""
        return list(self._sessions.values())[:limit]

    async def unrecorded(self, *, limit: int = 256) -> list[Session]:
        """See `MatchStore`."""
        return list(self._unrecorded.values())[:limit]

    async def recorded(self, session_ids: Sequence[str]) -> None:
        """See `MatchStore`."""
        for session_id in session_ids:
            self._unrecorded.pop(session_id, None)

    async def forget_user(self, user: str) -> None:
        """See `MatchStore`."""
        for session in _of_user(self._unrecorded.values(), user):
            del self._unrecorded[session.id]
        for session in _of_user(self._sessions.values(), user):
            if not session.live:
                self._forget(session)

    # Plumbing

    def _demand(self, session: Session) -> Demand:
        return Demand(session.demand, session.attributes)

    def _ahead(self, session: Session) -> int:
        return self._queue.ahead(session) if session.state is SessionState.QUEUED else 0

    def _save(self, session: Session) -> None:
        self._sessions[session.id] = session
        if session.live:
            self._newest[session.user] = session.id
        self._deadlines.set(session.id, lifecycle.deadline(session, self._rules))

    def _keep_record(self, session: Session) -> None:
        self._unrecorded[session.id] = session
        if len(self._unrecorded) > self._rules.max_unrecorded:
            self._unrecorded.popitem(last=False)

    def _tell(
        self,
        kind: ChangeKind,
        session: Session | None = None,
        *,
        subject: str = "",
        reason: str = "",
    ) -> None:
        change = Change(
            kind=kind, node=self.node, session=session, subject=subject, reason=reason
        )
        self._changes.append(change)

    def _deliver(self) -> None:
        if not self._changes:
            return
        changes, self._changes = self._changes, []
        for listener in self._listeners:
            listener(changes)


def _name(warning: Warned) -> EndReason:
    return EndReason.IDLE if warning is Warned.IDLE else EndReason.MAX_DURATION


def _of_user(sessions: Iterable[Session], user: str) -> list[Session]:
    return [session for session in sessions if session.user == user]
