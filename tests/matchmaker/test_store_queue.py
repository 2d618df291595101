"""What every store promises: who waits and who is next, asked of each of them."""

import pytest

from matchmaker.model import (
    Demand,
    EndReason,
    HostPatch,
    Rules,
    SessionState,
)
from tests.matchmaker.contract import (
    NOW,
    MakeStore,
    ask,
    enter,
    session_of,
    spec,
    state,
)


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
    """Inventing requirements fills no memory, nor keeps out who asks for what is there."""
    store = await make_store(Rules(max_demands=1))
    await enter(store, "u1")
    strange = Demand.of(requirements={"x": "y"})
    assert (await store.request(ask("u2", strange), now=NOW)).code == "too_many_demands"
    await store.put_instance(spec("eu", region="eu", application="car"), now=NOW)
    await store.patch_host("h1", HostPatch(draining=True), now=NOW)
    await enter(store, "u3", demand=Demand.of("car"))
    real = Demand.of("car", "eu")
    assert (await store.request(ask("u4", real), now=NOW)).code == "too_many_demands"


async def test_a_waiter_that_leaves_is_out_at_once(make_store: MakeStore) -> None:
    """Only its own connection can say so."""
    store = await make_store()
    await enter(store, "u")
    assert await store.detach("s-u", holder="n1/else", gone=True, now=NOW) is None
    left = await store.detach("s-u", holder="n1/u", gone=True, now=NOW)
    assert left is not None
    assert (left.state, left.reason) == ("ended", EndReason.LEFT)
    assert (await store.waiting()).waiters == []


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
