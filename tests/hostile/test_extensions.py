"""The same with everything on: sessions, chat, REST, Epic's matchmaker."""

import asyncio
import itertools
import re
from collections.abc import Iterator

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.hostile.arena import ROLES, Arena, arena, upgrade
from tests.hostile.corpus import (
    FRAMES,
    HTTP,
    KNOWN,
    TEXTS,
    WRONG,
    cirrus_messages,
    wrong_fields,
)
from tests.hostile.test_sequences import conversations, play_all
from tests.signalling.peers import eventually

EXAMPLES = 40

EXTENSIONS = ("session", "chat", "token", "invite", "room", "input")
"""How the types of messages begin that leave the socket open when they are wrong."""

ADMIN = b"Authorization: Bearer operator\r\n"

ODD_IDS = ("x", "%00", "%ff%fe", "..%2f..%2fetc", "%e2%80%ae<script>", "a" * 3_000, "%0d%0aX:1")

PRODUCT = {
    "id": "x", "name": "x", "price": "1", "currency": "USD", "category": "x", "style": "x",
    "description": "x", "image": "x", "url": "x", "ueAsset": "x", "stock": 1, "tags": ["x"],
    "regions": ["x"],
}  # fmt: skip

PRICES = (b"1e999999999", b'"1e999999999"', b"NaN", b'"NaN"', b"-1", b"9" * 5_000, b"-Infinity")

OPTIONS = {
    "matchmaking": True,
    "retrieval": True,
    "rest_api": True,
    "admin_token": "operator",
    "matchmaker_port": 0,
    "matchmaker_http_port": 0,
    "resume_grace": 0.2,
    "session_grace": 0,
    "session_poll_timeout": 1,
    "queue_push_interval": 0.05,
}


@pytest.fixture(scope="module")
def everything(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[asyncio.Runner, Arena]]:
    """Give a server with all that it can do, and the loop it runs in."""
    with asyncio.Runner() as runner:
        stack = arena(**OPTIONS, data_dir=tmp_path_factory.mktemp("data"))
        server = runner.run(stack.__aenter__())
        runner.run(server.is_ready())
        yield runner, server
        runner.run(server.is_clean())
        runner.run(stack.__aexit__(None, None, None))


@pytest.fixture
def full(everything: tuple[asyncio.Runner, Arena]) -> Iterator[tuple[asyncio.Runner, Arena]]:
    """Give it to one test, after which it is as it was, and has logged no fault."""
    runner, server = everything
    with capture_logs() as events:
        yield everything
        runner.run(server.is_clean())
    assert [event for event in events if event["log_level"] == "error"] == []


def test_wrong_fields(full: tuple[asyncio.Runner, Arena]) -> None:
    """Every message of sessions and chat with every field wrong: the socket stays open."""
    runner, server = full
    known = [kind for kind in KNOWN["player"] if kind.startswith(EXTENSIONS)]
    wrong = [each for each in wrong_fields("player") if orjson.loads(each)["type"] in known]

    async def attack() -> None:
        for query in ("", "?resume=1"):
            async with await server.client.connect("player", query) as player:
                for each in wrong:
                    await player.socket.send_str(each.decode())
                await player.say("ping", time=77)
                while (await player.hear())["type"] != "pong":
                    pass
        await server.canary.sings()

    runner.run(attack())


@pytest.mark.parametrize("role", ROLES)
def test_sequences(full: tuple[asyncio.Runner, Arena], role: str) -> None:
    """After any conversations at once, ended or reset, the canary sings and nothing is left."""
    runner, server = full

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(st.tuples(conversations(role), st.booleans()), min_size=1, max_size=3))
    def play(attacks: list[tuple[bytes, bool]]) -> None:
        runner.run(play_all(server, role, attacks))

    play()


@pytest.mark.parametrize("port", ["epic", "epic_http"])
def test_ports_of_epics_matchmaker(full: tuple[asyncio.Runner, Arena], port: str) -> None:
    """Whatever comes there, no server is left in the table, and no answer is a fault."""
    runner, server = full
    redirects = server.server.redirects
    assert redirects is not None
    frames = (upgrade() + data for data in FRAMES.values())

    async def attack() -> None:
        for data in (*HTTP.values(), *TEXTS.values(), *frames, *cirrus_messages()):
            said = await server.attack(port, data)
            assert b" 500 " not in said[:20], data[:100]
            await server.attack_and_reset(port, data)
        await eventually(lambda: redirects.registry.servers == [])
        await server.canary.sings()

    runner.run(attack())


