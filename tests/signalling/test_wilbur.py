"""The conversation of a Wilbur server, row by row of the protocol, over real sockets."""

import pytest

from signalling.errors import CloseCode
from tests.signalling.peers import Client, Start, eventually

SDP = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\n"
CANDIDATE = {"candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host", "sdpMid": "0"}


class TestGreeting:
    """What is said before anybody asks."""

    async def test_player_gets_config(self, start: Start) -> None:
        """A player is told the peer options and the protocol version, nothing else."""
        servers = {"iceServers": [{"urls": "stun:127.0.0.1:3478"}]}
        client = await start(peer_options=servers)
        player = await client.connect("player")
        assert await player.hear() == {
            "type": "config",
            "peerConnectionOptions": {"iceServers": [{"urls": ["stun:127.0.0.1:3478"]}]},
            "protocolVersion": "1.3.0",
        }
        await player.hears_nothing_before("pong")

    async def test_streamer_is_asked_its_name(self, client: Client) -> None:
        """A streamer is asked to identify itself before it is configured."""
        streamer = await client.connect("streamer")
        assert await streamer.hear() == {"type": "identify"}
        assert (await streamer.hear())["type"] == "config"


class TestNames:
    """Who is called what."""

    async def test_name_is_confirmed(self, client: Client) -> None:
        """A streamer learns the id it got."""
        streamer = await client.streamer(None)
        await streamer.say("endpointId", id="Kiosk", protocolVersion="1.3.0")
        assert await streamer.hear() == {"type": "endpointIdConfirm", "committedId": "Kiosk"}

    async def test_taken_names_are_numbered(self, client: Client) -> None:
        """The second and third of one name get numbers; a freed one is used again."""
        await client.streamer("Kiosk")
        second = await client.streamer(None)
        await second.say("endpointId", id="Kiosk")
        assert (await second.hear())["committedId"] == "Kiosk1"
        third = await client.streamer(None)
        await third.say("endpointId", id="Kiosk")
        assert (await third.hear())["committedId"] == "Kiosk2"

    async def test_same_name_twice_is_stable(self, client: Client) -> None:
        """A streamer that says its name again keeps it, and its players notice nothing."""
        streamer, player, _ = await client.pair()
        await streamer.say("endpointId", id="Kiosk")
        assert (await streamer.hear())["committedId"] == "Kiosk"
        await player.hears_nothing_before()

    async def test_rename_is_told(self, client: Client) -> None:
        """Those who watch a streamer are told its new name, and it is listed under it."""
        streamer, player, _ = await client.pair()
        await streamer.say("endpointId", id="Lobby")
        assert (await streamer.hear())["committedId"] == "Lobby"
        assert await player.hear() == {"type": "streamerIdChanged", "newID": "Lobby"}
        await player.say("listStreamers")
        assert (await player.hear())["ids"] == ["Lobby"]

    async def test_silent_streamer_gets_a_name(self, start: Start) -> None:
        """A legacy streamer, which never identifies itself, can be watched all the same."""
        client = await start(identify_timeout=0.05)
        streamer = await client.streamer(None)
        player = await client.player()
        await eventually(lambda: bool(client.server.registry.streamers))
        await player.say("listStreamers")
        assert (await player.hear())["ids"] == ["LegacyStreamer"]
        assert await client.watch(player, streamer, "LegacyStreamer")

    async def test_late_name_replaces_the_given_one(self, start: Start) -> None:
        """A streamer that identifies itself late is renamed."""
        client = await start(identify_timeout=0.05)
        streamer = await client.streamer(None)
        await eventually(lambda: bool(client.server.registry.streamers))
        await streamer.say("endpointId", id="Kiosk")
        assert (await streamer.hear())["committedId"] == "Kiosk"
        assert list(client.server.registry.streamers) == ["Kiosk"]


