"""The port to whoever writes the answer, and the brief it gets."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from rag.consultant.conversation import Turn
from rag.consultant.events import Usage
from rag.consultant.fit import Fit
from rag.errors import RagError


class AdviceError(RagError):
    """The model failed, was too slow or wrote something unusable."""


@dataclass(frozen=True, slots=True)
class Brief:
    """All that an adviser may know; nothing else can be recommended."""

    question: str
    language: str
    fits: Sequence[Fit]
    """The best products of retrieval, best first; at most ten."""
    people: int | None = None
    summary: str = ""
    turns: Sequence[Turn] = ()
    budget: str = ""


@dataclass(frozen=True, slots=True)
class Say:
    """A piece of the answer, fit to be shown."""

    text: str


@dataclass(frozen=True, slots=True)
class Pick:
    """The next product that the answer recommends: one of the brief's."""

    id: str


@dataclass(frozen=True, slots=True)
class Spent:
    """What the answer cost, once, at its end."""

    usage: Usage


Advice = Say | Pick | Spent


class Adviser(Protocol):
    """Writes answers."""

    name: str

    def advise(self, brief: Brief) -> AsyncGenerator[Advice, None]:
        """Yield the answer; raises `AdviceError` at any point."""

    async def close(self) -> None:
        """Let go of connections."""
