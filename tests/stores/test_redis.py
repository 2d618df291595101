"""Clients and scripts against a real redis-server."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import ResponseError

from stores.redis import (
    RedisUnavailableError,
    Script,
    ScriptError,
    client,
    joined_source,
    reachable,
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a redis-server of our own."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    path = tmp_path_factory.mktemp("redis") / "socket"
    options = ["--port", "0", "--unixsocket", str(path), "--save", ""]
    server = subprocess.Popen(  # noqa: S603 - our own words
        ["redis-server", *options],  # noqa: S607 - wherever it is installed
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    for line in server.stdout:
        if "ready to accept connections" in line.lower():
            break
    yield f"unix://{path}"
    server.terminate()
    server.communicate(timeout=10)


async def test_a_script_is_sent_again_when_redis_forgot_it(url: str) -> None:
    """As after a restart."""
    async with client(url) as redis:
        script = Script(redis, "return {KEYS[1], ARGV[1]}")
        assert await script(["k"], ["v"]) == [b"k", b"v"]
        await redis.script_flush()
        assert await script(["k"], [b"w"]) == [b"k", b"w"]


async def test_a_wrong_script_is_told_from_an_outage(url: str) -> None:
    """One is our fault, the other passes."""
    async with client(url) as redis:
        with pytest.raises(ScriptError):
            await Script(redis, "return nonsense()")([], [])
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        async with client(f"redis://127.0.0.1:{port}/0") as redis:
            with pytest.raises(RedisUnavailableError):
                await Script(redis, "return 1")([], [])


@pytest.mark.parametrize(
    ("option", "value", "usual"),
    [("min-replicas-to-write", "1", "0"), ("maxmemory", "1", "0")],
)
async def test_a_server_that_takes_no_writes_is_an_outage(
    option: str, value: str, usual: str, url: str
) -> None:
    """Too few replicas, no memory: that passes, and is no fault of the script."""
    async with client(url) as redis:
        script = Script(redis, "return redis.call('SET', KEYS[1], ARGV[1])")
        assert await script(["k"], ["v"]) == b"OK"
        await redis.config_set(option, value)
        try:
            with pytest.raises(RedisUnavailableError):
                await script(["k"], ["v"])
        finally:
            await redis.config_set(option, usual)


@pytest.mark.parametrize(
    "answer",
    [
        "UNBLOCKED force unblock from blocking operation, instance state changed",
        "MISCONF Redis is configured to save RDB snapshots, but it is unable to persist",
    ],
)
def test_what_passes_is_an_outage(answer: str) -> None:
    """A failover answers whoever waits in a blocking command so."""
    with pytest.raises(RedisUnavailableError, match=answer.split(maxsplit=1)[0]), reachable():
        raise ResponseError(answer)
    with pytest.raises(ResponseError, match="wrong number"), reachable():
        raise ResponseError("wrong number of arguments")


async def test_who_finds_all_connections_busy_waits(url: str) -> None:
    """More callers than connections is no error."""
    async with client(url) as redis:
        answers = await asyncio.gather(*(redis.ping() for _ in range(100)))
    assert all(answers)


def test_other_errors_pass_through() -> None:
    """Only what means an outage is translated."""
    with pytest.raises(ZeroDivisionError), reachable():
        raise ZeroDivisionError
    with pytest.raises(RedisUnavailableError), reachable():
        raise ConnectionResetError


def test_scripts_are_joined_in_order(tmp_path: Path) -> None:
    """By name; other files are left out."""
    for name, text in (("2.lua", "two"), ("1.lua", "one"), ("readme.md", "no")):
        (tmp_path / name).write_text(text)
    assert joined_source(tmp_path) == "one\ntwo"
