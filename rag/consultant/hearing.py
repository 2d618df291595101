"""What a visitor said, by rules and by a model, with the fields that were given."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

import structlog

from rag.catalogue.items import Product
from rag.consultant.advice import AdviceError
from rag.consultant.budget import Budget
from rag.consultant.conversation import Conversation
from rag.consultant.events import Usage
from rag.consultant.interpretation import Interpreter, Told, merged
from rag.consultant.talk import TOPICS
from rag.consultant.understanding import Wish, understand
from rag.lexicon import Lexicon
from rag.money import Money

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a visitor sent; fields win over what the text says."""

    id: str
    text: str
    budget: Money | None = None
    style: str = ""
    locale: str = ""


class Route(Enum):
    """What an answer is about."""

    TALK = auto()
    """No product: a greeting, abuse, a question that the catalogue cannot answer."""
    WHICH = auto()
    """It points at something that was never shown."""
    PARTNERS = auto()
    STYLE = auto()
    PRODUCTS = auto()


def route_of(wish: Wish, before: Conversation) -> Route:
    """Return what a wish asks for, after what was said before."""
    last = before.turns[-1] if before.turns else None
    if wish.talk is not None and wish.talk not in TOPICS:
        return Route.TALK
    goes_on = before.partners is not None and last is not None and not last.cards
    if wish.wants_partner or (goes_on and _is_of_partners(wish)):
        return Route.PARTNERS
    if wish.wants_style and (wish.styles or not (wish.category or wish.says_more)):
        return Route.STYLE
    if wish.talk is not None and not before.shown:
        return Route.TALK
    if wish.only_points and not before.shown and before.request is None:
        return Route.WHICH
    return Route.PRODUCTS


def _is_of_partners(wish: Wish) -> bool:
    """Tell whether a wish goes on about partners, where they were shown last."""
    if wish.category:
        return False
    points = wish.ordinal is not None or wish.refers or wish.step is not None
    return bool(wish.regions) or points or wish.talk is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """Reads one question."""

    question: Question
    lexicon: Lexicon
    places: Callable[[], frozenset[str]]
    interpreter: Interpreter | None
    timeout: float

    async def by_rules(self) -> Wish:
        """Return what the rules read, in well under a millisecond for most texts."""
        wish = await asyncio.to_thread(
            understand, self.question.text, self.lexicon, places=self.places()
        )
        return self._with_fields(wish)

    async def by_model(
        self, wish: Wish, before: Conversation, shown: Sequence[Product]
    ) -> tuple[Wish, Usage | None]:
        """Return the wish as the model reads it too; its cost is None when it did not."""
        if self.interpreter is None:
            return wish, None
        told = Told(self.question.text, before.request, shown)
        try:
            async with asyncio.timeout(self.timeout):
                answer, usage = await self.interpreter.interpret(told)
        except (AdviceError, TimeoutError) as error:
            log.warning("chat_reading_failed", error=type(error).__name__, reason=str(error))
            return wish, None
        found = await asyncio.to_thread(merged, wish, answer, self.lexicon)
        return self._with_fields(found), usage

    def _with_fields(self, wish: Wish) -> Wish:
        question = self.question
        if question.budget is not None:
            given = Budget(question.budget.amount, None, question.budget.currency)
            wish = replace(wish, budget=given, in_total=False)
        if question.style:
            wish = replace(wish, styles=(self.lexicon.canonical(question.style),))
        speaks_korean = question.locale.lower().startswith("ko")
        if speaks_korean and not any(c.isalpha() for c in question.text):
            wish = replace(wish, language="ko")
        return wish
