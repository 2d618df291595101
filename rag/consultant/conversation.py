"""What a user and the consultant said, in the document store; bounded."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from rag.consultant.cards import Shown
from rag.consultant.partners import PartnerRequest, partner_request_of
from rag.consultant.request import Request, request_of
from stores.documents import Collection, DocumentStore

CHATS: Final = Collection("chats", indexes=("at",))

LONGEST_TEXT: Final = 4_000
"""Characters of a message that are kept."""

LONGEST_SUMMARY: Final = 1_000
"""Characters that older turns are summed up in."""

_IN_SUMMARY: Final = 80
_LOCKS: Final = 64


@dataclass(frozen=True, slots=True)
class Vote:
    """A thumb; *key* names its judgement, so that another thumb replaces it."""

    key: str
    helpful: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer, as the history keeps them."""

    id: str
    question: str
    answer: str
    cards: tuple[Shown, ...] = ()
    """Products, the recommended first, with what was said of each."""
    partners: tuple[Shown, ...] = ()
    votes: Mapping[str, Vote] = field(default_factory=dict)
    """By product; the empty id is the whole answer."""
    at: float = 0.0
    cancelled: bool = False
    language: str = ""

    @property
    def products(self) -> tuple[str, ...]:
        """The ids of the products."""
        return tuple(card.id for card in self.cards)


@dataclass(frozen=True, slots=True)
class Conversation:
    """All that later turns may refer to."""

    turns: tuple[Turn, ...] = ()
    summary: str = ""
    """What was asked before the oldest turn that is kept."""
    request: Request | None = None
    shown: tuple[str, ...] = ()
    partners: PartnerRequest | None = None

    def turn(self, turn_id: str) -> Turn | None:
        """Return the latest turn of this id."""
        return next((t for t in reversed(self.turns) if t.id == turn_id), None)

    def with_turn(self, turn: Turn, *, keep: int) -> "Conversation":
        """Return the conversation with one more turn; *keep* of them, the rest summed up."""
        kept = (*self.turns, turn)
        older, kept = kept[:-keep], kept[-keep:]
        said = [f"- {' '.join(old.question.split())[:_IN_SUMMARY]}" for old in older]
        summary = "\n".join([self.summary, *said] if self.summary else said)
        return replace(self, turns=kept, summary=_last_lines(summary))

    def with_vote(self, turn_id: str, product: str, vote: Vote) -> "Conversation":
        """Return the conversation with one more thumb; unchanged without such a turn."""
        turns = tuple(
            replace(t, votes={**t.votes, product: vote}) if t.id == turn_id else t
            for t in self.turns
        )
        return replace(self, turns=turns)


def _last_lines(summary: str) -> str:
    if len(summary) <= LONGEST_SUMMARY:
        return summary
    return summary[-LONGEST_SUMMARY:].partition("\n")[2]


EMPTY: Final = Conversation()


@dataclass(frozen=True, slots=True)
class Conversations:
    """The conversations of all users, one document each."""

    store: DocumentStore
    turns_kept: int = field(default=20)
    now: Callable[[], float] = field(default=time.time)
    _locks: tuple[asyncio.Lock, ...] = field(
        default_factory=lambda: tuple(asyncio.Lock() for _ in range(_LOCKS))
    )

    async def of(self, user: str) -> Conversation:
        """Return what was said with *user*; raises `StoreError`."""
        found = await self.store.get(CHATS, [user])
        return _conversation(found[0]) if found else EMPTY

    async def change(
        self, user: str, change: Callable[[Conversation], Conversation]
    ) -> Conversation:
        """
        Store what *change* makes of it, one change after the other; raises `StoreError`.

        An answer that ends and a thumb must not undo each other.
        """
        async with self._locks[hash(user) % _LOCKS]:
            changed = change(await self.of(user))
            await self.store.put(CHATS, [_document(user, changed, self.now())])
        return changed

    async def forget(self, user: str) -> int:
        """Remove all that was said with *user*; return how many documents there were."""
        return await self.store.delete(CHATS, [user])


def _document(user: str, conversation: Conversation, at: float) -> dict[str, Any]:
    request = conversation.request
    return {
        "_id": user,
        "at": at,
        "summary": conversation.summary,
        "request": None if request is None else request.document(),
        "shown": list(conversation.shown),
        "partners": None if conversation.partners is None else conversation.partners.document(),
        "turns": [_turn_document(turn) for turn in conversation.turns],
    }


def _turn_document(turn: Turn) -> dict[str, Any]:
    return {
        "id": turn.id,
        "question": turn.question[:LONGEST_TEXT],
        "answer": turn.answer[:LONGEST_TEXT],
        "cards": [asdict(card) for card in turn.cards],
        "partners": [asdict(card) for card in turn.partners],
        "votes": [{"product": key, **asdict(vote)} for key, vote in turn.votes.items()],
        "at": turn.at,
        "cancelled": turn.cancelled,
        "language": turn.language,
    }


def _conversation(document: dict[str, Any]) -> Conversation:
    request, partners = document.get("request"), document.get("partners")
    return Conversation(
        turns=tuple(_turn(t) for t in document.get("turns", ())),
        summary=document.get("summary", ""),
        request=None if request is None else request_of(request),
        shown=tuple(document.get("shown", ())),
        partners=None if partners is None else partner_request_of(partners),
    )


def _turn(document: dict[str, Any]) -> Turn:
    return Turn(
        id=document["id"],
        question=document["question"],
        answer=document["answer"],
        cards=tuple(Shown(**card) for card in document.get("cards", ())),
        partners=tuple(Shown(**card) for card in document.get("partners", ())),
        votes={v["product"]: Vote(v["key"], v["helpful"]) for v in document.get("votes", ())},
        at=document["at"],
        cancelled=document["cancelled"],
        language=document["language"],
    )
