"""The conversation of a Cirrus server, for UE 5.0 to 5.4 and their pages."""

import pytest

from signalling.dialect import CIRRUS
from signalling.directory import numeric_player_ids
from signalling.errors import CloseCode
from signalling.headcount import Headcount
from signalling.registry import Origin, Player, Registry
from tests.signalling.peers import Client, Peer, Start, eventually

SDP = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\n"
LARGEST_INT32 = 2**31 - 1


@pytest.fixture
async def client(start: Start) -> Client:
    """Give a client of a server that speaks like Cirrus."""
    return await start(dialect="cirrus")


class TestGreeting:
    """What is said before anybody asks."""

    async def test_player_gets_config_and_count(self, client: Client) -> None:
        """A page is told the peer options, no version, and how many players there are."""
        player = await client.connect("player")
        assert await player.hear() == {"type": "config", "peerConnectionOptions": {}}
        assert await player.hear() == {"type": "playerCount", "count": 1}

    async def test_streamer_is_configured_first(self, client: Client) -> None:
        """A streamer is configured, then asked its name."""
        streamer = await client.connect("streamer")
        assert await streamer.hear() == {"type": "config", "peerConnectionOptions": {}}
        assert await streamer.hear() == {"type": "identify"}

    async def test_name_is_not_confirmed(self, client: Client) -> None:
        """UE 5.0 closes its socket on a message it does not know, so none is sent."""
        streamer = await client.streamer(None)
        await streamer.say("endpointId", id="Kiosk")
        await streamer.hears_nothing_before()
        assert list(client.server.registry.streamers) == ["Kiosk"]

    async def test_silent_streamer_gets_a_name(self, start: Start) -> None:
        """A streamer that does not know `identify` can be watched all the same."""
        client = await start(dialect="cirrus", identify_timeout=0.05)
        streamer = await client.streamer(None)
        await eventually(lambda: bool(client.server.registry.streamers))
        player = await client.player()
        await player.say("listStreamers")
        assert (await player.hear_type("streamerList"))["ids"] == ["LegacyStreamer"]
        assert await client.watch(player, streamer, "LegacyStreamer")


class TestPlayerIds:
    """What UE to 5.4 can read and write: a number of 32 bits."""

    async def test_streamer_hears_a_number(self, client: Client) -> None:
        """An id is a string of digits whose number fits a signed 32-bit integer."""
        _, _, player_id = await client.pair()
        assert player_id.isdigit()
        assert int(player_id) <= LARGEST_INT32

    async def test_streamer_may_say_it_as_a_number(self, client: Client) -> None:
        """Offers and candidates that name the player by a number reach it as they are."""
        streamer, player, player_id = await client.pair()
        await streamer.say("offer", playerId=int(player_id), sdp=SDP)
        assert await player.hear() == {"type": "offer", "sdp": SDP, "playerId": int(player_id)}

    async def test_streamer_may_kick_by_number(self, client: Client) -> None:
        """A player is turned out by its number, with 1011 and the reason."""
        streamer, player, player_id = await client.pair()
        await streamer.say("disconnectPlayer", playerId=int(player_id), reason="enough")
        assert await player.closed() == (CloseCode.INTERNAL, "enough")
        await streamer.hear_type("playerDisconnected")

    def test_taken_numbers_are_not_given_again(self) -> None:
        """With few numbers left, those in use are passed over."""
        taken = Taken(first=3)
        drawn = numeric_player_ids(taken)()
        assert len(taken.refused) == 3
        assert drawn not in taken.refused


class Taken:
    """Says of the first few ids it is asked about that they are in use."""

    def __init__(self, *, first: int) -> None:
        self._left = first
        self.refused: list[object] = []

    def __contains__(self, player_id: object) -> bool:
        self._left -= 1
        if self._left >= 0:
            self.refused.append(player_id)
        return self._left >= 0


