"""The consultant for all users: who may ask when, and what was said."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog
from pydantic import SecretStr

from rag.consultant.advice import Adviser
from rag.consultant.answering import Answering, Send
from rag.consultant.conversation import Conversations, Vote
from rag.consultant.events import LAST, Error, Event
from rag.consultant.hearing import Question
from rag.consultant.history import messages_of
from rag.consultant.interpretation import Interpreter
from rag.consultant.limits import PerMinute
from rag.consultant.outcome import Parts
from rag.consultant.understanding import understand
from rag.consultant.wording import RECOMMENDED
from rag.engine import Engine
from rag.feedback import Feedback, record
from rag.settings import RagSettings
from stores.documents import DocumentStore, StoreError

if TYPE_CHECKING:
    from rag.consultant.openai_chat import ChatModel

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
        interpreter: Interpreter | None = None,
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
            interpreter=interpreter,
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

        def pass_on(event: Event) -> None:
            # The visitor may ask again as soon as it hears of the end.
            if event.wire_name in LAST:
                del self._running[user]
            send(event)

        answering = Answering(self._parts, user, question, pass_on)
        task = asyncio.create_task(answering.run())
        self._running[user] = _Running(answering, task)
        task.add_done_callback(lambda ended: _tell_if_cancelled(answering, ended))
        return True

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
        turns = list(conversation.turns)
        running = self._running.get(user)
        if running is not None:
            turns.append(running.answering.turn())
        count = min(max(limit, 1), HISTORY_LIMIT)
        messages = await messages_of(turns[-(count + 1) // 2 - 1 :], self._engine)
        if running is not None:
            messages[-1]["unfinished"] = True
        return messages[-count:]

    async def feedback(
        self, user: str, question_id: str, *, product_id: str | None, helpful: bool
    ) -> bool:
        """
        Keep a thumb for a product, or for all that was recommended; raises `StoreError`.

        Another thumb for the same replaces it. Return False if the question is not in this
        user's history, or the product was not shown for it.
        """
        turn = (await self._conversations.of(user)).turn(question_id)
        if turn is None or (product_id is not None and product_id not in turn.products):
            return False
        product = product_id or ""
        before = turn.votes.get(product)
        vote = Vote(secrets.token_hex(12) if before is None else before.key, helpful)
        await self._conversations.change(
            user, lambda conversation: conversation.with_vote(question_id, product, vote)
        )
        for each in [product_id] if product_id is not None else turn.products[:RECOMMENDED]:
            said = Feedback(turn.question, turn.language or "en", each, helpful)
            await record(self._store, said, key=f"{vote.key}-{each}")
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


def _tell_if_cancelled(answering: Answering, task: asyncio.Task[None]) -> None:
    """Say the end of an answer that was cancelled before it began."""
    if task.cancelled():
        answering.cancelled()


@asynccontextmanager
async def open_chat(
    engine: Engine, store: DocumentStore, settings: RagSettings
) -> AsyncIterator[Chat]:
    """Join the consultant to *engine* and *store*; end its answers at the end."""
    adviser, interpreter = make_adviser(settings), make_interpreter(settings)
    chat = Chat(engine, store, settings, adviser=adviser, interpreter=interpreter)
    await chat.read_places()
    await asyncio.to_thread(understand, "hello", engine.lexicon)  # reads its words, once
    places = asyncio.create_task(chat.follow_places())
    try:
        yield chat
    finally:
        places.cancel()
        await asyncio.gather(places, return_exceptions=True)
        await chat.close()
        for model in (adviser, interpreter):
            if model is not None:
                await model.close()


def make_adviser(settings: RagSettings) -> Adviser | None:
    """Return the model that answers, where there is a key for one."""
    key = settings.openai_api_key
    if key is None:
        return None
    from rag.consultant.openai_adviser import OpenAIAdviser  # noqa: PLC0415 - 0.5 s to import

    model = _model(settings, key, settings.chat_model, timeout=settings.chat_answer_timeout)
    return OpenAIAdviser(model, max_tokens=settings.chat_max_tokens)


def make_interpreter(settings: RagSettings) -> Interpreter | None:
    """Return the model that reads requests, where there is a key for one."""
    key = settings.openai_api_key
    if key is None or not settings.chat_understanding:
        return None
    from rag.consultant.openai_interpreter import OpenAIInterpreter  # noqa: PLC0415 - 0.5 s to import

    name = settings.chat_understanding_model or settings.chat_model
    timeout = settings.chat_understanding_timeout
    return OpenAIInterpreter(_model(settings, key, name, timeout=timeout, retries=0))


def _model(
    settings: RagSettings, key: SecretStr, name: str, *, timeout: float, retries: int = 1
) -> "ChatModel":
    from rag.consultant.openai_chat import ChatModel  # noqa: PLC0415 - 0.5 s to import

    return ChatModel(
        api_key=key.get_secret_value(),
        base_url=settings.openai_base_url,
        model=name,
        temperature=settings.chat_temperature,
        effort=settings.chat_reasoning_effort,
        timeout=timeout,
        retries=retries,
    )
