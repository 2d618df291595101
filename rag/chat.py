"""The consultant for all users: who may ask when, and what was said."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import structlog

from rag.advice import Adviser
from rag.answering import Answering, Parts, Question, Send
from rag.cards import product_card
from rag.chat_events import Error
from rag.chat_limits import PerMinute
from rag.conversation import Conversations, messages_of
from rag.engine import Engine
from rag.feedback import Feedback, record
from rag.settings import RagSettings
from rag.text import has_hangul
from stores.documents import DocumentStore, StoreError

LONGEST_QUESTION: Final = 2_000
"""Characters of a question."""

PLACES_KEPT: Final = 2_000
"""Names of regions that are known."""

PLACES_SECONDS: Final = 30.0
"""How often the partners' regions are read again."""

HISTORY_LIMIT: Final = 100
"""Messages that one request for the history gets at most."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Running:
    answering: Answering
    task: asyncio.Task[None]


class Chat:
    """Answers questions, one at a time for each user; made by `open_chat`."""

    def __init__(
        self,
        engine: Engine,
        store: DocumentStore,
        settings: RagSettings,
        *,
        adviser: Adviser | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._store = store
        self._settings = settings
        self._conversations = Conversations(store, settings.chat_history_messages // 2)
        self._limit = PerMinute(settings.chat_per_minute, now=now)
        self._running: dict[str, _Running] = {}
        self._places: frozenset[str] = frozenset()
        self._parts = Parts(
            engine=engine,
            conversations=self._conversations,
            settings=settings,
            currency=settings.catalogue_currency,
            rates=settings.rates,
            adviser=adviser,
            places=lambda: self._places,
        )

    def __len__(self) -> int:
        """Return how many answers are under way."""
        return len(self._running)

    def start(self, user: str, question: Question, send: Send) -> bool:
        """
        Begin to answer; events go to *send*, a refusal too. Return whether it began.

        The answer goes on when nobody listens any more, and is in the history then.
        """
        refusal = self._refusal(user, question)
        if refusal is not None:
            send(refusal)
            return False
        answering = Answering(self._parts, user, question, send)
        task = asyncio.create_task(answering.run())
        self._running[user] = _Running(answering, task)
        task.add_done_callback(lambda ended: self._ended(user, answering, ended))
        return True

    def _ended(self, user: str, answering: Answering, task: asyncio.Task[None]) -> None:
        del self._running[user]
        if task.cancelled():
            answering.cancelled()

    def _refusal(self, user: str, question: Question) -> Error | None:
        if not question.text.strip() or len(question.text) > LONGEST_QUESTION:
            message = f"A question has 1 to {LONGEST_QUESTION} characters."
            return Error(question.id, "bad_question", message)
        if user in self._running:
            return Error(question.id, "busy", "The last question is still being answered.", 1.0)
        if len(self._running) >= self._settings.chat_concurrency:
            return Error(question.id, "overloaded", "Too many questions at once.", 2.0)
        wait = self._limit.wait_for(user)
        if wait:
            return Error(question.id, "rate_limited", "Too many questions.", round(wait, 1))
        return None

    def cancel(self, user: str, question_id: str) -> bool:
        """End the answer under way, if it is this one; its `chatDone` says so."""
        running = self._running.get(user)
        if running is None or running.answering.question.id != question_id:
            return False
        running.task.cancel()
        return True

    async def history(self, user: str, limit: int = 50) -> list[dict[str, Any]]:
        """
        Return the last messages, oldest first; products are cards of today's catalogue.

        An answer under way is the last one, `unfinished`. Raises `StoreError`.
        """
        conversation = await self._conversations.of(user)
        messages = messages_of(conversation.turns)
        running = self._running.get(user)
        if running is not None:
            messages += messages_of([running.answering.turn()])
            messages[-1]["unfinished"] = True
        last = messages[-min(max(limit, 1), HISTORY_LIMIT) :]
        return await self._with_cards(last)

    async def _with_cards(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        ids = list(dict.fromkeys(key for m in messages for key in m.get("products", ())))
        found = {p.id: p for p in await self._engine.products.catalogue.get(ids)}
        for message in messages:
            known = [found[key] for key in message.get("products", ()) if key in found]
            if "products" in message:
                message["products"] = [
                    product_card(p, language=_language(message), score=0.0, reason="")
                    for p in known
                ]
        return messages

    async def feedback(
        self, user: str, question_id: str, *, product_id: str | None, helpful: bool
    ) -> bool:
        """
        Keep a thumb for a product, or for all that was recommended; raises `StoreError`.

        Return False if the question is not in this user's history, or the product was
        not shown for it.
        """
        turn = (await self._conversations.of(user)).turn(question_id)
        if turn is None or (product_id is not None and product_id not in turn.products):
            return False
        for product in [product_id] if product_id is not None else turn.products[:3]:
            await record(
                self._store, Feedback(turn.question, turn.language or "en", product, helpful)
            )
        return True

    async def forget(self, user: str) -> bool:
        """Remove a user's history, ending an answer under way; raises `StoreError`."""
        running = self._running.get(user)
        if running is not None:
            running.task.cancel()
            await asyncio.gather(running.task, return_exceptions=True)
        return await self._conversations.forget(user) > 0

    async def follow_places(self) -> None:
        """Keep up with the partners' regions until cancelled; the owner runs this."""
        while True:
            try:
                await self.read_places()
            except StoreError as error:
                log.warning("chat_places_failed", error=type(error).__name__)
            await asyncio.sleep(PLACES_SECONDS)

    async def read_places(self) -> None:
        """Read the partners' regions once; raises `StoreError`."""
        places: set[str] = set()
        async for stored in self._engine.partners.catalogue.changes(""):
            if stored.item is not None and len(places) < PLACES_KEPT:
                places.update(region for region in stored.item.regions if len(region) > 1)
        self._places = frozenset(places)

    async def close(self) -> None:
        """End every answer and wait for it."""
        tasks = [running.task for running in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _language(message: dict[str, Any]) -> str:
    return "ko" if has_hangul(message["text"]) else "en"


@asynccontextmanager
async def open_chat(
    engine: Engine, store: DocumentStore, settings: RagSettings
) -> AsyncIterator[Chat]:
    """Join the consultant to *engine* and *store*; end its answers at the end."""
    adviser = make_adviser(settings)
    chat = Chat(engine, store, settings, adviser=adviser)
    await chat.read_places()
    places = asyncio.create_task(chat.follow_places())
    try:
        yield chat
    finally:
        places.cancel()
        await asyncio.gather(places, return_exceptions=True)
        await chat.close()
        if adviser is not None:
            await adviser.close()


def make_adviser(settings: RagSettings) -> Adviser | None:
    """Return the model where there is a key for one."""
    if settings.openai_api_key is None:
        return None
    from rag.openai_adviser import OpenAIAdviser  # noqa: PLC0415 - 0.5 s to import

    return OpenAIAdviser(
        api_key=settings.openai_api_key.get_secret_value(),
        base_url=settings.openai_base_url,
        model=settings.chat_model,
        max_tokens=settings.chat_max_tokens,
        temperature=settings.chat_temperature,
        timeout=settings.chat_answer_timeout,
    )