class TestSubscribing:
    """Who watches whom."""

    @pytest.mark.parametrize(
        ("query", "send_offer"),
        [
            ("", True),
            ("?OfferToReceive=true", False),
            ("?OfferToReceive", False),
            ("?OfferToReceive=false", True),
        ],
    )
    async def test_streamer_is_told_who_offers(
        self, client: Client, query: str, *, send_offer: bool
    ) -> None:
        """A streamer holds its offer back for a page that announced its own."""
        streamer = await client.streamer()
        player = await client.player(query)
        await player.say("subscribe", streamerId="Kiosk")
        connected = await streamer.hear()
        assert connected.pop("playerId")
        assert connected == {
            "type": "playerConnected",
            "dataChannel": True,
            "sfu": False,
            "sendOffer": send_offer,
        }

    async def test_page_that_just_offers(self, client: Client) -> None:
        """An offer before any subscription is told too, ahead of the offer itself."""
        streamer = await client.streamer()
        player = await client.player()
        await player.say("offer", sdp=SDP)
        assert (await streamer.hear_type("playerConnected"))["sendOffer"] is False
        assert (await streamer.hear_type("offer"))["sdp"] == SDP

    async def test_failure_is_not_told(self, client: Client) -> None:
        """A page of that time knows no subscribeFailed; it stays and may ask again."""
        player = await client.player()
        await player.say("subscribe", streamerId="Nobody")
        await player.hears_nothing_before()

    async def test_rename_is_spelt_the_old_way(self, client: Client) -> None:
        """Pages of 5.4 follow a streamer by `streamerIDChanged`."""
        streamer, player, _ = await client.pair()
        await streamer.say("endpointId", id="Lobby")
        assert await player.hear() == {"type": "streamerIDChanged", "newID": "Lobby"}
        await streamer.hears_nothing_before()

    async def test_layer_preference_needs_a_relay(self, client: Client) -> None:
        """UE 5.0 would leave on a message that only SFUs understand."""
        streamer, player, _ = await client.pair()
        await player.say("layerPreference", spatialLayer=1, temporalLayer=0)
        await player.hears_nothing_before()
        await streamer.hears_nothing_before()


async def timeout_passed(client: Client) -> None:
    """Wait until a peer that came now has been nameless for too long: an SFU, not offered."""
    sfu = await client.connect("sfu")
    await sfu.say("ping", time=1)
    await eventually(lambda: "LegacyStreamer" in client.server.registry.streamers)


class TestSilentPages:
    """Pages of UE 5.0 and 5.1, which wait for an offer and never ask for one."""

    async def test_silent_page_is_given_the_first_streamer(self, start: Start) -> None:
        """Its streamer hears of it without a word from the page."""
        client = await start(dialect="cirrus", identify_timeout=0.05)
        streamer = await client.streamer()
        player = await client.player()
        connected = await streamer.hear_type("playerConnected")
        await streamer.say("offer", playerId=connected["playerId"], sdp=SDP)
        await player.hear_type("offer")
        await player.say("answer", sdp=SDP)
        assert (await streamer.hear_type("answer"))["playerId"] == connected["playerId"]

    async def test_silent_page_waits_for_a_streamer(self, start: Start) -> None:
        """One that came before its streamer is given it when it is there."""
        client = await start(dialect="cirrus", identify_timeout=0.05)
        await client.player()
        await timeout_passed(client)
        streamer = await client.streamer()
        await streamer.hear_type("playerConnected")

    async def test_page_that_speaks_is_left_alone(self, start: Start) -> None:
        """A page that asked for the list chooses for itself, however long it takes."""
        client = await start(dialect="cirrus", identify_timeout=0.05)
        streamer = await client.streamer()
        player = await client.player()
        await player.say("listStreamers")
        await player.hear_type("streamerList")
        await timeout_passed(client)
        await streamer.hears_nothing_before()

    async def test_silence_means_nothing_to_wilbur(self, start: Start) -> None:
        """Where no old pages are expected, a page that says nothing gets nothing."""
        client = await start(identify_timeout=0.05)
        streamer = await client.streamer()
        await client.player()
        await timeout_passed(client)
        await streamer.hears_nothing_before()


