"""An SFU's conversation, message by message as Epic's SFU holds it, over real sockets."""

from typing import Self

import pytest

from signalling.errors import CloseCode
from signalling.registry import Kind
from tests.signalling.peers import Client, Json, Peer, Start, eventually

SDP = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\n"
CANDIDATE = {"candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host", "sdpMid": "0"}


class Sfu:
    """
    Epic's SFU, without the media.

    Source: SFU/sfu_server.js. It says its name without a version, asks for the
    list, takes the first of it, answers the offer and streams.
    """

    def __init__(self, peer: Peer, name: str) -> None:
        self.peer = peer
        self.name = name
        self.player_id = ""
        """What its upstream calls it."""

    @classmethod
    async def connect(cls, client: Client, name: str = "SFU") -> Self:
        """Open the socket, say the name and learn who is there."""
        sfu = cls(await client.connect("sfu"), name)
        greeting = {(await sfu.peer.hear())["type"] for _ in range(2)}
        assert greeting == {"identify", "config"}
        await sfu.peer.say("endpointId", id=name)
        if client.server.settings.dialect == "wilbur":
            confirmed = await sfu.peer.hear_type("endpointIdConfirm")
            sfu.name = confirmed["committedId"]
        return sfu

    async def list(self) -> list[str]:
        """Return whom it could relay."""
        await self.peer.say("listStreamers")
        ids: list[str] = (await self.peer.hear_type("streamerList"))["ids"]
        return ids

    async def take(self, streamer: Peer, name: str) -> Json:
        """Subscribe to a streamer; return what the streamer hears."""
        await self.peer.say("subscribe", streamerId=name)
        connected = await streamer.hear_type("playerConnected")
        self.player_id = connected["playerId"]
        return connected

    async def relay(self, streamer: Peer, name: str = "Kiosk") -> Self:
        """Subscribe, exchange descriptions and begin to stream."""
        await self.take(streamer, name)
        await streamer.say("offer", playerId=self.player_id, sdp=SDP, multiplex=False)
        await self.peer.hear_type("offer")
        await self.peer.say("answer", sdp=SDP)
        assert (await streamer.hear_type("answer"))["playerId"] == self.player_id
        await self.peer.say("startStreaming")
        await self.peer.hears_nothing_before()
        return self

    async def joined(self, player: Peer) -> str:
        """Let *player* subscribe to the SFU; return the player's id."""
        await player.say("subscribe", streamerId=self.name)
        connected = await self.peer.hear_type("playerConnected")
        assert connected["sfu"] is False
        return str(connected["playerId"])


@pytest.fixture(params=["wilbur", "cirrus", "auto"])
async def client(start: Start, request: pytest.FixtureRequest) -> Client:
    """Give a client of a server of each dialect."""
    return await start(dialect=request.param)


@pytest.fixture
async def wilbur(start: Start) -> Client:
    """Give a client of a server with default options."""
    return await start()


async def streamer_of(client: Client, name: str = "Kiosk") -> Peer:
    """Return a streamer that has been named, of either generation."""
    streamer = await client.streamer(name)
    await eventually(lambda: name in client.server.registry.streamers)
    return streamer


