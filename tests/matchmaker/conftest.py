"""A real redis-server, and both stores behind one fixture."""

import random
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from matchmaker.memory import MemoryStore
from matchmaker.model import Rules
from matchmaker.redis_store import RedisStore
from matchmaker.store import MatchStore

MakeStore = Callable[..., MatchStore]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _start(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    """Start a redis-server and return when it answers."""
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    quiet = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"]
    server = subprocess.Popen(  # noqa: S603 - our own words
        ["redis-server", *options, *quiet],  # noqa: S607 - wherever it is installed
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 10
    while not _answers(port):
        if time.monotonic() > deadline or server.poll() is not None:
            server.kill()
            raise RuntimeError("redis-server did not start")
    return server


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a redis-server that runs as long as the tests."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    port = _free_port()
    server = _start(tmp_path_factory.mktemp("redis"), port)
    yield f"redis://127.0.0.1:{port}/0"
    server.terminate()
    server.wait(10)


@pytest.fixture
def free_port() -> int:
    """Return a port that nobody listens on."""
    return _free_port()


@pytest.fixture
def start_redis() -> Callable[[Path, int], "subprocess.Popen[bytes]"]:
    """Return a function that starts a redis-server on a folder and a port."""
    return _start


@pytest.fixture(params=["memory", "redis"])
async def make_store(
    request: pytest.FixtureRequest,
) -> AsyncIterator[Callable[..., "object"]]:
    """Yield a function that makes a started store; all of a test share their state."""
    made: list[MatchStore] = []
    prefix = f"{{test-{random.getrandbits(48):x}}}"

    async def make(
        rules: Rules | None = None, *, node: str = "n1", started: bool = True
    ) -> MatchStore:
        store: MatchStore
        if request.param == "memory":
            store = MemoryStore(rules or Rules(), node=node, dice=random.Random(1))  # noqa: S311 - repeatable
        else:
            url = request.getfixturevalue("redis_url")
            store = RedisStore(url, rules or Rules(), node=node, prefix=prefix)
        if started:
            await store.start()
            made.append(store)
        return store

    yield make
    for store in made:
        await store.close()
