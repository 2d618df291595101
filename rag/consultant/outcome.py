"""What all turns share, and what one has come to so far."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from rag.consultant.advice import Adviser
from rag.consultant.cards import Shown
from rag.consultant.conversation import Conversations
from rag.consultant.events import Usage
from rag.consultant.interpretation import Interpreter
from rag.consultant.partners import PartnerRequest
from rag.consultant.request import Request
from rag.consultant.settings import ChatSettings
from rag.engine import Engine
from rag.money import Rates

EXTRACTIVE: Final = "extractive"
"""Who answers where no model does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What all turns share."""

    engine: Engine
    conversations: Conversations
    settings: ChatSettings
    currency: str
    rates: Rates
    adviser: Adviser | None
    interpreter: Interpreter | None
    places: Callable[[], frozenset[str]]


@dataclass(slots=True)
class Outcome:
    """What a turn has come to so far; read when it is cancelled or asked for."""

    answer: list[str] = field(default_factory=list)
    cards: tuple[Shown, ...] = ()
    partners: tuple[Shown, ...] = ()
    request: Request | None = None
    """What later turns go on with."""
    sought: PartnerRequest | None = None
    restarts: bool = False
    focused: bool = False
    timings: dict[str, float] = field(default_factory=dict)
    degraded: list[str] = field(default_factory=list)
    model: str = EXTRACTIVE
    usage: Usage = field(default_factory=Usage)
    language: str = "en"
