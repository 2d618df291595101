"""Pages that know no sessions get theirs all the same."""

import pytest

from tests.signalling.peers import Client, Start, eventually
from tests.signalling.sessions import ALIAS, instance, matchmaker, stock_playing, until


@pytest.fixture
async def client(start: Start) -> Client:
    """Give a client of a server with matchmaking."""
    return await start(matchmaking=True, admin_token="letmein", queue_push_interval=0.05)


async def test_a_stock_page_sees_the_alias_alone(client: Client) -> None:
    """However many streamers there are, it sees one name, which leads to its instance."""
    one, two = await instance(client, "One"), await instance(client, "Two")
    first = await client.player()
    await first.say("listStreamers")
    assert (await first.hear_type("streamerList"))["ids"] == [ALIAS]
    await first.say("subscribe", streamerId=ALIAS)
    await eventually(
        lambda: any(s.subscribers for s in client.server.registry.streamers.values())
    )
    taken = next(s.id for s in client.server.registry.streamers.values() if s.subscribers)
    await stock_playing(client, two if taken == "One" else one)


async def test_a_stock_page_is_listed_when_there_is_a_place(client: Client) -> None:
    """Its list comes late, and only once."""
    streamer = await instance(client)
    first = await stock_playing(client, streamer)
    second = await client.player()
    await second.say("listStreamers")
    await second.hears_nothing_before()
    await first.socket.close()
    await matchmaker(client).end_session(
        (await matchmaker(client).store.sessions())[0].id,
    )
    assert (await second.hear_type("streamerList"))["ids"] == [ALIAS]
    await second.hears_nothing_before()


async def test_a_subscription_is_held_until_there_is_a_place(client: Client) -> None:
    """A page that subscribes to the alias unasked waits, and then watches."""
    player = await client.player()
    await player.say("subscribe", streamerId=ALIAS)
    await player.hears_nothing_before()
    streamer = await instance(client)
    await streamer.hear_type("playerConnected")


async def test_an_offer_is_held_until_there_is_a_place(client: Client) -> None:
    """A browser-offering page's offer and candidates arrive in order, once it has a place."""
    player = await client.player()
    await player.say("offer", sdp="v=0")
    for number in range(5):
        await player.say("iceCandidate", candidate={"candidate": str(number)})
    await player.hears_nothing_before()
    streamer = await instance(client)
    await streamer.hear_type("playerConnected")
    assert (await streamer.hear_type("offer"))["sdp"] == "v=0"
    for number in range(5):
        candidate = await streamer.hear_type("iceCandidate")
        assert candidate["candidate"]["candidate"] == str(number)


async def test_what_is_held_is_bounded(start: Start) -> None:
    """A page that sends more than any page does while it waits is closed."""
    client = await start(matchmaking=True, player_messages_per_second=0)
    player = await client.player()
    await player.say("offer", sdp="v=0")
    for _ in range(300):
        await player.say("iceCandidate", candidate={"candidate": "x"})
    assert (await player.closed())[0] == 4008


async def test_the_bytes_that_are_held_are_bounded(start: Start) -> None:
    """A few large messages are too much as well."""
    client = await start(matchmaking=True)
    player = await client.player()
    await player.say("offer", sdp="v=0")
    for _ in range(12):
        await player.say("iceCandidate", candidate={"candidate": "x" * 100_000})
    assert (await player.closed())[0] == 4008


async def test_a_page_that_leaves_while_it_waits_is_out(client: Client) -> None:
    """Its session ends, and nothing of it is left."""
    player = await client.player()
    await player.say("offer", sdp="v=0")
    store = matchmaker(client).store

    async def waits() -> bool:
        return bool((await store.waiting()).waiters)

    async def waits_not() -> bool:
        return not await waits()

    await until(waits)
    await player.socket.close()
    await until(waits_not)
    await eventually(lambda: not list(client.server.matchmaking.seats))


async def test_a_stock_page_comes_back_to_the_head(start: Start) -> None:
    """Its streamer dead, it is closed with 4004, comes back as the same visitor, is first."""
    client = await start(matchmaking=True)
    streamer = await instance(client)
    cookie = {"Cookie": f"pycirrus_user={client.server.users.signed('anon:visitor')}"}
    page = await stock_playing(client, streamer, headers=cookie)
    waiter = await client.player()
    await waiter.say("listStreamers")
    await waiter.hears_nothing_before()
    await streamer.socket.close()
    assert (await page.closed())[0] == 4004
    again = await client.connect("player", headers=cookie)
    await again.hear_type("config")
    await again.say("listStreamers")
    await again.hears_nothing_before()
    await instance(client, "Other")
    assert (await again.hear_type("streamerList"))["ids"] == [ALIAS]
    await waiter.hears_nothing_before()


async def test_a_full_queue_closes_a_stock_page(start: Start) -> None:
    """It is closed with 1013, so that it comes back later."""
    client = await start(matchmaking=True, max_queue_length=0)
    player = await client.player()
    await player.say("listStreamers")
    code, reason = await player.closed()
    assert code == 1013
    assert "full" in reason


async def test_an_sfu_sees_all_streamers(client: Client) -> None:
    """Relays are not visitors: they need no place."""
    await instance(client)
    sfu = await client.connect("sfu")
    await sfu.hear()
    await sfu.hear()
    await sfu.say("listStreamers")
    assert (await sfu.hear_type("streamerList"))["ids"] == ["Kiosk"]


async def test_the_alias_is_an_option(start: Start) -> None:
    """Installations choose the name that their pages show."""
    client = await start(matchmaking=True, matchmaking_alias="Showroom")
    await instance(client)
    player = await client.player()
    await player.say("listStreamers")
    assert (await player.hear_type("streamerList"))["ids"] == ["Showroom"]
