"""The matchmaker as the signalling server uses it, over both stores."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from matchmaker.errors import BadTokenError, RefusedError, StateUnavailableError
from matchmaker.events import Assigned, Ended, Event, Expiring, Failed, Queued
from matchmaker.model import HostPatch, SessionState
from matchmaker.service import Matchmaker
from matchmaker.settings import MatchmakerSettings
from matchmaker.store import MatchStore
from matchmaker.tokens import SessionTokens

E = TypeVar("E", bound=Event)
T = TypeVar("T")

KEY = b"k" * 32
START = 1_763_826_169.123


class ManualClock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.time = START
        self._moved = asyncio.Event()

    def now(self) -> float:
        """See `Clock`."""
        return round(self.time, 3)

    async def sleep(self, seconds: float) -> None:
        """See `Clock`."""
        until = self.time + seconds
        while self.time < until:
            self._moved.clear()
            await self._moved.wait()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds
        self._moved.set()


@dataclass(eq=False)
class Page:
    """A sink that remembers what it was told."""

    events: list[Event] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def deliver(self, event: Event) -> None:
        """See `Sink`."""
        self.events.append(event)
        self.news.set()

    async def until(self, kind: type[E], count: int = 1) -> E:
        """Return such an event, once it was told."""
        async with asyncio.timeout(5):
            while True:
                found = [event for event in self.events if isinstance(event, kind)]
                if len(found) >= count:
                    return found[count - 1]
                self.news.clear()
                await self.news.wait()


Make = Callable[..., Awaitable[Matchmaker]]


@pytest.fixture
def clock() -> ManualClock:
    """Yield the time."""
    return ManualClock()


@pytest.fixture
async def make(
    make_store: Callable[..., Awaitable[MatchStore]], clock: ManualClock
) -> AsyncIterator[Make]:
    """Yield a function that starts a matchmaker with some options."""
    made: list[Matchmaker] = []

    async def start(*, node: str = "n1", **options: object) -> Matchmaker:
        settings = MatchmakerSettings.model_validate({"matchmaking": True, **options})
        store = await make_store(settings.rules(), node=node, started=False)
        matchmaker = Matchmaker(
            settings, store=store, clock=clock, tokens=SessionTokens(KEY, clock=clock)
        )
        await matchmaker.start()
        made.append(matchmaker)
        return matchmaker

    yield start
    for matchmaker in made:
        await matchmaker.close()


async def test_a_user_gets_an_instance_and_a_token_for_it(make: Make) -> None:
    """Reserved, told once, resolved by user and by token, closed to others."""
    matchmaker = await make(session_address="https://session-{id}.example.com/")
    await matchmaker.streamer_joined("ue1", host="h1", region="eu")
    page = Page()
    outcome = await matchmaker.request("alice", sink=page)
    told = await page.until(Assigned)
    assert told.streamer_id == "ue1"
    assert told.expires_at == pytest.approx(START + 20)
    assert told.url == f"https://session-{outcome.session.id}.example.com/"
    assert await matchmaker.resolve(user="alice") == "ue1"
    assert await matchmaker.resolve(token=told.token) == "ue1"
    assert await matchmaker.may_subscribe("ue1", user="alice")
    assert not await matchmaker.may_subscribe("ue1", user="bob")
    assert not await matchmaker.may_subscribe("ue1", user="bob", token="forged")
    assert page.events == [told]


async def test_waiters_are_told_their_place_whenever_it_changes(
    make: Make, clock: ManualClock
) -> None:
    """Place and length at once, then with every change, coalesced."""
    matchmaker = await make()
    pages = [Page() for _ in range(3)]
    for number, page in enumerate(pages):
        await matchmaker.request(f"u{number}", sink=page)
    first = await pages[2].until(Queued)
    assert (first.position, first.queue_length) == (3, 3)
    assert first.eta_seconds is None
    await matchmaker.lost(await session_id(matchmaker, "u0"), pages[0])
    moved = await advanced(clock, pages[2].until(Queued, 2))
    assert (moved.position, moved.queue_length) == (2, 2)


async def advanced(clock: ManualClock, wait: Awaitable[T]) -> T:
    """Let time pass until *wait* is done."""
    task = asyncio.ensure_future(wait)
    async with asyncio.timeout(5):
        while not task.done():
            clock.advance(0.5)
            await asyncio.sleep(0.002)
    return await task


async def session_id(matchmaker: Matchmaker, user: str) -> str:
    """Return the id of the user's session."""
    session = await matchmaker.store.session_of(user)
    assert session is not None
    return session.id


