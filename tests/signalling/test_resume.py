"""Players whose socket breaks and who come back to the same conversation."""

import asyncio

import pytest

from signalling import inline, resume
from signalling.errors import CloseCode
from tests.signalling.peers import Client, Json, Peer, Start, eventually
from tests.signalling.tokens import SECRET, token

RESUME = "?resume=1"


@pytest.fixture(params=["inline", "queued"], autouse=True)
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run each test with each kind of connection."""
    if request.param == "queued":
        monkeypatch.setattr(inline, "supported", lambda: False)
    return str(request.param)


class ResumingPlayer:
    """A player that counts what it hears, as a page must."""

    def __init__(self, client: Client, peer: Peer) -> None:
        self.client = client
        self.peer = peer
        self.token = ""
        self.player_id = ""
        self.received = 0

    @classmethod
    async def watching(cls, client: Client, streamer: Peer) -> "ResumingPlayer":
        """Connect and subscribe to Kiosk."""
        player = cls(client, await client.connect("player", RESUME))
        await player.peer.say("subscribe", streamerId="Kiosk")
        await player.hear("config")
        player.token = (await player.hear("resumeToken"))["token"]
        player.player_id = (await streamer.hear_type("playerConnected"))["playerId"]
        return player

    async def hear(self, wire_name: str) -> Json:
        """Return the next message, counted."""
        message = await self.peer.hear_type(wire_name)
        self.received += 1
        return message

    def cut(self) -> None:
        """Break the socket hard, as a lost network does."""
        cut(self.peer)

    async def come_back(self) -> Json:
        """Open a new socket and resume; return the server's first message on it."""
        self.peer = await self.client.connect("player", RESUME)
        await self.peer.say("resume", token=self.token, received=self.received)
        return await self.peer.hear()

    async def away(self) -> None:
        """Break the socket and wait until the server knows."""
        self.cut()
        await eventually(lambda: self.client.server.resumption.waiting == 1)


def cut(peer: Peer) -> None:
    """Break a socket hard."""
    connection = peer.socket._response.connection
    assert connection is not None
    assert connection.transport is not None
    connection.transport.abort()


async def ended(client: Client) -> None:
    """Wait until nothing of any player is left."""
    await eventually(
        lambda: not client.server.registry.players and not len(client.server.resumption)
    )


async def test_goes_on_where_it_broke(client: Client) -> None:
    """Each side sends what the other missed, once; the streamer notices nothing."""
    streamer = await client.streamer()
    player = await ResumingPlayer.watching(client, streamer)
    await player.peer.say("answer", sdp="before")
    await streamer.hear_type("answer")
    await player.away()
    await streamer.say("iceCandidate", candidate={"candidate": "a"}, playerId=player.player_id)
    await streamer.say("iceCandidate", candidate={"candidate": "b"}, playerId=player.player_id)
    await streamer.hears_nothing_before()
    assert await player.come_back() == {"type": "resumed", "received": 2}
    assert (await player.hear("iceCandidate"))["candidate"] == {"candidate": "a"}
    assert (await player.hear("iceCandidate"))["candidate"] == {"candidate": "b"}
    await player.peer.say("answer", sdp="after")
    assert (await streamer.hear_type("answer"))["playerId"] == player.player_id


async def test_again_and_again(client: Client) -> None:
    """The numbers stay right over many breaks, whatever was or was not received."""
    streamer = await client.streamer()
    player = await ResumingPlayer.watching(client, streamer)
    sent = 1
    for number in range(20):
        await streamer.say("offer", sdp=str(number), playerId=player.player_id)
        await streamer.hears_nothing_before()
        if number % 2:
            await player.hear("offer")
        player.cut()
        assert (await player.come_back())["received"] == sent
        if not number % 2:
            assert (await player.hear("offer"))["sdp"] == str(number)
        await player.peer.say("answer", sdp=str(number))
        sent += 1
        assert (await streamer.hear_type("answer"))["sdp"] == str(number)


async def test_a_newer_socket_takes_over(client: Client) -> None:
    """A socket that the server still believes in is closed for good."""
    streamer = await client.streamer()
    player = await ResumingPlayer.watching(client, streamer)
    former = player.peer
    assert (await player.come_back())["type"] == "resumed"
    assert (await former.closed())[0] == CloseCode.RELEASED
    await player.peer.say("answer", sdp="x")
    assert (await streamer.hear_type("answer"))["playerId"] == player.player_id
    await streamer.hears_nothing_before()


