"""What every store promises, asked of each of them."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from matchmaker.model import (
    Canary,
    Change,
    ChangeKind,
    Demand,
    EndReason,
    HostPatch,
    InstanceSpec,
    Policy,
    Requested,
    Rules,
    SameUser,
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


async def test_a_free_place_is_reserved(make_store: MakeStore) -> None:
    """A request that finds a place is reserved there for the reservation time."""
    store = await make_store(Rules(reservation=20))
    await store.put_instance(spec("a", region="eu"), now=NOW)
    session = await enter(store, "u")
    assert (session.state, session.host, session.instance) == ("reserved", "h1", "a")
    assert session.reserved_until == pytest.approx(NOW + 20)
    assert session == await store.session("s-u") == await store.session_of("u")


async def test_without_a_place_one_waits_and_knows_how_many_are_ahead(
    make_store: MakeStore,
) -> None:
    """Waiters are counted in the order they came."""
    store = await make_store()
    answers = [await store.request(ask(f"u{n}"), now=NOW) for n in range(3)]
    assert [answer.ahead for answer in answers] == [0, 1, 2]
    assert {session_of(a).state for a in answers} == {SessionState.QUEUED}


async def test_only_demands_that_could_meet_count_as_ahead(make_store: MakeStore) -> None:
    """A waiter for another region is not ahead; one for any region is."""
    store = await make_store()
    await enter(store, "us", demand=Demand.of(region="us"))
    await enter(store, "any")
    answer = await store.request(ask("eu", Demand.of(region="eu")), now=NOW)
    assert answer.ahead == 1


@pytest.mark.parametrize(
    ("demand", "expected"),
    [
        (Demand.of("game"), "game"),
        (Demand.of(region="us"), "us"),
        (Demand.of(requirements={"gpu": "l4"}), "l4"),
        (Demand.of(requirements={"version": "2"}), "v2"),
    ],
)
async def test_every_requirement_is_met(
    make_store: MakeStore, demand: Demand, expected: str
) -> None:
    """Application, region, version and labels are compared; nothing else is taken."""
    store = await make_store()
    await store.put_instance(spec("plain", "h0", region="eu"), now=NOW)
    await store.put_instance(spec("game", "h1", application="game"), now=NOW)
    await store.put_instance(spec("us", "h2", region="us"), now=NOW)
    await store.put_instance(spec("l4", "h3", labels={"gpu": "l4"}), now=NOW)
    await store.put_instance(spec("v2", "h4", version="2"), now=NOW)
    assert (await enter(store, "u", demand=demand)).instance == expected
    assert (await enter(store, "w", demand=demand)).state is SessionState.QUEUED


@pytest.mark.parametrize(("policy", "hosts"), [(Policy.PACK, 1), (Policy.SPREAD, 4)])
async def test_the_policy_fills_or_spreads(
    make_store: MakeStore, policy: Policy, hosts: int
) -> None:
    """Four sessions share a host when packed and take four when spread."""
    store = await make_store(Rules(policy=policy))
    for host in range(4):
        for number in range(4):
            await store.put_instance(spec(f"{host}-{number}", f"h{host}"), now=NOW)
    sessions = [await enter(store, f"u{n}") for n in range(4)]
    assert len({session.host for session in sessions}) == hosts


async def test_ties_do_not_herd(make_store: MakeStore) -> None:
    """Among equal hosts the first session goes here and there."""
    store = await make_store(Rules(policy=Policy.SPREAD))
    for host in range(8):
        await store.put_instance(spec(f"i{host}", f"h{host}"), now=NOW)
    seen = set()
    for number in range(24):
        seen.add((await enter(store, f"u{number}")).host)
        await store.end(f"s-u{number}", reason=EndReason.RELEASED, now=NOW)
    assert len(seen) > 2


async def test_a_host_takes_no_more_than_its_capacity(make_store: MakeStore) -> None:
    """Six free instances on a host for four sessions serve four."""
    store = await make_store(Rules(host_capacity=4))
    for number in range(6):
        await store.put_instance(spec(f"i{number}"), now=NOW)
    states = [(await enter(store, f"u{n}")).state for n in range(6)]
    assert states.count(SessionState.RESERVED) == 4


async def test_a_shared_instance_takes_several(make_store: MakeStore) -> None:
    """Capacity is the instance's own; the host is full before it here."""
    store = await make_store()
    await store.put_instance(spec("scene", capacity=3, host_capacity=2), now=NOW)
    states = [(await enter(store, f"u{n}")).state for n in range(3)]
    assert states.count(SessionState.RESERVED) == 2
    assert await store.patch_host("h1", HostPatch(capacity=9), now=NOW)
    assert await state(store, "s-u2") is SessionState.RESERVED


