"""The REST routes, over real HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from matchmaker.clock import SystemClock
from matchmaker.http import Caller, routes
from matchmaker.memory import MemoryStore
from matchmaker.service import Matchmaker
from matchmaker.settings import MatchmakerSettings
from matchmaker.tokens import SessionTokens

Client = TestClient[web.Request, web.Application]
ADMIN = {"X-Test-Admin": "1"}


async def identify(request: web.Request) -> Caller:
    """Stand in for the server's own way to find out who asks."""
    return Caller(request.headers.get("X-Test-User", ""), "X-Test-Admin" in request.headers)


def user(name: str) -> dict[str, str]:
    """Return the headers of a user."""
    return {"X-Test-User": name}


@pytest.fixture
async def matchmaker() -> AsyncIterator[Matchmaker]:
    """Yield a matchmaker with one streamer."""
    settings = MatchmakerSettings(session_address="https://session-{id}.example.com/")
    made = Matchmaker(
        settings,
        store=MemoryStore(settings.rules()),
        clock=SystemClock(),
        tokens=SessionTokens(b"k" * 32, clock=SystemClock()),
    )
    await made.start()
    await made.streamer_joined("ue1", host="h1", region="eu", address="10.0.0.1")
    yield made
    await made.close()


@pytest.fixture
async def client(matchmaker: Matchmaker) -> AsyncIterator[Client]:
    """Yield a client of the routes."""
    app = web.Application()
    app.add_routes(routes(matchmaker, identify))
    async with TestClient(TestServer(app)) as made:
        yield made


async def ask(client: Client, name: str, **body: Any) -> dict[str, Any]:
    """Ask for a session that is given or queued."""
    answer = await client.post("/api/sessions", json=body, headers=user(name))
    assert answer.status == 201
    found: dict[str, Any] = await answer.json()
    return found


async def test_a_session_is_asked_for_read_and_released(client: Client) -> None:
    """Reserved at once; released it is over, twice does no harm."""
    session = await ask(client, "alice", region="eu")
    assert session["state"] == "reserved"
    assert session["streamerId"] == "ue1"
    assert session["url"] == f"https://session-{session['sessionId']}.example.com/"
    path = f"/api/sessions/{session['sessionId']}"
    assert (await (await client.get(path, headers=user("alice"))).json())["token"]
    for _ in range(2):
        assert (await client.delete(path, headers=user("alice"))).status == 204
    ended = await (await client.get(path, headers=user("alice"))).json()
    assert ended == {
        "sessionId": session["sessionId"],
        "state": "ended",
        "reason": "released",
    }


async def test_a_waiter_sees_its_place(client: Client) -> None:
    """Position and length; no token is missing, no streamer named."""
    await ask(client, "alice")
    await ask(client, "bob")
    session = await ask(client, "carol")
    assert (session["state"], session["position"], session["queueLength"]) == ("queued", 2, 2)
    assert "streamerId" not in session


async def test_the_same_request_gets_the_same_session(client: Client) -> None:
    """By user, with or without a client token."""
    first = await ask(client, "alice", clientToken="t1")
    assert (await ask(client, "alice", clientToken="t1"))["sessionId"] == first["sessionId"]
    assert (await ask(client, "alice"))["sessionId"] == first["sessionId"]


async def test_nobody_reads_or_ends_anothers_session(client: Client) -> None:
    """Others' sessions look like missing ones; the operator may."""
    session = await ask(client, "alice")
    path = f"/api/sessions/{session['sessionId']}"
    for method in (client.get, client.delete):
        answer = await method(path, headers=user("bob"))
        assert answer.status == 404
        assert (await answer.json())["error"]["code"] == "not_found"
    assert (await client.get("/api/sessions/none", headers=user("bob"))).status == 404
    assert (await client.delete(path, headers=ADMIN)).status == 204
    ended = await (await client.get(path, headers=user("alice"))).json()
    assert ended["reason"] == "operator"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"region": 5}', 400),
        (b'{"requirements": {"a": 1}}', 400),
        (b'{"region": "' + b"x" * 65 + b'"}', 400),
        (b'{"region": "' + b"x" * 20_000 + b'"}', 400),
        (b"", 201),
    ],
)
async def test_bodies_are_checked(client: Client, body: bytes, status: int) -> None:
    """A wrong body is told as such; none at all asks for the default."""
    answer = await client.post("/api/sessions", data=body, headers=user("alice"))
    assert answer.status == status
    assert status == 201 or "error" in await answer.json()