async def test_the_estimate_comes_from_measured_ends(make: Make, clock: ManualClock) -> None:
    """An end every ten seconds means twenty seconds for the second in line."""
    matchmaker = await make()
    await matchmaker.streamer_joined("ue1", host="h1")
    for number in range(5):
        outcome = await matchmaker.request(f"past{number}")
        await matchmaker.subscribed(outcome.session.id, "p")
        clock.advance(10)
        await matchmaker.release(outcome.session.id)
    await matchmaker.request("holder", sink=Page())
    pages = [Page(), Page()]
    for number, page in enumerate(pages):
        await settled(matchmaker, 5)
        await matchmaker.request(f"u{number}", sink=page)
    told = await pages[1].until(Queued)
    assert told.eta_seconds == pytest.approx(20, rel=0.05)


async def test_an_estimate_grows_while_nothing_ends(make: Make, clock: ManualClock) -> None:
    """Who was told a minute is told more, though nobody has moved."""
    matchmaker = await make()
    await matchmaker.streamer_joined("ue1", host="h1")
    for number in range(4):
        outcome = await matchmaker.request(f"past{number}")
        await matchmaker.subscribed(outcome.session.id, "p")
        clock.advance(60)
        await matchmaker.release(outcome.session.id)
    plays = await matchmaker.request("holder", sink=Page())
    await matchmaker.subscribed(plays.session.id, "p")
    await settled(matchmaker, 4)
    page = Page()
    await matchmaker.request("u", sink=page)
    first = await page.until(Queued)
    later = await advanced(clock, page.until(Queued, 2))
    assert (first.position, later.position) == (1, 1)
    assert first.eta_seconds is not None
    assert later.eta_seconds is not None
    assert later.eta_seconds > first.eta_seconds + 25


async def settled(matchmaker: Matchmaker, ends: int) -> None:
    """Wait until the node has heard of so many ends."""
    estimates = matchmaker._room.estimates
    async with asyncio.timeout(5):
        while sum(len(rate._ends) for rate in estimates._rates.values()) < ends:  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0.002)


async def test_a_dead_streamer_puts_its_user_at_the_head(
    make: Make, clock: ManualClock
) -> None:
    """Told to wait as number one, then assigned to the next streamer."""
    matchmaker = await make()
    await matchmaker.streamer_joined("ue1", host="h1")
    page, waiter = Page(), Page()
    outcome = await matchmaker.request("alice", sink=page)
    await matchmaker.subscribed(outcome.session.id, "p")
    await matchmaker.request("bob", sink=waiter)
    await matchmaker.streamer_left("ue1")
    queued = await advanced(clock, page.until(Queued))
    assert (queued.position, queued.queue_length) == (1, 2)
    await matchmaker.streamer_joined("ue2", host="h1")
    assert (await page.until(Assigned, 2)).streamer_id == "ue2"


async def test_a_session_is_warned_and_ended(make: Make, clock: ManualClock) -> None:
    """The holder learns of the end before and when it comes."""
    matchmaker = await make(session_max_duration=100, session_warning=60)
    await matchmaker.streamer_joined("ue1", host="h1")
    page = Page()
    outcome = await matchmaker.request("alice", sink=page)
    await matchmaker.subscribed(outcome.session.id, "p")
    warning = await advanced(clock, page.until(Expiring))
    assert warning.reason == "max_duration"
    assert 55 < warning.seconds_left <= 60
    assert (await advanced(clock, page.until(Ended))).reason == "max_duration"


async def test_input_puts_the_idle_end_off(make: Make, clock: ManualClock) -> None:
    """Touched sessions live on; untouched ones end as idle."""
    matchmaker = await make(session_idle_timeout=10, session_warning=5)
    await matchmaker.streamer_joined("ue1", host="h1")
    page = Page()
    outcome = await matchmaker.request("alice", sink=page)
    await matchmaker.subscribed(outcome.session.id, "p")
    for _ in range(4):
        clock.advance(4)
        matchmaker.touch(outcome.session.id)
        await matchmaker.tick()
    assert await matchmaker.resolve(user="alice") == "ue1"
    assert (await advanced(clock, page.until(Ended))).reason == "idle"


