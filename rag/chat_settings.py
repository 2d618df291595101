"""Options of the consultant."""

from typing import Literal

from pydantic import BaseModel, Field


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
    chat_max_tokens: int = Field(
        default=800, ge=64, le=16_384, description="Tokens the model may write for one answer"
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
    chat_actions: dict[str, ActionSchema] = Field(
        default_factory=lambda: dict(DEFAULT_ACTIONS),
        description=(
            "What the consultant may ask the scene to do, with the arguments of each, as "
            '{"setStyle": {"style": {"type": "string"}}}'
        ),
    )
