"""The small pure parts: addresses, estimates, standings, tokens, options, ranking."""

import asyncio
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import ValidationError

from matchmaker.addresses import SessionAddresses
from matchmaker.batching import Batcher, BatchFullError
from matchmaker.clock import SystemClock
from matchmaker.estimate import Estimates
from matchmaker.lines import Line
from matchmaker.model import Canary, Demand, Policy, Session, Waiter, Waiting, pool_id
from matchmaker.requests import new_session_id
from matchmaker.selection import Ranking, compatible, handicap, matches, rank
from matchmaker.settings import MatchmakerSettings
from matchmaker.standings import standings
from matchmaker.store import MatchStore
from matchmaker.tokens import AUDIENCE, BadTokenError, SessionTokens

TEMPLATE = "https://session-{id}.example.com/"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("session-abc1.example.com", "abc1"),
        ("SESSION-abc1.Example.com:8443", "abc1"),
        ("session-abc1.example.com.", "abc1"),
        ("session-abc1.example.com.evil.net", None),
        ("xsession-abc1.example.com", None),
        ("session-.example.com", None),
        ("session-a.b.example.com", None),
        ("example.com", None),
        ("", None),
    ],
)
def test_a_host_header_names_a_session(header: str, found: str | None) -> None:
    """Exactly the template's shape, whatever the case and port."""
    assert SessionAddresses(TEMPLATE).session_id(header) == found


@given(st.text(max_size=80))
def test_any_host_header_is_survived(header: str) -> None:
    """Garbage names nobody."""
    found = SessionAddresses(TEMPLATE).session_id(header)
    assert found is None or found.isalnum()


def test_addresses_and_ids_fit_each_other() -> None:
    """A new id comes back out of its own address; no template means no addresses."""
    addresses, name = SessionAddresses(TEMPLATE), new_session_id()
    session = Session(id=name, user="u", demand="", attributes={})
    host = addresses.of(session).removeprefix("https://").removesuffix("/")
    assert addresses.session_id(host) == name
    assert SessionAddresses("").of(session) == ""
    assert SessionAddresses("").session_id(host) is None
    with pytest.raises(ValueError, match="once"):
        SessionAddresses("https://example.com/{id}")


def test_an_address_with_a_node_comes_with_the_place() -> None:
    """It names the node of the instance; while there is none there is no address."""
    addresses = SessionAddresses("https://session-{id}.{node}.example.com/")
    waiting = Session(id="abc", user="u", demand="", attributes={})
    assert addresses.of(waiting) == ""
    placed = replace(waiting, pool=pool_id({"application": "a", "node": "gpu-1", "zone": "z"}))
    assert addresses.of(placed) == "https://session-abc.gpu-1.example.com/"
    assert addresses.session_id("session-abc.gpu-2.example.com:443") == "abc"
    assert addresses.session_id("session-abc.example.com") is None


def test_no_estimate_without_measurements() -> None:
    """Two ends are not enough; other pools' ends do not count."""
    estimates = Estimates()
    pool = pool_id({"application": "a", "region": "eu"})
    for second in (0, 10):
        estimates.note_end(pool, second)
    assert estimates.eta({"application": "a"}, 1, 20) is None
    estimates.note_end(pool, 20)
    assert estimates.eta({"application": "a"}, 3, 20) == 30
    assert estimates.eta({"application": "b"}, 1, 20) is None
    assert estimates.eta({"application": "a", "region": "us"}, 1, 20) is None


def test_an_estimate_grows_while_nothing_ends() -> None:
    """It is honest about a queue that stands."""
    estimates = Estimates()
    for second in (0, 10, 20):
        estimates.note_end("application=a", second)
    soon, later = (estimates.eta({"application": "a"}, 1, now) for now in (20, 80))
    assert (soon, later) == (10, 40)


@given(
    st.lists(
        st.tuples(st.sampled_from(["eu", "us", ""]), st.integers(0, 1_000)),
        max_size=30,
        unique_by=lambda entry: entry[1],
    )
)
def test_standings_count_those_ahead_who_could_take_the_same(
    entries: list[tuple[str, int]],
) -> None:
    """The same as counting one by one."""
    demands = {region: Demand.of("a", region) for region in ("eu", "us", "")}
    waiting = Waiting(
        [Waiter(str(score), demands[region].id, score) for region, score in entries],
        {demands[region].id: demands[region].attributes for region, _ in entries},
    )
    found = standings(waiting)
    for region, score in entries:
        rivals = [s for r, s in entries if not r or not region or r == region]
        standing = found[str(score)]
        assert standing.position == sum(s <= score for s in rivals)
        assert standing.length == len(rivals)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 5)), max_size=60))
def test_a_ranking_always_gives_the_lowest(steps: list[tuple[bool, int, int]]) -> None:
    """Whatever was put and removed before."""
    ranking: Ranking[int] = Ranking()
    model: dict[int, int] = {}
    for put, item, at in steps:
        if put:
            ranking.put(item, at)
            model[item] = at
        else:
            ranking.discard(item)
            model.pop(item, None)
        assert ranking.best_rank() == (min(model.values()) if model else None)
        assert not model or model[ranking.pick(random.Random(1))] == min(model.values())  # noqa: S311 - repeatable


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), max_size=200))
def test_a_line_keeps_its_order(steps: list[tuple[bool, int]]) -> None:
    """Head entries included; leaving and coming back too."""
    line = Line(Demand.of())
    model: dict[str, float] = {}
    for number, (add, who) in enumerate(steps):
        name, score = str(who), float(number if number % 3 else -1_000 + number)
        if add and name not in model:
            line.add(name, score)
            model[name] = score
        elif not add and name in model:
            line.remove(name)
            del model[name]
        if model:
            assert line.first() == min((s, n) for n, s in model.items())