class TestSubscribing:
    """Who watches whom."""

    async def test_list_has_only_identified_streamers(self, client: Client) -> None:
        """A streamer without a name is not offered."""
        await client.streamer(None)
        await client.streamer("Kiosk")
        player = await client.player()
        await player.say("listStreamers")
        assert await player.hear() == {"type": "streamerList", "ids": ["Kiosk"]}

    async def test_streamer_hears_of_its_player(self, client: Client) -> None:
        """A subscription is announced with these fields and no others."""
        streamer = await client.streamer()
        player = await client.player()
        await player.say("subscribe", streamerId="Kiosk")
        connected = await streamer.hear()
        assert connected.pop("playerId")
        assert connected == {"type": "playerConnected", "dataChannel": True, "sfu": False}
        await player.hears_nothing_before()

    async def test_unknown_streamer(self, client: Client) -> None:
        """A player that wants somebody who is not there is told so and stays."""
        player = await client.player()
        await player.say("subscribe", streamerId="Nobody")
        assert await player.hear() == {
            "type": "subscribeFailed",
            "message": "Streamer Nobody does not exist.",
        }
        await player.hears_nothing_before()

    async def test_full_streamer(self, start: Start) -> None:
        """With max_players, one too many is told so; a place that gets free is given."""
        client = await start(max_players=1)
        streamer, first, _ = await client.pair()
        second = await client.player()
        await second.say("subscribe", streamerId="Kiosk")
        assert "full" in (await second.hear_type("subscribeFailed"))["message"]
        await first.say("unsubscribe")
        await streamer.hear_type("playerDisconnected")
        assert await client.watch(second, streamer)

    async def test_subscribing_again_unsubscribes_first(self, client: Client) -> None:
        """A player that changes over leaves its first streamer before it joins the second."""
        first, player, player_id = await client.pair("One")
        second = await client.streamer("Two")
        assert await client.watch(player, second, "Two") == player_id
        assert await first.hear() == {"type": "playerDisconnected", "playerId": player_id}

    @pytest.mark.parametrize("leave", ["unsubscribe", "close"])
    async def test_leaving_is_told_once(self, client: Client, leave: str) -> None:
        """However a player leaves, its streamer hears of it exactly once."""
        streamer, player, player_id = await client.pair()
        if leave == "unsubscribe":
            await player.say("unsubscribe")
        await player.socket.close()
        assert await streamer.hear() == {"type": "playerDisconnected", "playerId": player_id}
        await streamer.hears_nothing_before()

    async def test_players_of_a_streamer_that_left(self, client: Client) -> None:
        """They are closed with 4004, after which stock pages come back by themselves."""
        streamer, player, _ = await client.pair()
        await streamer.socket.close()
        assert (await player.closed())[0] == CloseCode.STREAMER_LEFT
        assert not client.server.registry.streamers

    async def test_kick(self, client: Client) -> None:
        """A streamer turns its player out with 1011 and as much reason as fits."""
        streamer, player, player_id = await client.pair()
        await streamer.say("disconnectPlayer", playerId=player_id, reason="가" * 500)
        code, _ = await player.closed()
        assert code == CloseCode.INTERNAL
        await streamer.hear_type("playerDisconnected")

    async def test_nobody_kicks_another_streamers_player(self, client: Client) -> None:
        """A streamer reaches only players that are subscribed to it."""
        _, player, player_id = await client.pair("One")
        stranger = await client.streamer("Two")
        await stranger.say("disconnectPlayer", playerId=player_id, reason="mine")
        await stranger.say("offer", playerId=player_id, sdp=SDP)
        await stranger.hears_nothing_before()
        await player.hears_nothing_before()