class TestUpstream:
    """An SFU as a player."""

    async def test_whole_conversation(self, client: Client) -> None:
        """It is announced as an SFU, and descriptions pass with its player id."""
        streamer = await streamer_of(client)
        sfu = await Sfu.connect(client)
        assert await sfu.list() == ["Kiosk"]
        connected = await sfu.take(streamer, "Kiosk")
        assert connected["sfu"] is True
        assert connected.get("sendOffer", True) is True
        offer = {"playerId": sfu.player_id, "sdp": SDP, "scalabilityMode": "L3T1"}
        await streamer.say("offer", **offer)
        assert await sfu.peer.hear() == {"type": "offer", **offer}
        await sfu.peer.say("answer", sdp=SDP)
        answer = {"type": "answer", "sdp": SDP, "playerId": sfu.player_id}
        assert await streamer.hear() == answer

    async def test_candidates_pass_both_ways(self, wilbur: Client) -> None:
        """Epic's SFU sends none, others may; the streamer's reach it."""
        streamer = await streamer_of(wilbur)
        sfu = await Sfu.connect(wilbur)
        await sfu.take(streamer, "Kiosk")
        await streamer.say("iceCandidate", playerId=sfu.player_id, candidate=CANDIDATE)
        assert (await sfu.peer.hear_type("iceCandidate"))["candidate"] == CANDIDATE
        await sfu.peer.say("iceCandidate", candidate=CANDIDATE)
        assert (await streamer.hear_type("iceCandidate"))["playerId"] == sfu.player_id

    async def test_leaving(self, wilbur: Client) -> None:
        """Its upstream hears of its leaving once, whether it unsubscribes or goes."""
        streamer = await streamer_of(wilbur)
        sfu = await Sfu.connect(wilbur)
        await sfu.take(streamer, "Kiosk")
        await sfu.peer.say("unsubscribe")
        await sfu.peer.socket.close()
        left = {"type": "playerDisconnected", "playerId": sfu.player_id}
        assert await streamer.hear() == left
        await streamer.hears_nothing_before()

    async def test_upstream_can_turn_it_out(self, wilbur: Client) -> None:
        """A streamer kicks an SFU as it does any player."""
        streamer = await streamer_of(wilbur)
        sfu = await (await Sfu.connect(wilbur)).relay(streamer)
        await streamer.say("disconnectPlayer", playerId=sfu.player_id, reason="no relays")
        assert await sfu.peer.closed() == (CloseCode.INTERNAL, "no relays")
        await streamer.hear_type("playerDisconnected")

    async def test_upstream_rename_is_told(self, wilbur: Client) -> None:
        """It learns the new name, since it may have to subscribe again."""
        streamer = await streamer_of(wilbur)
        sfu = await (await Sfu.connect(wilbur)).relay(streamer)
        await streamer.say("endpointId", id="Lobby")
        assert await sfu.peer.hear() == {"type": "streamerIdChanged", "newID": "Lobby"}

    async def test_takes_nobodys_place(self, start: Start) -> None:
        """An SFU is not counted among the players that a streamer takes."""
        client = await start(max_players=1)
        streamer = await streamer_of(client)
        sfu = await Sfu.connect(client)
        await sfu.take(streamer, "Kiosk")
        assert await client.watch(await client.player(), streamer)

    async def test_gets_a_place_when_full(self, start: Start) -> None:
        """A full streamer can still be relayed."""
        client = await start(max_players=1)
        streamer = await streamer_of(client)
        await client.watch(await client.player(), streamer)
        assert await (await Sfu.connect(client)).take(streamer, "Kiosk")