async def test_a_lost_socket_can_come_back_by_token(make: Make, clock: ManualClock) -> None:
    """Within the grace time the place is kept and the token moves it."""
    matchmaker = await make(session_grace=30)
    await matchmaker.streamer_joined("ue1", host="h1")
    old, new = Page(), Page()
    outcome = await matchmaker.request("alice", sink=old)
    await matchmaker.subscribed(outcome.session.id, "p")
    await matchmaker.lost(outcome.session.id, old)
    clock.advance(20)
    back = await matchmaker.resume(outcome.token, new)
    assert back.session.state is SessionState.GRACE
    assert (await new.until(Assigned)).streamer_id == "ue1"
    assert await matchmaker.subscribed(outcome.session.id, "p2")
    await matchmaker.release(outcome.session.id)
    assert (await new.until(Ended)).reason == "released"
    with pytest.raises(RefusedError, match="ended"):
        await matchmaker.resume(outcome.token, Page())


async def test_unsubscribing_starts_the_grace_time(make: Make, clock: ManualClock) -> None:
    """The socket stays and is told when the place is gone."""
    matchmaker = await make(session_grace=30)
    await matchmaker.streamer_joined("ue1", host="h1")
    page = Page()
    outcome = await matchmaker.request("alice", sink=page)
    await matchmaker.subscribed(outcome.session.id, "p")
    await matchmaker.unsubscribed(outcome.session.id, page)
    assert (await advanced(clock, page.until(Ended))).reason == "disconnected"


async def test_a_second_connection_takes_over(make: Make) -> None:
    """The first is told, and its late goodbye changes nothing."""
    matchmaker = await make()
    await matchmaker.streamer_joined("ue1", host="h1")
    first, second = Page(), Page()
    outcome = await matchmaker.request("alice", sink=first)
    again = await matchmaker.request("alice", sink=second)
    assert again.session.id == outcome.session.id
    assert (await first.until(Ended)).reason == "taken_over"
    await matchmaker.lost(outcome.session.id, first)
    assert (await second.until(Assigned)).session_id == outcome.session.id
    assert await matchmaker.resolve(user="alice") == "ue1"


async def test_a_second_connection_can_be_refused(make: Make) -> None:
    """By option; the first keeps its session."""
    matchmaker = await make(same_user="refuse")
    await matchmaker.request("alice", sink=Page())
    with pytest.raises(RefusedError) as refused:
        await matchmaker.request("alice", sink=Page())
    assert (refused.value.code, refused.value.status) == ("already_active", 409)


async def test_requests_are_checked(make: Make) -> None:
    """Too many or too long requirements are refused before anything is stored."""
    matchmaker = await make()
    for wrong in ({"x" * 65: "1"}, {f"k{n}": "v" for n in range(9)}):
        with pytest.raises(RefusedError, match="requirements"):
            await matchmaker.request("alice", requirements=wrong)
    with pytest.raises(RefusedError):
        await matchmaker.request("alice", client_token="t" * 129)


async def test_a_waiter_without_a_socket_polls(make: Make, clock: ManualClock) -> None:
    """Reading keeps the place and tells it; without, it is given up."""
    matchmaker = await make()
    outcome = await matchmaker.request("alice")
    assert outcome.standing is not None
    assert outcome.standing.position == 1
    clock.advance(14)
    assert (await matchmaker.poll(outcome.session.id)).standing == outcome.standing
    for _ in range(3):
        clock.advance(6)
        await matchmaker.tick()
    ended = await matchmaker.poll(outcome.session.id)
    assert ended.session.reason == "abandoned"
    with pytest.raises(RefusedError):
        await matchmaker.poll("nobody")


