"""A chat model of the tests, whose answer goes on only when it is told to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

SENTENCES = 12
"""In its answer; the consultant passes each one on by itself."""


class SlowModel:
    """POST /v1/chat/completions as the published API streams it, sentence by sentence."""

    def __init__(self) -> None:
        self.url = ""
        self._allowed = asyncio.Semaphore(0)

    def go_on(self, sentences: int) -> None:
        """Let it say so many sentences more."""
        for _ in range(sentences):
            self._allowed.release()

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Recommend the first candidate at length."""
        told = orjson.loads((await request.json())["messages"][-1]["content"])
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        first = told["candidates"][0]["id"]
        for piece in _pieces(first):
            await self._allowed.acquire()
            choice = {"index": 0, "delta": {"content": piece}}
            await response.write(_chunk(choices=[choice], usage=None))
        usage = {"prompt_tokens": 900, "completion_tokens": 80, "total_tokens": 980}
        await response.write(_chunk(choices=[], usage=usage))
        await response.write(b"data: [DONE]\n\n")
        return response


def _pieces(product: str) -> list[str]:
    said = [f"This is reason number {n}. " for n in range(1, SENTENCES)]
    head = f'{{"opening": "A fine choice. ", "picks": [{{"id": "{product}", "reason": "'
    return [head, *said[:-1], said[-1] + '"}]}']


def _chunk(**fields: Any) -> bytes:
    head = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: %b\n\n" % orjson.dumps({**head, **fields})


@contextlib.asynccontextmanager
async def slow_model() -> AsyncIterator[SlowModel]:
    """Serve one."""
    model = SlowModel()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", model.complete)
    async with TestServer(app) as server:
        model.url = str(server.make_url("/v1"))
        yield model
        model.go_on(1_000)
