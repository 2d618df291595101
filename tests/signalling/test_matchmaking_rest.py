"""Sessions by REST, their addresses, and what operators see."""

import aiohttp
import pytest

from matchmaker.model import SessionState
from matchmaker.records import SESSIONS
from tests.signalling.peers import Client, Json, Start, eventually
from tests.signalling.sessions import (
    ADMIN,
    ALIAS,
    asked,
    instance,
    matchmaker,
    open_documents,
    playing,
    until,
)
from tests.signalling.tokens import SECRET, token


@pytest.fixture
async def client(start: Start) -> Client:
    """Give a client of a server with matchmaking."""
    return await start(matchmaking=True, admin_token="letmein", queue_push_interval=0.05)


# REST.


async def test_a_session_of_a_request_is_taken_with_its_token(client: Client) -> None:
    """POST gives place and token; the socket with the token watches, stock or not."""
    streamer = await instance(client)
    async with client.http.post(client.running.http("/api/sessions"), json={}) as answer:
        assert answer.status == 201
        session = await answer.json()
    assert (session["state"], session["streamerId"]) == ("reserved", "Kiosk")
    player = await client.player(f"?session={session['token']}")
    await player.say("subscribe", streamerId="Kiosk")
    await streamer.hear_type("playerConnected")
    url = client.running.http(f"/api/sessions/{session['sessionId']}")
    bearer = {"Authorization": f"Bearer {session['token']}"}
    async with client.http.get(url, headers=bearer) as answer:
        assert (await answer.json())["state"] == "active"
    async with client.http.get(url) as answer:
        assert answer.status == 404
    async with client.http.delete(url, headers=bearer) as answer:
        assert answer.status == 204
    assert (await player.closed())[0] == 1001


async def test_a_visitor_of_rest_keeps_its_name_in_a_cookie(client: Client) -> None:
    """The first answer brings a cookie; with it the second request finds the same session."""
    await instance(client)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        url = client.running.http("/api/sessions")
        first = await (await browser.post(url)).json()
        second = await (await browser.post(url)).json()
        assert first["sessionId"] == second["sessionId"]
        assert (await browser.get(f"{url}/{first['sessionId']}")).status == 200


async def test_a_repeated_request_without_a_name_makes_one_session(client: Client) -> None:
    """The answer with the cookie was lost; a token that could be guessed is nobody's."""
    url = client.running.http("/api/sessions")
    ids = []
    for token_ in ("5f0c9a1e-77b2-4d51", "5f0c9a1e-77b2-4d51", "1", "1"):
        async with client.http.post(url, json={"clientToken": token_}) as answer:
            ids.append((await answer.json())["sessionId"])
            client.http.cookie_jar.clear()
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


async def test_a_back_end_asks_for_its_user(client: Client) -> None:
    """With the admin token it names the user and sets the duration."""
    streamer = await instance(client)
    body = {"userId": "alice", "maxDurationSeconds": 60}
    url = client.running.http("/api/sessions")
    async with client.http.post(url, json=body, headers=ADMIN) as answer:
        session = await answer.json()
    assert (await matchmaker(client).store.session_of("alice")).max_duration == 60
    player = await client.player(f"?session={session['token']}")
    await player.say("sessionRequest")
    assert (await player.hear_type("sessionAssigned"))["maxDurationSeconds"] == 60
    await client.watch(player, streamer)


async def test_operators_routes_are_closed_to_others(client: Client) -> None:
    """Hosts, queue, scale and sessions need the admin token; the page itself does not."""
    await instance(client)
    for path in ("/api/hosts", "/api/queue", "/api/scale", "/api/sessions"):
        async with client.http.get(client.running.http(path)) as answer:
            assert answer.status == 401, path
        async with client.http.get(client.running.http(path), headers=ADMIN) as answer:
            assert answer.status == 200, path
    async with client.http.get(client.running.http("/admin")) as answer:
        assert answer.status == 200
        assert "admin.js" in await answer.text()


async def test_without_an_admin_token_operators_routes_are_forbidden(start: Start) -> None:
    """With nobody who could be the operator they answer 403."""
    client = await start(matchmaking=True)
    async with client.http.get(client.running.http("/api/scale")) as answer:
        assert answer.status == 403


async def test_an_operator_ends_a_session(client: Client) -> None:
    """The player is told, and closed for good."""
    streamer = await instance(client)
    player, assigned = await playing(client, streamer)
    url = client.running.http(f"/api/sessions/{assigned['sessionId']}")
    async with client.http.delete(url, headers=ADMIN) as answer:
        assert answer.status == 204
    assert (await player.hear_type("sessionEnded"))["reason"] == "operator"
    assert (await player.closed())[0] == 4003