async def test_who_asks_must_be_known(client: Client) -> None:
    """No user, no session."""
    assert (await client.post("/api/sessions", json={})).status == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/hosts"),
        ("POST", "/api/hosts/h1/drain"),
        ("DELETE", "/api/hosts/h1/drain"),
        ("GET", "/api/queue"),
        ("GET", "/api/scale"),
        ("GET", "/api/sessions"),
    ],
)
async def test_operators_routes_are_closed_to_users(
    client: Client, method: str, path: str
) -> None:
    """403 without the right, 200 with it."""
    assert (await client.request(method, path, headers=user("alice"))).status == 403
    assert (await client.request(method, path, headers=ADMIN)).status == 200


async def test_the_operator_sees_hosts_and_drains_them(client: Client) -> None:
    """Hosts with instances; a drained one is marked and takes nobody."""
    await ask(client, "alice")
    [host] = await (await client.get("/api/hosts", headers=ADMIN)).json()
    assert (host["id"], host["sessions"], host["capacity"]) == ("h1", 1, 4)
    assert host["instances"][0]["streamerId"] == "ue1"
    await client.post("/api/hosts/h1/drain", headers=ADMIN)
    [host] = await (await client.get("/api/hosts", headers=ADMIN)).json()
    assert host["draining"]
    missing = await client.post("/api/hosts/nowhere/drain", headers=ADMIN)
    assert missing.status == 404


async def test_an_autoscaler_sees_what_is_wanted(client: Client) -> None:
    """By application and region; waiters for any region under none."""
    for name in ("alice", "bob", "carol"):
        await ask(client, name)
    scale = await (await client.get("/api/scale", headers=ADMIN)).json()
    assert scale == [
        {
            "application": "default",
            "region": region,
            "sessions": sessions,
            "queued": queued,
            "capacity": capacity,
            "ready": 0,
            "demandRatio": ratio,
            "desiredInstances": wanted,
        }
        for region, sessions, queued, capacity, ratio, wanted in (
            ("", 0, 2, 0, 2.0, 2),
            ("eu", 1, 0, 1, 1.0, 1),
        )
    ]
    queue = await (await client.get("/api/queue", headers=ADMIN)).json()
    assert queue["length"] == 2
    assert queue["lines"][0]["demand"] == {"application": "default"}


async def test_shared_scenes_need_fewer_instances(
    client: Client, matchmaker: Matchmaker
) -> None:
    """Five users of scenes for two need three instances."""
    await matchmaker.streamer_joined(
        "scene", host="h2", application="scene", region="eu", capacity=2
    )
    for number in range(5):
        await ask(client, f"u{number}", application="scene", region="eu")
    scale = await (await client.get("/api/scale", headers=ADMIN)).json()
    assert [s["desiredInstances"] for s in scale if s["application"] == "scene"] == [3]


async def test_the_operators_page_is_served(client: Client) -> None:
    """The page with its script and style, and nothing else from the folder."""
    page = await client.get("/admin")
    assert "Content-Security-Policy" in page.headers
    assert "admin.js" in await page.text()
    for name in ("admin.js", "admin.css"):
        assert (await client.get(f"/admin/{name}")).status == 200
    assert (await client.get("/admin/../service.py")).status == 404
    assert (await client.get("/admin/none")).status == 404
