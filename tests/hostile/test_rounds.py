"""Thousands of strangers later the server is as small as before."""

import asyncio
import contextlib
import gc
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from yarl import URL

from bench.servers import Program
from tests.hostile.arena import Arena, frame, upgrade
from tests.hostile.corpus import FRAMES, TEXTS
from tests.signalling.peers import DEADLINE

ROUNDS = 100
"""Of thirty visits each."""

WARM_UP_ROUNDS = 200
"""
Until then the allocator's pools fill: 10 to 14 MB, most of it in the first hundred rounds.

From the 200th to the 400th round a quiet machine measured less than 1 MB either way.
"""

AT_ONCE = 10

MAX_GROWTH_KIB = 4_000
"""What the allocator still takes is some 1 MB; connections left behind would be over 50."""

SERVER = Program(
    "pycirrus",
    (
        "signalling", "serve", "--host=127.0.0.1", "--player_port=0", "--streamer_port=0",
        "--sfu_port=0", "--no_config", "--drain_timeout=0", "--resume_grace=0.1",
        "--no-retrieval",
    ),
)  # fmt: skip


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
    async with SERVER.running() as server:
        port = URL(server.player_url).port or 0
        await rounds(port, WARM_UP_ROUNDS)
        before = resident_kib(server.pid)
        await rounds(port, ROUNDS)
        assert resident_kib(server.pid) - before < MAX_GROWTH_KIB


async def test_nothing_is_left_of_a_thousand(under_attack: Arena) -> None:
    """No task, connection, player, or place in a table stays after a thousand visits."""
    for role in ("player", "streamer", "sfu"):
        await rounds(under_attack.port(role), 11)
        await under_attack.canary.sings()


@pytest.fixture
def garbage() -> Iterator[list[object]]:
    """Give what the garbage collector finds, which runs only when the test says so."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    yield gc.garbage
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


async def test_nothing_waits_for_the_collector(
    under_attack: Arena, garbage: list[object]
) -> None:
    """A connection is freed as it ends, however it ends, not some thousand others later."""
    await rounds(under_attack.port("player"), 2)
    await under_attack.is_clean()
    gc.collect()
    left = Counter(type(each).__module__.partition(".")[0] for each in garbage)
    assert (left["signalling"], left["aiohttp"]) == (0, 0)
