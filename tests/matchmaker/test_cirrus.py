"""Epic's matchmaker: the stream, who may register, who is sent where."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from matchmaker.cirrus import (
    MAX_MESSAGE,
    MAX_WAITING,
    REDIRECT_SECONDS,
    WAIT_SECONDS,
    Admission,
    CirrusError,
    CirrusRegistry,
    MessageStream,
)
from matchmaker.cirrus_http import CirrusRoutes
from matchmaker.cirrus_tcp import CirrusListener
from matchmaker.clock import SystemClock

CONNECT = {
    "type": "connect",
    "address": "127.0.0.1",
    "port": 8888,
    "https": False,
    "ready": True,
    "playerConnected": False,
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
messages = st.lists(st.dictionaries(st.text(), json_values, max_size=4), max_size=6)


@given(messages, st.lists(st.integers(1, 40)), st.sampled_from(["", " ", "\n"]))
def test_messages_survive_any_cut(sent: list[dict], cuts: list[int], gap: str) -> None:  # type: ignore[type-arg]
    """However TCP cuts or joins the stream, the same messages come out."""
    raw = gap.join(json.dumps(m, ensure_ascii=False) for m in sent).encode(
        "utf-8", "surrogatepass"
    )
    if b"\xed" in raw:
        return
    stream, found, at = MessageStream(), [], 0
    for size in [*cuts, len(raw)]:
        found += stream.feed(raw[at : at + size])
        at += size
    assert found == sent


@given(st.binary(max_size=200))
def test_garbage_ends_the_connection_and_nothing_else(data: bytes) -> None:
    """Anything that is not JSON objects is a protocol error, never another."""
    try:
        found = MessageStream().feed(data)
    except CirrusError:
        return
    assert all(isinstance(message, dict) for message in found)


def test_a_message_without_end_is_not_kept() -> None:
    """The buffer is bounded."""
    with pytest.raises(CirrusError, match="too long"):
        MessageStream().feed(b'{"a":"' + b"x" * MAX_MESSAGE)


def registry(
    *,
    secret: str = "",
    allow: tuple[str, ...] = ("127.0.0.0/8",),
    redirects: tuple[str, ...] = (),
) -> CirrusRegistry:
    """Return a registry with these rules."""
    return CirrusRegistry(Admission(secret=secret, allow=allow, redirects=redirects))


def register(cirrus: CirrusRegistry, *numbers: int, **changes: object) -> None:
    """Let Cirrus servers connect, by number."""
    for number in numbers:
        message = CONNECT | {"port": 9000 + number} | changes
        cirrus.handle(number, message, peer="127.0.0.1")


def test_two_visitors_never_meet() -> None:
    """A server that somebody was sent to is nobody else's, connected or not."""
    cirrus = registry()
    register(cirrus, 1)
    first = cirrus.take("a", 0)
    assert first.server is not None
    assert first.server.origin == "http://127.0.0.1:9001"
    assert cirrus.take("b", 1).position == 1
    cirrus.handle(1, {"type": "clientConnected"}, peer="127.0.0.1")
    assert cirrus.take("b", REDIRECT_SECONDS + 1).server is None
    cirrus.handle(1, {"type": "clientDisconnected"}, peer="127.0.0.1")
    assert cirrus.take("b", REDIRECT_SECONDS + 2).server is first.server


def test_a_server_that_connects_anew_is_one_server() -> None:
    """Its former connection may be open for half a minute; two visitors would meet there."""
    cirrus = registry()
    register(cirrus, 1)
    cirrus.handle(2, CONNECT | {"port": 9001}, peer="127.0.0.1")
    assert len(cirrus.servers) == 1
    assert cirrus.take("a", 0).server is not None
    assert cirrus.take("b", 0).server is None
    with pytest.raises(CirrusError, match="must be connect"):
        cirrus.handle(1, {"type": "clientDisconnected"}, peer="127.0.0.1")
    cirrus.gone(1)
    assert len(cirrus.servers) == 1


