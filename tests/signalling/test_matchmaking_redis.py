"""The same with the state in Redis: it outlives the server, and its words are known outside."""

from collections.abc import Iterator

import orjson
import pytest
import redis.asyncio
from structlog.testing import capture_logs

from signalling.errors import OptionError
from tests.signalling.peers import Start
from tests.signalling.redis_server import redis_server
from tests.signalling.sessions import (
    ALIAS,
    asked,
    instance,
    playing,
    until,
)


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a redis-server."""
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(autouse=True)
async def empty(redis_url: str) -> None:
    """Begin each test with nothing in it."""
    client = redis.asyncio.from_url(redis_url)
    await client.flushall()
    await client.aclose()


async def test_assigned_queued_and_moved_up(start: Start, redis_url: str) -> None:
    """Two players, one streamer: the whole conversation, and the mirror for dashboards."""
    client = await start(matchmaking=True, redis_url=redis_url, queue_push_interval=0.05)
    streamer = await instance(client)
    signed = client.server.users.signed("anon:visitor")
    first, assigned = await playing(client, streamer, user=signed)
    second = await asked(client)
    assert (await second.hear_type("sessionQueued"))["position"] == 1
    reader = redis.asyncio.from_url(redis_url)
    await until(lambda: reader.exists("session:anon:visitor"))
    mirrored = orjson.loads(await reader.get("session:anon:visitor"))
    assert mirrored["serverId"] == "Kiosk"
    assert mirrored["sessionId"] == assigned["sessionId"]
    await until(lambda: reader.sismember("cirrus:servers", "Kiosk"))
    await reader.aclose()
    await first.say("sessionRelease")
    assert (await first.hear_type("sessionEnded"))["reason"] == "released"
    await second.hear_type("sessionAssigned")


async def test_a_stock_page_waits_in_redis_too(start: Start, redis_url: str) -> None:
    """Its offer is held, its place is given, its streamer's death closes it."""
    client = await start(matchmaking=True, redis_url=redis_url)
    page = await client.player()
    await page.say("listStreamers")
    await page.hears_nothing_before()
    streamer = await instance(client)
    assert (await page.hear_type("streamerList"))["ids"] == [ALIAS]
    await client.watch(page, streamer, ALIAS)
    await streamer.socket.close()
    assert (await page.closed())[0] == 4004


async def test_sessions_outlive_the_server(start: Start, redis_url: str) -> None:
    """After a restart the player comes back to its instance, before who waited."""
    options = {"matchmaking": True, "redis_url": redis_url, "session_secret": "s" * 40}
    first = await start(**options)
    streamer = await instance(first)
    player, assigned = await playing(first, streamer)
    waiter = await asked(first)
    await waiter.hear_type("sessionQueued")
    await first.server.drain()
    assert (await player.closed())[0] == 1012
    second = await start(**options)
    again = await second.player()
    await again.say("sessionResume", token=assigned["token"])
    streamer = await second.streamer()
    message = await again.hear()
    while message["type"] == "sessionQueued":
        message = await again.hear()
    assert message["type"] == "sessionAssigned"
    assert message["sessionId"] == assigned["sessionId"]
    await second.watch(again, streamer)


async def test_a_redis_that_is_not_there_is_one_line(start: Start) -> None:
    """The server says which option is wrong, and does not start."""
    with capture_logs(), pytest.raises(OptionError, match="redis_url"):
        await start(matchmaking=True, redis_url="redis://127.0.0.1:1/0")
