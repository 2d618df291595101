"""The programs under measurement, each in a process of its own."""

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Protocol

import orjson

from bench.crowd import Address

HOST: Final = "127.0.0.1"

START_SECONDS: Final = 30.0
"""How long a program may take to listen."""

STOP_SECONDS: Final = 10.0
"""How long it may take to end after SIGTERM."""

CHUNK: Final = 2**16
"""Bytes of log read at once."""

OPTION_PREFIX: Final = "SIGNALLING_"

OUT_OF_REACH: Final = "1000000"
"""
Limits that are counted and never met.

At their defaults a player that does nothing but send would be closed, and ten
thousand players of one address let in only because they come from this machine,
whose peers are not counted.
"""


class NotStarted(Exception):
    """A program ended or kept silent instead of listening."""


class Server(Protocol):
    """Something to measure."""

    @property
    def name(self) -> str:
        """What it is called in the report."""

    def running(self) -> AbstractAsyncContextManager[Address]:
        """Run it inside the context, fresh."""


@dataclass(frozen=True, slots=True)
class Program:
    """
    A program of ours that says on standard output where it listens.

    Its output is read to the end, as that of a server in production is.
    """

    name: str
    arguments: Sequence[str]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Address]:
        """
        See `Server`.

        Raises:
            NotStarted: It does not listen.

        """
        with tempfile.TemporaryDirectory() as folder:
            process = await self._start(folder)
            try:
                address = await _listening(process, self.name)
                reading = asyncio.create_task(_read_all(process))
                yield address
            finally:
                await _stop(process)
            await reading

    async def _start(self, folder: str) -> asyncio.subprocess.Process:
        # Options in the environment of whoever measures are not part of the measurement.
        environment = {k: v for k, v in os.environ.items() if not k.startswith(OPTION_PREFIX)}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *self.arguments,
            stdout=asyncio.subprocess.PIPE,
            env={**environment, f"{OPTION_PREFIX}DATA_DIR": folder},
        )


async def _listening(process: asyncio.subprocess.Process, name: str) -> Address:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_SECONDS):
            async for line in process.stdout:
                event = orjson.loads(line)
                if event["event"] == "listening":
                    return _address(event["player_port"], event["streamer_port"], process.pid)
    except TimeoutError:
        raise NotStarted(f"{name} does not listen") from None
    raise NotStarted(f"{name} ended instead of listening")


def _address(player_port: int, streamer_port: int, pid: int) -> Address:
    return Address(
        player_url=f"ws://{HOST}:{player_port}/",
        streamer_url=f"ws://{HOST}:{streamer_port}/",
        pid=pid,
    )


async def _read_all(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    while await process.stdout.read(CHUNK):
        pass


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


@dataclass(frozen=True, slots=True)
class Foreign:
    """A server that somebody else started, Node's for one."""

    name: str
    address: Address

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Address]:
        """See `Server`; it is not fresh, so memory is what a second run adds to the first."""
        yield self.address


FLOOR: Final = Program("floor", ("bench.floor",))

OURS: Final = Program(
    "pycirrus",
    (
        "signalling", "serve", "--no_config", "--host", HOST,
        "--player_port", "0", "--streamer_port", "0", "--sfu_port", "0",
        "--player_messages_per_second", OUT_OF_REACH, "--limit_loopback", "true",
        "--connections_per_address", OUT_OF_REACH, "--upgrades_per_second", OUT_OF_REACH,
        "--max_connections", OUT_OF_REACH, "--drain_timeout", "0",
    ),
)  # fmt: skip
"""Everything else as it comes: checks, limits, metrics, keepalive, the log at info."""
