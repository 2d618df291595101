"""Webhooks against a real receiver."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer

from matchmaker import webhooks
from matchmaker.model import Change, ChangeKind, Session
from matchmaker.webhooks import WAITING, Webhooks

JOINED = Change(kind=ChangeKind.INSTANCE_JOINED, node="n1", subject="ue1")


class QuickClock:
    """Remembers how long it was asked to sleep."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        """See `Clock`."""
        return 1_000.5

    async def sleep(self, seconds: float) -> None:
        """See `Clock`."""
        self.slept.append(seconds)
        await asyncio.sleep(0)


class Receiver:
    """Answers with the given statuses, then 204."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.requests: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

    async def handle(self, request: web.Request) -> web.Response:
        """Take a delivery."""
        status = self.statuses.pop(0) if self.statuses else 204
        body = await request.read()
        await self.requests.put((request.headers["Webhook-Signature"], body))
        return web.Response(status=status)

    async def next(self) -> tuple[str, bytes]:
        """Return the next delivery."""
        async with asyncio.timeout(5):
            return await self.requests.get()


@asynccontextmanager
async def sending(receiver: Receiver, clock: QuickClock) -> AsyncIterator[Webhooks]:
    """Yield webhooks that go to *receiver*."""
    app = web.Application()
    app.router.add_post("/hook", receiver.handle)
    async with TestServer(app) as server:
        hooks = Webhooks([str(server.make_url("/hook"))], "secret", clock=clock)
        await hooks.start()
        yield hooks
        await hooks.close()


async def test_events_are_signed() -> None:
    """The signature covers time and body, so it can be checked and not replayed later."""
    receiver = Receiver()
    async with sending(receiver, QuickClock()) as hooks:
        hooks.tell(JOINED)
        header, body = await receiver.next()
    expected = hmac.new(b"secret", b"1000." + body, hashlib.sha256).hexdigest()
    assert header == f"t=1000,v1={expected}"
    message = json.loads(body)
    assert (message["event"], message["instance"]) == ("instance.joined", "ue1")


async def test_sessions_are_described() -> None:
    """Who, where, and why it ended."""
    session = Session(id="s", user="u", demand="d", attributes={"application": "game"})
    change = Change(kind=ChangeKind.ENDED, node="n1", session=session, reason="idle")
    receiver = Receiver()
    async with sending(receiver, QuickClock()) as hooks:
        hooks.tell(Change(kind=ChangeKind.EXPIRING, node="n1", session=session))
        hooks.tell(change)
        _, body = await receiver.next()
    message = json.loads(body)
    assert (message["event"], message["reason"]) == ("session.ended", "idle")
    assert message["session"]["application"] == "game"


async def test_a_receiver_in_trouble_is_tried_again() -> None:
    """With the same event id, after growing pauses."""
    receiver, clock = Receiver(503, 429), QuickClock()
    async with sending(receiver, clock) as hooks:
        hooks.tell(JOINED)
        bodies = [(await receiver.next())[1] for _ in range(3)]
    assert len(set(bodies)) == 1
    assert len(clock.slept) == 2


async def test_a_refusal_is_final() -> None:
    """400 is not repeated; the next event goes out."""
    receiver, clock = Receiver(400), QuickClock()
    async with sending(receiver, clock) as hooks:
        hooks.tell(JOINED)
        first = (await receiver.next())[1]
        hooks.tell(JOINED)
        second = (await receiver.next())[1]
    assert json.loads(first)["id"] != json.loads(second)["id"]
    assert clock.slept == []


async def test_a_dead_receiver_costs_no_memory() -> None:
    """What waits is bounded, what is dropped is counted."""
    hooks = Webhooks(["http://127.0.0.1:9/"], "s", clock=QuickClock())
    for _ in range(WAITING + 5):
        hooks.tell(JOINED)
    assert hooks.dropped == 5


def test_nothing_is_made_without_receivers() -> None:
    """No addresses, no work."""
    hooks = Webhooks([], "s", clock=QuickClock())
    hooks.tell(JOINED)
    assert hooks.dropped == 0
    assert set(webhooks.EVENTS.values()) >= {"session.ended", "instance.left"}