async def test_a_forged_or_old_token_is_refused(make: Make, clock: ManualClock) -> None:
    """Signature and age are checked."""
    matchmaker = await make()
    outcome = await matchmaker.request("alice")
    forged = SessionTokens(b"x" * 32, clock=clock).issue(outcome.session, lifetime=60)
    with pytest.raises(BadTokenError):
        await matchmaker.resume(forged, Page())
    old = outcome.token
    clock.advance(100_000)
    with pytest.raises(BadTokenError, match="expired"):
        await matchmaker.resume(old, Page())


async def test_a_drained_host_lets_its_sessions_finish(make: Make) -> None:
    """No new ones; the running one stays."""
    matchmaker = await make()
    await matchmaker.streamer_joined("ue1", host="h1", capacity=2)
    await matchmaker.request("alice")
    assert await matchmaker.report_host("h1", HostPatch(draining=True))
    assert await matchmaker.resolve(user="alice") == "ue1"
    assert (await matchmaker.request("bob")).session.state is SessionState.QUEUED


class DownStore:
    """A store whose connection is gone."""

    def __init__(self, store: MatchStore) -> None:
        self._store = store
        self.down = True

    def __getattr__(self, name: str) -> object:
        if self.down and name in ("tick", "request", "put_instance", "detach"):
            return self._fail
        return getattr(self._store, name)

    async def _fail(self, *_: object, **__: object) -> None:
        raise StateUnavailableError("gone")


async def test_an_unreachable_store_is_told_and_survived(
    make: Make, clock: ManualClock
) -> None:
    """Requests fail with a clear error; the matchmaker is degraded until it is back."""
    matchmaker = await make()
    broken = DownStore(matchmaker.store)
    matchmaker.store = broken  # type: ignore[assignment]
    await advanced(clock, until(lambda: matchmaker.degraded))
    with pytest.raises(StateUnavailableError):
        await matchmaker.request("alice", sink=Page())
    broken.down = False
    await advanced(clock, until(lambda: not matchmaker.degraded))
    await matchmaker.request("alice", sink=Page())


async def test_what_happened_during_an_outage_is_told_afterwards(
    make: Make, clock: ManualClock
) -> None:
    """Sockets that broke and streamers that came are not forgotten."""
    matchmaker = await make()
    page = Page()
    outcome = await matchmaker.request("alice", sink=page)
    broken = DownStore(matchmaker.store)
    matchmaker.store = broken  # type: ignore[assignment]
    await matchmaker.lost(outcome.session.id, page)
    await matchmaker.streamer_joined("ue1", host="h1")
    assert await matchmaker.find(user="alice")
    broken.down = False
    await matchmaker.tick()
    assert await matchmaker.find(user="alice") is None
    assert await matchmaker.store.instance_exists("ue1")
    assert clock.now() == START


async def test_an_outage_is_pardoned_once_it_is_over(make: Make, clock: ManualClock) -> None:
    """Who could not poll meanwhile still waits; who does not afterwards leaves."""
    matchmaker = await make()
    outcome = await matchmaker.request("alice")
    broken = DownStore(matchmaker.store)
    matchmaker.store = broken  # type: ignore[assignment]
    for _ in range(3):
        clock.advance(10)
        with pytest.raises(StateUnavailableError):
            await matchmaker.tick()
    broken.down = False
    await matchmaker.tick()
    assert (await matchmaker.find(user="alice")) is not None
    for _ in range(3):
        clock.advance(6)
        await matchmaker.tick()
    ended = await matchmaker.store.session(outcome.session.id)
    assert ended is not None
    assert ended.reason == "abandoned"


async def test_a_store_that_lost_its_last_second_is_put_right(make: Make) -> None:
    """Instances that left are not offered, those that came are."""
    matchmaker = await make()
    await matchmaker.streamer_joined("gone", host="h1", application="other")
    await matchmaker.streamer_joined("came", host="h1", application="other")
    await matchmaker.store.remove_instance("came", now=START)
    matchmaker._instances.discard("gone")
    matchmaker._recovery.note()
    await matchmaker.tick()
    assert not await matchmaker.store.instance_exists("gone")
    assert await matchmaker.store.instance_exists("came")


