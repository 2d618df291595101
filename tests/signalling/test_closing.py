"""What an unusable message costs its sender, and nobody else."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator

import aiohttp
import pytest

from signalling import inline
from signalling.errors import MAX_REASON_BYTES, CloseCode, clip_reason
from tests.signalling.peers import Client, Start, eventually

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@pytest.fixture(params=["inline", "queued"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test with each kind of connection."""
    if request.param == "queued":
        monkeypatch.setattr(inline, "supported", lambda: False)
    return str(request.param)


@pytest.mark.usefixtures("kind")
class TestPlayers:
    """A player that breaks the rules is closed with a code that says which."""

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("what?", CloseCode.NOT_JSON),
            ("", CloseCode.NOT_JSON),
            ("null", CloseCode.BAD_MESSAGE),
            ("[1, 2]", CloseCode.BAD_MESSAGE),
            ('{"type": 5}', CloseCode.BAD_MESSAGE),
            ('{"type": "subscribe"}', CloseCode.BAD_MESSAGE),
            ('{"type": "subscribe", "streamerId": 5}', CloseCode.BAD_MESSAGE),
        ],
    )
    async def test_bad_text(self, client: Client, text: str, code: CloseCode) -> None:
        """Text is refused by what is wrong with it; a pair beside goes on talking."""
        streamer, bystander, player_id = await client.pair()
        player = await client.player()
        await player.socket.send_str(text)
        assert (await player.closed())[0] == code
        await bystander.say("answer", sdp="x")
        assert (await streamer.hear_type("answer"))["playerId"] == player_id

    async def test_binary_that_is_not_json(self, client: Client) -> None:
        """A binary frame of something else is refused as unsupported data."""
        player = await client.player()
        await player.socket.send_bytes(b"\xff\x00\xff")
        assert (await player.closed())[0] == CloseCode.NOT_TEXT

    async def test_binary_json_that_is_no_message(self, client: Client) -> None:
        """JSON in a binary frame is held to the same rules as in a text frame."""
        player = await client.player()
        await player.socket.send_bytes(b"null")
        assert (await player.closed())[0] == CloseCode.BAD_MESSAGE

    async def test_unknown_types_are_ignored(self, client: Client) -> None:
        """What somebody may add tomorrow does not close a socket today."""
        player = await client.player()
        await player.say("somethingNew", field=1)
        await player.hears_nothing_before()

    async def test_too_long(self, start: Start) -> None:
        """A message over the limit closes the socket."""
        client = await start(max_message_bytes=4096)
        player = await client.player()
        await player.say("offer", sdp="x" * 5000)
        assert (await player.closed())[0] == CloseCode.TOO_BIG

    async def test_too_many(self, start: Start) -> None:
        """A player over its rate is closed after its burst."""
        client = await start(player_messages_per_second=1)
        player = await client.player()
        with contextlib.suppress(ConnectionError):
            for _ in range(300):
                await player.say("pong", time=1)
        assert (await player.closed())[0] == CloseCode.RATE_LIMIT

    async def test_slow_reader_is_cut(self, start: Start) -> None:
        """A player that reads nothing is cut at the outbox's bound; others notice nothing."""
        client = await start(max_outbox_bytes=64 * 1024)
        streamer, bystander, bystander_id = await client.pair()
        async with stalled_player(client) as stalled_id:
            await streamer.hear_type("playerConnected")
            while stalled_id in client.server.registry.players:
                await streamer.say("offer", sdp="x" * 50_000, playerId=stalled_id)
                await asyncio.sleep(0)
        await streamer.say("offer", sdp="y", playerId=bystander_id)
        assert (await bystander.hear_type("offer"))["sdp"] == "y"
        await eventually(lambda: b'code="1013"' in client.server.metrics.exposition())


@contextlib.asynccontextmanager
async def stalled_player(client: Client) -> AsyncIterator[str]:
    """Subscribe a player that never reads; gives its id."""
    before = set(client.server.registry.players)
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", client.running.player_port, limit=1
    )
    writer.write(UPGRADE + masked(b'{"type":"subscribe","streamerId":"Kiosk"}'))
    await eventually(lambda: len(client.server.registry.players) > len(before))
    (player_id,) = set(client.server.registry.players) - before
    yield player_id
    writer.transport.abort()
    del reader


def masked(payload: bytes, *, first: int = 0x81) -> bytes:
    """Return *payload* as a client's frame."""
    mask = os.urandom(4)
    body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return bytes((first, 0x80 | len(payload))) + mask + body