class TestDownstream:
    """An SFU as a streamer."""

    async def test_offered_only_while_it_streams(self, client: Client) -> None:
        """Players are shown it after startStreaming and until stopStreaming."""
        streamer = await streamer_of(client)
        sfu = await Sfu.connect(client)
        player = await client.player()
        assert await self.listed(player) == {"Kiosk"}
        await sfu.relay(streamer)
        assert await self.listed(player) == {"Kiosk", "SFU"}
        await sfu.peer.say("stopStreaming")
        await sfu.peer.hears_nothing_before()
        assert await self.listed(player) == {"Kiosk"}

    async def test_cannot_be_watched_before(self, wilbur: Client) -> None:
        """Its name alone is no stream."""
        await Sfu.connect(wilbur)
        player = await wilbur.player()
        await player.say("subscribe", streamerId="SFU")
        await player.hear_type("subscribeFailed")

    async def test_may_start_before_it_has_a_name(self, start: Start) -> None:
        """An SFU that says that it streams and not how it is called is shown once named."""
        client = await start(identify_timeout=0.05)
        sfu = await client.connect("sfu")
        await sfu.say("startStreaming")
        await eventually(lambda: bool(client.server.registry.streamers))
        player = await client.player()
        assert await self.listed(player) == {"LegacyStreamer"}

    async def test_offer_and_answer(self, client: Client) -> None:
        """It offers to the player, whose answer and candidates reach it with the id."""
        sfu = await (await Sfu.connect(client)).relay(await streamer_of(client))
        player = await client.player()
        player_id = await sfu.joined(player)
        offer = {"playerId": player_id, "sdp": SDP, "sfu": True, "scalabilityMode": "L3T1"}
        await sfu.peer.say("offer", **offer)
        assert await player.hear() == {"type": "offer", **offer}
        await player.say("answer", sdp=SDP)
        answer = {"type": "answer", "sdp": SDP, "playerId": player_id}
        assert await sfu.peer.hear() == answer
        await player.say("iceCandidate", candidate=CANDIDATE)
        assert (await sfu.peer.hear_type("iceCandidate"))["playerId"] == player_id

    async def test_candidate_to_a_player(self, wilbur: Client) -> None:
        """A candidate that names a player is the player's, not the upstream's."""
        streamer = await streamer_of(wilbur)
        sfu = await (await Sfu.connect(wilbur)).relay(streamer)
        player = await wilbur.player()
        player_id = await sfu.joined(player)
        await sfu.peer.say("iceCandidate", playerId=player_id, candidate=CANDIDATE)
        assert (await player.hear_type("iceCandidate"))["candidate"] == CANDIDATE
        await streamer.hears_nothing_before()

    async def test_has_places_without_limit(self, start: Start) -> None:
        """What a streamer can encode for does not limit what an SFU can copy to."""
        client = await start(max_players=1)
        sfu = await (await Sfu.connect(client)).relay(await streamer_of(client))
        for _ in range(3):
            await sfu.joined(await client.player())

    async def test_leaving_player_is_told(self, wilbur: Client) -> None:
        """It hears which of its players left; its upstream does not."""
        streamer = await streamer_of(wilbur)
        sfu = await (await Sfu.connect(wilbur)).relay(streamer)
        player = await wilbur.player()
        player_id = await sfu.joined(player)
        await player.socket.close()
        left = {"type": "playerDisconnected", "playerId": player_id}
        assert await sfu.peer.hear() == left
        await streamer.hears_nothing_before()

    async def test_kick(self, wilbur: Client) -> None:
        """It turns its player out, and only its own."""
        sfu = await (await Sfu.connect(wilbur)).relay(await streamer_of(wilbur))
        other, others_player, others_id = await wilbur.pair("Other")
        player = await wilbur.player()
        player_id = await sfu.joined(player)
        await sfu.peer.say("disconnectPlayer", playerId=others_id)
        await sfu.peer.say("disconnectPlayer", playerId=player_id, reason="closing time")
        assert await player.closed() == (CloseCode.INTERNAL, "closing time")
        await others_player.hears_nothing_before()
        await other.hears_nothing_before()

    async def test_rename_is_told(self, wilbur: Client) -> None:
        """Its players learn its new name, under which it goes on streaming."""
        sfu = await (await Sfu.connect(wilbur)).relay(await streamer_of(wilbur))
        player = await wilbur.player()
        await sfu.joined(player)
        await sfu.peer.say("endpointId", id="Relay")
        await sfu.peer.hear_type("endpointIdConfirm")
        assert await player.hear() == {"type": "streamerIdChanged", "newID": "Relay"}
        assert "Relay" in await self.listed(player)

    async def test_page_may_prefer_it(self, start: Start) -> None:
        """A page of 5.0 that asks for an SFU by its URL is given one."""
        client = await start(dialect="cirrus", identify_timeout=0.05)
        sfu = await (await Sfu.connect(client)).relay(await streamer_of(client))
        await client.player("?preferSFU=true")
        await sfu.peer.hear_type("playerConnected")

    @staticmethod
    async def listed(player: Peer) -> set[str]:
        """Return whom *player* is shown."""
        await player.say("listStreamers")
        message = await player.hear()
        while message["type"] in {"playerCount", "ping"}:
            message = await player.hear()
        return set(message["ids"])