async def test_who_lost_their_holder_has_it_again_after_a_gap(make: Make) -> None:
    """A node that was taken for dead by others takes up its waiters where they stand."""
    matchmaker = await make()
    page = Page()
    outcome = await matchmaker.request("alice", sink=page)
    holder = matchmaker._holders.find(page)
    assert holder is not None
    await matchmaker.store.attach(outcome.session.id, holder="", now=START)
    holder.session = outcome.session
    matchmaker._holders._by_name[holder.name] = holder
    matchmaker._holders._by_sink[page] = holder
    matchmaker._recovery.note()
    await matchmaker.tick()
    session = await matchmaker.store.session(outcome.session.id)
    assert session is not None
    assert session.holder == holder.name


async def test_a_released_session_is_told_at_once(make: Make) -> None:
    """So that the next request of the same socket is not answered by the last one's end."""
    matchmaker = await make()
    page = Page()
    first = await matchmaker.request("alice", sink=page)
    await matchmaker.release(first.session.id)
    assert [e.session_id for e in page.events if isinstance(e, Ended)] == [first.session.id]
    second = await matchmaker.request("alice", sink=page)
    other = Page()
    third = await matchmaker.request("bob", sink=other)
    await other.until(Queued)
    await matchmaker.release(third.session.id)
    assert await matchmaker.find(user="alice") == second.session
    assert [e.session_id for e in page.events if isinstance(e, Ended)] == [first.session.id]


async def test_places_without_a_socket_are_told_from_what_is_known(make: Make) -> None:
    """The first poll of a waiter says what the request said."""
    matchmaker = await make()
    outcomes = [await matchmaker.request(f"u{number}") for number in range(3)]
    for number, outcome in enumerate(outcomes, 1):
        polled = await matchmaker.poll(outcome.session.id)
        assert polled.standing is not None
        assert polled.standing.position == number
    matchmaker._room._standings.clear()
    matchmaker._room._stale = False
    lost = await matchmaker.poll(outcomes[2].session.id)
    assert lost.standing is not None
    assert (lost.standing.position, lost.standing.length) == (3, 3)


async def test_a_repeated_request_after_the_end_is_told_the_end(make: Make) -> None:
    """Not that it was assigned."""
    matchmaker = await make()
    outcome = await matchmaker.request("alice", client_token="t")
    await matchmaker.release(outcome.session.id)
    page = Page()
    await matchmaker.request("alice", client_token="t", sink=page)
    assert [event.reason for event in page.events if isinstance(event, Ended)] == ["released"]
    assert len(page.events) == 1


class Restarter:
    """A provisioner that remembers what it was to recycle."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[str] = asyncio.Queue()

    async def scale(self, wanted: object) -> None:
        """See `Provisioner`."""

    async def recycle(self, instance_id: str) -> None:
        """See `Provisioner`."""
        await self.asked.put(instance_id)


async def test_a_used_instance_is_given_to_the_provisioner(make: Make) -> None:
    """Once, and it takes nobody until it joins anew."""
    matchmaker = await make(recycle_instances=True)
    restarter = Restarter()
    matchmaker._provisioner = restarter
    await matchmaker.streamer_joined("ue1", host="h1")
    outcome = await matchmaker.request("alice")
    await matchmaker.subscribed(outcome.session.id, "p")
    await matchmaker.release(outcome.session.id)
    async with asyncio.timeout(5):
        assert await restarter.asked.get() == "ue1"
    assert (await matchmaker.request("bob")).session.state is SessionState.QUEUED
    await matchmaker.streamer_joined("ue1", host="h1")
    assert await matchmaker.resolve(user="bob") == "ue1"


async def until(condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds."""
    while not condition():  # noqa: ASYNC110 - nothing tells when
        await asyncio.sleep(0.002)


async def test_holders_are_told_when_the_store_lost_their_session(
    make: Make, clock: ManualClock
) -> None:
    """After a gap everybody learns how they stand."""
    matchmaker = await make()
    page, kept = Page(), Page()
    await matchmaker.request("alice", sink=page)
    await matchmaker.request("bob", sink=kept)
    holder = matchmaker._holders.find(page)
    assert holder is not None
    assert holder.session is not None
    holder.session = type(holder.session)(id="never", user="x", demand="", attributes={})
    matchmaker._recovery.note()
    failed = await advanced(clock, page.until(Failed))
    assert failed.code == "state_lost"
    assert not [e for e in kept.events if isinstance(e, Failed)]
