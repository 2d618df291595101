"""The consultant at work: what it needs is loaded, then it keeps up with the catalogue."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from stores.documents import DocumentStore

if TYPE_CHECKING:
    from rag.consultant.answering import Send
    from rag.consultant.chat import Chat
    from rag.consultant.hearing import Question
    from rag.engine import Engine
    from signalling.settings import ServeSettings


class Consultant(Protocol):
    """Answers questions: `rag.consultant.chat.Chat` here, or in a process of its own."""

    def __len__(self) -> int:
        """Return how many answers are under way."""

    def start(self, user: str, question: "Question", send: "Send") -> object:
        """Begin to answer; events go to *send*, a refusal too."""

    def cancel(self, user: str, question_id: str) -> bool:
        """End the answer under way, if it is this one."""

    async def history(self, user: str, limit: int) -> Any:
        """Return the last messages as JSON can be made of; raises `StoreError`."""

    async def feedback(
        self, user: str, question_id: str, *, product_id: str | None, helpful: bool
    ) -> bool:
        """Keep a thumb; return whether it is for something this user was shown."""

    async def forget(self, user: str) -> object:
        """Remove what is kept of a user; raises `StoreError`."""


async def consult(
    settings: "ServeSettings",
    engine: "Engine",
    store: DocumentStore,
    ready: Callable[["Chat"], None],
) -> None:
    """Load what a search needs, say *ready*, then keep up with the catalogue for good."""
    from rag.consultant.chat import open_chat  # noqa: PLC0415 - brought by an extra
    from rag.consultant.keeping import history_kept  # noqa: PLC0415

    if settings.demo_catalogue:
        await engine.load_demo()
    await engine.warm_up()
    days = settings.chat_history_days
    async with open_chat(engine, store, settings) as chat, history_kept(store, days):
        ready(chat)
        await engine.follow(interval=settings.index_interval)