def test_ten_thousand_visitors_in_line_are_counted_together() -> None:
    """Nobody's question walks along the whole line; places are right all the same."""
    cirrus = registry()
    register(cirrus, 1)
    cirrus.take("first", 0)
    tickets = [f"t{number}" for number in range(MAX_WAITING)]
    assert [cirrus.take(ticket, 1).position for ticket in tickets] == list(range(1, 10_001))
    assert cirrus.take("too many", 1).position == MAX_WAITING + 1
    began = time.process_time()
    asked = [cirrus.take(ticket, 3).position for ticket in tickets]
    assert asked == list(range(1, 10_001))
    assert time.process_time() - began < 2
    cirrus.take("t1", WAIT_SECONDS + 2)
    assert cirrus.take("t1", WAIT_SECONDS + 3).server is not None


def test_a_visitor_who_never_arrives_frees_the_server() -> None:
    """The same ticket gets the same server meanwhile."""
    cirrus = registry()
    register(cirrus, 1)
    given_away = cirrus.take("a", 0).server
    assert cirrus.take("a", 5).server is given_away
    assert cirrus.take("b", 5).server is None
    assert cirrus.take("b", REDIRECT_SECONDS + 0.1).server is given_away


def test_an_old_window_does_not_free_a_new_reservation() -> None:
    """Whoever came later is protected for their own ten seconds."""
    cirrus = registry()
    register(cirrus, 1)
    cirrus.take("a", 0)
    cirrus.handle(1, {"type": "clientConnected"}, peer="127.0.0.1")
    cirrus.handle(1, {"type": "clientDisconnected"}, peer="127.0.0.1")
    assert cirrus.take("b", 9).server
    assert cirrus.take("c", 11).server is None


def test_visitors_wait_in_line() -> None:
    """First come, first served; who stops asking is dropped, who has no ticket waits never."""
    cirrus = registry()
    assert [cirrus.take(t, 0).position for t in "abc"] == [1, 2, 3]
    assert cirrus.take("c", WAIT_SECONDS - 1).position == 3
    assert cirrus.take("c", WAIT_SECONDS + 1).position == 1
    register(cirrus, 1)
    assert cirrus.take("", WAIT_SECONDS + 1).server is None
    assert cirrus.take("c", WAIT_SECONDS + 1).server
    register(cirrus, 2)
    assert cirrus.take("", WAIT_SECONDS + 1).server


def test_counts_stay_right() -> None:
    """Never below zero, and set anew by connect and by the streamer's end."""
    cirrus = registry()
    register(cirrus, 1, playerConnected=True)
    [server] = cirrus.servers
    for _ in range(3):
        cirrus.handle(1, {"type": "clientDisconnected"}, peer="127.0.0.1")
    assert (server.clients, server.free) == (0, True)
    cirrus.handle(1, {"type": "clientConnected"}, peer="127.0.0.1")
    cirrus.handle(1, {"type": "streamerDisconnected"}, peer="127.0.0.1")
    assert (server.clients, server.free) == (0, False)
    cirrus.handle(1, {"type": "streamerConnected"}, peer="127.0.0.1")
    assert server.free
    cirrus.handle(1, CONNECT | {"playerConnected": True}, peer="127.0.0.1")
    assert cirrus.servers[0].clients == 1


@pytest.mark.parametrize(
    "message",
    [
        {"type": "ping"},
        {"type": "connect"},
        CONNECT | {"port": "8888"},
        CONNECT | {"port": 0},
        CONNECT | {"address": "evil.example/"},
        CONNECT | {"address": "203.0.113.9"},
        CONNECT | {"secret": "wrong"},
    ],
)
def test_what_may_not_register(message: dict[str, object]) -> None:
    """Order, fields, secret and redirect address are checked."""
    cirrus = registry(secret="")
    with pytest.raises(CirrusError):
        cirrus.handle(1, message, peer="127.0.0.1")
    assert cirrus.servers == []


