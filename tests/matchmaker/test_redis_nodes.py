"""Several nodes on one Redis: news, death, restart and outage."""

import asyncio
import subprocess
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from matchmaker.model import (
    Change,
    ChangeKind,
    Demand,
    EndReason,
    InstanceSpec,
    Rules,
    SessionRequest,
    SessionState,
)
from matchmaker.redis_store import RedisStore
from matchmaker.store import StateUnavailableError

NOW = 1_000.0
Nodes = Callable[..., Awaitable["Node"]]
StartRedis = Callable[[Path, int], "subprocess.Popen[bytes]"]


class Node:
    """A store of one node and what it heard."""

    def __init__(self, url: str, name: str, prefix: str, rules: Rules | None = None) -> None:
        self.store = RedisStore(url, rules or Rules(), node=name, prefix=prefix)
        self.changes: list[Change] = []
        self.gaps = 0
        self.store.listen(self.changes.extend, self._gap)

    def _gap(self) -> None:
        self.gaps += 1

    async def ask(self, user: str, number: int = 1) -> SessionState | None:
        """Ask for a place and return how the session stands."""
        request = SessionRequest(
            id=f"s-{user}", user=user, demand=Demand.of(), holder=f"{self.store.node}/{number}"
        )
        answer = await self.store.request(request, now=NOW)
        return answer.session.state if answer.session else None

    async def heard(self, kind: ChangeKind, user: str = "") -> Change:
        """Return the first such change, once it was heard."""
        async with asyncio.timeout(10):
            while True:
                for change in self.changes:
                    named = change.session.user if change.session else ""
                    if change.kind is kind and user in ("", named):
                        return change
                await asyncio.sleep(0.005)


@pytest.fixture
async def prefix() -> str:
    """Yield names that no other test uses."""
    return f"{{nodes-{uuid.uuid4().hex}}}"


@pytest.fixture
async def node(redis_url: str, prefix: str) -> AsyncIterator[Nodes]:
    """Yield a function that starts a node."""
    made: list[Node] = []

    async def start(name: str, rules: Rules | None = None) -> Node:
        new = Node(redis_url, name, prefix, rules)
        await new.store.start()
        await new.store.tick(now=NOW)
        made.append(new)
        return new

    yield start
    for one in made:
        await one.store.close()


async def test_news_reach_the_node_of_the_waiter(node: Nodes) -> None:
    """A place that frees on one node is told to a waiter of another."""
    one, two = await node("n1"), await node("n2")
    await one.store.put_instance(InstanceSpec(id="a", host="h"), now=NOW)
    assert await one.ask("alice") is SessionState.RESERVED
    assert await two.ask("bob") is SessionState.QUEUED
    await one.store.end("s-alice", reason=EndReason.RELEASED, now=NOW)
    told = await two.heard(ChangeKind.ASSIGNED, "bob")
    assert told.session is not None
    assert (told.session.holder, told.node) == ("n2/1", "n1")


async def test_a_dead_node_leaves_nothing_behind(node: Nodes) -> None:
    """Its instances go, its users keep place and time to come back, then go too."""
    dead, alive = await node("n1", Rules(lease=15, grace=30)), await node("n2")
    await dead.store.put_instance(InstanceSpec(id="a", host="h"), now=NOW)
    await dead.ask("alice")
    await dead.store.activate("s-alice", player_id="p", now=NOW)
    await dead.ask("bob", 2)
    await alive.store.tick(now=NOW + 16)
    assert await alive.store.hosts() == []
    alice, bob = await alive.store.session("s-alice"), await alive.store.session("s-bob")
    assert alice is not None
    assert bob is not None
    assert (alice.state, bob.state) == ("queued", "queued")
    assert alice.score < bob.score
    await alive.store.put_instance(InstanceSpec(id="b", host="h2"), now=NOW + 17)
    back = await alive.store.attach("s-alice", holder="n2/1", now=NOW + 18)
    assert back is not None
    assert (back.state, back.instance) == ("reserved", "b")
    await alive.store.activate("s-alice", player_id="q", now=NOW + 19)
    await alive.store.tick(now=NOW + 60)
    gone = await alive.store.session("s-bob")
    assert gone is not None
    assert gone.reason == EndReason.ABANDONED
    assert not (await dead.store.tick(now=NOW + 60)).known


async def test_nodes_that_were_cut_off_together_do_not_bury_each_other(node: Nodes) -> None:
    """With Redis back, the first to come lets the others come too; silence ends later."""
    first, second = await node("n1"), await node("n2")
    await second.store.put_instance(InstanceSpec(id="a", host="h"), now=NOW)
    await second.ask("alice")
    await second.store.activate("s-alice", player_id="p", now=NOW)
    assert (await first.store.tick(now=NOW + 60, pardon=True)).known
    assert await first.store.instance_exists("a")
    assert (await second.store.tick(now=NOW + 60.4, pardon=True)).known
    alice = await first.store.session("s-alice")
    assert alice is not None
    assert (alice.state, alice.holder) == ("active", "n2/1")
    await first.store.tick(now=NOW + 76)
    assert not await first.store.instance_exists("a")


