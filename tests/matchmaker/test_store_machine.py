"""Both stores against a model, whatever order things happen in."""

import asyncio
import random
import uuid
from collections.abc import Coroutine
from typing import Any, ClassVar, TypeVar
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from matchmaker.memory import MemoryStore
from matchmaker.model import (
    HOLDS_PLACE,
    NODE,
    Demand,
    EndReason,
    Host,
    HostPatch,
    InstanceSpec,
    Policy,
    Rules,
    Session,
    SessionRequest,
    SessionState,
    node_of,
    pool_id,
)
from matchmaker.redis_store import RedisStore
from matchmaker.selection import matches
from matchmaker.store import MatchStore

T = TypeVar("T")

RULES = Rules(
    policy=Policy.SPREAD, host_capacity=2, max_queue=6, idle=200, max_duration=400, grace=30
)
USERS = st.sampled_from([f"u{n}" for n in range(9)])
INSTANCES = st.sampled_from([f"i{n}" for n in range(6)])
HOSTS = st.sampled_from(["h0", "h1", "h2"])
REGIONS = st.sampled_from(["eu", "us"])
NODES = st.sampled_from(["a", "b"])
DEMANDS = st.sampled_from([Demand.of(), Demand.of(region="eu"), Demand.of(region="us")])


class Model:
    """What must be true, kept in the simplest way."""

    def __init__(self) -> None:
        self.queue: list[tuple[tuple[int, int], str]] = []
        self.attributes: dict[str, dict[str, str]] = {}
        self.counter = 0

    def sync(self, sessions: dict[str, Session], lost: set[str]) -> None:
        """Follow who waits; *lost* are those whose instance just left."""
        waiting = {s.id for s in sessions.values() if s.state is SessionState.QUEUED}
        self.queue = [entry for entry in self.queue if entry[1] in waiting - lost]
        known = {session_id for _, session_id in self.queue}
        new = sorted(waiting - known, key=lambda i: (sessions[i].created_at, i))
        for session_id in new:
            self.counter += 1
            klass = -1 if session_id in lost else sessions[session_id].priority
            self.queue.append(((klass, self.counter), session_id))
        self.queue.sort()


