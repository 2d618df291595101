"""
Stand-ins for OpenAI and Pinecone that answer after a set time; a process of its own.

`python -m bench.chat.services --delay 0.08` says on standard output where it
listens. Vectors are by chance; the model recommends the first three candidates
it is given, a few characters at a time, as the published API streams them: as fast
as they are read, or so many tokens a second.
"""

import argparse
import asyncio
import base64
import sys
import zlib
from typing import Any, Final

import numpy as np
import orjson
import uvloop
from aiohttp import web
from numpy.typing import NDArray

CHARACTERS: Final = 4
"""Of a token, about."""

TOP_K: Final = 20

REASON: Final = "Calm lines and a warm fabric that suit the room you describe."

Json = dict[str, Any]


class Services:
    """All three, with *delay* seconds before each answer begins."""

    def __init__(self, delay: float, tokens_per_second: float | None) -> None:
        self._delay = delay
        self._pause = 1 / tokens_per_second if tokens_per_second else 0.0
        self._vectors: dict[str, dict[str, NDArray[np.float32]]] = {}

    def app(self) -> web.Application:
        """Return the routes."""
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/v1/embeddings", self.embeddings)
        app.router.add_post("/v1/chat/completions", self.complete)
        app.router.add_post("/vectors/upsert", self.upsert)
        app.router.add_post("/vectors/delete", self.delete)
        app.router.add_post("/query", self.query)
        return app

    async def embeddings(self, request: web.Request) -> web.Response:
        """Return a vector for each text, in base64 as the client asks."""
        body = orjson.loads(await request.read())
        await asyncio.sleep(self._delay)
        data = [
            {"object": "embedding", "index": n, "embedding": _vector(text, body["dimensions"])}
            for n, text in enumerate(body["input"])
        ]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return _json({"object": "list", "data": data, "model": body["model"], "usage": usage})

    async def upsert(self, request: web.Request) -> web.Response:
        """Keep vectors."""
        body = orjson.loads(await request.read())
        kept = self._vectors.setdefault(body.get("namespace", ""), {})
        for vector in body["vectors"]:
            kept[vector["id"]] = np.asarray(vector["values"], np.float32)
        return _json({"upsertedCount": len(body["vectors"])})

    async def delete(self, request: web.Request) -> web.Response:
        """Forget vectors."""
        body = orjson.loads(await request.read())
        kept = self._vectors.get(body.get("namespace", ""), {})
        for key in body["ids"]:
            kept.pop(key, None)
        return _json({})

    async def query(self, request: web.Request) -> web.Response:
        """Return the nearest; filters are left to whoever asked."""
        body = orjson.loads(await request.read())
        await asyncio.sleep(self._delay)
        kept = self._vectors.get(body.get("namespace", ""), {})
        query = np.asarray(body["vector"], np.float32)
        scores = np.stack(list(kept.values())) @ query if kept else np.zeros(0)
        best = np.argsort(-scores)[:TOP_K]
        ids = list(kept)
        matches = [{"id": ids[n], "score": float(scores[n])} for n in best]
        return _json({"matches": matches, "namespace": body.get("namespace", "")})

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Answer as a chat model: a recommendation, or the emptiest object of a schema."""
        body = orjson.loads(await request.read())
        await asyncio.sleep(self._delay)
        text = _answer(body)
        if not body.get("stream"):
            return _json(_whole(body["model"], text))
        return await _stream(request, body["model"], text, pause=self._pause)


async def _stream(
    request: web.Request, model: str, text: str, *, pause: float
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    due = asyncio.get_running_loop().time()
    tokens = [text[at : at + CHARACTERS] for at in range(0, len(text), CHARACTERS)]
    for token in tokens:
        choice = {"index": 0, "delta": {"content": token}, "finish_reason": None}
        await response.write(_chunk(model, choices=[choice], usage=None))
        due += pause
        if pause:
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
    await response.write(_chunk(model, choices=[], usage=_usage(len(tokens))))
    await response.write(b"data: [DONE]\n\n")
    return response


def _chunk(model: str, **fields: Any) -> bytes:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": model}
    return b"data: %b\n\n" % orjson.dumps({**head, **fields})


def _usage(tokens: int) -> Json:
    return {"prompt_tokens": 900, "completion_tokens": tokens, "total_tokens": 900 + tokens}


def _whole(model: str, text: str) -> Json:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    head = {"id": "c", "object": "chat.completion", "created": 1, "model": model}
    return {**head, "choices": [choice], "usage": _usage(len(text) // CHARACTERS)}


def _answer(body: Json) -> str:
    schema = body.get("response_format", {}).get("json_schema", {}).get("schema", {})
    if "picks" not in schema.get("properties", {}):
        return orjson.dumps(_blank(schema)).decode()
    told = orjson.loads(body["messages"][-1]["content"])
    picks = [{"id": each["id"], "reason": REASON} for each in told["candidates"][:3]]
    return orjson.dumps({"opening": "These three suit your room.", "picks": picks}).decode()


def _blank(schema: Json) -> Any:
    """Return the emptiest value that *schema* allows."""
    kinds = schema.get("type", "object" if "properties" in schema else "null")
    if kinds == "null" or "null" in kinds or "anyOf" in schema:
        return None
    if "enum" in schema:
        return schema["enum"][0]
    if kinds == "object":
        return {name: _blank(each) for name, each in schema.get("properties", {}).items()}
    return {"array": [], "string": "", "boolean": False}.get(kinds, 0)


def _vector(text: str, dimensions: int) -> str:
    values = np.random.default_rng(zlib.crc32(text.encode())).normal(size=dimensions)
    return base64.b64encode((values / np.linalg.norm(values)).astype("<f4").tobytes()).decode()


def _json(answer: Json) -> web.Response:
    return web.Response(body=orjson.dumps(answer), content_type="application/json")


async def _serve(delay: float, tokens_per_second: float | None) -> None:
    services = Services(delay, tokens_per_second)
    runner = web.AppRunner(services.app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    print(orjson.dumps({"event": "listening", "port": port}).decode(), flush=True)
    await asyncio.Event().wait()


def main() -> int:
    """Serve until terminated."""
    parser = argparse.ArgumentParser(prog="python -m bench.chat.services")
    parser.add_argument("--delay", type=float, default=0.08, help="seconds before each answer")
    parser.add_argument("--tokens_per_second", type=float, help="of the chat model's stream")
    options = parser.parse_args()
    uvloop.run(_serve(options.delay, options.tokens_per_second))
    return 0


if __name__ == "__main__":
    sys.exit(main())
