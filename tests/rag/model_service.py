"""A stand-in for a chat model: it checks requests against the published API, and can fail."""

import re
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from aiohttp import web

from tests.rag.service import Service

NOTHING_READ: dict[str, Any] = {
    "kind": "product",
    "talk": None,
    "category": None,
    "also": [],
    "styles": [],
    "rooms": [],
    "colours": [],
    "materials": [],
    "unwanted": [],
    "inexpensive": False,
    "drops": [],
    "people": None,
    "quantity": None,
    "budget": {"max": None, "min": None, "currency": None, "total": False},
    "step": None,
    "ordinal": None,
    "compares": [],
    "refers": False,
    "show": False,
    "partner": None,
    "regions": [],
}

USAGE = {"prompt_tokens": 900, "completion_tokens": 80, "total_tokens": 980}
READING_USAGE = {"prompt_tokens": 500, "completion_tokens": 40, "total_tokens": 540}

_TYPES = {"string", "number", "boolean", "integer", "object", "array", "null"}
_FORMATS = ("json_schema", "json_object", "text")


class ModelService(Service):
    """POST /v1/chat/completions as the published API has it, streamed or whole."""

    def __init__(self) -> None:
        super().__init__()
        self.url = ""
        self.answer = ""
        self.piece = 7
        self.cut_after: int | None = None
        self.hang_after: int | None = None
        self.read: Callable[[str], Any] = lambda _: NOTHING_READ
        """What it answers to a message that it is to read."""
        self.reading_faults: deque[str] = deque()
        self.takes: set[str] = set(_FORMATS)
        """Which formats of an answer it has."""

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Check the request, then read or stream the answer."""
        body = await request.json()
        self.requests.append((request.path, body))
        self.expect(request.headers["authorization"] == "Bearer sk-test", "authorization")
        self._check(body)
        asked = body.get("response_format", {"type": "text"})["type"]
        if asked not in self.takes:
            error = {"message": f"'response_format.type' {asked} is not supported"}
            return web.json_response({"error": error}, status=400)
        if not body.get("stream"):
            return await self._read(request, body)
        answer = await self.faulty(request)
        return answer if answer is not None else await self._stream(request)

    @property
    def asked(self) -> list[Mapping[str, Any]]:
        """The requests for an answer."""
        return [body for _, body in self.requests if body.get("stream")]

    @property
    def readings(self) -> list[Mapping[str, Any]]:
        """The requests to read a message."""
        return [body for _, body in self.requests if not body.get("stream")]

    def _check(self, body: Mapping[str, Any]) -> None:
        roles = [message["role"] for message in body["messages"]]
        self.expect(roles == ["system", "user"], "roles")
        self.expect(1 <= body["max_completion_tokens"] <= 16_384, "tokens")
        self.expect("max_tokens" not in body, "max_tokens is for old models")
        if body.get("stream"):
            self.expect(body["stream_options"]["include_usage"], "usage")
        wanted = body.get("response_format")
        if wanted is None or wanted["type"] != "json_schema":
            self.expect("JSON" in body["messages"][0]["content"], "the word JSON is needed")
            return
        schema = wanted["json_schema"]
        self.expect(re.fullmatch(r"[\w-]{1,64}", schema["name"]), "name of the schema")
        self.expect(schema["strict"] is True, "strict")
        self._check_strict(schema["schema"])

    def _check_strict(self, schema: Mapping[str, Any]) -> None:
        """Hold a schema against what strict structured outputs support."""
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        self.expect(set(types) <= _TYPES, "type")
        known = {"type", "enum", "properties", "required", "additionalProperties", "items"}
        self.expect(set(schema) <= known, f"keywords {set(schema) - known}")
        if "object" in types:
            self.expect(schema["additionalProperties"] is False, "additionalProperties")
            self.expect(schema["required"] == list(schema["properties"]), "required")
            for part in schema["properties"].values():
                self._check_strict(part)
        if "array" in types:
            self._check_strict(schema["items"])

    async def _read(self, request: web.Request, body: Mapping[str, Any]) -> web.StreamResponse:
        message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
        reason = "stop"
        match self.reading_faults.popleft() if self.reading_faults else "":
            case "refusal":
                message["refusal"] = "I cannot help with that."
            case "length":
                message["content"], reason = '{"kind": "prod', "length"
            case "no json":
                message["content"] = "Sure! A sofa it is."
            case "":
                told = orjson.loads(body["messages"][1]["content"])
                found = self.read(told["message"])
                text = found if isinstance(found, str) else orjson.dumps(found).decode()
                message["content"] = text
            case fault:
                self.faults.appendleft(fault)
                answer = await self.faulty(request)
                assert answer is not None
                return answer
        choice = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
        whole = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
        return web.json_response({**whole, "choices": [choice], "usage": READING_USAGE})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for at in range(0, len(self.answer), self.piece):
            if self.cut_after is not None and at >= self.cut_after:
                assert request.transport is not None
                request.transport.abort()
                return response
            if self.hang_after is not None and at >= self.hang_after:
                await self.released.wait()
            piece = {"content": self.answer[at : at + self.piece]}
            await self._send(response, [{"index": 0, "delta": piece}], None)
        await self._send(response, [], USAGE)
        await response.write(b"data: [DONE]\n\n")
        return response

    async def _send(self, response: web.StreamResponse, choices: Any, usage: Any) -> None:
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        data = orjson.dumps({**chunk, "choices": choices, "usage": usage})
        await response.write(b"data: " + data + b"\n\n")
