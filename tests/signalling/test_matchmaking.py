"""Everybody gets an instance of their own: players that know sessions, over real sockets."""

import asyncio

import pytest

from tests.signalling.peers import Client, Json, Start
from tests.signalling.sessions import (
    asked,
    instance,
    matchmaker,
    playing,
    stock_playing,
    until,
)


@pytest.fixture
async def client(start: Start) -> Client:
    """Give a client of a server with matchmaking."""
    return await start(matchmaking=True, admin_token="letmein", queue_push_interval=0.05)


# Players that know sessions.


async def test_a_player_is_assigned_an_instance(client: Client) -> None:
    """Who asks is told streamer, token and times, and can watch that streamer."""
    streamer = await instance(client)
    player, assigned = await playing(client, streamer)
    assert assigned["streamerId"] == "Kiosk"
    assert assigned["maxDurationSeconds"] == 1800
    assert assigned["token"]
    assert assigned["sessionId"]
    await player.say("offer", sdp="v=0")
    assert (await streamer.hear_type("offer"))["sdp"] == "v=0"


async def test_who_waits_is_told_the_place_and_then_the_instance(client: Client) -> None:
    """The second of two waits as number 1 and plays when the first leaves."""
    streamer = await instance(client)
    first, _ = await playing(client, streamer)
    second = await asked(client)
    queued = await second.hear_type("sessionQueued")
    assert queued == {
        "type": "sessionQueued",
        "position": 1,
        "queueLength": 1,
        "etaSeconds": None,
    }
    await first.say("sessionRelease")
    assert (await first.hear_type("sessionEnded"))["reason"] == "released"
    assert (await first.closed())[0] == 4003
    assert (await second.hear_type("sessionAssigned"))["streamerId"] == "Kiosk"
    await streamer.hear_type("playerDisconnected")
    await client.watch(second, streamer)


async def test_places_move_up(client: Client) -> None:
    """Whoever leaves the queue is out at once, and those behind are told."""
    await instance(client)
    await asked(client)
    second, third = await asked(client), await asked(client)
    assert (await second.hear_type("sessionQueued"))["position"] == 1
    while (await third.hear_type("sessionQueued"))["position"] != 2:
        pass
    await second.socket.close()
    while (await third.hear_type("sessionQueued"))["position"] != 1:
        pass


async def test_asking_again_repeats_the_answer(client: Client) -> None:
    """The same request on the same socket leads to the same session."""
    await instance(client)
    player = await asked(client)
    assigned = await player.hear_type("sessionAssigned")
    await player.say("sessionRequest")
    assert await player.hear_type("sessionAssigned") == assigned


async def test_a_player_that_knows_sessions_sees_its_own_instance(client: Client) -> None:
    """Its list holds its streamer and no other."""
    await instance(client, "Kiosk")
    await instance(client, "Other")
    player = await asked(client)
    assigned = await player.hear_type("sessionAssigned")
    await player.say("listStreamers")
    assert (await player.hear_type("streamerList"))["ids"] == [assigned["streamerId"]]


async def test_an_instance_of_somebody_else_is_refused(client: Client) -> None:
    """Naming the streamer of another session, or none that exists, leads nowhere."""
    streamer = await instance(client)
    await playing(client, streamer)
    thief = await client.player()
    await thief.say("subscribe", streamerId="Kiosk")
    assert "reserved" in (await thief.hear_type("subscribeFailed"))["message"]
    await thief.say("subscribe", streamerId="Nowhere")
    assert "does not exist" in (await thief.hear_type("subscribeFailed"))["message"]
    await streamer.hears_nothing_before()


@pytest.mark.parametrize(
    ("wire_name", "fields"),
    [
        ("sessionRequest", {"region": 5}),
        ("sessionRequest", {"requirements": {"a": {}}}),
        ("sessionRequest", {"application": "x" * 65}),
        ("sessionResume", {}),
        ("sessionResume", {"token": ""}),
    ],
)
async def test_an_unusable_session_message_is_answered(
    client: Client, wire_name: str, fields: Json
) -> None:
    """The player is told what is wrong with which message, and stays."""
    player = await client.player()
    await player.say(wire_name, **fields)
    error = await player.hear_type("error")
    assert (error["code"], error["of"]) == ("bad_message", wire_name)
    await player.hears_nothing_before()


async def test_releasing_nothing_fails(client: Client) -> None:
    """Without a session there is none to give back."""
    player = await client.player()
    await player.say("sessionRelease")
    assert (await player.hear_type("sessionFailed"))["code"] == "not_found"


