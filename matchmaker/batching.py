"""Many small calls made at the same time, sent as few large ones."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class BatchFullError(Exception):
    """Too many calls wait already, or none are taken any more."""


class Batcher(Generic[Item, Answer]):
    """
    Sends what gathers while earlier batches are under way.

    A lone call goes at once; under load the batches grow up to *size*. At
    most *in_flight* batches are sent at a time and *waiting* calls wait.
    Calls of different batches may be answered in another order than they were
    made; who depends on an order waits for the first answer.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        *,
        size: int = 64,
        in_flight: int = 2,
        waiting: int = 20_000,
    ) -> None:
        self._send = send
        self._size = size
        self._in_flight = in_flight
        self._limit = waiting
        self._waiting: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self._senders: set[asyncio.Task[None]] = set()
        self._running = 0
        self._closed = False

    async def __call__(self, item: Item) -> Answer:
        """
        Return the answer to *item*.

        Raises:
            BatchFullError: *waiting* calls wait already, or it is closed.

        """
        if self._closed:
            raise BatchFullError("closed")
        if len(self._waiting) >= self._limit:
            raise BatchFullError(f"{self._limit} calls wait already")
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._running < self._in_flight:
            self._start_sender()
        return await answer

    async def close(self) -> None:
        """Wait for what was called; later calls are refused."""
        self._closed = True
        while self._senders:
            await asyncio.wait(self._senders)

    def _start_sender(self) -> None:
        self._running += 1
        sender = asyncio.get_running_loop().create_task(self._send_all())
        self._senders.add(sender)
        sender.add_done_callback(self._senders.discard)

    async def _send_all(self) -> None:
        try:
            await self._send_waiting()
        finally:
            # Here and not when the task is done: a call in between would find
            # senders that send no more.
            self._running -= 1

    async def _send_waiting(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            try:
                answers = await self._send([item for item, _ in batch])
            except Exception as error:  # noqa: BLE001 - handed to every caller
                _fail(batch, error)
            else:
                _answer(batch, answers)

    def _next_batch(self) -> list[tuple[Item, asyncio.Future[Answer]]]:
        count = min(self._size, len(self._waiting))
        return [self._waiting.popleft() for _ in range(count)]


def _answer(
    batch: Sequence[tuple[Item, asyncio.Future[Answer]]], answers: Sequence[Answer]
) -> None:
    for (_, future), answer in zip(batch, answers, strict=True):
        if not future.done():
            future.set_result(answer)


def _fail(batch: Sequence[tuple[Item, asyncio.Future[Answer]]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