@pytest.mark.parametrize(
    ("closed", "opened"),
    [
        (HostPatch(draining=True), HostPatch(draining=False)),
        (HostPatch(healthy=False), HostPatch(healthy=True)),
        (HostPatch(gpu=0.95), HostPatch(gpu=0.5)),
    ],
)
async def test_a_closed_host_takes_nobody_until_it_opens(
    make_store: MakeStore, closed: HostPatch, opened: HostPatch
) -> None:
    """Drained, sick or busy hosts are left out; when they open, waiters come in."""
    store = await make_store(Rules(gpu_ceiling=0.9))
    await store.put_instance(spec("a"), now=NOW)
    assert await store.patch_host("h1", closed, now=NOW)
    assert (await enter(store, "u")).state is SessionState.QUEUED
    assert await store.patch_host("h1", opened, now=NOW)
    assert await state(store, "s-u") is SessionState.RESERVED
    assert not await store.patch_host("nowhere", closed, now=NOW)


async def test_a_drained_host_stays_drained_without_instances(make_store: MakeStore) -> None:
    """UE restarting on a draining host does not open it again."""
    store = await make_store()
    await store.put_instance(spec("a"), now=NOW)
    await store.patch_host("h1", HostPatch(draining=True), now=NOW)
    await store.remove_instance("a", now=NOW)
    await store.put_instance(spec("a"), now=NOW)
    assert (await enter(store, "u")).state is SessionState.QUEUED
    assert [host.draining for host in await store.hosts()] == [True]


async def test_a_place_that_frees_goes_to_the_first_waiter(make_store: MakeStore) -> None:
    """First come, first served; who asked later for the same stays waiting."""
    store = await make_store()
    await store.put_instance(spec("a"), now=NOW)
    for user in ("u1", "u2", "u3"):
        await enter(store, user)
    await store.end("s-u1", reason=EndReason.RELEASED, now=NOW + 5)
    assert await state(store, "s-u2") is SessionState.RESERVED
    assert await state(store, "s-u3") is SessionState.QUEUED
    second = await store.session("s-u2")
    assert second is not None
    assert second.waited == pytest.approx(5, abs=0.01)


async def test_an_earlier_waiter_for_something_else_is_passed(make_store: MakeStore) -> None:
    """A place goes to the first it fits, not to the first of all."""
    store = await make_store()
    await enter(store, "game", demand=Demand.of("game"))
    await enter(store, "plain")
    await store.put_instance(spec("a"), now=NOW)
    assert await state(store, "s-plain") is SessionState.RESERVED
    assert await state(store, "s-game") is SessionState.QUEUED


async def test_a_better_class_is_served_first(make_store: MakeStore) -> None:
    """Class 0 passes class 1; within a class order holds."""
    store = await make_store()
    await enter(store, "late-class", priority=1)
    await enter(store, "first", priority=0)
    await enter(store, "second", priority=0)
    await store.put_instance(spec("a"), now=NOW)
    await store.put_instance(spec("b"), now=NOW)
    states = [await state(store, f"s-{u}") for u in ("first", "second", "late-class")]
    assert states == ["reserved", "reserved", "queued"]


async def test_who_loses_an_instance_goes_to_the_head(make_store: MakeStore) -> None:
    """A dead streamer's users wait before everybody else, in their old order."""
    store = await make_store()
    await store.put_instance(spec("scene", capacity=2), now=NOW)
    await enter(store, "u1", NOW)
    await enter(store, "u2", NOW + 1)
    await enter(store, "u3", NOW + 2)
    await store.activate("s-u1", player_id="p", now=NOW + 2)
    assert await store.remove_instance("scene", now=NOW + 3)
    assert [await state(store, f"s-u{n}") for n in (1, 2, 3)] == [SessionState.QUEUED] * 3
    for number in (1, 2, 3):
        await store.put_instance(spec(f"i{number}"), now=NOW + 4)
        assert await state(store, f"s-u{number}") is SessionState.RESERVED


async def test_who_loses_an_instance_moves_to_a_free_one_at_once(
    make_store: MakeStore,
) -> None:
    """Nobody waits while there is room."""
    store = await make_store()
    await store.put_instance(spec("a"), now=NOW)
    await enter(store, "u")
    await store.put_instance(spec("b", "h2"), now=NOW)
    await store.remove_instance("a", now=NOW)
    found = await store.session("s-u")
    assert found is not None
    assert (found.state, found.instance) == ("reserved", "b")


