"""Thousands of strangers later the server is as small as before."""

import asyncio
import contextlib
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.hostile.arena import Arena, frame, upgrade
from tests.hostile.corpus import FRAMES, TEXTS
from tests.signalling.peers import DEADLINE

ROUNDS = 100
"""Of thirty visits each."""

WARM_UP_ROUNDS = 200
"""Until then the allocator still takes what it will keep: some 15 MB."""

AT_ONCE = 10

MAX_GROWTH_KIB = 16_000
"""
The allocator takes memory in steps of some megabytes at moments of its own; a visit that
left its connection behind would be more than 50 MB.
"""


def visits() -> list[bytes]:
    """Return what strangers say, one after the other."""
    texts = ("null", "no json", "long id", "deep object")
    odd = ("zeros", "reserved bit 1", "half a message", "binary")
    bodies = [frame(TEXTS[name]) for name in texts] + [FRAMES[name] for name in odd]
    bodies.append(frame(b'{"type":"subscribe","streamerId":"Kiosk"}'))
    bodies.append(frame(b'{"type":"listStreamers"}') * 3)
    paths = (b"/", b"/?resume=1", b"/?OfferToReceive=true")
    return [upgrade(path) + body for body in bodies for path in paths]


async def visit(port: int, data: bytes) -> None:
    """Say *data*, hear something, and break the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(OSError):
        writer.write(data)
        async with asyncio.timeout(DEADLINE):
            await reader.read(2**16)
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def rounds(port: int, number: int) -> None:
    """Let strangers come, some at once."""
    everything = visits() * number
    for start in range(0, len(everything), AT_ONCE):
        batch = everything[start : start + AT_ONCE]
        await asyncio.gather(*(visit(port, data) for data in batch))


@contextlib.asynccontextmanager
async def served(*options: str) -> AsyncIterator[dict[str, Any]]:
    """Run a server as a process; gives its ports and pid."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "signalling", "serve", "--host=127.0.0.1", "--player_port=0",
        "--streamer_port=0", "--sfu_port=0", "--no_config", "--drain_timeout=0", *options,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(30):
        line = b""
        while b'"listening"' not in line:
            line = await process.stdout.readline()
            assert line, "the server did not start"
    silencing = asyncio.create_task(_drain(process.stdout))
    try:
        yield {**orjson.loads(line), "pid": process.pid}
    finally:
        process.terminate()
        await process.wait()
        await silencing


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(2**16):
        pass


def resident_kib(pid: int) -> int:
    """Return the memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found
    return int(found[1])


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="needs Linux's /proc")
async def test_memory_does_not_grow() -> None:
    """Three thousand visits leave the process no larger than the thousands before did."""
    async with served("--resume_grace=0.1", "--no-retrieval") as server:
        await rounds(server["player_port"], WARM_UP_ROUNDS)
        before = resident_kib(server["pid"])
        await rounds(server["player_port"], ROUNDS)
        assert resident_kib(server["pid"]) - before < MAX_GROWTH_KIB


async def test_nothing_is_left_of_a_thousand(under_attack: Arena) -> None:
    """No task, connection, player, or place in a table stays after a thousand visits."""
    for role in ("player", "streamer", "sfu"):
        await rounds(under_attack.port(role), 11)
        await under_attack.canary.sings()