async def test_nobody_comes_back(start: Start) -> None:
    """When the grace time is over the streamer hears that the player left."""
    client = await start(resume_grace=0.1)
    streamer = await client.streamer()
    player = await ResumingPlayer.watching(client, streamer)
    player.cut()
    gone = await streamer.hear_type("playerDisconnected")
    assert gone["playerId"] == player.player_id
    refused = await player.come_back()
    assert (refused["type"], refused["code"], refused["of"]) == (
        "error",
        "resume_expired",
        "resume",
    )
    await player.peer.hear_type("config")


@pytest.mark.parametrize("who", ["player", "server"])
async def test_a_close_frame_ends_at_once(client: Client, who: str) -> None:
    """Whoever says goodbye means it: there is no grace."""
    streamer = await client.streamer()
    player = await ResumingPlayer.watching(client, streamer)
    if who == "player":
        await player.peer.socket.close()
    else:
        await streamer.say("disconnectPlayer", playerId=player.player_id, reason="enough")
        assert (await player.peer.closed())[0] == CloseCode.INTERNAL
    await streamer.hear_type("playerDisconnected")
    await ended(client)


async def test_stock_players_leave_at_once(client: Client) -> None:
    """Without `?resume=1` a broken socket is the end, as ever, and no message is ours."""
    streamer, player, player_id = await client.pair()
    await player.hears_nothing_before()
    cut(player)
    assert (await streamer.hear_type("playerDisconnected"))["playerId"] == player_id


async def test_too_much_missed_while_away(start: Start) -> None:
    """A streamer that goes on sending to somebody away fills the bound and no more."""
    client = await start(resume_buffer_messages=16)
    streamer = await client.streamer()
    player = await ResumingPlayer.watching(client, streamer)
    await player.away()
    for number in range(17):
        await streamer.say("offer", sdp=str(number), playerId=player.player_id)
    await streamer.hear_type("playerDisconnected")
    player.peer = await client.connect("player", RESUME)
    await player.peer.say("resume", token=player.token, received=player.received)
    assert (await player.peer.closed())[0] == CloseCode.OVERLOADED
    await ended(client)


@pytest.mark.parametrize("received", [0, 50])
async def test_numbers_that_cannot_be(start: Start, received: int) -> None:
    """More missed than is kept, or more received than was sent, ends the old session."""
    client = await start(resume_buffer_messages=16)
    streamer = await client.streamer()
    player = await ResumingPlayer.watching(client, streamer)
    for number in range(17):
        await streamer.say("offer", sdp=str(number), playerId=player.player_id)
    await streamer.hears_nothing_before()
    player.received = received
    assert (await player.come_back())["code"] == "resume_gap"
    await streamer.hear_type("playerDisconnected")
    await player.peer.hear_type("config")


async def test_end_while_away_is_told(client: Client) -> None:
    """Who was turned out while away learns it from the close code when it comes back."""
    streamer = await client.streamer()
    player = await ResumingPlayer.watching(client, streamer)
    await player.away()
    await streamer.say("disconnectPlayer", playerId=player.player_id, reason="enough")
    await streamer.hear_type("playerDisconnected")
    peer = await client.connect("player", RESUME)
    await peer.say("resume", token=player.token, received=player.received)
    assert (await peer.closed())[0] == CloseCode.INTERNAL
    await ended(client)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "bad_message"),
        ({"token": 5, "received": 0}, "bad_message"),
        ({"token": "x", "received": -1}, "bad_message"),
        ({"token": "x", "received": "1"}, "bad_message"),
        ({"token": "x" * 513, "received": 0}, "bad_message"),
        ({"token": "x", "received": 0}, "resume_expired"),
        ({"token": "가.나.다", "received": 0}, "resume_expired"),
    ],
)
async def test_useless_resume(client: Client, fields: Json, code: str) -> None:
    """It is answered, and the socket goes on as a new player's."""
    peer = await client.connect("player", RESUME)
    await peer.say("resume", **fields)
    assert (await peer.hear_type("error"))["code"] == code
    await peer.hear_type("config")
    await peer.hear_type("resumeToken")
    await peer.hears_nothing_before()


async def test_resume_out_of_place(client: Client) -> None:
    """On a socket without `?resume=1`, or later than first, it is an error and no more."""
    player = await client.player()
    await player.say("resume", token="x", received=0)
    assert (await player.hear_type("error"))["code"] == "resume_late"
    await player.hears_nothing_before()


async def test_a_silent_newcomer_is_greeted(client: Client) -> None:
    """A page that waits for `config` before it says anything gets it after a moment."""
    peer = await client.connect("player", RESUME)
    await peer.hear_type("config")
    await peer.hear_type("resumeToken")