async def test_a_streamer_that_rejoins_keeps_its_sessions(make_store: MakeStore) -> None:
    """The same instance again renews it; on another host it is a new one."""
    store = await make_store()
    await store.put_instance(spec("a"), now=NOW)
    await enter(store, "u")
    await store.put_instance(spec("a"), now=NOW)
    assert await state(store, "s-u") is SessionState.RESERVED
    [host] = await store.hosts()
    assert (host.used, host.instances["a"].used) == (1, 1)
    await store.put_instance(spec("a", "h2", application="other"), now=NOW)
    assert await state(store, "s-u") is SessionState.QUEUED
    assert [h.id for h in await store.hosts()] == ["h2"]


async def test_the_same_user_has_one_session(make_store: MakeStore) -> None:
    """Asking again on another connection moves the session there and tells the old one."""
    store = await make_store()
    heard = Heard(store)
    await store.put_instance(spec("a"), now=NOW)
    first = await enter(store, "u", holder="n1/1")
    again = await store.request(ask("u", holder="n1/2"), now=NOW)
    assert session_of(again).id == first.id
    assert session_of(again).holder == "n1/2"
    await heard.until(ChangeKind.TAKEN_OVER, first.id, "n1/1")


async def test_the_same_user_is_refused_if_configured(make_store: MakeStore) -> None:
    """The first connection keeps its session; asking without a connection only reads."""
    store = await make_store(Rules(same_user=SameUser.REFUSE))
    await enter(store, "u", holder="n1/1")
    assert (await store.request(ask("u", holder="n1/2"), now=NOW)).code == "already_active"
    read = await store.request(ask("u", holder=""), now=NOW)
    assert session_of(read).holder == "n1/1"


async def test_a_repeated_request_finds_the_session_that_ended(make_store: MakeStore) -> None:
    """The client token makes a late repetition harmless; a new token starts anew."""
    store = await make_store(Rules(retention=60))
    await enter(store, "u", client_token="t1")
    await store.end("s-u", reason=EndReason.RELEASED, now=NOW)
    again = await store.request(ask("u", client_token="t1"), now=NOW)
    assert session_of(again).state is SessionState.ENDED
    new = SessionRequest(id="new", user="u", demand=Demand.of(), client_token="t2")
    assert session_of(await store.request(new, now=NOW)).id == "new"


async def test_the_queue_is_bounded(make_store: MakeStore) -> None:
    """One more than allowed gets a clear answer, and nothing is kept of it."""
    store = await make_store(Rules(max_queue=2, max_demands=2))
    await enter(store, "u1")
    await enter(store, "u2", demand=Demand.of("b"))
    assert (await store.request(ask("u3"), now=NOW)).code == "queue_full"
    assert await store.session_of("u3") is None
    await store.end("s-u1", reason=EndReason.LEFT, now=NOW)
    await enter(store, "u4", demand=Demand.of("c"))


async def test_the_number_of_lines_is_bounded(make_store: MakeStore) -> None:
    """Inventing requirements does not fill the memory."""
    store = await make_store(Rules(max_demands=1))
    await enter(store, "u1")
    strange = Demand.of(requirements={"x": "y"})
    assert (await store.request(ask("u2", strange), now=NOW)).code == "too_many_demands"


async def test_a_waiter_that_leaves_is_out_at_once(make_store: MakeStore) -> None:
    """Only its own connection can say so."""
    store = await make_store()
    await enter(store, "u")
    assert await store.detach("s-u", holder="n1/else", gone=True, now=NOW) is None
    left = await store.detach("s-u", holder="n1/u", gone=True, now=NOW)
    assert left is not None
    assert (left.state, left.reason) == ("ended", EndReason.LEFT)
    assert (await store.waiting()).waiters == []


async def test_a_broken_stream_keeps_its_place_for_the_grace_time(
    make_store: MakeStore,
) -> None:
    """Coming back in time continues; too late, the place goes to the next."""
    store = await make_store(Rules(grace=30))
    await store.put_instance(spec("a"), now=NOW)
    await enter(store, "u")
    await enter(store, "w")
    await store.activate("s-u", player_id="p", now=NOW)
    await store.detach("s-u", holder="n1/u", gone=True, now=NOW)
    await store.tick(now=NOW + 29)
    back = await store.attach("s-u", holder="n1/again", now=NOW + 29)
    assert back is not None
    assert back.state is SessionState.GRACE
    active = await store.activate("s-u", player_id="q", now=NOW + 29)
    assert active is not None
    assert (active.state, active.player_id) == ("active", "q")
    await store.detach("s-u", holder="n1/again", gone=True, now=NOW + 40)
    await store.tick(now=NOW + 70.5)
    ended = await store.session("s-u")
    assert ended is not None
    assert ended.reason == EndReason.DISCONNECTED
    assert await state(store, "s-w") is SessionState.RESERVED