async def test_only_the_owner_removes_an_instance(node: Nodes) -> None:
    """A streamer that moved to another node is not taken out by the old one."""
    old, new = await node("n1"), await node("n2")
    await old.store.put_instance(InstanceSpec(id="a", host="h"), now=NOW)
    await new.store.put_instance(InstanceSpec(id="a", host="h"), now=NOW)
    assert not await old.store.remove_instance("a", now=NOW)
    assert await new.store.instance_exists("a")


async def test_every_key_expires(node: Nodes, redis_url: str, prefix: str) -> None:
    """With no node left, Redis forgets everything by itself; all keys share a slot."""
    one = await node("n1")
    await one.store.put_instance(InstanceSpec(id="a", host="h"), now=NOW)
    await one.ask("alice")
    await one.ask("bob", 2)
    await one.store.tick(now=NOW + 1)
    async with Redis.from_url(redis_url) as redis:
        keys = [key async for key in redis.scan_iter(f"{prefix}:*")]
        assert len(keys) >= 10
        assert all([0 < await redis.ttl(key) <= 86_400 for key in keys])


async def test_a_restart_of_redis_and_node_keeps_order(
    tmp_path: Path, free_port: int, start_redis: StartRedis
) -> None:
    """Sessions and queue are as they were; what cannot be reached is said so."""
    port = free_port
    server = start_redis(tmp_path, port)
    first = Node(f"redis://127.0.0.1:{port}/0", "n1", "{r}")
    await first.store.start()
    await first.store.tick(now=NOW)
    await first.store.put_instance(InstanceSpec(id="a", host="h"), now=NOW)
    for number, user in enumerate(("alice", "bob", "carol")):
        await first.ask(user, number)
    _stop(server)
    with pytest.raises(StateUnavailableError):
        await first.store.tick(now=NOW)
    with pytest.raises(StateUnavailableError):
        await first.store.session("s-alice")
    server = start_redis(tmp_path, port)
    await first.store.end("s-alice", reason=EndReason.RELEASED, now=NOW + 1)
    told = await first.heard(ChangeKind.ENDED)
    assert told.session is not None
    await first.store.close()
    second = Node(f"redis://127.0.0.1:{port}/0", "n2", "{r}")
    await second.store.start()
    states = [await second.store.session(f"s-{u}") for u in ("alice", "bob", "carol")]
    assert [s.state if s else None for s in states] == ["ended", "reserved", "queued"]
    await second.store.close()
    _stop(server)


async def test_a_redis_that_forgot_everything_is_noticed(
    tmp_path: Path, free_port: int, start_redis: StartRedis
) -> None:
    """The tick tells that this node is unknown, and news flow on."""
    port = free_port
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    server = start_redis(tmp_path / "a", port)
    node = Node(f"redis://127.0.0.1:{port}/0", "n1", "{r}")
    await node.store.start()
    await node.store.tick(now=NOW)
    await node.ask("alice")
    await node.heard(ChangeKind.QUEUED, "alice")
    _stop(server)
    server = start_redis(tmp_path / "b", port)
    assert not (await node.store.tick(now=NOW)).known
    await node.ask("bob")
    await node.heard(ChangeKind.QUEUED, "bob")
    await node.store.close()
    _stop(server)


@pytest.mark.parametrize(
    ("option", "good", "bad"),
    [("min-replicas-to-write", 0, 1), ("maxmemory", 0, 1)],
)
async def test_a_redis_that_takes_no_changes_counts_as_away(
    node: Nodes, redis_url: str, option: str, good: int, bad: int
) -> None:
    """Without replicas or memory, as after a failover: later, and nothing is half done."""
    one = await node("n1")
    async with Redis.from_url(redis_url) as redis:
        await redis.config_set(option, bad)
        try:
            with pytest.raises(StateUnavailableError, match="refuses for now"):
                await one.ask("alice")
        finally:
            await redis.config_set(option, good)
    assert await one.store.session("s-alice") is None
    assert await one.ask("alice") is SessionState.QUEUED


async def test_missed_news_are_noticed(node: Nodes, redis_url: str, prefix: str) -> None:
    """A stream that was cut, or emptied, since the last read is a gap; else there is none."""
    one = await node("n1")
    await one.ask("alice")
    await one.heard(ChangeKind.QUEUED)
    feed = one.store._feed
    await feed._check_gap()
    assert one.gaps == 0
    feed._last = b"1-0"
    await feed._check_gap()
    assert one.gaps == 1
    async with Redis.from_url(redis_url) as redis:
        await redis.delete(f"{prefix}:changes")
    await feed._check_gap()
    assert one.gaps == 2


async def test_news_flow_on_after_an_entry_nobody_can_read(
    node: Nodes, redis_url: str, prefix: str
) -> None:
    """As a newer version may write; what it said is fetched as after a gap."""
    one = await node("n1")
    async with Redis.from_url(redis_url) as redis:
        await redis.xadd(f"{prefix}:changes", {"c": b'[{"kind": "of tomorrow", "node": "n2"}]'})
    await one.ask("alice")
    await one.heard(ChangeKind.QUEUED, "alice")
    assert one.gaps == 1


def _stop(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    server.wait(10)
