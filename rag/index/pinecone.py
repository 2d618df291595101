"""Vectors in Pinecone, by its own asynchronous client."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pinecone import AsyncIndex, AsyncPinecone
from pinecone.errors.exceptions import PineconeError
from tenacity import (
    retry,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from rag.entries import Facts, Scored, Where
from rag.errors import IndexUnavailableError
from rag.index.ports import Vectored
from rag.money import DECIMALS

TOP_K = 20  # the reference pipeline's
_UPSERT = 100  # vectors of one request: below Pinecone's 2 MB at any usual dimension
_DELETE = 500  # ids of one request; Pinecone takes 1,000
_WRITE_SECONDS = 60.0  # the client retries four times by itself; this ends it

# What the client does not repeat, an answer cut short, we do: writes are idempotent.
_again = retry(
    retry=retry_if_exception_type(IndexUnavailableError),
    stop=stop_after_attempt(3),
    wait=wait_random_exponential(multiplier=0.1, max=5),
    reraise=True,
)


class PineconeIndex:
    """
    One namespace of a Pinecone index.

    The client repeats refused and failed requests on its own terms, so every call
    has a deadline of ours around it.
    """

    def __init__(
        self,
        *,
        host: str,
        api_key: str,
        namespace: str,
        timeout: float,
        top_k: int = TOP_K,
    ) -> None:
        self._index = AsyncIndex(host=host, api_key=api_key, timeout=timeout)
        self._namespace = namespace
        self._timeout = timeout
        self._top_k = top_k

    async def put(self, items: Sequence[Vectored]) -> None:
        """Add or replace items, in requests of `_UPSERT`."""
        for start in range(0, len(items), _UPSERT):
            vectors = [_vector(item) for item in items[start : start + _UPSERT]]
            await self._upsert(vectors)

    async def remove(self, ids: Sequence[str]) -> None:
        """Forget items."""
        for start in range(0, len(ids), _DELETE):
            await self._delete(list(ids[start : start + _DELETE]))

    @_again
    async def _upsert(self, vectors: list[Mapping[str, Any]]) -> None:
        async with _deadline(_WRITE_SECONDS):
            await self._index.upsert(
                vectors=vectors, namespace=self._namespace, show_progress=False
            )

    @_again
    async def _delete(self, ids: list[str]) -> None:
        async with _deadline(_WRITE_SECONDS):
            await self._index.delete(ids=ids, namespace=self._namespace)

    async def nearest(
        self, vector: NDArray[np.float32], where: Where, limit: int
    ) -> list[Scored]:
        """Return the nearest items, at most `top_k` of them."""
        if where.limits == {}:
            return []
        async with _deadline(self._timeout):
            answer = await self._index.query(
                vector=[float(x) for x in vector],
                top_k=min(limit, self._top_k),
                namespace=self._namespace,
                filter=metadata_filter(where),
                include_metadata=False,
            )
            return [Scored(str(m.id), float(m.score)) for m in answer.matches]

    async def close(self) -> None:
        """Close the client."""
        await self._index.close()


async def host_of(index: str, api_key: str) -> str:
    """Look up the host of an index by its name; raise `IndexUnavailableError`."""
    async with _deadline(_WRITE_SECONDS), AsyncPinecone(api_key=api_key) as client:
        return str((await client.indexes.describe(index)).host)


def metadata(facts: Facts) -> dict[str, Any]:
    """Return facts as Pinecone keeps them; a number there is a 64-bit float."""
    found: dict[str, Any] = {"price": _number(facts.units), "currency": facts.currency}
    for name in sorted(facts.tags):
        key, _, value = name.partition(":")
        found.setdefault(key, []).append(value)
    return {k: v[0] if isinstance(v, list) and len(v) == 1 else v for k, v in found.items()}


def metadata_filter(where: Where) -> dict[str, Any] | None:
    """Return a filter such as `{price: {$lte: 1500000}, currency: …, style: {$eq: …}}`."""
    parts: list[dict[str, Any]] = []
    if where.limits is not None:
        prices = [
            {"price": {"$lte": _number(units)}, "currency": {"$eq": currency}}
            for currency, units in where.limits.items()
        ]
        parts.append(prices[0] if len(prices) == 1 else {"$or": prices})
    parts += [_choice(choices) for choices in where.any_of]
    if not parts:
        return None
    keys = [key for part in parts for key in part]
    if len(set(keys)) == len(keys):
        return {key: value for part in parts for key, value in part.items()}
    return {"$and": parts}


def _choice(choices: frozenset[str]) -> dict[str, Any]:
    pairs = sorted(choice.partition(":") for choice in choices)
    values = [value for _, _, value in pairs]
    return {pairs[0][0]: {"$eq": values[0]} if len(values) == 1 else {"$in": values}}


def _number(units: int) -> int | float:
    amount = Decimal(units).scaleb(-DECIMALS)
    return int(amount) if amount == int(amount) else float(amount)


def _vector(item: Vectored) -> Mapping[str, Any]:
    values = [float(x) for x in item.vector]
    return {"id": item.entry.id, "values": values, "metadata": metadata(item.entry.facts)}


@asynccontextmanager
async def _deadline(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise IndexUnavailableError(f"Pinecone: no answer in {seconds:g} s") from error
    except PineconeError as error:
        raise IndexUnavailableError(f"Pinecone: {type(error).__name__}") from error
    except (OSError, ValueError) as error:
        raise IndexUnavailableError(f"Pinecone: {type(error).__name__}") from error
