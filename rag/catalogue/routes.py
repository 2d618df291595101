"""
The REST routes of the catalogue and the partners, as aiohttp handlers.

Whoever builds the application gives the engine and a check that raises an
`web.HTTPException` for a request that may not write.
"""

import asyncio
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any, Protocol

from aiohttp import web

from rag.catalogue.feeds import Row, read_json
from rag.catalogue.store import Catalogue, Imported
from rag.errors import RowError

LARGEST_BODY = 32 * 1024 * 1024  # bytes; larger feeds go through `python -m rag index`
_ERRORS_SHOWN = 100

AdminCheck = Callable[[web.Request], Awaitable[None]]


class Shelf(Protocol):
    """A catalogue that somebody indexes."""

    @property
    def catalogue(self) -> Catalogue[Any]:
        """The items."""

    def wake(self) -> None:
        """Tell whoever indexes them that there is something new."""


class Shelves(Protocol):
    """What the routes read and write: an engine, or what stands for one elsewhere."""

    @property
    def products(self) -> Shelf:
        """The products."""

    @property
    def partners(self) -> Shelf:
        """The partners."""


def routes(shelves: Callable[[], Shelves], require_admin: AdminCheck) -> web.RouteTableDef:
    """
    Return `PUT /api/catalogue`, `GET`, `DELETE /api/catalogue/{id}`, and for partners.

    And the pictures of the demonstration under `/demo/images/`. *shelves* is called for each
    request, so that routes can be there before they are; it may raise an
    `HTTPException` meanwhile. A body longer than `LARGEST_BODY` gets 413.
    """
    table = web.RouteTableDef()
    _add(table, "/api/catalogue", lambda: shelves().products, require_admin)
    _add(table, "/api/partners", lambda: shelves().partners, require_admin)
    table.get("/demo/images/{name}")(_picture)
    return table


def _add(
    table: web.RouteTableDef,
    path: str,
    shelf_of: Callable[[], Shelf],
    require_admin: AdminCheck,
) -> None:
    @table.put(path)
    async def put(request: web.Request) -> web.Response:
        await require_admin(request)
        shelf = shelf_of()
        body = await _read(request)
        if body is None:
            return _error(413, "too_large", f"at most {LARGEST_BODY} bytes")
        rows = await asyncio.to_thread(_parsed, body)
        report = await shelf.catalogue.upsert(rows)
        shelf.wake()
        return web.json_response(_report(report), status=422 if _all_failed(report) else 200)

    @table.get(path + "/{id}")
    async def get(request: web.Request) -> web.Response:
        found = await shelf_of().catalogue.get([request.match_info["id"]])
        return web.json_response(found[0].document()) if found else _not_found()

    @table.delete(path + "/{id}")
    async def delete(request: web.Request) -> web.Response:
        await require_admin(request)
        shelf = shelf_of()
        count = await shelf.catalogue.delete([request.match_info["id"]])
        shelf.wake()
        return web.Response(status=204) if count else _not_found()


async def _read(request: web.Request) -> bytes | None:
    """Return the body; None if it is longer than `LARGEST_BODY`."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)


def _parsed(body: bytes) -> list[Row | RowError]:
    """Read a body, away from the event loop: it may be large."""
    return list(read_json(body.splitlines(keepends=True)))


def _report(report: Imported) -> dict[str, Any]:
    return {
        "rows": report.rows,
        "written": report.written,
        "unchanged": report.unchanged,
        "failed": report.failed,
        "errors": [_row_error(e) for e in report.errors[:_ERRORS_SHOWN]],
    }


def _row_error(error: RowError) -> dict[str, Any]:
    return {"row": error.row, "field": error.field, "message": error.message}


def _all_failed(report: Imported) -> bool:
    return report.failed > 0 and report.failed == report.rows


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


def _not_found() -> web.Response:
    return _error(404, "not_found", "there is nothing with this id")


async def _picture(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if not name.endswith(".svg") or not name[:-4].replace("-", "").isalnum():
        return _not_found()
    picture = files("rag").joinpath("data/demo/images", name)
    if not picture.is_file():
        return _not_found()
    headers = {"cache-control": "public, max-age=86400", "x-content-type-options": "nosniff"}
    return web.Response(
        body=picture.read_bytes(), content_type="image/svg+xml", headers=headers
    )
