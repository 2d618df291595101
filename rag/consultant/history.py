"""What was said before, as the page shows it: messages with today's cards."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rag.catalogue.items import Item, Partner, Product
from rag.consultant.cards import Shown, partner_card, product_card
from rag.consultant.conversation import Turn
from rag.engine import Engine
from rag.text import has_hangul

ItemT = TypeVar("ItemT", bound=Item)


@dataclass(frozen=True, slots=True)
class _Known:
    products: Mapping[str, Product]
    partners: Mapping[str, Partner]


async def messages_of(turns: Sequence[Turn], engine: Engine) -> list[dict[str, Any]]:
    """
    Return turns as the messages of `chatHistory`, oldest first; raises `StoreError`.

    Cards have the reasons of then and the prices of today; what the catalogue has no more
    is left out.
    """
    products = dict.fromkeys(card.id for turn in turns for card in turn.cards)
    partners = dict.fromkeys(card.id for turn in turns for card in turn.partners)
    known = _Known(
        _by_id(await engine.products.catalogue.get(list(products))),
        _by_id(await engine.partners.catalogue.get(list(partners))),
    )
    return [message for turn in turns for message in _messages(turn, known, engine)]


def _by_id(items: Iterable[ItemT]) -> dict[str, ItemT]:
    return {item.id: item for item in items}


def _messages(turn: Turn, known: _Known, engine: Engine) -> list[dict[str, Any]]:
    about = {"id": turn.id, "at": turn.at}
    asked = {**about, "role": "user", "text": turn.question}
    said: dict[str, Any] = {**about, "role": "assistant", "text": turn.answer}
    said["products"] = _cards(turn, turn.cards, known.products, product_card, engine)
    if turn.partners:
        said["partners"] = _cards(turn, turn.partners, known.partners, partner_card, engine)
    if turn.cancelled:
        said["cancelled"] = True
    if turn.votes:
        said["feedback"] = [_vote(key, vote.helpful) for key, vote in turn.votes.items()]
    return [asked, said]


def _cards(
    turn: Turn, shown: Sequence[Shown], known: Mapping[str, Any], card: Any, engine: Engine
) -> list[dict[str, Any]]:
    language = turn.language or ("ko" if has_hangul(turn.question) else "en")
    return [
        card(known[each.id], each, lexicon=engine.lexicon, language=language)
        for each in shown
        if each.id in known
    ]


def _vote(product: str, helpful: bool) -> dict[str, Any]:  # noqa: FBT001 - the value itself
    return {"productId": product, "helpful": helpful} if product else {"helpful": helpful}