class StoreMachine(RuleBasedStateMachine):
    """Random changes; after each one the promises of the store hold."""

    make_store: ClassVar[Any]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.store: MatchStore = type(self).make_store()
        self.run(self.store.start())
        self.model = Model()
        self.now = 1_000.0
        self.made = 0
        self.lost: set[str] = set()
        self.before: dict[str, Session] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work* to its end."""
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        """Close everything."""
        self.run(self.store.close())
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    def any_session(self, data: st.DataObject, *states: SessionState) -> Session | None:
        """Draw a session in one of these states."""
        fitting = sorted(s.id for s in self.before.values() if s.state in states)
        return self.before[data.draw(st.sampled_from(fitting))] if fitting else None

    @rule(
        instance=INSTANCES,
        host=HOSTS,
        region=REGIONS,
        capacity=st.integers(1, 2),
        node=NODES,
    )
    def join(self, instance: str, host: str, region: str, capacity: int, node: str) -> None:
        """Let a streamer join or rejoin, at one of two nodes."""
        spec = InstanceSpec(
            id=instance, host=host, region=region, capacity=capacity, node_name=node
        )
        used = [
            i.used
            for h in self.run(self.store.hosts())
            for i in h.instances.values()
            if i.id == instance
        ]
        if used and used[0] > capacity:
            return
        self._note_lost(instance, unless=(host, spec.attributes()))
        self.run(self.store.put_instance(spec, now=self.now))

    @rule(instance=INSTANCES)
    def leave(self, instance: str) -> None:
        """Let a streamer leave."""
        self._note_lost(instance)
        self.run(self.store.remove_instance(instance, now=self.now))

    def _note_lost(
        self, instance: str, unless: tuple[str, dict[str, str]] | None = None
    ) -> None:
        for session in self.before.values():
            stays = unless and (session.host, session.pool) == (unless[0], pool_id(unless[1]))
            if session.instance == instance and session.live and not stays:
                self.lost.add(session.id)

    @rule(
        user=USERS,
        demand=DEMANDS,
        priority=st.integers(0, 1),
        node=st.one_of(st.just(""), NODES),
    )
    def request(self, user: str, demand: Demand, priority: int, node: str) -> None:
        """Ask for a place, from a socket of a node or without one."""
        self.made += 1
        request = SessionRequest(
            id=f"s{self.made}",
            user=user,
            demand=demand.at(node),
            priority=priority,
            holder=f"{node}/{self.made}" if node else "",
        )
        waiting = len(self.model.queue)
        had = self.run(self.store.session_of(user))
        self._note_moved(had, node)
        answer = self.run(self.store.request(request, now=self.now))
        if answer.code:
            assert answer.code == "queue_full"
            assert waiting == RULES.max_queue
        elif had and had.live:
            assert answer.session is not None
            assert answer.session.id == had.id

    @rule(data=st.data(), node=NODES)
    def attach(self, data: st.DataObject, node: str) -> None:
        """Let a user come back on a socket of a node."""
        states = [s for s in SessionState if s is not SessionState.ENDED]
        if session := self.any_session(data, *states):
            self.made += 1
            self._note_moved(session, node)
            holder = f"{node}/{self.made}"
            self.run(self.store.attach(session.id, holder=holder, now=self.now, node=node))

    def _note_moved(self, session: Session | None, node: str) -> None:
        """Who is at another node than its place goes to the head of the queue."""
        if session and session.state in HOLDS_PLACE and node_of(session.pool) != node != "":
            self.lost.add(session.id)

    @rule(data=st.data())
    def subscribe(self, data: st.DataObject) -> None:
        """Let a user watch."""
        if session := self.any_session(data, *HOLDS_PLACE):
            self.run(self.store.activate(session.id, player_id="p", now=self.now))

    @rule(data=st.data(), gone=st.booleans())
    def lose(self, data: st.DataObject, gone: bool) -> None:  # noqa: FBT001
        """Break a stream or its socket."""
        states = [s for s in SessionState if s is not SessionState.ENDED]
        if session := self.any_session(data, *states):
            self.run(
                self.store.detach(session.id, holder=session.holder, gone=gone, now=self.now)
            )

    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        """End a session."""
        if session := self.any_session(data, *SessionState):
            self.run(self.store.end(session.id, reason=EndReason.RELEASED, now=self.now))

    @rule(host=HOSTS, drain=st.booleans())
    def drain(self, host: str, drain: bool) -> None:  # noqa: FBT001
        """Close or open a host."""
        self.run(self.store.patch_host(host, HostPatch(draining=drain), now=self.now))

    @precondition(lambda self: self.before)
    @rule(seconds=st.sampled_from([1.0, 14.0, 21.0, 31.0, 150.0]), pardon=st.booleans())
    def pass_time(self, seconds: float, pardon: bool) -> None:  # noqa: FBT001
        """Let time pass and the store notice, sometimes after an outage."""
        self.now += seconds
        self.run(self.store.tick(now=self.now, pardon=pardon))

    @invariant()
    def holds(self) -> None:
        """Check every promise."""
        sessions = {s.id: s for s in self.run(self.store.sessions())}
        hosts = self.run(self.store.hosts())
        self.model.sync(sessions, self.lost)
        self._no_place_twice(sessions, hosts)
        self._one_each(sessions)
        self._within_reach(sessions)
        self._nobody_waits_for_nothing(sessions, hosts)
        self._in_order(sessions)
        self.before, self.lost = sessions, set()

    def _no_place_twice(self, sessions: dict[str, Session], hosts: list[Host]) -> None:
        placed: dict[str, int] = {}
        for host in hosts:
            assert host.used <= host.capacity
            assert host.used == sum(i.used for i in host.instances.values())
            for instance in host.instances.values():
                assert instance.used == len(instance.sessions) <= instance.capacity
                placed |= dict.fromkeys(instance.sessions, 1)
                assert all(sessions[s].instance == instance.id for s in instance.sessions)
        assert set(placed) == {s.id for s in sessions.values() if s.state in HOLDS_PLACE}

    def _one_each(self, sessions: dict[str, Session]) -> None:
        users = [s.user for s in sessions.values() if s.live]
        assert len(users) == len(set(users))

    def _within_reach(self, sessions: dict[str, Session]) -> None:
        for session in sessions.values():
            if session.holder and session.live:
                node = session.holder.partition("/")[0]
                assert session.attributes[NODE] == node
                assert session.state is SessionState.QUEUED or node_of(session.pool) == node

    def _nobody_waits_for_nothing(
        self, sessions: dict[str, Session], hosts: list[Host]
    ) -> None:
        free = [
            dict(parse_qsl(i.pool, keep_blank_values=True))
            for h in hosts
            for i in h.instances.values()
            if not h.draining and h.used < h.capacity and i.used < i.capacity
        ]
        for session in sessions.values():
            if session.state is SessionState.QUEUED:
                assert not any(matches(session.attributes, pool) for pool in free)

    def _in_order(self, sessions: dict[str, Session]) -> None:
        waiting = self.run(self.store.waiting())
        told = [w.session for w in sorted(waiting.waiters, key=lambda w: w.score)]
        assert told == [session_id for _, session_id in self.model.queue]
        assert set(told) == {s.id for s in sessions.values() if s.state is SessionState.QUEUED}


def run_machine(make: Any, *, examples: int) -> None:
    """Run the machine on stores from *make*."""
    machine = type("Machine", (StoreMachine,), {"make_store": staticmethod(make)})
    options = settings(
        max_examples=examples,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=options)


def test_memory_keeps_its_promises() -> None:
    """Random changes never break what the port promises, in memory."""
    run_machine(lambda: MemoryStore(RULES, node="n1", dice=random.Random(7)), examples=200)  # noqa: S311 - repeatable


@pytest.mark.slow
def test_redis_keeps_its_promises(redis_url: str) -> None:
    """The same in Redis."""

    def make() -> MatchStore:
        # Not `random`: hypothesis seeds it anew for every example.
        prefix = f"{{machine-{uuid.uuid4().hex}}}"
        dice = random.Random(7)  # noqa: S311 - repeatable
        return RedisStore(redis_url, RULES, node="n1", prefix=prefix, dice=dice)

    run_machine(make, examples=30)
