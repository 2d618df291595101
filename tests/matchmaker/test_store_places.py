"""What every store promises: which place a session gets, asked of each of them."""

import pytest

from matchmaker.model import (
    Canary,
    ChangeKind,
    Demand,
    EndReason,
    HostPatch,
    Policy,
    Rules,
    SessionState,
)
from tests.matchmaker.contract import (
    NOW,
    Heard,
    MakeStore,
    enter,
    spec,
    state,
)


async def test_a_free_place_is_reserved(make_store: MakeStore) -> None:
    """A request that finds a place is reserved there for the reservation time."""
    store = await make_store(Rules(reservation=20))
    await store.put_instance(spec("a", region="eu"), now=NOW)
    session = await enter(store, "u")
    assert (session.state, session.host, session.instance) == ("reserved", "h1", "a")
    assert session.reserved_until == pytest.approx(NOW + 20)
    assert session == await store.session("s-u") == await store.session_of("u")


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


async def test_a_waiter_gets_the_version_of_its_draw(make_store: MakeStore) -> None:
    """Also when its place frees later, and when its instance dies."""
    store = await make_store(Rules(canary={"default": Canary(version="2", share=0.1)}))
    await enter(store, "u", canary=0.05)
    await store.patch_host("h", HostPatch(), now=NOW)
    await store.put_instance(spec("old1", "h", version="1"), now=NOW)
    await enter(store, "w", canary=0.05)
    for name in ("old2", "old3"):
        await store.put_instance(spec(name, "h", version="1"), now=NOW)
    await store.put_instance(spec("new", "h2", version="2"), now=NOW)
    await store.remove_instance("old1", now=NOW)
    moved = await store.session("s-u")
    assert moved is not None
    assert moved.instance == "new"


async def test_a_place_for_two_applications_goes_to_the_earlier_waiter(
    make_store: MakeStore,
) -> None:
    """Whatever the applications are called."""
    for first, second in (("a", "z"), ("z", "a")):
        store = await make_store(Rules(host_capacity=1))
        for name in ("a", "z"):
            await store.put_instance(
                spec(f"{name}-of-{first}", first, application=name), now=NOW
            )
        demands = [Demand.of(first), Demand.of(second)]
        users = [f"{first}{n}" for n in range(3)]
        await enter(store, users[0], demand=demands[0])
        await enter(store, users[1], demand=demands[0], now=NOW + 1)
        await enter(store, users[2], demand=demands[1], now=NOW + 2)
        await store.end(f"s-{users[0]}", reason=EndReason.RELEASED, now=NOW + 3)
        states = [await state(store, f"s-{user}") for user in users]
        assert states == ["ended", "reserved", "queued"]
        for user in users:
            await store.end(f"s-{user}", reason=EndReason.RELEASED, now=NOW + 4)
        for name in ("a", "z"):
            await store.remove_instance(f"{name}-of-{first}", now=NOW + 4)


async def test_telling_of_an_instance_again_does_not_recycle_it(make_store: MakeStore) -> None:
    """One that was used stays marked; one that the store forgot is marked."""
    store = await make_store(Rules(recycle=True))
    heard = Heard(store)
    await store.put_instance(spec("a"), now=NOW)
    await enter(store, "u")
    await store.activate("s-u", player_id="p", now=NOW)
    await store.end("s-u", reason=EndReason.RELEASED, now=NOW)
    await store.put_instance(spec("a", fresh=False), now=NOW)
    await enter(store, "w")
    assert await state(store, "s-w") is SessionState.QUEUED
    await store.remove_instance("a", now=NOW)
    await store.put_instance(spec("a", fresh=False), now=NOW)
    assert await state(store, "s-w") is SessionState.QUEUED
    await store.put_instance(spec("a"), now=NOW)
    assert await state(store, "s-w") is SessionState.RESERVED
    await heard.until(ChangeKind.ASSIGNED, "s-w")
    assert [change.kind for change in heard.changes].count(ChangeKind.RECYCLE) == 2


async def test_an_instance_of_nobody_cannot_be_removed(make_store: MakeStore) -> None:
    """Unknown names are answered, not raised."""
    store = await make_store()
    assert not await store.remove_instance("a", now=NOW)
    assert not await store.instance_exists("a")
    await store.put_instance(spec("a"), now=NOW)
    assert await store.instance_exists("a")
    assert await store.activate("nobody", player_id="p", now=NOW) is None
    assert await store.attach("nobody", holder="h", now=NOW) is None


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