def test_bodies(full: tuple[asyncio.Runner, Arena]) -> None:
    """Every route that takes a body answers odd ones with what is wrong, never with 500."""
    runner, server = full
    routes = (
        b"POST /api/sessions", b"POST /api/chat", b"PUT /api/catalogue", b"PUT /api/partners",
        b"POST /api/hosts/x/drain", b"PATCH /api/hosts/x", b"POST /api/guests",
    )  # fmt: skip
    wrong = [
        orjson.dumps({**fields, name: value})
        for fields in (KNOWN["player"]["sessionRequest"], KNOWN["player"]["chat"])
        for name in fields
        for value in WRONG
    ]
    wrong += [
        orjson.dumps([{**PRODUCT, name: value}, value]) for name in PRODUCT for value in WRONG
    ]
    wrong += [b'[{"id":"x","name":"x","price":%b}]' % price for price in PRICES]
    wrong += [
        b'[{"id":"\\ud800","name":"x","price":1}]',
        b'[{"id":"x","name":"\\udfff\\u0000","price":1}]',
        b'[{"id":"x","name":{"\\ud800":"x"},"price":1,"attributes":{"\\ud800":"\\ud800"}}]',
    ]
    wrong += [b"[" * 20_000 + b"]" * 20_000, b"[" * 20_000, b"[{}" + b",{}" * 500 + b"]"]

    wrong += [
        b'{"%b":"\xff"}' % name for name in (b"application", b"token", b"text", b"userId")
    ]

    async def attack() -> None:
        for route, body in itertools.product(routes, (*TEXTS.values(), *wrong)):
            for who in (b"", ADMIN):
                head = b"%b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%b" % (route, who)
                length = b"Content-Length: %d\r\n\r\n" % len(body)
                said = await server.closes("player", head + length + body)
                assert said.startswith(b"HTTP/1.1 "), (route, body[:100])
                assert said[9:10] != b"5", (route, body[:100], said[-200:])
        await server.canary.sings()

    runner.run(attack())


@pytest.mark.parametrize("who", [b"", ADMIN])
def test_bodies_that_break_off(full: tuple[asyncio.Runner, Arena], who: bytes) -> None:
    """Bodies in a coding that they are not in, wrong chunks, and peers that leave meanwhile."""
    runner, server = full
    # A body that nobody wants, such as a stranger's catalogue, is waited for by aiohttp.
    heads = [b"POST /api/sessions", b"POST /api/chat", b"POST /api/guests"]
    heads += [b"PUT /api/catalogue"] if who else []
    codings = (b"gzip", b"deflate", b"br", b"zstd", b"x", b"gzip, gzip")
    chunks = (b"zz\r\n", b"5\r\nab", b"-1\r\n", b"1\r\nxyz\r\n", b"F" * 17 + b"\r\nx", b"")

    async def attack() -> None:
        for head in heads:
            start = head + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + who
            for coding in codings:
                whole = b"%bContent-Encoding: %b\r\nContent-Length: 2\r\n\r\n{}"
                said = await server.closes("player", whole % (start, coding))
                assert said[9:10] in b"24", (head, coding, said[-200:])
            for chunk in chunks:
                data = start + b"Transfer-Encoding: chunked\r\n\r\n" + chunk
                await server.attack_and_reset("player", data)
                assert b" 500 " not in (await server.attack("player", data))[:20], (head, chunk)
        await server.canary.sings()

    runner.run(attack())


def test_ids_in_paths(full: tuple[asyncio.Runner, Arena]) -> None:
    """Every route with odd ids and methods answers, an operator too, and never with 500."""
    runner, server = full
    paths = {
        resource.canonical
        for app in [server.server.player_app()]
        for resource in app.router.resources()
        if "{path" not in resource.canonical
    }

    async def attack() -> None:
        for path, odd, who in itertools.product(sorted(paths), ODD_IDS, (b"", ADMIN)):
            target = re.sub(r"\{\w+\}", odd, path).encode()
            for method in (b"GET", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH"):
                head = b"%b %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" % (method, target)
                said = await server.closes("player", head + who + b"\r\n")
                assert said.startswith(b"HTTP/1.1 "), (method, target)
                assert said[9:10] != b"5", (method, target, said[-200:])
        await server.canary.sings()

    runner.run(attack())