async def test_a_drained_host_takes_nobody(client: Client) -> None:
    """Drain keeps new sessions away, and its end lets them in."""
    await instance(client, query="?host=gpu-1")
    url = client.running.http("/api/hosts/gpu-1/drain")
    assert (await client.http.post(url, headers=ADMIN)).status == 200
    player = await asked(client)
    await player.hear_type("sessionQueued")
    assert (await client.http.delete(url, headers=ADMIN)).status == 200
    await player.hear_type("sessionAssigned")


async def test_a_busy_or_sick_host_takes_nobody(client: Client) -> None:
    """What is reported of it counts until the next report; nonsense is refused."""
    await instance(client, query="?host=gpu-1")
    url = client.running.http("/api/hosts/gpu-1")
    refused = [{"gpu": 80}, {"capacity": 0}, {"gpus": 0.5}, {"healthy": "no"}]
    for body in refused:
        assert (await client.http.patch(url, json=body, headers=ADMIN)).status == 400, body
    assert (await client.http.patch(url, json={"healthy": False})).status == 401
    elsewhere = client.running.http("/api/hosts/gpu-2")
    assert (await client.http.patch(elsewhere, json={}, headers=ADMIN)).status == 404
    report = {"healthy": False, "gpu": 0.7, "capacity": 3}
    assert (await client.http.patch(url, json=report, headers=ADMIN)).status == 204
    async with client.http.get(client.running.http("/api/hosts"), headers=ADMIN) as answer:
        (host,) = await answer.json()
    assert {name: host[name] for name in report} == report
    player = await asked(client)
    await player.hear_type("sessionQueued")
    assert (await client.http.patch(url, json={"healthy": True}, headers=ADMIN)).status == 204
    await player.hear_type("sessionAssigned")


async def test_a_host_above_the_gpu_ceiling_takes_nobody(start: Start) -> None:
    """By the figure that was reported last."""
    client = await start(matchmaking=True, admin_token="letmein", gpu_ceiling=0.8)
    await instance(client, query="?host=gpu-1")
    url = client.running.http("/api/hosts/gpu-1")
    await client.http.patch(url, json={"gpu": 0.9}, headers=ADMIN)
    player = await asked(client)
    await player.hear_type("sessionQueued")
    await client.http.patch(url, json={"gpu": 0.8}, headers=ADMIN)
    await player.hear_type("sessionAssigned")


async def test_a_token_names_class_and_duration(start: Start) -> None:
    """Who pays goes before who does not, whose class is the default; a URL says nothing."""
    client = await start(
        matchmaking=True, jwt_secret=SECRET, priority_classes=2, priority_default=1
    )
    everybody = await asked(client, f"?token={token(sub='many')}&priority=0&max_duration=9")
    await everybody.hear_type("sessionQueued")
    paid = token(sub="payer", priority=0, max_duration=60)
    payer = await asked(client, f"?token={paid}")
    assert (await payer.hear_type("sessionQueued"))["position"] == 1
    made = [await matchmaker(client).store.session_of(user) for user in ("many", "payer")]
    assert [(session.priority, session.max_duration) for session in made] == [
        (1, 1800),
        (0, 60),
    ]
    headers = {"Authorization": f"Bearer {token(sub='other', priority=0)}"}
    await client.http.post(client.running.http("/api/sessions"), headers=headers)
    assert (await matchmaker(client).store.session_of("other")).priority == 0


async def test_what_the_autoscaler_reads(client: Client) -> None:
    """Sessions, waiters and places by application and region."""
    await instance(client, query="?region=eu")
    for _ in range(3):
        player = await asked(client)
        await player.hear()
    url = client.running.http("/api/scale")
    async with client.http.get(url, headers=ADMIN) as answer:
        rows = await answer.json()
    assert sum(row["sessions"] for row in rows) == 1
    assert sum(row["queued"] for row in rows) == 2


# Addresses.


