"""
Webhooks on session and instance events: signed, retried, bounded.

A request is `POST` with a JSON body `{id, event, time, …}` and the header
`Webhook-Signature: t=<unix seconds>,v1=<hex>`, where v1 is the HMAC-SHA256 of
`<t>.<body>` under the shared secret. Any 2xx is success; 4xx other than 408
and 429 is not tried again. Deliveries of one event may repeat: `id` tells.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

import aiohttp
import msgspec
import structlog
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from matchmaker.clock import Clock
from matchmaker.model import Change, ChangeKind

log = structlog.get_logger(__name__)

EVENTS: Final[Mapping[ChangeKind, str]] = {
    ChangeKind.QUEUED: "session.queued",
    ChangeKind.ASSIGNED: "session.assigned",
    ChangeKind.ACTIVE: "session.started",
    ChangeKind.GRACE: "session.interrupted",
    ChangeKind.ENDED: "session.ended",
    ChangeKind.INSTANCE_JOINED: "instance.joined",
    ChangeKind.INSTANCE_LEFT: "instance.left",
    ChangeKind.RECYCLE: "instance.recycle",
    ChangeKind.HOST_CHANGED: "host.changed",
}

WAITING: Final = 1_000
"""Events that wait for a slow receiver; beyond, the newest are dropped and counted."""

SAID_EVERY: Final = 1_000
"""Dropped events for each line of the log, beginning with the first."""

ATTEMPTS: Final = 6
DEADLINE: Final = aiohttp.ClientTimeout(total=10)
RETRIED: Final = frozenset({408, 429})
SERVER_ERROR: Final = 500


class _AgainError(Exception):
    """The receiver may take it later."""


def signature(secret: str, body: bytes, *, at: int) -> str:
    """Return the value of the `Webhook-Signature` header."""
    digest = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def payload(change: Change, *, event_id: str, at: float) -> dict[str, Any] | None:
    """Return what is sent of *change*; None for what is nobody's business outside."""
    event = EVENTS.get(change.kind)
    if event is None:
        return None
    body: dict[str, Any] = {"id": event_id, "event": event, "time": at}
    if change.session is None:
        return body | {event.partition(".")[0]: change.subject}
    session = change.session
    body["session"] = {
        "id": session.id,
        "user": session.user,
        "state": session.state,
        "application": session.attributes.get("application", ""),
        "host": session.host,
        "instance": session.instance,
        "waitedSeconds": round(session.waited, 3),
    }
    if change.reason:
        body["reason"] = change.reason
    return body


class Webhooks:
    """One bounded queue and one sender for each address, so that none delays another."""

    def __init__(
        self, urls: Sequence[str], secret: str, *, clock: Clock, longest_wait: float = 60.0
    ) -> None:
        self._secret = secret
        self._clock = clock
        self._longest_wait = longest_wait
        self._queues = {url: asyncio.Queue[bytes](WAITING) for url in urls}
        self._tasks: list[asyncio.Task[None]] = []
        self._http: aiohttp.ClientSession | None = None
        self.dropped = 0

    async def start(self) -> None:
        """Begin to send."""
        if self._queues:
            self._http = aiohttp.ClientSession(timeout=DEADLINE)
        for url, queue in self._queues.items():
            self._tasks.append(asyncio.create_task(self._send_all(url, queue)))

    async def close(self) -> None:
        """Stop; what still waits is lost."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    def tell(self, change: Change) -> None:
        """Send *change* to every address, later."""
        if not self._queues:
            return
        body = payload(change, event_id=secrets.token_hex(8), at=self._clock.now())
        if body is not None:
            self._enqueue(msgspec.json.encode(body))

    def _enqueue(self, body: bytes) -> None:
        for url, queue in self._queues.items():
            try:
                queue.put_nowait(body)
            except asyncio.QueueFull:
                self.dropped += 1
                if self.dropped % SAID_EVERY == 1:
                    log.warning("webhook_dropped", url=url, dropped=self.dropped)

    async def _send_all(self, url: str, queue: asyncio.Queue[bytes]) -> None:
        while True:
            body = await queue.get()
            try:
                await self._send_retried(url, body)
            except (_AgainError, aiohttp.ClientError, TimeoutError) as error:
                log.warning("webhook_failed", url=url, error=str(error) or "no answer")
            except Exception:
                # Such as a name that cannot be encoded: the next event may go another way.
                log.exception("webhook_failed", url=url)

    async def _send_retried(self, url: str, body: bytes) -> None:
        retries = AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.5, max=self._longest_wait),
            retry=retry_if_exception_type((_AgainError, aiohttp.ClientError, TimeoutError)),
            sleep=self._clock.sleep,
            reraise=True,
        )
        async for attempt in retries:
            with attempt:
                await self._send(url, body)

    async def _send(self, url: str, body: bytes) -> None:
        assert self._http is not None  # noqa: S101 - for the type checker
        at = int(self._clock.now())
        headers = {
            "Content-Type": "application/json",
            "Webhook-Signature": signature(self._secret, body, at=at),
        }
        async with self._http.post(
            url, data=body, headers=headers, allow_redirects=False
        ) as answer:
            if answer.status >= SERVER_ERROR or answer.status in RETRIED:
                raise _AgainError(f"HTTP {answer.status}")
            if not answer.ok:
                log.warning("webhook_refused", url=url, status=answer.status)