async def test_a_reservation_that_is_not_used_goes_back(make_store: MakeStore) -> None:
    """After the reservation time the next waiter gets the place."""
    store = await make_store(Rules(reservation=20))
    await store.put_instance(spec("a"), now=NOW)
    await enter(store, "u")
    await enter(store, "w")
    await store.tick(now=NOW + 19)
    assert await state(store, "s-u") is SessionState.RESERVED
    await store.tick(now=NOW + 20.5)
    ended = await store.session("s-u")
    assert ended is not None
    assert ended.reason == EndReason.RESERVATION_EXPIRED
    assert await state(store, "s-w") is SessionState.RESERVED


async def test_a_session_is_warned_and_ends(make_store: MakeStore) -> None:
    """One warning before the maximum duration, then the end."""
    store = await make_store(Rules(max_duration=1800, warning=60))
    heard = Heard(store)
    await store.put_instance(spec("a"), now=NOW)
    await enter(store, "u", max_duration=100.0)
    await store.activate("s-u", player_id="p", now=NOW)
    for second in (39, 41, 50):
        await store.tick(now=NOW + second)
    change = await heard.until(ChangeKind.EXPIRING, "s-u")
    assert change.reason == EndReason.MAX_DURATION
    await store.tick(now=NOW + 100.5)
    ended = await heard.until(ChangeKind.ENDED, "s-u")
    assert ended.reason == EndReason.MAX_DURATION
    assert [c.kind for c in heard.changes].count(ChangeKind.EXPIRING) == 1


async def test_input_keeps_an_idle_session_alive(make_store: MakeStore) -> None:
    """The idle limit is warned of, put off by input, and enforced."""
    store = await make_store(Rules(idle=100, warning=60))
    heard = Heard(store)
    await store.put_instance(spec("a"), now=NOW)
    await enter(store, "u")
    await store.activate("s-u", player_id="p", now=NOW)
    await store.tick(now=NOW + 41)
    assert (await heard.until(ChangeKind.EXPIRING, "s-u")).reason == EndReason.IDLE
    await store.touch(["s-u", "unknown"], now=NOW + 50)
    await store.tick(now=NOW + 101)
    assert await state(store, "s-u") is SessionState.ACTIVE
    await store.tick(now=NOW + 151)
    assert (await heard.until(ChangeKind.ENDED, "s-u")).reason == EndReason.IDLE


async def test_a_waiter_without_a_connection_must_poll(make_store: MakeStore) -> None:
    """Polling keeps the place; 15 seconds without, and it is gone."""
    store = await make_store(Rules(poll=15))
    await enter(store, "u", holder="")
    await store.tick(now=NOW + 14)
    assert await store.poll("s-u", now=NOW + 14)
    await store.tick(now=NOW + 28)
    assert await state(store, "s-u") is SessionState.QUEUED
    await store.tick(now=NOW + 29.5)
    ended = await store.session("s-u")
    assert ended is not None
    assert ended.reason == EndReason.ABANDONED
    assert await store.poll("nobody", now=NOW) is None


async def test_ended_sessions_are_kept_for_a_while(make_store: MakeStore) -> None:
    """So that who asks learns why; then they are forgotten."""
    store = await make_store(Rules(retention=60))
    await enter(store, "u")
    await store.end("s-u", reason=EndReason.OPERATOR, now=NOW)
    assert await store.end("s-u", reason=EndReason.OPERATOR, now=NOW) is None
    await store.tick(now=NOW + 59)
    assert await state(store, "s-u") is SessionState.ENDED
    await store.tick(now=NOW + 60.5)
    assert await store.session("s-u") is None
    assert await store.session_of("u") is None