class TestStrictness:
    """What Cirrus does not put up with."""

    async def test_unknown_type_closes_a_page(self, client: Client) -> None:
        """A page that sends something unheard of is closed with 1008."""
        player = await client.player()
        await player.say("teleport")
        assert (await player.closed())[0] == CloseCode.BAD_MESSAGE

    async def test_unknown_type_does_not_close_a_streamer(self, client: Client) -> None:
        """A streamer stays, unlike with Cirrus: closing it would cut its viewers."""
        streamer, player, _ = await client.pair()
        await streamer.say("teleport")
        await streamer.hears_nothing_before()
        await player.hears_nothing_before()

    async def test_stats_end_nothing(self, client: Client) -> None:
        """The message that ended Cirrus's process is taken."""
        player = await client.player()
        await player.say("stats", data="{}")
        await player.hears_nothing_before()


class TestPings:
    """Every page is pinged, heard or not."""

    async def test_busy_page_is_pinged(self, start: Start) -> None:
        """A page that talks all the time is pinged too, in Unix seconds."""
        client = await start(dialect="cirrus", player_keepalive_timeout=600)
        player = await client.player()
        for _ in range(3):
            await player.say("pong", time=1_700_000_000_000)
            assert (await player.hear_type("ping"))["time"] > 1_700_000_000

    async def test_page_that_knows_no_ping_stays(self, start: Start) -> None:
        """A page that never answers stays while its browser answers for it."""
        client = await start(dialect="cirrus", player_keepalive_timeout=600)
        player = await client.player()
        for _ in range(5):
            await player.hear_type("ping")


class TestHeadcount:
    """How many players there are."""

    async def test_everybody_is_told(self, client: Client) -> None:
        """Who comes is told at once, the others soon, and of leaving too."""
        first = await client.player()
        second = await client.connect("player")
        await second.hear_type("config")
        assert await second.hear() == {"type": "playerCount", "count": 2}
        assert await self.next_count(first) == 2
        await second.socket.close()
        assert await self.next_count(first) == 1

    def test_crowd_costs_one_message_a_tick(self) -> None:
        """A thousand comings and goings between two ticks cost each page one message."""
        registry = Registry()
        headcount = Headcount(registry)
        pages = []
        for number in range(1000):
            pages.append(self.page(registry, str(number)))
            headcount.add(pages[-1])
        headcount.tick()
        sent = [len(page.link.sent) for page in pages]  # type: ignore[attr-defined]
        assert sent == [2] * 999 + [1]

    def test_no_news_costs_nothing(self) -> None:
        """A page that came while another left is told nothing twice."""
        registry = Registry()
        headcount = Headcount(registry)
        page = self.page(registry, "1")
        headcount.add(page)
        leaving = self.page(registry, "2")
        registry.remove_player(leaving)
        headcount.tick()
        assert page.link.sent == [b'{"type":"playerCount","count":1}']  # type: ignore[attr-defined]

    def test_who_left_is_told_nothing(self) -> None:
        """A page that is gone is not sent to."""
        registry = Registry()
        headcount = Headcount(registry)
        page = self.page(registry, "1")
        headcount.add(page)
        headcount.discard(page)
        self.page(registry, "2")
        headcount.tick()
        assert len(page.link.sent) == 1  # type: ignore[attr-defined]

    @staticmethod
    async def next_count(page: Peer) -> object:
        """Return the next number *page* is told, over pings."""
        while (message := await page.hear())["type"] == "ping":
            await page.say("pong", time=message["time"])
        assert message["type"] == "playerCount"
        return message["count"]

    @staticmethod
    def page(registry: Registry, player_id: str) -> Player:
        """Return a registered page that keeps what it is sent."""
        page = Player(player_id, link=Kept(), dialect=CIRRUS, origin=Origin("127.0.0.1"))
        registry.add_player(page)
        return page


class Kept:
    """A link that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, payload: bytes) -> None:
        """Keep *payload*."""
        self.sent.append(payload)

    def ping(self) -> None:
        """Do nothing."""

    def close(self, code: CloseCode, reason: str) -> None:
        """Do nothing."""
