"""What every store promises: the life of a session, asked of each of them."""

from matchmaker.model import (
    ChangeKind,
    Demand,
    EndReason,
    Rules,
    SameUser,
    SessionRequest,
    SessionState,
)
from tests.matchmaker.contract import (
    NOW,
    Heard,
    MakeStore,
    ask,
    enter,
    session_of,
    spec,
    state,
)


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
    store = await make_store(Rules(idle=100, warning=40))
    heard = Heard(store)
    await store.put_instance(spec("a"), now=NOW)
    await enter(store, "u")
    await store.activate("s-u", player_id="p", now=NOW)
    await store.tick(now=NOW + 61)
    assert (await heard.until(ChangeKind.EXPIRING, "s-u")).reason == EndReason.IDLE
    await store.touch(["s-u", "unknown"], now=NOW + 70)
    await store.tick(now=NOW + 121)
    assert await state(store, "s-u") is SessionState.ACTIVE
    await store.tick(now=NOW + 171)
    assert (await heard.until(ChangeKind.ENDED, "s-u")).reason == EndReason.IDLE


async def test_a_short_idle_limit_is_not_warned_of_all_the_time(make_store: MakeStore) -> None:
    """However long the warning should be, half of the limit passes without one."""
    store = await make_store(Rules(idle=30, warning=60))
    heard = Heard(store)
    await store.put_instance(spec("a"), now=NOW)
    await enter(store, "u")
    await store.activate("s-u", player_id="p", now=NOW)
    for second in (10, 20, 30):
        await store.tick(now=NOW + second)
        await store.touch(["s-u"], now=NOW + second)
    await store.end("s-u", reason=EndReason.RELEASED, now=NOW + 31)
    await heard.until(ChangeKind.ENDED, "s-u")
    assert ChangeKind.EXPIRING not in [change.kind for change in heard.changes]


async def test_an_outage_is_held_against_nobody(make_store: MakeStore) -> None:
    """Who could not poll, subscribe, come back or move in time gets the time again."""
    store = await make_store(Rules(idle=50, grace=30, max_duration=1000, warning=10))
    for name in ("a", "b", "c"):
        await store.put_instance(spec(name), now=NOW)
    for user in ("plays", "broke", "came"):
        await enter(store, user)
    for user in ("plays", "broke"):
        await store.activate(f"s-{user}", player_id="p", now=NOW)
    await store.detach("s-broke", holder="n1/broke", gone=True, now=NOW)
    await enter(store, "polls", holder="")
    users = ("plays", "broke", "came", "polls")
    await store.tick(now=NOW + 100, pardon=True)
    before = ["active", "grace", "reserved", "queued"]
    assert [await state(store, f"s-{user}") for user in users] == before
    await store.tick(now=NOW + 200)
    ended = [await store.session(f"s-{user}") for user in users]
    assert all(session and session.reason for session in ended)


async def test_an_outage_does_not_prolong_the_maximum_duration(make_store: MakeStore) -> None:
    """The stream went on meanwhile."""
    store = await make_store(Rules(max_duration=60))
    await store.put_instance(spec("a"), now=NOW)
    await enter(store, "u")
    await store.activate("s-u", player_id="p", now=NOW)
    await store.tick(now=NOW + 61, pardon=True)
    assert await state(store, "s-u") is SessionState.ENDED


async def test_moving_to_another_node_does_not_prolong_a_session(make_store: MakeStore) -> None:
    """It goes on with the time that it still has."""
    store = await make_store(Rules(max_duration=100, warning=0))
    for node in ("n1", "n2"):
        await store.put_instance(spec(node, node, node_name=node), now=NOW)
    await enter(store, "u", demand=Demand.of(node="n1"))
    await store.activate("s-u", player_id="p", now=NOW)
    moved = await store.attach("s-u", holder="n2/1", node="n2", now=NOW + 90)
    assert moved is not None
    assert moved.instance == "n2"
    again = await store.activate("s-u", player_id="q", now=NOW + 91)
    assert again is not None
    assert abs(again.ends_at - (NOW + 101)) < 0.001


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


async def test_who_comes_back_at_another_node_moves_there(make_store: MakeStore) -> None:
    """A place that the new node cannot show is given back, and one of its own is taken."""
    store = await make_store()
    heard = Heard(store)
    await store.put_instance(spec("far", node_name="one"), now=NOW)
    await store.put_instance(spec("near", "h2", node_name="two"), now=NOW)
    first = await enter(store, "u", demand=Demand.of(node="one"))
    await enter(store, "w", demand=Demand.of(node="one"))
    moved = await store.attach("s-u", holder="n2/1", now=NOW + 1, node="two")
    assert first.instance == "far"
    assert moved is not None
    assert (moved.state, moved.instance) == ("reserved", "near")
    assert moved.attributes["node"] == "two"
    heir = await store.session("s-w")
    assert heir is not None
    assert heir.instance == "far"
    await heard.until(ChangeKind.TAKEN_OVER, "s-u", "n1/u")


async def test_a_place_that_the_node_can_show_stays(make_store: MakeStore) -> None:
    """Coming back where one was changes nothing, nor does a place that is anywhere."""
    store = await make_store()
    await store.put_instance(spec("a", node_name="one"), now=NOW)
    await store.put_instance(spec("b", "h2"), now=NOW)
    for user, demand in (("u", Demand.of(node="one")), ("w", Demand.of())):
        before = await enter(store, user, demand=demand)
        after = await store.attach(f"s-{user}", holder="n1/2", now=NOW, node="one")
        assert after is not None
        assert (after.instance, after.waits) == (before.instance, 1)


async def test_a_waiter_that_moves_keeps_its_place_in_the_queue(make_store: MakeStore) -> None:
    """Who asked earlier is served earlier, at whichever node it waits by now."""
    store = await make_store()
    await enter(store, "early", demand=Demand.of(node="one"))
    await enter(store, "late", demand=Demand.of(node="two"))
    again = await store.request(ask("early", Demand.of(node="two"), holder="n2/2"), now=NOW + 1)
    assert again.ahead == 0
    await store.put_instance(spec("a", node_name="two"), now=NOW + 2)
    assert await state(store, "s-early") is SessionState.RESERVED
    assert await state(store, "s-late") is SessionState.QUEUED