class TestDataChannels:
    """How a player's data channel comes to run through an SFU."""

    async def test_whole_conversation(self, client: Client) -> None:
        """Request, ids for the player, ready, ids for the streamer with the SFU's id."""
        streamer = await streamer_of(client)
        sfu = await (await Sfu.connect(client)).relay(streamer)
        player = await client.player()
        player_id = await sfu.joined(player)
        await player.say("dataChannelRequest")
        request = {"type": "dataChannelRequest", "playerId": player_id}
        assert await sfu.peer.hear() == request
        streams = {"sendStreamId": 1, "recvStreamId": 2}
        await sfu.peer.say("peerDataChannels", playerId=player_id, **streams)
        told = {"type": "peerDataChannels", "playerId": player_id, **streams}
        assert await player.hear() == told
        await player.say("peerDataChannelsReady")
        ready = {"type": "peerDataChannelsReady", "playerId": player_id}
        assert await sfu.peer.hear() == ready
        await sfu.peer.say("streamerDataChannels", playerId=player_id, **streams)
        assert await streamer.hear() == {
            "type": "streamerDataChannels",
            "playerId": player_id,
            **streams,
            "sfuId": sfu.player_id,
        }

    async def test_sfu_cannot_name_another(self, wilbur: Client) -> None:
        """The SFU's id is the server's, whatever the SFU wrote there."""
        streamer = await streamer_of(wilbur)
        sfu = await (await Sfu.connect(wilbur)).relay(streamer)
        player_id = await sfu.joined(await wilbur.player())
        await sfu.peer.say("streamerDataChannels", playerId=player_id, sfuId="Player999")
        assert (await streamer.hear_type("streamerDataChannels"))["sfuId"] == sfu.player_id

    @pytest.mark.parametrize("wire_name", ["peerDataChannels", "streamerDataChannels", "offer"])
    async def test_only_for_its_own_players(self, wilbur: Client, wire_name: str) -> None:
        """An SFU opens no channels for players that are not subscribed to it."""
        streamer = await streamer_of(wilbur)
        sfu = await (await Sfu.connect(wilbur)).relay(streamer)
        other, player, player_id = await wilbur.pair("Other")
        await sfu.peer.say(wire_name, playerId=player_id, sendStreamId=1, recvStreamId=2)
        await sfu.peer.hears_nothing_before()
        for peer in (other, player, streamer):
            await peer.hears_nothing_before()


class TestLayers:
    """Which layers a player is sent."""

    async def test_player_to_sfu(self, client: Client) -> None:
        """A player's preference reaches its SFU with the player's id, whatever it wrote."""
        sfu = await (await Sfu.connect(client)).relay(await streamer_of(client))
        player = await client.player()
        player_id = await sfu.joined(player)
        await player.say("layerPreference", spatialLayer=2, temporalLayer=1, playerId="")
        assert await sfu.peer.hear() == {
            "type": "layerPreference",
            "spatialLayer": 2,
            "temporalLayer": 1,
            "playerId": player_id,
        }

    async def test_streamer_to_sfu(self, client: Client) -> None:
        """A streamer's preference for a player reaches the SFU, and no player."""
        streamer, player, _ = await client.pair()
        sfu = await (await Sfu.connect(client)).relay(streamer)
        preference = {"spatialLayer": 0, "temporalLayer": 0, "playerId": "7"}
        await streamer.say("layerPreference", **preference)
        assert await sfu.peer.hear() == {"type": "layerPreference", **preference}
        await streamer.hears_nothing_before()
        assert await TestDownstream.listed(player)


