"""Two servers on one Redis: everybody gets a place that their own node can show them."""

from collections.abc import Iterator

import pytest
import redis.asyncio

from tests.signalling.peers import Client, Start
from tests.signalling.redis_server import redis_server
from tests.signalling.sessions import ADMIN, ALIAS, asked, instance, playing

ADDRESS = "https://session-{id}.{node}.example.com/"


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a redis-server."""
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
async def nodes(start: Start, redis_url: str) -> tuple[Client, Client]:
    """Give two nodes of one cluster, on an empty Redis."""
    client = redis.asyncio.from_url(redis_url)
    await client.flushall()
    await client.aclose()
    options = {
        "matchmaking": True,
        "redis_url": redis_url,
        "session_secret": "s" * 40,
        "session_address": ADDRESS,
        "admin_token": "letmein",
        "queue_push_interval": 0.05,
    }
    return await start(node_name="one", **options), await start(node_name="two", **options)


async def test_a_place_on_another_node_is_no_place(nodes: tuple[Client, Client]) -> None:
    """A player waits beside a free streamer of another node, and plays when its own has one."""
    one, two = nodes
    await instance(one, "Far")
    player = await asked(two)
    assert (await player.hear_type("sessionQueued"))["position"] == 1
    near = await instance(two, "Near")
    assigned = await player.hear_type("sessionAssigned")
    assert assigned["streamerId"] == "Near"
    assert assigned["url"] == f"https://session-{assigned['sessionId']}.two.example.com/"
    await two.watch(player, near, "Near")


async def test_a_stock_page_waits_for_its_own_node(nodes: tuple[Client, Client]) -> None:
    """It is shown the alias when a streamer of its node is free, not before."""
    one, two = nodes
    await instance(one, "Far")
    page = await two.player()
    await page.say("listStreamers")
    await page.hears_nothing_before()
    near = await instance(two, "Near")
    assert (await page.hear_type("streamerList"))["ids"] == [ALIAS]
    await two.watch(page, near, ALIAS)


async def test_who_comes_back_at_another_node_gets_a_place_there(
    nodes: tuple[Client, Client],
) -> None:
    """The session goes on with a streamer of the new node; the old place is free again."""
    one, two = nodes
    streamer = await instance(one, "Far")
    player, assigned = await playing(one, streamer)
    near = await instance(two, "Near")
    again = await two.player()
    await again.say("sessionResume", token=assigned["token"])
    moved = await again.hear_type("sessionAssigned")
    assert (moved["sessionId"], moved["streamerId"]) == (assigned["sessionId"], "Near")
    await two.watch(again, near, "Near")
    assert (await player.hear_type("sessionEnded"))["reason"] == "taken_over"
    other = await asked(one)
    assert (await other.hear_type("sessionAssigned"))["streamerId"] == "Far"


async def test_who_comes_back_to_a_full_node_is_first_in_line(
    nodes: tuple[Client, Client],
) -> None:
    """Before those who wait there already; whoever waited for the old place gets it."""
    one, two = nodes
    streamer = await instance(one, "Far")
    _, assigned = await playing(one, streamer)
    heir = await asked(one)
    await heir.hear_type("sessionQueued")
    waiter = await asked(two)
    await waiter.hear_type("sessionQueued")
    again = await two.player()
    await again.say("sessionResume", token=assigned["token"])
    assert (await again.hear_type("sessionQueued"))["position"] == 1
    assert (await heir.hear_type("sessionAssigned"))["streamerId"] == "Far"
    await instance(two, "Near")
    assert (await again.hear_type("sessionAssigned"))["streamerId"] == "Near"


async def test_a_request_without_a_socket_is_told_where_to_go(
    nodes: tuple[Client, Client],
) -> None:
    """Any node gives any place, with an address that leads to the node of the streamer."""
    one, two = nodes
    await instance(one, "Far")
    url, body = two.running.http("/api/sessions"), {"userId": "alice"}
    async with two.http.post(url, json=body, headers=ADMIN) as answer:
        session = await answer.json()
    assert session["streamerId"] == "Far"
    assert session["url"] == f"https://session-{session['sessionId']}.one.example.com/"
    async with two.http.post(url, json={"userId": "bob"}, headers=ADMIN) as answer:
        waits = await answer.json()
    assert waits["state"] == "queued"
    assert "url" not in waits
    host = session["url"].removeprefix("https://").rstrip("/")
    query = f"?session={session['token']}"
    player = await one.connect("player", query, headers={"Host": host})
    await player.hear_type("config")
    await player.say("sessionRequest")
    assert (await player.hear_type("sessionAssigned"))["streamerId"] == "Far"
