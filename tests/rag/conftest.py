"""Stand-ins for the services, an embedder without a model, and small catalogues."""

import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from rag import engine as engines
from rag.catalogue.feeds import read_json
from rag.consultant.chat import Chat, make_adviser, make_interpreter
from rag.embedding.ports import Purpose, Vectors, unit
from rag.engine import Engine, open_engine
from rag.entries import Entry, Facts
from rag.lexicon import Lexicon, default_lexicon
from rag.settings import RagSettings
from stores.sqlite import SqliteStore
from tests.rag.model_service import ModelService
from tests.rag.service import Service
from tests.rag.showroom import GOOD, ROWS, WithModel

DIMENSIONS = 16


class HashEmbedder:
    """Vectors from the words' hashes: like texts are near, and no model is loaded."""

    def __init__(self, name: str = "hash-1") -> None:
        self.name = name
        self.dimensions = DIMENSIONS
        self.texts: list[str] = []

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> Vectors:
        """Return a vector for each text and remember the documents."""
        if purpose is Purpose.DOCUMENT:
            self.texts += texts
        return unit(np.stack([sum_of_words(t) for t in texts]))

    async def close(self) -> None:
        """Do nothing."""


def sum_of_words(text: str) -> Vectors:
    """Return a vector that words decide."""
    total = np.zeros(DIMENSIONS, np.float32)
    for word in text.lower().split() or [""]:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
        total += np.random.default_rng(seed).normal(size=DIMENSIONS).astype(np.float32)
    return total


class OpenAIService(Service):
    """POST /v1/embeddings as the published API describes it."""

    async def embeddings(self, request: web.Request) -> web.StreamResponse:
        """Answer with base64 vectors in a shuffled order, each with its index."""
        body = await request.json()
        self.requests.append((request.path, body))
        if request.headers["authorization"] != "Bearer sk-test":
            message = {"message": "Incorrect API key", "code": "invalid_api_key"}
            return web.json_response({"error": message}, status=401)
        self.expect(body["model"] == "text-embedding-3-small", "model")
        self.expect(body.get("dimensions") == DIMENSIONS, "dimensions")
        inputs = body["input"]
        self.expect(isinstance(inputs, list) and 1 <= len(inputs) <= 2048, "input")
        self.expect(all(isinstance(t, str) and t for t in inputs), "empty text")
        answer = await self.faulty(request)
        if answer is not None:
            return answer
        data = [
            {"object": "embedding", "index": i, "embedding": _base64(sum_of_words(text))}
            for i, text in enumerate(inputs)
        ]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return web.json_response(
            {"object": "list", "data": data[::-1], "model": body["model"], "usage": usage}
        )


def _base64(vector: Vectors) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