async def test_a_request_chooses_application_region_and_version(client: Client) -> None:
    """Streamers say in their URL what they are; who asks for something else waits."""
    query = "?region=eu&application=car&version=2&host=gpu-1&label.tier=gold"
    await instance(client, "Car", query)
    (host,) = await matchmaker(client).store.hosts()
    assert (host.id, host.region) == ("gpu-1", "eu")
    elsewhere = await asked(client, application="car", region="us")
    await elsewhere.hear_type("sessionQueued")
    fitting = {"version": "2", "tier": "gold"}
    player = await asked(client, application="car", region="eu", requirements=fitting)
    assert (await player.hear_type("sessionAssigned"))["streamerId"] == "Car"


async def test_a_socket_s_url_says_what_its_player_needs(client: Client) -> None:
    """As a page's address does, for pages that know no sessions too."""
    for version in ("1", "2"):
        await instance(client, f"Car{version}", f"?version={version}&label.tier=gold")
    player = await asked(client, "?version=2&label.tier=gold")
    assert (await player.hear_type("sessionAssigned"))["streamerId"] == "Car2"
    page = await client.player("?version=1&label.tier=lead")
    await page.say("listStreamers")
    other = await asked(client, "?version=1")
    assert (await other.hear_type("sessionAssigned"))["streamerId"] == "Car1"


async def test_a_full_queue_is_said(start: Start) -> None:
    """Beyond the queue's length a request fails with a clear code."""
    client = await start(matchmaking=True, max_queue_length=1)
    await (await asked(client)).hear_type("sessionQueued")
    refused = await asked(client)
    assert (await refused.hear_type("sessionFailed"))["code"] == "queue_full"


async def test_without_matchmaking_a_request_is_answered(start: Start) -> None:
    """A page that asks is told that it can just choose, and does."""
    client = await start()
    await client.streamer()
    player = await asked(client)
    assert (await player.hear_type("sessionFailed"))["code"] == "not_offered"
    await player.say("listStreamers")
    assert (await player.hear_type("streamerList"))["ids"] == ["Kiosk"]


# Ends.


async def test_the_maximum_duration_is_warned_of_and_ends_the_session(start: Start) -> None:
    """The warning says how long there is; then the end, and 4001."""
    client = await start(
        matchmaking=True, session_max_duration=1.2, session_warning=1.0, session_grace=5
    )
    streamer = await instance(client)
    player, _ = await playing(client, streamer)
    expiring = await player.hear_type("sessionExpiring")
    assert expiring["reason"] == "max_duration"
    assert 0 < expiring["secondsLeft"] <= 1
    assert (await player.hear_type("sessionEnded"))["reason"] == "max_duration"
    assert (await player.closed())[0] == 4001


async def test_idleness_is_warned_of_and_ends_the_session(start: Start) -> None:
    """Who does nothing is warned, then closed with 4002."""
    client = await start(matchmaking=True, session_idle_timeout=1.0, session_warning=0.6)
    streamer = await instance(client)
    player, _ = await playing(client, streamer)
    assert (await player.hear_type("sessionExpiring"))["reason"] == "idle"
    assert (await player.hear_type("sessionEnded"))["reason"] == "idle"
    assert (await player.closed())[0] == 4002


async def test_reported_input_keeps_a_session(start: Start) -> None:
    """A page that reports input is not idle."""
    client = await start(matchmaking=True, session_idle_timeout=2.0, session_warning=1.0)
    streamer = await instance(client)
    player, assigned = await playing(client, streamer)
    await player.hear_type("sessionExpiring")
    await player.say("sessionInput")
    store = matchmaker(client).store

    async def is_noted() -> bool:
        session = await store.session(assigned["sessionId"])
        return bool(session.last_input > session.started_at)

    await until(is_noted)
    assert (await player.hear_type("sessionExpiring"))["reason"] == "idle"


async def test_a_page_that_knows_no_sessions_is_closed_for_good(start: Start) -> None:
    """At the maximum duration it gets 1001, after which it does not come back."""
    client = await start(matchmaking=True, session_max_duration=0.6, session_warning=0)
    streamer = await instance(client)
    player = await stock_playing(client, streamer)
    code, reason = await player.closed()
    assert code == 1001
    assert "duration" in reason
    await streamer.hear_type("playerDisconnected")


async def test_idleness_spares_a_page_that_cannot_report_input(start: Start) -> None:
    """A stock page plays on beyond the idle limit."""
    client = await start(matchmaking=True, session_idle_timeout=0.8, session_warning=0.2)
    streamer = await instance(client)
    player = await stock_playing(client, streamer)
    await asyncio.sleep(2)  # nothing happens, which is the point
    await player.hears_nothing_before()


