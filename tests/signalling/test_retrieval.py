"""Catalogue and partners on the player port."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import orjson
import pytest

from signalling.errors import OptionError
from tests.signalling.peers import Client, Start

ADMIN = {"Authorization": "Bearer operator"}

SOFA = {
    "id": "test-sofa",
    "name": {"en": "A sofa", "ko": "소파"},
    "price": "150000",
    "currency": "KRW",
}


async def _until_ready(client: Client) -> None:
    """Wait until the catalogue answers."""
    async with asyncio.timeout(30):
        while (await _get(client, "test-sofa"))[0] == 503:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def _get(client: Client, product: str) -> tuple[int, dict[str, object]]:
    async with client.http.get(client.running.http(f"/api/catalogue/{product}")) as response:
        return response.status, orjson.loads(await response.read())


async def _put(client: Client, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    url = client.running.http("/api/catalogue")
    async with client.http.put(url, data=body, headers=headers) as response:
        return response.status, await response.read()


async def test_catalogue_over_http(start: Start, tmp_path: Path) -> None:
    """An operator writes a product, everybody reads it, the operator removes it."""
    client = await start(retrieval=True, data_dir=tmp_path, admin_token="operator")
    await _until_ready(client)
    status, report = await _put(client, orjson.dumps([SOFA]), ADMIN)
    assert status == 200, report
    assert orjson.loads(report)["written"] == 1
    status, product = await _get(client, "test-sofa")
    assert status == 200
    assert product["price"] == "150000"
    url = client.running.http("/api/catalogue/test-sofa")
    async with client.http.delete(url, headers=ADMIN) as response:
        assert response.status == 204
    assert (await _get(client, "test-sofa"))[0] == 404


async def test_strangers_write_nothing(start: Start, tmp_path: Path) -> None:
    """Without the operator's token a write is refused, in the form every route uses."""
    client = await start(retrieval=True, data_dir=tmp_path, admin_token="operator")
    status, body = await _put(client, orjson.dumps([SOFA]), {})
    assert status == 401
    assert orjson.loads(body)["error"]["code"]


async def test_a_body_that_never_ends(start: Start, tmp_path: Path) -> None:
    """A feed over the limit is refused while it comes in, whatever length it claims."""
    client = await start(retrieval=True, data_dir=tmp_path, admin_token="operator")
    await _until_ready(client)

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 1024 * 1024

    url = client.running.http("/api/catalogue")
    try:
        async with client.http.put(url, data=endless(), headers=ADMIN) as response:
            assert response.status == 413
    except aiohttp.ClientConnectionError:
        # The server has closed a connection whose body it no longer reads.
        pass
    assert (await _get(client, "nothing"))[0] == 404


async def test_plain_install_says_what_is_missing(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the extra, the option is refused in one line that names it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(OptionError, match=r"pycirrus\[rag\]"):
        await start(retrieval=True)