class TestStreamers:
    """A streamer is never closed for what it says: its viewers would go with it."""

    @pytest.mark.parametrize(
        "text",
        [
            "what?",
            "null",
            '{"type": 5}',
            '{"type": "endpointId", "id": 5}',
            '{"type": "disconnectPlayer"}',
            '{"type": "offer", "sdp": "x"}',
            '{"type": "offer", "playerId": {"a": 1}}',
            '{"type": "offer", "playerId": ["Player"]}',
            '{"type": "offer", "playerId": "Nobody"}',
            '{"type": "iceCandidate", "playerId": 101}',
            '{"type": "somethingNew"}',
        ],
    )
    async def test_bad_message_is_dropped(self, client: Client, text: str) -> None:
        """It goes nowhere and is counted; the streamer's conversation goes on."""
        streamer, player, player_id = await client.pair()
        await streamer.socket.send_str(text)
        await streamer.say("offer", sdp="x", playerId=player_id)
        assert await player.hear() == {"type": "offer", "sdp": "x", "playerId": player_id}
        assert (
            b"signalling_messages_dropped_total{reason=" in client.server.metrics.exposition()
        )

    async def test_numeric_player_id(self, start: Start) -> None:
        """An engine that writes ids as numbers reaches its player in the Cirrus dialect."""
        client = await start(dialect="cirrus")
        streamer = await client.streamer()
        player = await client.player()
        await player.say("subscribe", streamerId="Kiosk")
        heard = await streamer.hear()
        while heard["type"] != "playerConnected":
            heard = await streamer.hear()
        await streamer.say("offer", sdp="x", playerId=int(heard["playerId"]))
        message = await player.hear()
        while message["type"] != "offer":
            message = await player.hear()
        assert message["sdp"] == "x"


class TestFraming:
    """Bytes that are no WebSocket frames."""

    @pytest.mark.parametrize(
        "frames",
        [
            masked(b"{}", first=0xF1),
            masked(b"{}", first=0x83),
            masked(b"x" * 126, first=0x89)[:1] + b"\xfe\x00\x7e" + b"\0" * 130,
            masked(b"{}", first=0x80),
        ],
        ids=["reserved bits", "unknown opcode", "long ping", "continuation of nothing"],
    )
    async def test_framing_errors(self, client: Client, frames: bytes) -> None:
        """They close the socket with 1002; the close frame is seen."""
        reader, writer = await asyncio.open_connection("127.0.0.1", client.running.player_port)
        writer.write(UPGRADE + frames)
        async with asyncio.timeout(5):
            everything = await reader.read()
        writer.close()
        assert everything.endswith(b"\x88\x02\x03\xea"), everything[-20:]

    async def test_much_too_long(self, start: Start) -> None:
        """However much of a message over the limit follows, its sender learns why."""
        client = await start(max_message_bytes=4096)
        reader, writer = await asyncio.open_connection("127.0.0.1", client.running.player_port)
        size = 50_000_000
        writer.write(UPGRADE + b"\x81\xff" + size.to_bytes(8, "big") + bytes(4 + size))
        async with asyncio.timeout(5):
            everything = await reader.read()
        writer.close()
        assert everything.endswith(b"\x88\x02\x03\xf1"), everything[-20:]
        await eventually(lambda: b'code="1009"' in client.server.metrics.exposition())

    async def test_plain_http_on_a_socket_port(self, client: Client) -> None:
        """Somebody who asks the streamer port for a page is told what it speaks."""
        url = client.running.url("streamer").replace("ws:", "http:")
        async with client.http.get(url) as response:
            assert response.status == 426
            assert (await response.json())["error"]["code"] == "upgrade_required"


def test_reasons_fit() -> None:
    """A reason is cut at a character, never inside one."""
    clipped = clip_reason("가나다" * 100)
    assert len(clipped.encode()) <= MAX_REASON_BYTES
    assert clipped + ("가나다" * 100)[len(clipped) :] == "가나다" * 100


def test_this_aiohttp_allows_the_fast_way() -> None:
    """Notices when aiohttp changes what `signalling.inline` uses."""
    assert inline.supported(), f"aiohttp {aiohttp.__version__} has changed: see inline.py"


@pytest.mark.usefixtures("kind")
async def test_both_kinds_send_before_they_close(client: Client) -> None:
    """The answer to the last message goes out before the goodbye to a bad one."""
    player = await client.player()
    await player.say("ping", time=5)
    await player.socket.send_str("nonsense")
    assert await player.hear() == {"type": "pong", "time": 5}
    assert (await player.closed())[0] == CloseCode.NOT_JSON
