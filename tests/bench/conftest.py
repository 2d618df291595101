"""A forwarder to load, some of whose parts can be swapped for worse ones."""

import contextlib
import os
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

from bench import floor
from bench.crowd import Address

StartFloor = Callable[..., contextlib.AbstractAsyncContextManager[Address]]


@contextlib.asynccontextmanager
async def running_floor(
    player: type[floor.Peer] = floor.Player, streamer: type[floor.Peer] = floor.Streamer
) -> AsyncIterator[Address]:
    """Run a forwarder of these parts in this process."""
    rooms = floor.Rooms()
    runners, urls = [], []
    try:
        for kind in (player, streamer):
            runners.append(web.AppRunner(floor.port_for(kind, rooms), shutdown_timeout=0))
            await runners[-1].setup()
            await web.TCPSite(runners[-1], "127.0.0.1", 0).start()
            urls.append(f"ws://127.0.0.1:{runners[-1].addresses[0][1]}/")
        yield Address(player_url=urls[0], streamer_url=urls[1], pid=os.getpid())
    finally:
        for runner in runners:
            await runner.cleanup()


@pytest.fixture
def start_floor() -> StartFloor:
    """Give a context manager that runs a forwarder."""
    return running_floor
