"""What a user and the consultant said, in the document store; bounded."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from rag.request import Request, request_of
from stores.documents import Collection, DocumentStore

CHATS: Final = Collection("chats", indexes=("at",))

LONGEST_TEXT: Final = 4_000
"""Characters of a message that are kept."""

LONGEST_SUMMARY: Final = 1_000
"""Characters that older turns are summed up in."""

_IN_SUMMARY: Final = 80


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer, as the history keeps them."""

    id: str
    question: str
    answer: str
    products: tuple[str, ...] = ()
    """Ids of the cards, the recommended first."""
    at: float = 0.0
    cancelled: bool = False
    language: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """All that later turns may refer to."""

    turns: tuple[Turn, ...] = ()
    summary: str = ""
    """What was asked before the oldest turn that is kept."""
    request: Request | None = None
    shown: tuple[str, ...] = ()

    def turn(self, turn_id: str) -> Turn | None:
        """Return the latest turn of this id."""
        return next((t for t in reversed(self.turns) if t.id == turn_id), None)

    def with_turn(self, turn: Turn, *, keep: int) -> "Conversation":
        """Return the conversation with one more turn; *keep* of them, the rest summed up."""
        kept = (*self.turns, turn)
        older, kept = kept[:-keep], kept[-keep:]
        said = [f"- {old.question[:_IN_SUMMARY]}" for old in older]
        summary = "\n".join([self.summary, *said] if self.summary else said)
        return replace(self, turns=kept, summary=summary[-LONGEST_SUMMARY:])


EMPTY: Final = Conversation()


@dataclass(frozen=True, slots=True)
class Conversations:
    """The conversations of all users, one document each."""

    store: DocumentStore
    turns_kept: int = field(default=20)

    async def of(self, user: str) -> Conversation:
        """Return what was said with *user*; raises `StoreError`."""
        found = await self.store.get(CHATS, [user])
        return _conversation(found[0]) if found else EMPTY

    async def keep(self, user: str, conversation: Conversation) -> None:
        """Store it; raises `StoreError`."""
        await self.store.put(CHATS, [_document(user, conversation)])

    async def forget(self, user: str) -> int:
        """Remove all that was said with *user*; return how many documents there were."""
        return await self.store.delete(CHATS, [user])


def _document(user: str, conversation: Conversation) -> dict[str, Any]:
    request = conversation.request
    return {
        "_id": user,
        "at": time.time(),
        "summary": conversation.summary,
        "request": None if request is None else request.document(),
        "shown": list(conversation.shown),
        "turns": [_turn_document(turn) for turn in conversation.turns],
    }


def _turn_document(turn: Turn) -> dict[str, Any]:
    return {
        "id": turn.id,
        "question": turn.question[:LONGEST_TEXT],
        "answer": turn.answer[:LONGEST_TEXT],
        "products": list(turn.products),
        "at": turn.at,
        "cancelled": turn.cancelled,
        "language": turn.language,
    }


def _conversation(document: dict[str, Any]) -> Conversation:
    request = document.get("request")
    return Conversation(
        turns=tuple(_turn(t) for t in document.get("turns", ())),
        summary=document.get("summary", ""),
        request=None if request is None else request_of(request),
        shown=tuple(document.get("shown", ())),
    )


def _turn(document: dict[str, Any]) -> Turn:
    return Turn(**{**document, "products": tuple(document["products"])})


def messages_of(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """Return turns as the messages of `chatHistory`, oldest first; products as ids."""
    found: list[dict[str, Any]] = []
    for turn in turns:
        about = {"id": turn.id, "at": turn.at}
        found.append({**about, "role": "user", "text": turn.question})
        said = {**about, "role": "assistant", "text": turn.answer}
        said["products"] = list(turn.products)
        found.append({**said, "cancelled": True} if turn.cancelled else said)
    return found