async def test_a_session_address_leads_to_its_owner_alone(start: Start) -> None:
    """The Host header must name the visitor's own session."""
    client = await start(matchmaking=True, session_address="http://session-{id}.example.com/")
    streamer = await instance(client)
    await instance(client, "Other")
    async with client.http.post(client.running.http("/api/sessions")) as answer:
        session = await answer.json()
    host = session["url"].removeprefix("http://").rstrip("/")
    assert host == f"session-{session['sessionId']}.example.com"
    stranger = await client.connect("player", headers={"Host": host})
    await stranger.hear_type("config")
    await stranger.say("sessionRequest")
    assert (await stranger.hear_type("sessionFailed"))["code"] == "not_found"
    query = f"?session={session['token']}"
    owner = await client.connect("player", query, headers={"Host": host})
    await owner.hear_type("config")
    await owner.say("listStreamers")
    await owner.hear_type("streamerList")
    await owner.say("subscribe", streamerId=ALIAS)
    assert session["streamerId"] in {"Kiosk", "Other"}
    if session["streamerId"] == "Kiosk":
        await streamer.hear_type("playerConnected")


# What is kept and counted.


async def test_ended_sessions_are_recorded_until_the_user_is_forgotten(client: Client) -> None:
    """Who, where, why and how long; `DELETE /api/users/{id}` removes it."""
    streamer = await instance(client, query="?host=gpu-1")
    signed = client.server.users.signed("anon:visitor")
    player, assigned = await playing(client, streamer, user=signed)
    await player.say("sessionRelease")
    await player.closed()
    async with open_documents(client) as documents:

        async def recorded() -> list[Json]:
            return await documents.get(SESSIONS, [assigned["sessionId"]])

        await until(recorded)
        (record,) = await recorded()
        assert (record["user"], record["host"]) == ("anon:visitor", "gpu-1")
        assert record["reason"] == "released"
        url = client.running.http("/api/users/anon:visitor")
        assert (await client.http.delete(url)).status == 401
        assert (await client.http.delete(url, headers=ADMIN)).status == 204
        assert await recorded() == []


async def test_sessions_are_counted(client: Client) -> None:
    """The metrics tell who plays and who waits."""
    streamer = await instance(client)
    await playing(client, streamer)
    await (await asked(client)).hear_type("sessionQueued")
    async with client.http.get(client.running.http("/metrics")) as answer:
        text = await answer.text()
    assert 'signalling_sessions{state="active"} 1.0' in text
    assert 'signalling_sessions{state="queued"} 1.0' in text


async def test_a_state_that_is_down_is_said(client: Client) -> None:
    """The server stays ready, and says what it is without."""
    matchmaker(client).degraded = True
    async with client.http.get(client.running.http("/health/ready")) as answer:
        assert answer.status == 200
        assert (await answer.json())["degraded"] == ["sessions"]


async def test_the_two_graces_follow_each_other(start: Start) -> None:
    """A broken connection may first be resumed, then the place is kept, then it is given on."""
    client = await start(matchmaking=True, resume_grace=0.4, session_grace=0.4)
    streamer = await instance(client)
    player = await client.connect("player", "?resume=1")
    while (await player.hear())["type"] != "config":
        pass
    await player.say("sessionRequest")
    while (await player.hear())["type"] != "sessionAssigned":
        pass
    await client.watch(player, streamer)
    waiter = await asked(client)
    await waiter.hear_type("sessionQueued")
    player.socket._response.connection.transport.abort()
    store = matchmaker(client).store
    await eventually(lambda: client.server.resumption.waiting == 1)
    states = {session.state for session in await store.sessions()}
    assert states == {SessionState.ACTIVE, SessionState.QUEUED}
    await streamer.hear_type("playerDisconnected")

    async def is_kept() -> bool:
        return any(one.state is SessionState.GRACE for one in await store.sessions())

    await until(is_kept)
    await waiter.hear_type("sessionAssigned")


async def test_a_proxy_tells_the_host(start: Start) -> None:
    """Behind a reverse proxy the address of a session is the one that the browser asked for."""
    address = "https://session-{id}.example.com/"
    client = await start(
        matchmaking=True,
        session_address=address,
        reverse_proxy=True,
        admin_token="letmein",
    )
    await instance(client)
    body = {"userId": "alice"}
    url = client.running.http("/api/sessions")
    async with client.http.post(url, json=body, headers=ADMIN) as answer:
        session = await answer.json()
    host = session["url"].removeprefix("https://").rstrip("/")
    forwarded = {"X-Forwarded-Host": host, "X-Forwarded-For": "203.0.113.9"}
    stranger = await client.connect("player", headers=forwarded)
    await stranger.hear_type("config")
    await stranger.say("listStreamers")
    assert (await stranger.closed())[0] == 1001
    owner = await client.connect("player", f"?session={session['token']}", headers=forwarded)
    await owner.hear_type("config")
    await owner.say("listStreamers")
    assert (await owner.hear_type("streamerList"))["ids"] == [ALIAS]
