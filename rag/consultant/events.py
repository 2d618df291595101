"""What a turn of the consultant consists of; each event knows its name on the wire."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Final, Protocol

Json = dict[str, Any]

LAST: Final = frozenset({"chatDone", "chatError"})
"""Wire names of the events that end an answer."""


class Event(Protocol):
    """Something the visitor's page is told while an answer is made."""

    @property
    def wire_name(self) -> str:
        """The type of the message."""

    def fields(self) -> Json:
        """Return the message's fields, `id` of the question first."""


@dataclass(frozen=True, slots=True)
class Products:
    """The first cards, by retrieval, best first."""

    wire_name: ClassVar[str] = "chatProducts"
    id: str
    products: Sequence[Json]

    def fields(self) -> Json:
        """See `Event`."""
        return {"id": self.id, "products": list(self.products)}


@dataclass(frozen=True, slots=True)
class Partners:
    """Partners instead of products."""

    wire_name: ClassVar[str] = "chatPartners"
    id: str
    partners: Sequence[Json]

    def fields(self) -> Json:
        """See `Event`."""
        return {"id": self.id, "partners": list(self.partners)}


@dataclass(frozen=True, slots=True)
class Delta:
    """The next piece of the answer."""

    wire_name: ClassVar[str] = "chatDelta"
    id: str
    text: str

    def fields(self) -> Json:
        """See `Event`."""
        return {"id": self.id, "text": self.text}


@dataclass(frozen=True, slots=True)
class Ranked:
    """The order of the cards, where the answer's choice differs from the first one."""

    wire_name: ClassVar[str] = "chatRanked"
    id: str
    ids: Sequence[str]

    def fields(self) -> Json:
        """See `Event`."""
        return {"id": self.id, "ids": list(self.ids)}


@dataclass(frozen=True, slots=True)
class Action:
    """Something the scene shall do; checked against the operator's list."""

    wire_name: ClassVar[str] = "chatAction"
    id: str
    action: str
    arguments: Json

    def fields(self) -> Json:
        """See `Event`."""
        return {"id": self.id, "action": self.action, "arguments": self.arguments}


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of the model; both 0 where none was asked."""

    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        """Return both together."""
        return Usage(
            self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens
        )


@dataclass(frozen=True, slots=True)
class Done:
    """The end of an answer; *timings* are milliseconds, absent for stages not reached."""

    wire_name: ClassVar[str] = "chatDone"
    id: str
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    cost: Decimal | None = None
    timings: Json = field(default_factory=dict)
    degraded: Sequence[str] = ()
    cancelled: bool = False

    def fields(self) -> Json:
        """See `Event`."""
        if self.cancelled:
            return {"id": self.id, "cancelled": True}
        usage: Json = {
            "inputTokens": self.usage.input_tokens,
            "outputTokens": self.usage.output_tokens,
        }
        if self.cost is not None:
            usage["cost"] = f"{self.cost:f}"
        found: Json = {"id": self.id, "model": self.model, "usage": usage}
        found["timings"] = self.timings
        if self.degraded:
            found["degraded"] = list(self.degraded)
        return found


@dataclass(frozen=True, slots=True)
class Error:
    """A question that gets no answer; *retry_after* is in seconds."""

    wire_name: ClassVar[str] = "chatError"
    id: str
    code: str
    message: str
    retry_after: float | None = None

    def fields(self) -> Json:
        """See `Event`."""
        found: Json = {"id": self.id, "code": self.code, "message": self.message}
        if self.retry_after is not None:
            found["retryAfter"] = self.retry_after
        return found