async def test_an_unused_reservation_goes_back(start: Start) -> None:
    """Who does not subscribe in time is told, stays, and may ask again."""
    client = await start(matchmaking=True, session_reservation=0.3)
    await instance(client)
    player = await asked(client)
    await player.hear_type("sessionAssigned")
    assert (await player.hear_type("sessionEnded"))["reason"] == "reservation_expired"
    await player.say("sessionRequest")
    await player.hear_type("sessionAssigned")


# Broken sockets, other sockets, dead streamers.


async def test_a_broken_socket_keeps_the_place(client: Client) -> None:
    """The token leads back to the same instance, over the waiter's head."""
    streamer = await instance(client)
    player, assigned = await playing(client, streamer)
    waiter = await asked(client)
    await waiter.hear_type("sessionQueued")
    player.socket._response.connection.transport.abort()
    await streamer.hear_type("playerDisconnected")
    again = await client.player()
    await again.say("sessionResume", token=assigned["token"])
    resumed = await again.hear_type("sessionAssigned")
    assert resumed["sessionId"] == assigned["sessionId"]
    await client.watch(again, streamer)
    await waiter.hears_nothing_before()


async def test_a_place_that_nobody_comes_back_to_is_given_on(start: Start) -> None:
    """After the grace time the waiter has it."""
    client = await start(matchmaking=True, session_grace=0.2)
    streamer = await instance(client)
    player, _ = await playing(client, streamer)
    waiter = await asked(client)
    await waiter.hear_type("sessionQueued")
    await player.socket.close()
    await waiter.hear_type("sessionAssigned")


async def test_a_forged_token_is_refused(client: Client) -> None:
    """Nobody resumes a session without its token."""
    player = await client.player()
    await player.say("sessionResume", token="eyJhbGciOiJub25lIn0.e30.")
    assert (await player.hear_type("sessionFailed"))["code"] == "bad_token"


async def test_the_same_user_takes_over(client: Client) -> None:
    """A second connection of a user gets the session; the first is closed with 4003."""
    streamer = await instance(client)
    signed = client.server.users.signed("anon:visitor")
    first, assigned = await playing(client, streamer, user=signed)
    second = await asked(client, user=signed)
    taken = await second.hear_type("sessionAssigned")
    assert taken["sessionId"] == assigned["sessionId"]
    assert (await first.hear_type("sessionEnded"))["reason"] == "taken_over"
    assert (await first.closed())[0] == 4003


async def test_the_same_user_is_refused_where_that_is_wanted(start: Start) -> None:
    """With `same_user` refuse the first connection keeps the session."""
    client = await start(matchmaking=True, same_user="refuse")
    streamer = await instance(client)
    signed = client.server.users.signed("anon:visitor")
    first, _ = await playing(client, streamer, user=signed)
    second = await asked(client, user=signed)
    assert (await second.hear_type("sessionFailed"))["code"] == "already_active"
    await first.hears_nothing_before()


async def test_naming_another_user_gives_nothing_of_theirs(client: Client) -> None:
    """A `user` that this server did not sign, and a bare `userId`, are nobody."""
    streamer = await instance(client)
    signed = client.server.users.signed("anon:visitor")
    _, assigned = await playing(client, streamer, user=signed)
    thief = await asked(client, user="anon:visitor", userId="anon:visitor")
    await thief.hear_type("sessionQueued")
    assert assigned["streamerId"] == "Kiosk"


async def test_a_trusted_back_end_may_name_the_user(client: Client) -> None:
    """With the admin token a `userId` counts."""
    await instance(client)
    player = await asked(client, "?token=letmein", userId="alice")
    await player.hear_type("sessionAssigned")
    assert (await matchmaker(client).store.session_of("alice")).live


async def test_who_loses_the_streamer_is_first_in_line(client: Client) -> None:
    """The player stays connected, waits at the head, and gets the next instance."""
    streamer = await instance(client)
    player, assigned = await playing(client, streamer)
    waiter = await asked(client)
    await waiter.hear_type("sessionQueued")
    await streamer.socket.close()
    assert (await player.hear_type("sessionQueued"))["position"] == 1
    other = await instance(client, "Other")
    again = await player.hear_type("sessionAssigned")
    assert (again["sessionId"], again["streamerId"]) == (assigned["sessionId"], "Other")
    await client.watch(player, other, "Other")


async def test_a_streamer_that_leaves_with_a_free_one_there_is_replaced(client: Client) -> None:
    """The player is assigned the other instance at once."""
    streamer = await instance(client, "One")
    player, _ = await playing(client, streamer)
    await instance(client, "Two")
    await streamer.socket.close()
    message = await player.hear()
    while message["type"] == "sessionQueued":
        message = await player.hear()
    assert (message["type"], message["streamerId"]) == ("sessionAssigned", "Two")