async def test_a_used_instance_is_recycled_before_the_next_user(
    make_store: MakeStore,
) -> None:
    """It takes nobody until it joins anew; an unused reservation does not count."""
    store = await make_store(Rules(recycle=True))
    heard = Heard(store)
    await store.put_instance(spec("a"), now=NOW)
    await enter(store, "u1")
    await store.end("s-u1", reason=EndReason.RELEASED, now=NOW)
    await enter(store, "u2")
    await store.activate("s-u2", player_id="p", now=NOW)
    await enter(store, "u3")
    await store.end("s-u2", reason=EndReason.RELEASED, now=NOW)
    await heard.until(ChangeKind.RECYCLE, "", "a")
    assert await state(store, "s-u3") is SessionState.QUEUED
    await store.put_instance(spec("a"), now=NOW)
    assert await state(store, "s-u3") is SessionState.RESERVED


async def test_a_canary_gets_its_share(make_store: MakeStore) -> None:
    """A draw below the share prefers the new version; full, either takes the other."""
    store = await make_store(Rules(canary={"default": Canary(version="2", share=0.1)}))
    for number in range(2):
        await store.put_instance(spec(f"old{number}", "h1", version="1"), now=NOW)
        await store.put_instance(spec(f"new{number}", "h2", version="2"), now=NOW)
    assert (await enter(store, "a", canary=0.05)).host == "h2"
    assert (await enter(store, "b", canary=0.5)).host == "h1"
    assert (await enter(store, "c", canary=0.9)).host == "h1"
    assert (await enter(store, "d", canary=0.9)).host == "h2"


async def test_ended_sessions_wait_to_be_recorded(make_store: MakeStore) -> None:
    """Until somebody says that it is done."""
    store = await make_store()
    await enter(store, "u")
    await store.end("s-u", reason=EndReason.RELEASED, now=NOW)
    assert [s.id for s in await store.unrecorded()] == ["s-u"]
    await store.recorded(["s-u"])
    assert await store.unrecorded() == []


async def test_a_user_can_be_forgotten(make_store: MakeStore) -> None:
    """Ended sessions go; others' stay."""
    store = await make_store()
    for user in ("u1", "u2"):
        await enter(store, user)
        await store.end(f"s-{user}", reason=EndReason.RELEASED, now=NOW)
    await store.forget_user("u1")
    assert await store.session("s-u1") is None
    assert [s.user for s in await store.unrecorded()] == ["u2"]


async def test_an_instance_of_nobody_cannot_be_removed(make_store: MakeStore) -> None:
    """Unknown names are answered, not raised."""
    store = await make_store()
    assert not await store.remove_instance("a", now=NOW)
    assert not await store.instance_exists("a")
    await store.put_instance(spec("a"), now=NOW)
    assert await store.instance_exists("a")
    assert await store.activate("nobody", player_id="p", now=NOW) is None
    assert await store.attach("nobody", holder="h", now=NOW) is None


async def test_the_first_tick_tells_that_nothing_was_known(make_store: MakeStore) -> None:
    """So that a node tells its instances again when the store has lost them."""
    store = await make_store()
    assert not (await store.tick(now=NOW)).known
    assert (await store.tick(now=NOW + 1)).known


async def test_a_tick_does_no_more_than_it_may(make_store: MakeStore) -> None:
    """It tells how much it did, so that the rest is done by the next."""
    store = await make_store(Rules(poll=1))
    for number in range(5):
        await enter(store, f"u{number}", holder="")
    dues = [(await store.tick(now=NOW + 2, limit=2)).due for _ in range(4)]
    assert dues == [2, 2, 1, 0]


async def test_sessions_and_waiters_can_be_listed(make_store: MakeStore) -> None:
    """For the operator's page, up to a limit."""
    store = await make_store()
    for number in range(3):
        await enter(store, f"u{number}")
    waiting = await store.waiting()
    ordered = sorted(waiting.waiters, key=lambda w: w.score)
    assert [w.session for w in ordered] == ["s-u0", "s-u1", "s-u2"]
    assert waiting.demands == {"application=default": {"application": "default"}}
    assert len(await store.sessions(limit=2)) == 2


async def test_an_instance_that_leaves_makes_room_on_its_host(make_store: MakeStore) -> None:
    """Its users go before others; what is left of the host's places is given out."""
    store = await make_store()
    await store.put_instance(spec("us", capacity=2, region="us", host_capacity=2), now=NOW)
    await store.put_instance(spec("eu", region="eu"), now=NOW)
    for user in ("u1", "u2"):
        await enter(store, user, demand=Demand.of(region="us"))
    await enter(store, "w")
    await store.remove_instance("us", now=NOW)
    waiter = await store.session("s-w")
    assert waiter is not None
    assert waiter.instance == "eu"