class TestLoss:
    """What happens when one end goes."""

    async def test_upstream_gone(self, client: Client) -> None:
        """The SFU is told and stays, its players are closed, it is no longer shown."""
        streamer = await streamer_of(client)
        sfu = await (await Sfu.connect(client)).relay(streamer)
        player = await client.player()
        await sfu.joined(player)
        await streamer.socket.close()
        assert await sfu.peer.hear() == {"type": "streamerDisconnected"}
        assert (await player.closed())[0] == CloseCode.STREAMER_LEFT
        assert await TestDownstream.listed(await client.player()) == set()

    async def test_comes_back_with_its_upstream(self, wilbur: Client) -> None:
        """Epic's SFU says that it stopped, asks again, and relays the next."""
        streamer = await streamer_of(wilbur)
        sfu = await (await Sfu.connect(wilbur)).relay(streamer)
        await streamer.socket.close()
        await sfu.peer.hear_type("streamerDisconnected")
        await sfu.peer.say("stopStreaming")
        assert await sfu.list() == []
        again = await streamer_of(wilbur)
        assert await sfu.list() == ["Kiosk"]
        await sfu.relay(again)
        await sfu.joined(await wilbur.player())

    async def test_sfu_gone(self, wilbur: Client) -> None:
        """Its players are closed, its upstream hears of it, nothing of it stays."""
        streamer = await streamer_of(wilbur)
        sfu = await (await Sfu.connect(wilbur)).relay(streamer)
        player = await wilbur.player()
        await sfu.joined(player)
        await sfu.peer.socket.close()
        assert (await player.closed())[0] == CloseCode.STREAMER_LEFT
        assert (await streamer.hear_type("playerDisconnected"))["playerId"] == sfu.player_id
        registry = wilbur.server.registry
        await eventually(lambda: list(registry.streamers) == ["Kiosk"] and not registry.players)

    async def test_stopping_lets_go_of_players(self, wilbur: Client) -> None:
        """Who watches an SFU that stops is closed, and comes back by itself."""
        sfu = await (await Sfu.connect(wilbur)).relay(await streamer_of(wilbur))
        player = await wilbur.player()
        await sfu.joined(player)
        await sfu.peer.say("stopStreaming")
        assert (await player.closed())[0] == CloseCode.STREAMER_LEFT
        await sfu.peer.hears_nothing_before()

    async def test_bad_message_is_no_reason_to_go(self, wilbur: Client) -> None:
        """An SFU stays whatever it says: its viewers would be cut."""
        sfu = await (await Sfu.connect(wilbur)).relay(await streamer_of(wilbur))
        await sfu.peer.socket.send_str("null")
        await sfu.peer.say("teleport")
        await sfu.peer.say("subscribe", streamerId=7)
        await sfu.peer.hears_nothing_before()


class TestLoops:
    """An SFU never gets to relay its own picture."""

    async def test_not_itself(self, wilbur: Client) -> None:
        """It is neither shown itself nor let watch itself."""
        streamer = await streamer_of(wilbur)
        sfu = await (await Sfu.connect(wilbur)).relay(streamer)
        assert await sfu.list() == ["Kiosk"]
        await sfu.peer.say("subscribe", streamerId="SFU")
        await sfu.peer.hear_type("subscribeFailed")

    async def test_not_what_relays_it(self, wilbur: Client) -> None:
        """Nor one that relays it over another; a chain without a loop is fine."""
        streamer = await streamer_of(wilbur)
        first = await (await Sfu.connect(wilbur, "First")).relay(streamer)
        second = await (await Sfu.connect(wilbur, "Second")).relay(first.peer, "First")
        third = await (await Sfu.connect(wilbur, "Third")).relay(second.peer, "Second")
        assert await first.list() == ["Kiosk"]
        assert await third.list() == ["Kiosk", "First", "Second"]
        await first.peer.say("subscribe", streamerId="Third")
        await first.peer.hear_type("subscribeFailed")

    async def test_chain_ends_with_its_source(self, wilbur: Client) -> None:
        """When the streamer goes, every SFU of the chain is told and stops."""
        streamer = await streamer_of(wilbur)
        first = await (await Sfu.connect(wilbur, "First")).relay(streamer)
        second = await (await Sfu.connect(wilbur, "Second")).relay(first.peer, "First")
        await streamer.socket.close()
        assert (await first.peer.hear())["type"] == "streamerDisconnected"
        assert (await second.peer.hear())["type"] == "streamerDisconnected"
        assert not list(wilbur.server.registry.available())

    async def test_both_halves_are_known(self, wilbur: Client) -> None:
        """It has a player's and a streamer's id, and is an SFU under both."""
        sfu = await (await Sfu.connect(wilbur)).relay(await streamer_of(wilbur))
        registry = wilbur.server.registry
        assert registry.streamers["SFU"].kind is Kind.SFU
        assert registry.players[sfu.player_id].kind is Kind.SFU
