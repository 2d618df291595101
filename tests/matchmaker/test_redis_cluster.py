"""A Redis cluster of two nodes: the state on one of them, the mirror on both."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis
from redis.cluster import RedisCluster

from matchmaker.addresses import SessionAddresses
from matchmaker.mirror import RedisMirror
from matchmaker.model import (
    Change,
    Demand,
    InstanceSpec,
    Rules,
    SessionRequest,
    SessionState,
)
from matchmaker.redis_store import RedisStore
from matchmaker.store import StateUnavailableError

NOW = 1_000.0
SLOTS = 16_384


@dataclass(frozen=True, slots=True)
class Server:
    """One node of the cluster."""

    port: int
    bus: int


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """Yield the ports of two nodes that have half of the keys each."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    with contextlib.ExitStack() as stack:
        servers = [_start(tmp_path_factory.mktemp(f"node{n}"), stack) for n in range(2)]
        first, second = (stack.enter_context(Redis(port=one.port)) for one in servers)
        half = SLOTS // 2
        first.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, half - 1)
        second.execute_command("CLUSTER", "ADDSLOTSRANGE", half, SLOTS - 1)
        first.execute_command("CLUSTER", "MEET", "127.0.0.1", servers[1].port, servers[1].bus)
        _until(lambda: all(_knows_all(node) for node in (first, second)))
        yield servers[0].port, servers[1].port


def _knows_all(node: "Redis") -> bool:
    return b"cluster_state:ok" in node.execute_command("CLUSTER", "INFO")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start(folder: Path, stack: contextlib.ExitStack) -> Server:
    port, bus = _free_port(), _free_port()
    words = ["--port", str(port), "--cluster-port", str(bus), "--dir", str(folder)]
    words += ["--bind", "127.0.0.1", "--cluster-enabled", "yes", "--save", ""]
    process = stack.enter_context(
        subprocess.Popen(["redis-server", *words], stdout=subprocess.DEVNULL)  # noqa: S603, S607 -- our own words, wherever it is installed
    )
    stack.callback(process.terminate)
    _until(lambda: _answers(port))
    return Server(port, bus)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline, "the cluster did not come up"
        time.sleep(0.05)


@pytest.fixture
def prefix() -> str:
    """Return names that no other test uses."""
    return f"{{cluster-{uuid.uuid4().hex}}}"


@pytest.mark.parametrize("entry", [0, 1])
async def test_places_are_given_by_way_of_any_node(
    entry: int, cluster: tuple[int, int], prefix: str
) -> None:
    """Scripts, reads and news find the node that has the keys."""
    url = f"redis+cluster://127.0.0.1:{cluster[entry]}/0"
    server, assigned = f"ue-{uuid.uuid4().hex}", asyncio.Event()

    def listen(changes: Sequence[Change]) -> None:
        for change in changes:
            mirror.tell(change)
            if change.session:
                assigned.set()

    async with contextlib.AsyncExitStack() as stack:
        store = RedisStore(url, Rules(), node="n1", prefix=prefix)
        mirror = RedisMirror(url, store, SessionAddresses("https://{id}.example.com/"), ttl=60)
        stack.push_async_callback(store.close)
        stack.push_async_callback(mirror.close)
        store.listen(listen, lambda: None)
        await store.start()
        await store.put_instance(InstanceSpec(id=server, host="h"), now=NOW)
        request = SessionRequest(id="s", user="u", demand=Demand.of(), holder="n1/1")
        answer = await store.request(request, now=NOW)
        assert answer.session is not None
        assert answer.session.state is SessionState.RESERVED
        assert [one.id for one in await store.sessions()] == ["s"]
        async with asyncio.timeout(10):
            await assigned.wait()
        await mirror.flush()
    with RedisCluster(host="127.0.0.1", port=cluster[0]) as redis:
        assert redis.get("session:u") is not None
        assert redis.get(f"cirrus:{server}:load") == b"1"


async def test_a_plain_address_of_a_cluster_is_told(
    cluster: tuple[int, int], prefix: str
) -> None:
    """Whoever has not got the keys says who has; the message says what to write."""
    messages = []
    for port in cluster:
        store = RedisStore(f"redis://127.0.0.1:{port}/0", Rules(), node="n", prefix=prefix)
        try:
            await store.start()
        except StateUnavailableError as error:
            messages.append(str(error))
        await store.close()
    (message,) = messages
    assert "write redis+cluster:// for redis://" in message


async def test_a_cluster_that_is_not_there_is_an_outage(prefix: str) -> None:
    """As a single server would be."""
    url = f"redis+cluster://127.0.0.1:{_free_port()}/0"
    store = RedisStore(url, Rules(), node="n", prefix=prefix)
    with pytest.raises(StateUnavailableError):
        await store.start()
    await store.close()
