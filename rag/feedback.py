"""What users thought of what they were shown, as judgements for the evaluation."""

import time
from collections import defaultdict
from dataclasses import dataclass

from stores.documents import Collection, DocumentStore

FEEDBACK = Collection("feedback", indexes=("at",))
HELPFUL, NOT_HELPFUL = 2, 0
_LONGEST = 2_000  # characters of a request that are kept


@dataclass(frozen=True, slots=True)
class Feedback:
    """One thumb up or down on one product for one request."""

    request: str
    language: str
    product_id: str
    helpful: bool


async def record(store: DocumentStore, feedback: Feedback, *, key: str) -> None:
    """Keep *feedback* in place of that of the same *key*, which must not name the user."""
    await store.put(
        FEEDBACK,
        [
            {
                "_id": key,
                "at": time.time(),
                "request": feedback.request[:_LONGEST],
                "language": feedback.language,
                "productId": feedback.product_id,
                "helpful": feedback.helpful,
            }
        ],
    )


async def judgements(store: DocumentStore) -> dict[tuple[str, str], dict[str, int]]:
    """Return grades by (request, language) and product: what most users said of it."""
    votes: dict[tuple[str, str], dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    async for document in store.find(FEEDBACK):
        key = (document["request"], document["language"])
        votes[key][document["productId"]].append(document["helpful"])
    return {
        key: {
            product: HELPFUL if sum(said) * 2 > len(said) else NOT_HELPFUL
            for product, said in products.items()
        }
        for key, products in votes.items()
    }