def test_the_pure_rules() -> None:
    """Matching, compatibility, rank and canary in one glance."""
    assert matches({"a": "1"}, {"a": "1", "b": "2"})
    assert not matches({"c": "1"}, {"a": "1"})
    assert compatible({"a": "1"}, {"b": "2"})
    assert not compatible({"a": "1"}, {"a": "2"})
    assert rank(3, 4, Policy.PACK) < rank(1, 4, Policy.PACK)
    assert rank(1, 4, Policy.SPREAD) < rank(3, 4, Policy.SPREAD)
    canary = Canary(version="2", share=0.1)
    assert handicap("2", canary, 0.05) < handicap("1", canary, 0.05)
    assert handicap("1", canary, 0.5) < handicap("2", canary, 0.5)


def test_tokens_of_other_kinds_are_refused() -> None:
    """One key signs three kinds of tokens; only ours is taken, keys are long enough."""
    import jwt  # noqa: PLC0415 - only to forge

    clock = SystemClock()
    tokens = SessionTokens(b"k" * 32, clock=clock)
    session = Session(id="s", user="u", demand="d", attributes={})
    assert tokens.read(tokens.issue(session, lifetime=5)).session_id == "s"
    claims = {"aud": AUDIENCE, "sub": "u", "sid": "s", "exp": clock.now() + 60}
    for changed in ({"aud": "resume"}, {"sid": None}):
        wrong = {k: v for k, v in (claims | changed).items() if v is not None}
        with pytest.raises(BadTokenError):
            tokens.read(jwt.encode(wrong, b"k" * 32, algorithm="HS256"))
    with pytest.raises(BadTokenError):
        tokens.read(jwt.encode(claims, None, algorithm="none"))
    with pytest.raises(ValueError, match="32"):
        SessionTokens(b"short", clock=clock)


def test_options_become_rules() -> None:
    """Names as in the documentation; wrong values are refused; secrets are not shown."""
    settings = MatchmakerSettings.model_validate(
        {
            "allocation_policy": "spread",
            "canary": {"game": {"version": "2", "share": 0.1}},
            "webhook_secret": "hidden",
        }
    )
    assert settings.rules().policy is Policy.SPREAD
    assert settings.rules().canary["game"].version == "2"
    assert "hidden" not in repr(settings)
    with pytest.raises(ValidationError):
        MatchmakerSettings.model_validate({"canary": {"game": {"version": "2", "share": 2}}})


async def test_calls_are_sent_together() -> None:
    """What comes while a batch is under way goes with the next; errors reach everybody."""
    gate, batches = asyncio.Event(), []

    async def send(batch: Sequence[int]) -> Sequence[int]:
        batches.append(list(batch))
        await gate.wait()
        if 13 in batch:
            raise RuntimeError("unlucky")
        return [item * 2 for item in batch]

    batcher: Batcher[int, int] = Batcher(send, size=4, in_flight=1, waiting=7)
    tasks = [asyncio.create_task(batcher(n)) for n in (1, 2, 3, 4, 5, 13)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gate.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert answers[:4] == [2, 4, 6, 8]
    assert all(isinstance(answer, RuntimeError) for answer in answers[4:])
    assert [len(batch) for batch in batches] == [4, 2]
    await batcher.close()
    with pytest.raises(BatchFullError):
        await batcher(1)


async def test_no_call_is_left_behind() -> None:
    """Not even one that comes right when the last sender ends."""

    async def send(batch: Sequence[int]) -> Sequence[int]:
        await asyncio.sleep(0)
        return batch

    batcher: Batcher[int, int] = Batcher(send, in_flight=1)
    async with asyncio.timeout(5):
        assert [await batcher(number) for number in range(3)] == [0, 1, 2]
    await batcher.close()


async def test_waiting_calls_are_bounded() -> None:
    """One more than allowed is refused at once."""
    gate = asyncio.Event()

    async def send(batch: Sequence[int]) -> Sequence[int]:
        await gate.wait()
        return batch

    batcher: Batcher[int, int] = Batcher(send, size=1, in_flight=1, waiting=2)
    first = asyncio.create_task(batcher(0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(batcher(n)) for n in (1, 2)]
    await asyncio.sleep(0)
    with pytest.raises(BatchFullError):
        await batcher(3)
    gate.set()
    assert await asyncio.gather(first, *others) == [0, 1, 2]


def test_adapters_fit_the_port() -> None:
    """Both have every method of the port (the type checker looks at the rest)."""
    from matchmaker.memory import MemoryStore  # noqa: PLC0415
    from matchmaker.redis_store import RedisStore  # noqa: PLC0415

    names = {name for name in vars(MatchStore) if not name.startswith("_")}
    for adapter in (MemoryStore, RedisStore):
        assert names <= set(dir(adapter))
