"""
An SFU of UE 5.0 or 5.1: it waits for an offer, answers it, and serves whoever comes.

Source: SFU/sfu_server.js of those branches. It sends neither name nor subscription, and
never says that it streams.
"""

import pytest

from tests.signalling.peers import Client, Peer, Start, eventually
from tests.signalling.test_sfu import SDP, streamer_of


@pytest.fixture(params=["cirrus", "auto"])
async def client(start: Start, request: pytest.FixtureRequest) -> Client:
    """Give a client of a server that expects old peers."""
    return await start(dialect=request.param, identify_timeout=0.05)


async def test_is_given_the_first_streamer(client: Client) -> None:
    """Its streamer hears of it, and pages that prefer an SFU get it once it answered."""
    streamer = await streamer_of(client)
    sfu = await quiet_sfu(client)
    await relays(sfu, streamer)
    await client.player("?preferSFU=true")
    player_id = (await sfu.hear_type("playerConnected"))["playerId"]
    await sfu.say("offer", playerId=player_id, sdp=SDP, sfu=True)


async def test_waits_for_a_streamer_and_its_return(client: Client) -> None:
    """It may come first, and relays the streamer that comes after one that left."""
    sfu = await quiet_sfu(client)
    await eventually(lambda: "LegacyStreamer" in client.server.registry.streamers)
    first = await streamer_of(client)
    await relays(sfu, first)
    await first.socket.close()
    await sfu.hear_type("streamerDisconnected")
    assert not list(client.server.registry.available())
    await relays(sfu, await streamer_of(client))


async def test_is_not_watched_before_it_answered(client: Client) -> None:
    """Until it has a picture it is shown to nobody."""
    streamer = await streamer_of(client)
    await client.connect("sfu")
    await streamer.hear_type("playerConnected")
    assert [each.id for each in client.server.registry.available()] == ["Kiosk"]


async def test_relays_no_relay(client: Client) -> None:
    """Two of them relay the same streamer, not each other."""
    streamer = await streamer_of(client)
    for _ in range(2):
        await relays(await quiet_sfu(client), streamer)


async def test_late_name_ends_it(client: Client) -> None:
    """One that was only slow to say its name chooses for itself from then on."""
    sfu = await quiet_sfu(client)
    await eventually(lambda: "LegacyStreamer" in client.server.registry.streamers)
    await sfu.say("endpointId", id="SFU")
    await eventually(lambda: "SFU" in client.server.registry.streamers)
    streamer = await streamer_of(client)
    await nameless_for_too_long(client)
    await streamer.hears_nothing_before()


async def test_wilbur_expects_none(start: Start) -> None:
    """Where no old peers are expected, an SFU that says nothing gets nothing."""
    client = await start(identify_timeout=0.05)
    streamer = await streamer_of(client)
    await client.connect("sfu")
    await nameless_for_too_long(client)
    await streamer.hears_nothing_before()


async def relays(sfu: Peer, streamer: Peer) -> None:
    """Take the streamer's offer and answer it."""
    connected = await streamer.hear_type("playerConnected")
    assert connected["sfu"] is True
    await streamer.say("offer", playerId=connected["playerId"], sdp=SDP)
    await sfu.hear_type("offer")
    await sfu.say("answer", sdp=SDP)
    assert (await streamer.hear_type("answer"))["playerId"] == connected["playerId"]


async def nameless_for_too_long(client: Client) -> None:
    """Wait until an SFU that came now, and is not led since it spoke, got a name."""
    named = len(client.server.registry.streamers)
    sfu = await client.connect("sfu")
    await sfu.say("ping", time=1)
    await eventually(lambda: len(client.server.registry.streamers) > named)


async def quiet_sfu(client: Client) -> Peer:
    """Return an SFU that was greeted and said nothing."""
    sfu = await client.connect("sfu")
    for _ in range(2):
        await sfu.hear()
    return sfu
