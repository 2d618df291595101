"""The REST routes over a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from rag.catalogue.routes import routes
from rag.engine import Engine, open_engine
from rag.settings import EmbeddingProvider, RagSettings
from stores.sqlite import SqliteStore

SOFA = {"id": "s1", "name": {"en": "Red sofa"}, "price": "129000.50", "currency": "KRW"}
Client = TestClient[web.Request, web.Application]


async def _admin(request: web.Request) -> None:
    if request.headers.get("authorization") != "Bearer admin":
        raise web.HTTPForbidden


@pytest.fixture
async def engine(store: SqliteStore, tmp_path: Path) -> AsyncIterator[Engine]:
    """Open an engine with the light model."""
    settings = RagSettings(embedding_provider=EmbeddingProvider.MUSE)
    async with open_engine(settings, store, tmp_path) as opened:
        yield opened


@pytest.fixture
async def client(engine: Engine) -> AsyncIterator[Client]:
    """Connect a client that is the administrator."""
    application = web.Application()
    application.add_routes(routes(lambda: engine, _admin))
    headers = {"authorization": "Bearer admin"}
    async with TestClient(TestServer(application), headers=headers) as opened:
        yield opened


async def test_a_product_is_written_read_and_deleted(client: Client) -> None:
    """The price comes back as the decimal string it was."""
    answer = await client.put("/api/catalogue", json=[SOFA])
    assert (await answer.json())["written"] == 1
    read = await (await client.get("/api/catalogue/s1")).json()
    assert read["price"] == "129000.50"
    assert read["name"] == {"en": "Red sofa"}
    assert (await client.delete("/api/catalogue/s1")).status == 204
    assert (await client.delete("/api/catalogue/s1")).status == 404
    gone = await client.get("/api/catalogue/s1")
    assert (gone.status, (await gone.json())["error"]["code"]) == (404, "not_found")


async def test_json_lines_are_taken_and_errors_name_row_and_field(client: Client) -> None:
    """Good rows are written, bad ones reported; the same again changes nothing."""
    bad = {**SOFA, "id": "s2", "price": "cheap"}
    body = "\n".join([json.dumps(SOFA), json.dumps(bad), "not json"]).encode()
    first = await (await client.put("/api/catalogue", data=body)).json()
    again = await (await client.put("/api/catalogue", data=body)).json()
    assert (first["rows"], first["written"], first["failed"]) == (3, 1, 2)
    assert [(e["row"], e["field"]) for e in first["errors"]] == [(2, "price"), (3, "")]
    assert (again["written"], again["unchanged"]) == (0, 1)


async def test_a_body_of_only_bad_rows_is_422(client: Client) -> None:
    """Nothing was written, and the answer says why."""
    answer = await client.put("/api/catalogue", json=[{"id": ""}])
    assert answer.status == 422
    assert (await answer.json())["errors"][0]["row"] == 1


@pytest.mark.parametrize(("method", "path"), [("PUT", ""), ("DELETE", "/s1")])
async def test_writing_needs_an_administrator(client: Client, method: str, path: str) -> None:
    """Reading does not."""
    answer = await client.request(
        method, f"/api/partners{path}", headers={"authorization": "Bearer no"}
    )
    assert answer.status == 403


async def test_what_was_written_is_found_by_the_following_index(
    client: Client, engine: Engine
) -> None:
    """A write wakes the indexer, long before its interval."""
    following = asyncio.create_task(engine.follow(interval=3600))
    partner = {"id": "p", "name": "서울 조명 설치", "regions": ["서울"], "priceFrom": "1000"}
    await client.put("/api/partners", json=[partner])

    async def found() -> Any:
        while True:
            answer = await engine.partners.retriever.search("조명 설치")
            if answer.hits:
                return answer.hits[0].item.id
            await asyncio.sleep(0.01)

    async with asyncio.timeout(20):
        assert await found() == "p"
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_demo_pictures_are_served_and_nothing_else(client: Client) -> None:
    """SVG with a lifetime; other names are 404."""
    picture = await client.get("/demo/images/sofa-01.svg")
    assert picture.status == 200
    assert picture.content_type == "image/svg+xml"
    for name in ("nobody.svg", "..%2Fproducts.jsonl", "%2e%2e%2fqrels.txt"):
        assert (await client.get(f"/demo/images/{name}")).status == 404