def test_redirects_go_to_allowed_places_only() -> None:
    """Names and networks by option; the peer's own address always."""
    cirrus = registry(secret="s", redirects=("gpu.example.com", "203.0.113.0/24"))
    for address in ("gpu.example.com", "203.0.113.9", "127.0.0.1"):
        register(cirrus, 1, address=address, secret="s")
    with pytest.raises(CirrusError, match="secret"):
        register(cirrus, 2)


@asynccontextmanager
async def listening(cirrus: CirrusRegistry, silence: float = 30) -> AsyncIterator[int]:
    """Yield the port of a listener for *cirrus*."""
    listener = CirrusListener(cirrus, host="127.0.0.1", port=0, silence=silence)
    await listener.start()
    yield listener.port
    await listener.close()


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0.005)


async def send(port: int, *chunks: bytes) -> asyncio.StreamWriter:
    """Open a connection and write to it."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    for chunk in chunks:
        writer.write(chunk)
        await writer.drain()
    return writer


async def test_a_server_registers_over_tcp_and_leaves_with_its_connection() -> None:
    """In two pieces and joined with a ping; a clean end removes it."""
    cirrus = registry()
    async with listening(cirrus) as port:
        raw = json.dumps(CONNECT).encode() + b'{"type":"ping"}'
        writer = await send(port, raw[:20], raw[20:])
        await eventually(lambda: len(cirrus.servers) == 1)
        writer.close()
        await eventually(lambda: cirrus.servers == [])


async def test_a_silent_server_is_removed() -> None:
    """And its connection closed."""
    cirrus = registry()
    async with listening(cirrus, silence=0.1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(json.dumps(CONNECT).encode())
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        assert cirrus.servers == []
        writer.close()


async def test_other_networks_are_refused() -> None:
    """The allow-list is of addresses that may connect at all."""
    cirrus = registry(allow=("10.0.0.0/8",))
    async with listening(cirrus) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


@pytest.fixture
async def browser() -> AsyncIterator[Callable[[CirrusRegistry], Awaitable[TestClient]]]:  # type: ignore[type-arg]
    """Yield a function that serves a registry and returns a client for it."""
    clients: list[TestClient] = []  # type: ignore[type-arg]

    async def serve(cirrus: CirrusRegistry) -> TestClient:  # type: ignore[type-arg]
        app = web.Application()
        app.add_routes(CirrusRoutes(cirrus, SystemClock()).table())
        client = TestClient(TestServer(app))
        await client.start_server()
        clients.append(client)
        return client

    yield serve
    for client in clients:
        await client.close()


async def test_browsers_are_redirected_or_wait(browser: Callable) -> None:  # type: ignore[type-arg]
    """A full house shows the place and asks again; a free server gets the path too."""
    cirrus = registry()
    client = await browser(cirrus)
    page = await client.get("/", allow_redirects=False)
    assert page.status == 200
    assert "number 1 of 1" in await page.text()
    register(cirrus, 1)
    moved = await client.get("/custom_html/a%20b.html", allow_redirects=False)
    assert moved.status == 302
    assert moved.headers["Location"] == "http://127.0.0.1:9001/custom_html/a%20b.html"


async def test_signallingserver_names_a_free_server(browser: Callable) -> None:  # type: ignore[type-arg]
    """In Epic's words, for every origin."""
    cirrus = registry()
    client = await browser(cirrus)
    empty = await client.get("/signallingserver")
    assert await empty.json() == {
        "signallingServer": "",
        "error": "No signalling servers available",
    }
    register(cirrus, 1)
    found = await client.get("/signallingserver")
    assert found.headers["Access-Control-Allow-Origin"] == "*"
    assert await found.json() == {"signallingServer": "127.0.0.1:9001"}
