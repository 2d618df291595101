"""Changes of all nodes, read from the stream that the script writes."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from matchmaker.model import Change
from matchmaker.tasks import is_stopping, stop
from stores.redis import RedisUnavailableError, reachable

log = structlog.get_logger(__name__)

BLOCK_SECONDS = 2.0
"""How long a read waits for news; below the client's time limit."""

ENTRIES = 256
"""Most entries of one read, each the changes of one batch."""

RETRY_SECONDS = 0.5

_changes = msgspec.json.Decoder(list[Change])


class ChangeFeed:
    """Reads the stream from now on; survives broken connections and entries it cannot read."""

    def __init__(
        self,
        redis: Redis,
        key: str,
        *,
        deliver: Callable[[Sequence[Change]], None],
        on_gap: Callable[[], None],
    ) -> None:
        self._redis = redis
        self._key = key
        self._deliver = deliver
        self._on_gap = on_gap
        self._last: bytes = b"0-0"
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Note where the stream ends and follow it from there."""
        self._last = await self._end()
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Stop reading."""
        await stop(self._task)

    async def _end(self) -> bytes:
        with reachable():
            newest: Any = await self._redis.xrevrange(self._key, count=1)
        return bytes(newest[0][0]) if newest else b"0-0"

    async def _follow(self) -> None:
        while not is_stopping():
            try:
                await self._read()
            except RedisUnavailableError as error:
                log.warning("change_feed_interrupted", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)
                await self._check_gap()
            except Exception:  # a node that hears nothing any more is worse than a gap
                log.exception("change_feed_failed")
                await asyncio.sleep(RETRY_SECONDS)
                self._on_gap()

    async def _read(self) -> None:
        with reachable():
            answer = await self._redis.xread(
                {self._key: self._last}, count=ENTRIES, block=int(BLOCK_SECONDS * 1000)
            )
        for entry_id, fields in _entries(answer):
            self._last = entry_id
            self._deliver(_changes.decode(fields[b"c"]))

    async def _check_gap(self) -> None:
        """After an interruption, find out whether the next entry is still there."""
        try:
            with reachable():
                oldest: Any = await self._redis.xrange(self._key, count=1)
                newest = await self._end()
        except (RedisUnavailableError, RedisError):
            return
        if not oldest or _order(newest) < _order(self._last):
            self._last = newest
            self._on_gap()
        elif _order(oldest[0][0]) > _order(self._last):
            self._on_gap()


def _entries(answer: object) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """Return the entries of one stream, whichever protocol version answered."""
    if isinstance(answer, dict):
        batches = [batch for found in answer.values() for batch in found]
        return [entry for batch in batches for entry in _flat(batch)]
    if isinstance(answer, list):
        return [entry for _, found in answer for entry in found]
    return []


def _flat(batch: object) -> list[tuple[bytes, dict[bytes, bytes]]]:
    if isinstance(batch, tuple):
        return [batch]
    return list(batch) if isinstance(batch, list) else []


def _order(entry_id: bytes) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition(b"-")
    return int(milliseconds), int(number)
