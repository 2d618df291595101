"""Peers of both generations at one server, each told apart by what it does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling import dialect as dialects
from signalling.dialect import CIRRUS, UNDECIDED, WILBUR
from signalling.errors import CloseCode
from tests.signalling.peers import Client, Peer, Start, eventually

SDP = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\n"


@pytest.fixture
async def client(start: Start) -> Client:
    """Give a client of a server that tells its peers apart."""
    return await start(dialect="auto")


async def streamer_of(client: Client, name: str, version: str | None) -> Peer:
    """Return a streamer that said its name, and the version if it has one."""
    streamer = await client.streamer(None)
    told = {} if version is None else {"protocolVersion": version}
    await streamer.say("endpointId", id=name, **told)
    return streamer


class TestStreamers:
    """Told apart by the protocol version in `endpointId`."""

    async def test_version_means_wilbur(self, client: Client) -> None:
        """One that says a version is confirmed, and told of players in Wilbur's words."""
        streamer = await streamer_of(client, "New", "1.2.0")
        assert await streamer.hear() == {"type": "endpointIdConfirm", "committedId": "New"}
        player = await client.player()
        await player.say("subscribe", streamerId="New")
        assert "sendOffer" not in await streamer.hear_type("playerConnected")

    async def test_no_version_means_cirrus(self, client: Client) -> None:
        """One without is not confirmed, and told who offers."""
        streamer = await streamer_of(client, "Old", None)
        player = await client.player()
        await player.say("subscribe", streamerId="Old")
        assert (await streamer.hear_type("playerConnected"))["sendOffer"] is True

    async def test_silence_means_cirrus(self, start: Start) -> None:
        """One that never says its name is an old one."""
        client = await start(dialect="auto", identify_timeout=0.05)
        streamer = await client.streamer(None)
        await eventually(lambda: bool(client.server.registry.streamers))
        player = await client.player()
        await player.say("subscribe", streamerId="LegacyStreamer")
        assert (await streamer.hear_type("playerConnected"))["sendOffer"] is True

    async def test_late_version_wins_over_silence(self, start: Start) -> None:
        """One that was slow is not taken for an old one for ever."""
        client = await start(dialect="auto", identify_timeout=0.05)
        streamer = await client.streamer(None)
        await eventually(lambda: bool(client.server.registry.streamers))
        await streamer.say("endpointId", id="New", protocolVersion="1.3.0")
        await streamer.hear_type("endpointIdConfirm")

    async def test_version_need_not_be_repeated(self, client: Client) -> None:
        """One that takes another name without saying the version again stays a new one."""
        streamer = await streamer_of(client, "New", "1.3.0")
        await streamer.hear_type("endpointIdConfirm")
        await streamer.say("endpointId", id="Newer")
        assert (await streamer.hear_type("endpointIdConfirm"))["committedId"] == "Newer"


class TestPages:
    """Told apart by the URL, by silence and by the pong."""

    async def test_undecided_page_is_spoken_to_as_wilbur_does(self, client: Client) -> None:
        """A version in `config`, failures told, unknown types ignored, no head count."""
        player = await client.connect("player")
        assert (await player.hear_type("config"))["protocolVersion"] == "1.3.0"
        await player.say("subscribe", streamerId="Nobody")
        await player.hear_type("subscribeFailed")
        await player.say("teleport")
        await player.hears_nothing_before()

    async def test_offer_in_the_url_means_cirrus(self, client: Client) -> None:
        """Only pages before 5.5 announce it: no version, a head count, 1008."""
        player = await client.connect("player", "?OfferToReceive=true")
        assert "protocolVersion" not in await player.hear_type("config")
        await player.hear_type("playerCount")
        await player.say("teleport")
        assert (await player.closed())[0] == CloseCode.BAD_MESSAGE

    async def test_any_id_is_a_number(self, client: Client) -> None:
        """Any player may come to watch an old streamer, which reads numbers only."""
        streamer = await streamer_of(client, "New", "1.3.0")
        await streamer.hear_type("endpointIdConfirm")
        assert (await client.watch(await client.player(), streamer, "New")).isdigit()

    async def test_pong_with_its_own_clock_means_cirrus(self, client: Client) -> None:
        """A page that says its own time in a pong is counted heads to and renamed to so."""
        streamer = await streamer_of(client, "Old", None)
        player = await client.player()
        await client.watch(player, streamer, "Old")
        await player.say("pong", time=1_700_000_000_000)
        await player.hear_type("playerCount")
        await streamer.say("endpointId", id="Older")
        assert await player.hear() == {"type": "streamerIDChanged", "newID": "Older"}

    async def test_echoed_pong_says_nothing(self, client: Client) -> None:
        """A page that echoes our time stays as it is."""
        player = await client.player()
        await player.say("pong", time=1_700_000_000)
        await player.hears_nothing_before()

    async def test_silent_page_is_served_and_old(self, start: Start) -> None:
        """A page that never asks gets the first streamer, and a head count."""
        client = await start(dialect="auto", identify_timeout=0.05)
        streamer = await streamer_of(client, "Old", None)
        player = await client.player()
        await streamer.hear_type("playerConnected")
        await player.hear_type("playerCount")

    async def test_offer_before_subscribing(self, client: Client) -> None:
        """A page of 5.7 stays one, and its old streamer is told to hold its offer back."""
        streamer = await streamer_of(client, "Old", None)
        player = await client.player()
        await player.say("offer", sdp=SDP)
        assert (await streamer.hear_type("playerConnected"))["sendOffer"] is False
        await streamer.hear_type("offer")
        await player.hears_nothing_before()


class TestDecision:
    """What the signs mean where the dialect is configured, and where it is not."""

    @given(
        query=st.dictionaries(st.sampled_from(["OfferToReceive", "token"]), st.text()),
        time=st.none() | st.integers() | st.floats(),
        version=st.none() | st.text(),
    )
    def test_configured_dialect_never_changes(
        self, query: dict[str, str], time: float | None, version: str | None
    ) -> None:
        """What a peer does counts only with `--dialect auto`."""
        for configured in (WILBUR, CIRRUS):
            assert dialects.of_page(configured, query) is configured
            assert dialects.of_pong(configured, time) is configured
            assert dialects.of_streamer(configured, configured, version) is configured
            assert dialects.of_silent(configured) is configured

    @given(query=st.dictionaries(st.text(), st.text()))
    def test_every_url_means_one_of_two(self, query: dict[str, str]) -> None:
        """A page's URL makes it an old one or tells nothing."""
        found = dialects.of_page(UNDECIDED, query)
        assert found is (CIRRUS if "OfferToReceive" in query else UNDECIDED)
