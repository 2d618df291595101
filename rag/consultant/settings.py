"""Options of the consultant."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, Field

from rag.consultant.events import Usage


class ArgumentSchema(BaseModel):
    """What one argument of an action may be."""

    type: Literal["string", "number", "boolean"] = "string"
    required: bool = True
    enum: list[str] | None = None


ActionSchema = dict[str, ArgumentSchema]

DEFAULT_ACTIONS: dict[str, ActionSchema] = {
    "showProduct": {"ueAsset": ArgumentSchema(), "name": ArgumentSchema()},
    "setStyle": {"style": ArgumentSchema()},
}


class ChatSettings(BaseModel):
    """How the consultant answers, and how much of it a visitor may have."""

    chat_model: str = Field(
        default="gpt-5-mini",
        description="Model of the consultant, at openai_base_url; used when there is a key",
    )
    chat_temperature: float | None = Field(
        default=None, ge=0, le=2, description="Temperature of the model; unset: the model's own"
    )
    chat_reasoning_effort: str | None = Field(
        default=None,
        description=(
            "How long a model that thinks first may do so (minimal, low); unset: its own"
        ),
    )
    chat_understanding: bool = Field(
        default=True,
        description="Whether a model reads requests beside the rules; used when there is a key",
    )
    chat_understanding_model: str | None = Field(
        default=None, description="Model that reads requests; unset: chat_model"
    )
    chat_understanding_timeout: float = Field(
        default=1.0,
        gt=0,
        description="Seconds the model has to read a request, while the search runs",
    )
    chat_max_tokens: int = Field(
        default=800, ge=64, le=16_384, description="Tokens the model may write for one answer"
    )
    chat_input_price: Decimal | None = Field(
        default=None, ge=0, description="What a million tokens that the model reads cost"
    )
    chat_output_price: Decimal | None = Field(
        default=None, ge=0, description="What a million tokens that the model writes cost"
    )
    chat_first_token_timeout: float = Field(
        default=5.0, gt=0, description="Seconds the model has to begin its answer"
    )
    chat_answer_timeout: float = Field(
        default=20.0, gt=0, description="Seconds the model has for a whole answer"
    )
    chat_search_timeout: float = Field(
        default=5.0, gt=0, description="Seconds the search of products has"
    )
    chat_store_timeout: float = Field(
        default=1.0, gt=0, description="Seconds reading or writing the history has"
    )
    chat_concurrency: int = Field(
        default=64, ge=1, description="Answers under way at a time in this process"
    )
    chat_per_minute: int = Field(
        default=20, ge=1, description="Messages one user may send in a minute"
    )
    chat_history_messages: int = Field(
        default=40, ge=2, le=500, description="Messages kept for each user"
    )
    chat_history_days: int = Field(
        default=90,
        ge=0,
        le=36_500,
        description=(
            "Days a conversation is kept after its last question or thumb, and a thumb as a "
            "judgement; 0: for ever"
        ),
    )
    chat_actions: dict[str, ActionSchema] = Field(
        default_factory=lambda: dict(DEFAULT_ACTIONS),
        description=(
            "What the consultant may ask the scene to do, with the arguments of each, as "
            '{"setStyle": {"style": {"type": "string"}}}'
        ),
    )

    def cost(self, usage: Usage) -> Decimal | None:
        """Return what *usage* costs by the configured prices, None without any."""
        prices = (self.chat_input_price, self.chat_output_price)
        if prices == (None, None):
            return None
        tokens = (usage.input_tokens, usage.output_tokens)
        parts = [n * (price or Decimal(0)) for n, price in zip(tokens, prices, strict=True)]
        total: Decimal = sum(parts, Decimal(0)) / 1_000_000
        return total.quantize(Decimal("0.000001"))
