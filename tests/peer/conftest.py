"""Servers for the peers, and tasks that end with the test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.peer.servers import LOCAL, Meeting, OpenMeeting, ScriptedServer, Start, meeting_at


@pytest.fixture
def open_meeting() -> OpenMeeting:
    """Return the context of a server with the settings it is called with."""
    return meeting_at


@pytest.fixture
async def meeting() -> AsyncIterator[Meeting]:
    """Run the server with its defaults."""
    async with meeting_at() as running:
        yield running


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedServer]:
    """Run a server whose every message a test sends by hand."""
    server = ScriptedServer()
    app = web.Application()
    app.router.add_get("/{path:.*}", server.handle)
    async with TestServer(app, host=LOCAL) as running:
        server.port = running.port or 0
        yield server
        server.released.set()


@pytest.fixture
async def background() -> AsyncIterator[Start]:
    """Return what starts work that is cancelled, and waited for, after the test."""
    tasks: list[asyncio.Task[Any]] = []

    def start(work: Awaitable[Any]) -> asyncio.Task[Any]:
        tasks.append(asyncio.ensure_future(work))
        return tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