async def test_a_late_resume_still_counts(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a slow line `resume` may come after the greeting; the greeted one is forgotten."""
    streamer = await client.streamer()
    player = await ResumingPlayer.watching(client, streamer)
    await player.away()
    monkeypatch.setattr(resume, "HOLD_SECONDS", 0.0)
    player.peer = await client.connect("player", RESUME)
    await player.peer.hear_type("config")
    await player.peer.hear_type("resumeToken")
    await player.peer.say("resume", token=player.token, received=player.received)
    assert (await player.peer.hear())["type"] == "resumed"
    assert len(client.server.registry.players) == 1
    await streamer.hears_nothing_before()


async def test_no_room_to_wait(start: Start) -> None:
    """Beyond the bound of those away, a broken socket is the end."""
    client = await start(max_resuming_players=1)
    streamer = await client.streamer()
    first = await ResumingPlayer.watching(client, streamer)
    second = await ResumingPlayer.watching(client, streamer)
    await first.away()
    second.cut()
    gone = await streamer.hear_type("playerDisconnected")
    assert gone["playerId"] == second.player_id
    assert (await first.come_back())["type"] == "resumed"


async def test_a_vanished_player_may_come_back(start: Start) -> None:
    """Who does not answer pings is away, not gone: no close frame tells it otherwise."""
    client = await start(player_keepalive_timeout=300)
    streamer = await client.streamer()
    player = await ResumingPlayer.watching(client, streamer)
    await eventually(lambda: client.server.resumption.waiting == 1)
    assert (await player.come_back())["type"] == "resumed"
    await player.peer.socket.close()
    await streamer.hear_type("playerDisconnected")


async def test_switched_off(start: Start) -> None:
    """With no grace time `?resume=1` changes nothing."""
    client = await start(resume_grace=0)
    streamer = await client.streamer()
    player = await client.player(RESUME)
    player_id = await client.watch(player, streamer)
    await player.hears_nothing_before()
    cut(player)
    assert (await streamer.hear_type("playerDisconnected"))["playerId"] == player_id


async def test_stopping_ends_those_away(client: Client) -> None:
    """A server that stops leaves nobody waiting."""
    streamer = await client.streamer()
    player = await ResumingPlayer.watching(client, streamer)
    await player.away()
    await asyncio.gather(client.server.drain(), streamer.closed())
    assert client.server.resumption.waiting == 0
    await ended(client)


async def test_figures(client: Client) -> None:
    """Operators see who is away, and how it went."""
    streamer = await client.streamer()
    player = await ResumingPlayer.watching(client, streamer)
    await player.away()
    assert b"signalling_players_away 1.0" in client.server.metrics.exposition()
    await player.come_back()
    assert (
        b'signalling_resumptions_total{outcome="resumed"} 1.0'
        in client.server.metrics.exposition()
    )


async def test_token_of_a_connection_is_its_users(start: Start) -> None:
    """Another user's JWT continues nothing; of the own user's, the newest is what counts."""
    client = await start(jwt_secret=SECRET)
    shown = token(sub="ada", streamers=["Kiosk"])
    first = await client.connect("player", f"{RESUME}&token={shown}")
    await first.hear_type("config")
    resume_token = (await first.hear_type("resumeToken"))["token"]
    cut(first)
    await eventually(lambda: client.server.resumption.waiting == 1)
    thief = await client.connect("player", f"{RESUME}&token={token(sub='eve')}")
    await thief.say("resume", token=resume_token, received=2)
    assert (await thief.hear())["code"] == "resume_expired"
    newer = token(sub="ada", streamers=["Other"])
    second = await client.connect("player", f"{RESUME}&token={newer}")
    await second.say("resume", token=resume_token, received=2)
    assert (await second.hear())["type"] == "resumed"
    await second.say("subscribe", streamerId="Kiosk")
    assert (await second.hear())["type"] == "subscribeFailed"
    (player,) = (
        each for each in client.server.registry.players.values() if each.grant.user == "ada"
    )
    assert not player.grant.may_watch("Kiosk")


async def test_token_of_the_same_connection(client: Client) -> None:
    """A player that shows the token it was just given is told so, and goes on."""
    player = await client.connect("player", RESUME)
    await player.hear_type("config")
    shown = (await player.hear_type("resumeToken"))["token"]
    await player.say("resume", token=shown, received=2)
    assert (await player.hear())["code"] == "resume_late"
    await player.say("ping", time=1)
    assert (await player.hear())["type"] == "pong"
    assert len(client.server.resumption) == len(client.server.registry.players) == 1
