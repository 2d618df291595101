"""The processes of a measurement of the consultant: server, stand-ins, visitors."""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson

from bench.crowd import Address, Void
from bench.servers import OURS, Program

ELSEWHERE: Final = 10
"""
Niceness of stand-ins and visitors.

In production they run on machines of their own; here they must not take the
server's cores.
"""

READY_SECONDS: Final = 120.0
"""What loading a catalogue and a model may take."""

LINE_BYTES: Final = 2**24

DEMO: Final = (
    "--retrieval", "--demo_catalogue",
    "--chat_per_minute", "1000000", "--chat_per_minute_per_address", "1000000",
)  # fmt: skip
"""A consultant over the demonstration catalogue, its limits counted and out of reach."""


def server(*options: str) -> Program:
    """Return our server with a consultant."""
    return Program("pycirrus", (*OURS.arguments, *DEMO, *options))


def with_services(port: int) -> Sequence[str]:
    """Return the options that put stand-ins on *port* in the place of OpenAI and Pinecone."""
    base = f"http://127.0.0.1:{port}"
    return (
        "--embedding_provider", "openai", "--openai_api_key", "sk-bench",
        "--openai_base_url", f"{base}/v1",
        "--pinecone_api_key", "pc-bench", "--pinecone_host", base,
    )  # fmt: skip


def _elsewhere() -> None:
    """Leave the server the core that the consultant leaves it too."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[1:] or cores)
    os.nice(ELSEWHERE)


@contextlib.asynccontextmanager
async def _module(name: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", name, *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        limit=LINE_BYTES, preexec_fn=_elsewhere,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@contextlib.asynccontextmanager
async def services(
    delay: float, *, tokens_per_second: float | None = None
) -> AsyncIterator[int]:
    """Run the stand-ins; gives their port."""
    pace = () if tokens_per_second is None else ("--tokens_per_second", str(tokens_per_second))
    async with _module("bench.chat.services", "--delay", str(delay), *pace) as process:
        yield (await _line(process))["port"]


@dataclass(slots=True)
class Visitors:
    """The visitors of a run, while they ask."""

    process: asyncio.subprocess.Process

    def begin_anew(self) -> None:
        """Let the figures start here."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")

    async def end(self) -> dict[str, Any]:
        """Stop them; return their figures. Raises `Void` for what must not happen."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        figures = await _line(self.process)
        if figures["faults"]:
            raise Void(f"chat: {figures['faults']}")
        return figures


@contextlib.asynccontextmanager
async def visitors(address: Address, count: int, *, pause: float) -> AsyncIterator[Visitors]:
    """Run *count* visitors, each of whom has had one answer already."""
    options = ("--visitors", str(count), "--pause", str(pause))
    async with _module("bench.chat.visitors", "--url", address.player_url, *options) as process:
        await _line(process)
        yield Visitors(process)


async def _line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise Void("a program of the measurement ended early")
    return orjson.loads(line)  # type: ignore[no-any-return]  # an object, as each of ours prints


async def until_ready(address: Address) -> None:
    """Wait until the consultant answers at all."""
    url = address.player_url.replace("ws://", "http://") + "api/catalogue/none"
    async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession() as http:
        while True:
            async with http.get(url) as response:
                if response.status == 404:
                    return
            await asyncio.sleep(0.2)


_BUCKET: Final = re.compile(rb'signalling_loop_delay_seconds_bucket\{le="([^"]+)"\} (\S+)')
_SUM: Final = re.compile(rb"signalling_loop_delay_seconds_sum (\S+)")


@dataclass(frozen=True, slots=True)
class LoopDelay:
    """The event loop's delay so far, as the server itself measures it."""

    counts: dict[float, float]
    """How many looks were at most so many seconds late."""
    total: float

    @classmethod
    async def of(cls, address: Address) -> "LoopDelay":
        """Read it from the server's metrics."""
        url = address.player_url.replace("ws://", "http://") + "metrics"
        async with aiohttp.ClientSession() as http, http.get(url) as response:
            text = await response.read()
        counts = {float(limit): float(count) for limit, count in _BUCKET.findall(text)}
        found = _SUM.search(text)
        assert found is not None
        return cls(counts, float(found.group(1)))

    def since(self, before: "LoopDelay") -> dict[str, float]:
        """Return mean and p99 in milliseconds of what came after *before*."""
        counts = {limit: n - before.counts[limit] for limit, n in self.counts.items()}
        looks = counts[float("inf")]
        late = next(limit for limit, n in counts.items() if n >= 0.99 * looks)
        return {
            "loop_delay_mean_ms": (self.total - before.total) / looks * 1e3,
            "loop_delay_p99_at_most_ms": late * 1e3,
        }


def resident_mib(pid: int) -> float:
    """Return the memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024
