"""A chat model that reads requests, by structured output."""

from typing import Any

from rag.consultant.advice import AdviceError
from rag.consultant.events import Usage
from rag.consultant.interpretation import INSTRUCTIONS, SCHEMA, Told, prompt
from rag.consultant.openai_chat import Asked, ChatModel, object_in

_TOKENS = 600  # an answer has 150; a model that thinks first may need more


class OpenAIInterpreter:
    """See `rag.consultant.interpretation.Interpreter`."""

    def __init__(self, model: ChatModel, *, max_tokens: int = _TOKENS) -> None:
        self.name = model.name
        self._model = model
        self._max_tokens = max_tokens

    async def interpret(self, told: Told) -> tuple[Any, Usage]:
        """Return what the model read, unchecked; raises `AdviceError`."""
        asked = Asked("request", INSTRUCTIONS, prompt(told), SCHEMA, self._max_tokens)
        text, usage = await self._model.answer(asked)
        try:
            return object_in(text), usage
        except ValueError as error:
            raise AdviceError(f"{self.name}: the answer is no JSON object") from error

    async def close(self) -> None:
        """Close the client's connections."""
        await self._model.close()
