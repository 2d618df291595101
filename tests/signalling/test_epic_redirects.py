"""Epic's matchmaker for old installations, joined to the server: real TCP, real redirects."""

import asyncio

import orjson
import pytest

from tests.signalling.peers import DEADLINE, Client, Start

CONNECT = {
    "type": "connect",
    "address": "127.0.0.1",
    "port": 8081,
    "https": False,
    "ready": True,
    "playerConnected": False,
}


@pytest.fixture
async def client(start: Start) -> Client:
    """Give a client of a server that Cirrus servers can register at."""
    return await start(matchmaker_port=0, matchmaker_http_port=0)


async def register(client: Client) -> asyncio.StreamWriter:
    """Register a Cirrus server and wait until it is offered."""
    assert client.server.redirects is not None
    _, writer = await asyncio.open_connection("127.0.0.1", client.server.redirects.port)
    writer.write(orjson.dumps(CONNECT) + orjson.dumps({"type": "ping"}))
    registry = client.server.redirects.registry
    async with asyncio.timeout(DEADLINE):
        while not registry.servers:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.005)
    return writer


async def test_scripts_are_told_a_server(client: Client) -> None:
    """`/signallingserver` on the player port names a free one, for pages of any origin."""
    url = client.running.http("/signallingserver")
    async with client.http.get(url) as answer:
        assert (await answer.json())["error"] == "No signalling servers available"
    writer = await register(client)
    async with client.http.get(url) as answer:
        assert await answer.json() == {"signallingServer": "127.0.0.1:8081"}
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    writer.close()


async def test_browsers_are_redirected_from_a_port_of_their_own(client: Client) -> None:
    """Its root leads to the server; the player port's root stays the page's."""
    writer = await register(client)
    assert client.server.redirects is not None
    url = f"http://127.0.0.1:{client.server.redirects.http_port}/"
    async with client.http.get(url, allow_redirects=False) as answer:
        assert answer.status == 302
        assert answer.headers["Location"] == "http://127.0.0.1:8081/"
    async with client.http.get(client.running.http("/"), allow_redirects=False) as answer:
        assert answer.status != 302
    writer.close()


async def test_browsers_wait_when_there_is_none(client: Client) -> None:
    """A page says their place, and asks again by itself."""
    assert client.server.redirects is not None
    url = f"http://127.0.0.1:{client.server.redirects.http_port}/"
    async with client.http.get(url) as answer:
        assert "number 1 of 1" in await answer.text()


async def test_it_is_off_unless_there_is_a_port(start: Start) -> None:
    """Without `matchmaker_port` there is no such route."""
    client = await start()
    assert client.server.redirects is None
    async with client.http.get(client.running.http("/signallingserver")) as answer:
        assert answer.status == 404