class PineconeService(Service):
    """The data plane of a Pinecone index, filters included."""

    def __init__(self) -> None:
        super().__init__()
        self.namespaces: dict[str, dict[str, dict[str, Any]]] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Check headers, then upsert, query or delete."""
        body = await request.json()
        self.requests.append((request.path, body))
        self.expect(request.headers.get("Api-Key") == "pc-test", "Api-Key")
        self.expect(request.headers.get("X-Pinecone-Api-Version"), "API version")
        answer = await self.faulty(request)
        if answer is not None:
            return answer
        records = self.namespaces.setdefault(body.get("namespace", ""), {})
        actions: dict[str, Callable[[Any, Any], Any]] = {
            "/vectors/upsert": self._upsert,
            "/query": self._query,
            "/vectors/delete": self._delete,
        }
        return web.json_response(actions[request.path](body, records))

    def _upsert(self, body: Any, records: dict[str, Any]) -> Any:
        self.expect(1 <= len(body["vectors"]) <= 1000, "vectors of one upsert")
        for vector in body["vectors"]:
            self.expect(len(vector["values"]) == DIMENSIONS, "dimension")
            for value in vector["metadata"].values():
                strings = isinstance(value, list) and all(isinstance(v, str) for v in value)
                self.expect(strings or isinstance(value, str | int | float), "metadata type")
            records[vector["id"]] = vector
        return {"upsertedCount": len(body["vectors"])}

    def _query(self, body: Any, records: dict[str, Any]) -> Any:
        self.expect(1 <= body["topK"] <= 10_000, "topK")
        query = np.asarray(body["vector"])
        chosen = [r for r in records.values() if _matches(r["metadata"], body.get("filter"))]
        scored = sorted(
            ({"id": r["id"], "score": float(query @ np.asarray(r["values"]))} for r in chosen),
            key=lambda m: -float(str(m["score"])),
        )
        return {"matches": scored[: body["topK"]], "namespace": body.get("namespace", "")}

    def _delete(self, body: Any, records: dict[str, Any]) -> Any:
        self.expect(1 <= len(body["ids"]) <= 1000, "ids of one delete")
        for key in body["ids"]:
            records.pop(key, None)
        return {}


def _matches(metadata: Mapping[str, Any], condition: Mapping[str, Any] | None) -> bool:
    for key, wanted in (condition or {}).items():
        if key == "$or":
            ok = any(_matches(metadata, part) for part in wanted)
        elif key == "$and":
            ok = all(_matches(metadata, part) for part in wanted)
        else:
            ok = _compares(metadata.get(key), wanted)
        if not ok:
            return False
    return True


def _compares(value: Any, wanted: Mapping[str, Any]) -> bool:
    ((operator, operand),) = wanted.items()
    values = value if isinstance(value, list) else [value]
    match operator:
        case "$eq":
            return operand in values
        case "$in":
            return any(v in operand for v in values)
        case "$lte":
            return isinstance(value, int | float) and value <= operand
    raise AssertionError(operator)


@pytest.fixture
async def openai_service() -> AsyncIterator[tuple[OpenAIService, str]]:
    """Serve embeddings and return the base URL; requests must keep to the specification."""
    service = OpenAIService()
    application = web.Application()
    application.router.add_post("/v1/embeddings", service.embeddings)
    async with TestServer(application) as server:
        yield service, str(server.make_url("/v1"))
        service.released.set()
    assert service.problems == []


@pytest.fixture
async def pinecone_service() -> AsyncIterator[tuple[PineconeService, str]]:
    """Serve a Pinecone index and return its host; requests must keep to the specification."""
    service = PineconeService()
    application = web.Application()
    for path in ("/vectors/upsert", "/query", "/vectors/delete"):
        application.router.add_post(path, service.handle)
    async with TestServer(application) as server:
        yield service, f"http://127.0.0.1:{server.port}"
        service.released.set()
    assert service.problems == []


@pytest.fixture
def lexicon() -> Lexicon:
    """Return the lexicon of the package."""
    return default_lexicon()


@pytest.fixture
def embedder() -> HashEmbedder:
    """Return an embedder that takes no time."""
    return HashEmbedder()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """Open an empty document store."""
    opened = await SqliteStore.open(tmp_path / "documents.sqlite3")
    yield opened
    await opened.close()


@pytest.fixture
def make_entry() -> Callable[..., Entry]:
    """Return entries by name and facts."""

    def make(
        key: str, name: str = "chair", *, units: int = 0, currency: str = "KRW", **tags: str
    ) -> Entry:
        facts = Facts(currency, units, frozenset(f"{k}:{v}" for k, v in tags.items()))
        return Entry(key, (name,), "", (), "", "", facts)

    return make


@pytest.fixture
async def model() -> AsyncIterator[ModelService]:
    """Serve a model; requests must keep to the specification."""
    service = ModelService()
    service.answer = orjson.dumps(GOOD).decode()
    application = web.Application()
    application.router.add_post("/v1/chat/completions", service.complete)
    async with TestServer(application) as server:
        service.url = str(server.make_url("/v1"))
        yield service
        service.released.set()
    assert service.problems == []


@pytest.fixture
async def engine(
    store: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Engine]:
    """Open an engine over six sofas, with an embedder that takes no time."""
    monkeypatch.setattr(engines, "make_embedder", lambda *_: HashEmbedder())
    async with open_engine(RagSettings(), store, tmp_path) as opened:
        await opened.products.catalogue.upsert(read_json([orjson.dumps(r) for r in ROWS]))
        await opened.products.indexer.catch_up()
        yield opened


@pytest.fixture
async def with_model(
    engine: Engine, store: SqliteStore, model: ModelService
) -> AsyncIterator[WithModel]:
    """Give a function that makes consultants with the model; close what they opened."""
    async with contextlib.AsyncExitStack() as stack:

        def make(**options: Any) -> Chat:
            settings = RagSettings(
                openai_api_key="sk-test",  # type: ignore[arg-type]
                openai_base_url=model.url,
                **options,
            )
            adviser, interpreter = make_adviser(settings), make_interpreter(settings)
            for each in (adviser, interpreter):
                if each is not None:
                    stack.push_async_callback(each.close)
            return Chat(engine, store, settings, adviser=adviser, interpreter=interpreter)

        yield make
