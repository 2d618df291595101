"""A session whose handlers wait for a store, with a link in memory: no socket is needed."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from signalling import handlers, messages, session
from signalling.admission import OpenAdmission
from signalling.contexts import contexts
from signalling.errors import CloseCode
from signalling.metrics import Metrics
from signalling.registry import Origin, Player, Registry, Streamer
from signalling.runner import Tasks
from signalling.session import Context, MessageRate, PlayerSession
from signalling.settings import ServeSettings
from signalling.streamer_session import StreamerSession
from tests.signalling.peers import eventually


class MemoryLink:
    """A link that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.closed: tuple[CloseCode, str] | None = None

    def send(self, payload: bytes) -> None:
        """See `Link`."""
        self.sent.append(orjson.loads(payload))

    def ping(self) -> None:
        """See `Link`."""

    def close(self, code: CloseCode, reason: str) -> None:
        """See `Link`."""
        self.closed = code, reason

    def types(self) -> list[str]:
        """Return the types of what was sent."""
        return [message["type"] for message in self.sent]


class SlowAdmission(OpenAdmission):
    """One that asks a store which answers when the test says so."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry)
        self.asked = asyncio.Event()
        self.answers = asyncio.Event()
        self.gone: list[Player] = []

    async def admit(self, player: Player, streamer_id: str) -> Streamer:
        """See `Admission`."""
        streamer = await super().admit(player, streamer_id)
        self.asked.set()
        await self.answers.wait()
        return streamer

    async def admit_unasked(self, player: Player) -> Streamer | None:
        """See `Admission`."""
        streamer = await super().admit_unasked(player)
        self.asked.set()
        await self.answers.wait()
        return streamer

    async def left(self, player: Player) -> None:
        """See `Admission`."""
        self.gone.append(player)


class Stage:
    """A streamer that shows something and a player, both served."""

    def __init__(self, run: Tasks) -> None:
        self.run = run
        registry = Registry()
        self.metrics = Metrics()
        self.admission = SlowAdmission(registry)
        players, streamers = contexts(ServeSettings(), registry, self.metrics)
        self.context: Context = replace(players, admission=self.admission, run=run)
        self.streamers: Context = replace(streamers, rate=MessageRate(per_second=1, burst=5))
        self.streamer = StreamerSession(
            self.streamers, link=MemoryLink(), origin=Origin(""), table=handlers.STREAMER
        )
        self.streamer.receive(b'{"type":"endpointId","id":"Kiosk"}')
        self.heard: MemoryLink = self.streamer.link  # type: ignore[assignment]
        self.link = MemoryLink()
        self.player = PlayerSession(
            self.context, link=self.link, origin=Origin(""), table=handlers.PLAYER
        )
        self.player.opened()

    async def answered(self) -> None:
        """Let the store answer, and wait until that was acted on."""
        self.admission.answers.set()
        await eventually(lambda: not len(self.run))


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """Give a streamer and a player."""
    run = Tasks()
    yield Stage(run)
    await run.close()


class TestWaitingForAPlace:
    """Either side may leave while a place is looked for."""

    async def test_streamer_leaves(self, stage: Stage) -> None:
        """A player is told, and watches nobody, when its streamer left meanwhile."""
        stage.player.receive(b'{"type":"subscribe","streamerId":"Kiosk"}')
        await stage.admission.asked.wait()
        stage.streamer.lost()
        await stage.answered()
        assert stage.link.types() == ["config", "subscribeFailed"]
        assert stage.player.watches is None
        assert stage.admission.gone == [stage.player.player]
        assert "playerConnected" not in stage.heard.types()

    async def test_streamer_leaves_a_page_that_never_subscribes(self, stage: Stage) -> None:
        """Such a page is sent away, to come again, as if there had been no streamer."""
        stage.player.receive(b'{"type":"offer","sdp":"x"}')
        await stage.admission.asked.wait()
        stage.streamer.lost()
        await stage.answered()
        assert stage.link.closed == (CloseCode.STREAMER_LEFT, "no streamer is connected")
        assert stage.player.watches is None
        assert stage.streamer.streamer.subscribers == {}

    async def test_player_leaves(self, stage: Stage) -> None:
        """A player that left meanwhile gives its place back, and no streamer hears of it."""
        stage.player.receive(b'{"type":"subscribe","streamerId":"Kiosk"}')
        await stage.admission.asked.wait()
        stage.player.lost()
        await stage.answered()
        assert stage.player.player in stage.admission.gone
        assert "playerConnected" not in stage.heard.types()


class TestBacklog:
    """What comes while an earlier message is worked on waits for that."""

    async def test_is_parsed_once(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        """Candidates behind a subscription are parsed when they come, and then passed on."""
        parsed: list[bytes] = []

        def parse(raw: bytes) -> messages.Json:
            parsed.append(raw)
            return messages.parse(raw)

        candidates = [b'{"type":"iceCandidate","candidate":{"n":%d}}' % n for n in range(3)]
        for raw in (b'{"type":"subscribe","streamerId":"Kiosk"}', *candidates):
            stage.player.receive(raw, parse)
        monkeypatch.setattr(messages, "parse", None)
        await stage.answered()
        assert len(parsed) == 4
        passed = [each["candidate"]["n"] for each in stage.heard.sent if "candidate" in each]
        assert passed == [0, 1, 2]

    async def test_a_ping_does_not_wait(self, stage: Stage) -> None:
        """A ping is answered at once: its sender looks for signs of life."""
        stage.player.receive(b'{"type":"subscribe","streamerId":"Kiosk"}')
        stage.player.receive(b'{"type":"ping","time":1}')
        assert stage.link.types() == ["config", "pong"]

    @pytest.mark.parametrize(
        ("size", "number"),
        [(10, session.BACKLOG_MESSAGES + 1), (session.BACKLOG_BYTES // 4, 4)],
    )
    async def test_has_an_end(self, stage: Stage, size: int, number: int) -> None:
        """Too many messages, or too large ones, close with 4008."""
        stage.player.context = replace(
            stage.context, rate=MessageRate(per_second=0, burst=1000)
        )
        stage.player.receive(b'{"type":"subscribe","streamerId":"Kiosk"}')
        for _ in range(number - 1):
            stage.player.receive(b'{"type":"offer","sdp":"%b"}' % (b"x" * size))
        assert stage.link.closed is None
        stage.player.receive(b'{"type":"offer","sdp":"%b"}' % (b"x" * size))
        assert stage.link.closed is not None
        assert stage.link.closed[0] is CloseCode.RATE_LIMIT


@pytest.mark.parametrize("raw", [b"\xff\x00", b"[]", b'{"type":"ping","time":1}'])
async def test_binary_counts(stage: Stage, raw: bytes) -> None:
    """What a streamer sends in binary frames is counted against its rate, JSON or not."""
    for _ in range(4):
        stage.streamer.receive_binary(raw)
    assert stage.heard.closed is None
    stage.streamer.receive_binary(raw)
    assert stage.heard.closed is not None
    assert stage.heard.closed[0] is CloseCode.RATE_LIMIT
