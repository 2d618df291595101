"""What dashboards read, on one Redis and on a real cluster of two."""

import asyncio
import json
import shutil
import subprocess
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from redis.asyncio import Redis

from matchmaker.addresses import SessionAddresses
from matchmaker.mirror import RedisMirror
from matchmaker.model import (
    Change,
    ChangeKind,
    Demand,
    EndReason,
    InstanceSpec,
    Rules,
    Session,
    SessionRequest,
)
from matchmaker.redis_store import RedisStore
from matchmaker.store import StateUnavailableError
from stores.redis import client
from tests.matchmaker.contract import Heard

NOW = 1_000.0
SLOTS = 16_384


class Mirrored:
    """A store and its mirror, which is told of everything."""

    def __init__(self, url: str, prefix: str, *, ttl: int = 600) -> None:
        self.store = RedisStore(url, Rules(), node="n1", prefix=prefix)
        addresses = SessionAddresses("https://session-{id}.example.com/")
        self.mirror = RedisMirror(url, self.store, addresses, ttl=ttl)
        self.heard = Heard(self.store)
        self.store.listen(self._tell, lambda: None)

    def _tell(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self.mirror.tell(change)

    async def ask(self, user: str, session_id: str = "") -> Session:
        """Ask for a place and wait until that is heard."""
        request = SessionRequest(
            id=session_id or f"s-{user}", user=user, demand=Demand.of(), holder="n1/1"
        )
        answer = await self.store.request(request, now=NOW)
        assert answer.session is not None
        kind = ChangeKind.ASSIGNED if answer.session.instance else ChangeKind.QUEUED
        await self.heard.until(kind, answer.session.id)
        return answer.session

    async def close(self) -> None:
        """Close both."""
        await self.mirror.close()
        await self.store.close()


@pytest.fixture
async def mirrored(redis_url: str) -> AsyncIterator[Mirrored]:
    """Yield a store with a mirror."""
    made = Mirrored(redis_url, f"{{mirror-{uuid.uuid4().hex}}}")
    await made.store.start()
    yield made
    await made.close()


async def show(made: Mirrored, url: str) -> None:
    """Let a session come and go, and look at the mirror each time."""
    server, user = f"ue-{uuid.uuid4().hex}", f"user-{uuid.uuid4().hex}"
    async with client(url) as redis:
        await made.store.put_instance(InstanceSpec(id=server, host="h"), now=NOW)
        await made.ask(user)
        await made.mirror.flush()
        shown = json.loads(await redis.get(f"session:{user}") or b"{}")
        assert shown["userId"] == user
        assert shown["serverId"] == server
        assert shown["subdomain"] == f"session-s-{user}"
        assert (shown["startTime"], shown["maxDuration"]) == (1_000_000, 1_800)
        assert await redis.ttl(f"session:{user}") > 0
        assert await redis.sismember("cirrus:servers", server)
        assert await redis.get(f"cirrus:{server}:load") == b"1"
        await made.store.end(f"s-{user}", reason=EndReason.RELEASED, now=NOW)
        await made.store.remove_instance(server, now=NOW)
        await made.heard.until(ChangeKind.INSTANCE_LEFT, "", server)
        await made.mirror.flush()
        assert await redis.get(f"session:{user}") is None
        assert not await redis.sismember("cirrus:servers", server)
        assert await redis.get(f"cirrus:{server}:load") is None


async def test_the_mirror_shows_sessions_and_servers(
    mirrored: Mirrored, redis_url: str
) -> None:
    """Under the names and with the fields that dashboards know; ended ones go."""
    await show(mirrored, redis_url)


async def test_a_late_end_does_not_hide_the_next_session(
    mirrored: Mirrored, redis_url: str
) -> None:
    """One node tells of an end after another has written the same user's new session."""
    user = f"user-{uuid.uuid4().hex}"
    first = await mirrored.ask(user)
    ended = await mirrored.store.end(first.id, reason=EndReason.RELEASED, now=NOW)
    await mirrored.ask(user, f"second-{user}")
    await mirrored.mirror.flush()
    mirrored.mirror.tell(Change(kind=ChangeKind.ENDED, node="n2", session=ended))
    await mirrored.mirror.flush()
    async with Redis.from_url(redis_url) as redis:
        shown = json.loads(await redis.get(f"session:{user}") or b"{}")
    assert shown["sessionId"] == f"second-{user}"


async def test_the_mirror_goes_on_where_a_key_is_somebody_elses(
    mirrored: Mirrored, redis_url: str
) -> None:
    """What can be written is written, also the next time."""
    mirror = mirrored.mirror
    users = [f"user-{uuid.uuid4().hex}" for _ in range(2)]
    server = f"ue-{uuid.uuid4().hex}"
    async with Redis.from_url(redis_url) as redis:
        kept = await redis.smembers("cirrus:servers")
        await redis.delete("cirrus:servers")
        await redis.lpush("cirrus:servers", "a list of somebody's")
        await mirror.start()
        await mirrored.store.put_instance(InstanceSpec(id=server, host="h"), now=NOW)
        for user in users:
            await mirrored.ask(user)
            async with asyncio.timeout(10):
                while not await redis.exists(f"session:{user}"):  # noqa: ASYNC110 -- Redis tells nobody
                    await asyncio.sleep(0.01)
        await redis.delete("cirrus:servers")
        if kept:
            await redis.sadd("cirrus:servers", *kept)


async def test_the_keys_of_a_quiet_server_are_renewed(redis_url: str) -> None:
    """They would be gone after their lifetime though the server is there."""
    made = Mirrored(redis_url, f"{{mirror-{uuid.uuid4().hex}}}", ttl=2)
    server = f"ue-{uuid.uuid4().hex}"
    await made.store.start()
    await made.store.put_instance(InstanceSpec(id=server, host="h"), now=NOW)
    await made.heard.until(ChangeKind.INSTANCE_JOINED, "", server)
    await made.mirror.flush()
    async with Redis.from_url(redis_url) as redis:
        await redis.delete(f"cirrus:{server}:load")
        await made.mirror.start()
        async with asyncio.timeout(10):
            while await redis.get(f"cirrus:{server}:load") is None:  # noqa: ASYNC110 - nothing tells when
                await asyncio.sleep(0.01)
    await made.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[list[int]]:
    """Yield the ports of two redis-servers that are to be a cluster."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    ports, servers = [], []
    for number in range(2):
        port = _port_for_cluster()
        folder = tmp_path / str(number)
        folder.mkdir()
        servers.append(_start(folder, port))
        ports.append(port)
    yield ports
    for server in servers:
        server.terminate()
        server.communicate(timeout=10)


def _port_for_cluster() -> int:
    """Return a free port; a cluster's node takes the one 10,000 above as well."""
    import socket  # noqa: PLC0415 - only here

    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port < 55_000:
            return port


def _start(folder: Path, port: int) -> "subprocess.Popen[str]":
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    server = subprocess.Popen(  # noqa: S603 - our own words
        ["redis-server", *options, "--cluster-enabled", "yes"],  # noqa: S607 - wherever it is
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    for line in server.stdout:
        if "ready to accept connections" in line.lower():
            break
    return server


async def join(ports: Sequence[int]) -> None:
    """Make a cluster of the servers and wait until it is one."""
    share = SLOTS // len(ports)
    for number, port in enumerate(ports):
        last = SLOTS - 1 if port == ports[-1] else (number + 1) * share - 1
        async with Redis(port=port) as redis:
            await redis.execute_command("CLUSTER", "ADDSLOTSRANGE", number * share, last)
            await redis.execute_command("CLUSTER", "MEET", "127.0.0.1", ports[0])
    async with asyncio.timeout(30):
        for port in ports:
            async with Redis(port=port) as redis:
                while (await redis.execute_command("CLUSTER INFO"))["cluster_state"] != "ok":  # noqa: ASYNC110 - nothing tells when
                    await asyncio.sleep(0.05)


async def test_sessions_live_on_a_cluster(cluster: list[int]) -> None:
    """Whichever node is named; without saying so it is told what the URL must be."""
    await join(cluster)
    for port in cluster:
        url = f"redis+cluster://127.0.0.1:{port}"
        made = Mirrored(url, "{pycirrus-match}")
        await made.store.start()
        await show(made, url)
        await made.close()
    errors = [await refusal(f"redis://127.0.0.1:{port}") for port in cluster]
    assert min(errors) == ""
    assert "redis+cluster://" in max(errors)


async def refusal(url: str) -> str:
    """Return what a store says that was given the plain URL of a cluster's node."""
    store = RedisStore(url, Rules(), node="n1")
    try:
        await store.start()
    except StateUnavailableError as error:
        return str(error)
    finally:
        await store.close()
    return ""
