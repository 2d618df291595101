"""
Chat completions of OpenAI, or any server that speaks them, by its own client.

Answers are JSON of a schema. Not every server has strict schemas, so one that refuses them
is asked for any JSON object, and one that refuses this too for text; what it took is
remembered.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from openai import (
    AsyncOpenAI,
    AsyncStream,
    BadRequestError,
    OpenAIError,
    UnprocessableEntityError,
)
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from rag.consultant.advice import AdviceError
from rag.consultant.events import Usage

_REFUSED: Final = (BadRequestError, UnprocessableEntityError)
_UNUSABLE: Final = (ValueError, TypeError, AttributeError, KeyError, IndexError)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to a model; *user* is data, whatever it says."""

    name: str
    """Of the schema, as the service wants one."""
    instructions: str
    user: str
    schema: Mapping[str, object]
    max_tokens: int


class ChatModel:
    """One model behind HTTP; every error is an `AdviceError`."""

    def __init__(
        self,
        *,
        api_key: str,
        model: str,
        base_url: str | None = None,
        temperature: float | None = None,
        effort: str | None = None,
        timeout: float = 20.0,
        retries: int = 1,
    ) -> None:
        self.name = model
        self._options: dict[str, Any] = {"model": model}
        if temperature is not None:
            self._options["temperature"] = temperature
        if effort is not None:
            self._options["reasoning_effort"] = effort
        self._formats = [_schema_format, _object_format, _no_format]
        self._client = AsyncOpenAI(
            api_key=api_key, base_url=base_url, timeout=timeout, max_retries=retries
        )

    async def close(self) -> None:
        """Close the client's connections."""
        await self._client.close()

    async def answer(self, asked: Asked) -> tuple[str, Usage]:
        """Return the whole text; raises `AdviceError`, for a refusal and a cut answer too."""
        try:
            found: ChatCompletion = await self._create(asked)
            choice = found.choices[0]
            text = choice.message.content
            if choice.finish_reason == "length" or choice.message.refusal or not text:
                raise AdviceError(f"{self.name}: no whole answer")
            return text, _usage(found.usage)
        except OpenAIError as error:
            raise AdviceError(f"{self.name}: {type(error).__name__}") from error
        except _UNUSABLE as error:
            raise AdviceError(f"{self.name}: unusable answer") from error

    async def stream(self, asked: Asked) -> AsyncGenerator[str | Usage, None]:
        """Yield the text piece by piece, what it cost at the end; raises `AdviceError`."""
        try:
            more: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
            stream: AsyncStream[ChatCompletionChunk] = await self._create(asked, **more)
            async with stream:
                async for chunk in stream:
                    piece = _piece(chunk)
                    if piece:
                        yield piece
        except OpenAIError as error:
            raise AdviceError(f"{self.name}: {type(error).__name__}") from error
        except _UNUSABLE as error:
            raise AdviceError(f"{self.name}: unusable answer") from error

    async def _create(self, asked: Asked, **more: Any) -> Any:
        """Ask in the strictest form that the server takes."""
        tried = list(self._formats)
        for left in range(len(tried), 0, -1):
            options = {**self._options, **more, **tried[-left](asked)}
            try:
                found = await self._client.chat.completions.create(
                    max_completion_tokens=asked.max_tokens, **options
                )
            except _REFUSED:
                if left == 1:
                    raise
                continue
            self._formats = self._formats[-left:]
            return found
        raise AssertionError("unreachable")


def _messages(asked: Asked, form: str = "") -> list[dict[str, str]]:
    system = asked.instructions + form
    return [{"role": "system", "content": system}, {"role": "user", "content": asked.user}]


def _schema_format(asked: Asked) -> dict[str, Any]:
    schema = {"name": asked.name, "strict": True, "schema": asked.schema}
    form = {"type": "json_schema", "json_schema": schema}
    return {"messages": _messages(asked), "response_format": form}


def _object_format(asked: Asked) -> dict[str, Any]:
    return {**_no_format(asked), "response_format": {"type": "json_object"}}


def _no_format(asked: Asked) -> dict[str, Any]:
    schema = orjson.dumps(asked.schema).decode()
    form = f"\n\nAnswer with nothing but one JSON object of this JSON schema: {schema}"
    return {"messages": _messages(asked, form)}


def _piece(chunk: ChatCompletionChunk) -> str | Usage | None:
    text = chunk.choices[0].delta.content if chunk.choices else None
    return text or (_usage(chunk.usage) if chunk.usage else None)


def _usage(usage: CompletionUsage | None) -> Usage:
    return Usage() if usage is None else Usage(usage.prompt_tokens, usage.completion_tokens)


def object_in(text: str) -> Any:
    """Return the JSON object in a text, which may stand in a fence; raises `ValueError`."""
    return orjson.loads(text[text.find("{") : text.rfind("}") + 1])