class TestForwarding:
    """What passes through, and how."""

    @pytest.mark.parametrize(
        ("wire_name", "fields"),
        [
            ("offer", {"sdp": SDP, "multiplex": True}),
            ("answer", {"sdp": SDP, "minBitrateBps": 100_000}),
            ("iceCandidate", {"candidate": CANDIDATE}),
            ("dataChannelRequest", {}),
            ("peerDataChannelsReady", {}),
            ("layerPreference", {"spatialLayer": 1, "temporalLayer": 2}),
        ],
    )
    async def test_player_to_streamer(
        self, client: Client, wire_name: str, fields: dict[str, object]
    ) -> None:
        """Everything arrives as it was sent, unknown fields too, with the player's id."""
        streamer, player, player_id = await client.pair()
        await player.say(wire_name, **fields, someday={"unknown": [1, "två", None]})
        assert await streamer.hear() == {
            "type": wire_name,
            **fields,
            "someday": {"unknown": [1, "två", None]},
            "playerId": player_id,
        }

    async def test_player_cannot_speak_for_another(self, client: Client) -> None:
        """The player id is the server's, whatever the player wrote there."""
        streamer, player, player_id = await client.pair()
        await player.say("answer", playerId="Player999", sdp=SDP)
        assert (await streamer.hear())["playerId"] == player_id

    @pytest.mark.parametrize("wire_name", ["offer", "answer", "iceCandidate"])
    @pytest.mark.parametrize("id_first", [True, False])
    async def test_streamer_to_player(
        self, client: Client, wire_name: str, *, id_first: bool
    ) -> None:
        """Everything arrives as it was sent, the id too, which pages of 5.7 keep."""
        streamer, player, player_id = await client.pair()
        fields = {"sdp": SDP, "scalabilityMode": "L1T1", "nested": {"unknown": None}}
        named = {"playerId": player_id}
        await streamer.say(
            wire_name, **({**named, **fields} if id_first else {**fields, **named})
        )
        assert await player.hear() == {"type": wire_name, **named, **fields}

    async def test_binary_frames_are_understood(self, client: Client) -> None:
        """UTF-8 JSON in a binary frame, as UE has sent it, arrives as text."""
        streamer, player, player_id = await client.pair()
        await streamer.socket.send_bytes(
            b'{"type":"offer","sdp":"x","playerId":"%b"}' % player_id.encode()
        )
        assert await player.hear() == {"type": "offer", "sdp": "x", "playerId": player_id}

    async def test_white_space_around_a_message(self, client: Client) -> None:
        """A message that was printed prettily is stamped all the same."""
        streamer, player, player_id = await client.pair()
        await player.socket.send_str('\n{\n\t"type": "answer",\n\t"sdp": "x"\n}\n ')
        heard = await streamer.hear()
        assert heard == {"type": "answer", "sdp": "x", "playerId": player_id}

    async def test_order_is_kept(self, client: Client) -> None:
        """Messages sent in one go, a control message first, are handled in order."""
        streamer = await client.streamer()
        player = await client.player()
        await player.say("subscribe", streamerId="Kiosk")
        for number in range(100):
            await player.say("iceCandidate", candidate={"n": number})
        await streamer.hear_type("playerConnected")
        heard = [(await streamer.hear())["candidate"]["n"] for _ in range(100)]
        assert heard == list(range(100))

    async def test_player_that_never_subscribes(self, client: Client) -> None:
        """A legacy page that just sends is subscribed to the first streamer."""
        streamer = await client.streamer()
        player = await client.player()
        await player.say("offer", sdp=SDP)
        connected = await streamer.hear_type("playerConnected")
        offer = await streamer.hear_type("offer")
        assert offer["playerId"] == connected["playerId"]
        await streamer.say("answer", sdp=SDP, playerId=connected["playerId"])
        await player.hear_type("answer")

    async def test_player_that_never_subscribes_and_nobody_there(self, client: Client) -> None:
        """Without a streamer such a page is closed, and comes back by itself."""
        player = await client.player()
        await player.say("offer", sdp=SDP)
        assert (await player.closed())[0] == CloseCode.STREAMER_LEFT

    async def test_late_candidate_does_not_subscribe(self, client: Client) -> None:
        """A candidate that was under way when the player unsubscribed goes nowhere."""
        streamer, player, _ = await client.pair()
        await player.say("unsubscribe")
        await player.say("iceCandidate", candidate=CANDIDATE)
        await streamer.hear_type("playerDisconnected")
        await player.hears_nothing_before()
        await streamer.hears_nothing_before()


class TestKeepalive:
    """Who is there and who is not."""

    @pytest.mark.parametrize("time", [0, 1_700_000_000, 1.5])
    async def test_ping_is_echoed(self, client: Client, time: float) -> None:
        """Both roles get their own time back."""
        for peer in (await client.player(), await client.streamer()):
            await peer.say("ping", time=time)
            assert await peer.hear() == {"type": "pong", "time": time}

    async def test_silent_player_is_pinged_and_closed(self, start: Start) -> None:
        """A player that does not answer loses its place; its streamer hears of it."""
        client = await start(player_keepalive_timeout=600)
        streamer, player, player_id = await client.pair()
        assert isinstance((await player.hear_type("ping"))["time"], int)
        assert (await player.closed())[0] is not None
        assert await streamer.hear() == {"type": "playerDisconnected", "playerId": player_id}

    async def test_player_that_answers_stays(self, start: Start) -> None:
        """A pong is enough to stay, for longer than the timeout."""
        client = await start(player_keepalive_timeout=600)
        _, player, _ = await client.pair()
        for _ in range(5):
            ping = await player.hear_type("ping")
            await player.say("pong", time=ping["time"])
        await player.hears_nothing_before()

    async def test_silent_streamer_answers_by_its_socket(self, start: Start) -> None:
        """A streamer that says nothing stays while its socket answers WebSocket pings."""
        client = await start(streamer_keepalive_timeout=600, player_keepalive_timeout=300)
        streamer = await client.streamer()
        player = await client.player()
        # aiohttp's client answers the pings while it waits here.
        assert (await player.closed())[0] is not None
        await streamer.hears_nothing_before()
        assert "Kiosk" in client.server.registry.streamers
