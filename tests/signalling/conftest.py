"""A real server on free ports."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from rag.engine import open_engine
from rag.settings import RagSettings
from signalling.app import SERVER, create_app
from signalling.listening import listening
from signalling.settings import ServeSettings
from stores.settings import DOCUMENTS_FILE
from stores.sqlite import SqliteStore
from tests.signalling.peers import Client, Running, Start, consultant_ready
from tests.signalling.tokens import KeyServer


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Give a function that starts a server with some options and returns its client."""
    async with contextlib.AsyncExitStack() as stack:

        async def start_server(**options: Any) -> Client:
            defaults = {
                "host": "127.0.0.1",
                "player_port": 0,
                "streamer_port": 0,
                "sfu_port": 0,
                "drain_timeout": 0,
                "data_dir": tmp_path,
                "retrieval_process": False,
            }
            app = create_app(ServeSettings(**{**defaults, **options}))
            port = await stack.enter_async_context(listening(app, "127.0.0.1", 0))
            stack.push_async_callback(app[SERVER].drain)
            http = await stack.enter_async_context(aiohttp.ClientSession())
            return Client(Running(app[SERVER], port), http)

        yield start_server


@pytest.fixture
async def client(start: Start) -> Client:
    """Give a client of a server with default options."""
    return await start()


@pytest.fixture
async def key_server() -> AsyncIterator[KeyServer]:
    """Give a key server of an issuer."""
    server = KeyServer()
    app = web.Application()
    app.router.add_get("/keys", server.answer)
    async with TestServer(app) as running:
        server.url = f"http://127.0.0.1:{running.port}/keys"
        yield server


@pytest.fixture(scope="session")
def showroom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Index the demonstration catalogue once for all tests."""
    folder = tmp_path_factory.mktemp("showroom")

    async def index() -> None:
        store = await SqliteStore.open(folder / DOCUMENTS_FILE)
        async with open_engine(RagSettings(), store, folder) as engine:
            await engine.load_demo()
        await store.close()

    asyncio.run(index())
    return folder


@pytest.fixture
async def shop(start: Start, tmp_path: Path, showroom: Path) -> Client:
    """Give a client of a server with the demonstration catalogue, ready to chat."""
    folder = tmp_path / "data"
    shutil.copytree(showroom, folder)
    client = await start(retrieval=True, data_dir=folder, admin_token="operator")
    await consultant_ready(client)
    return client
