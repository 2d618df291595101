"""Serving while a context lasts: what was opened is closed, also when the start fails."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from signalling.errors import OptionError
from signalling.listening import listening


async def test_a_start_that_fails_leaves_nothing_open() -> None:
    """The parts before the one that cannot start are ended, and its error is told."""
    happened: list[str] = []

    async def fine(_app: web.Application) -> AsyncIterator[None]:
        happened.append("opened")
        yield
        happened.append("closed")

    async def broken(_app: web.Application) -> AsyncIterator[None]:
        if happened:
            raise OptionError("mongo_url: nobody there")
        yield

    app = web.Application()
    app.cleanup_ctx.extend([fine, broken])
    with pytest.raises(OptionError, match="nobody there"):
        async with listening(app, "127.0.0.1", 0):
            pass
    assert happened == ["opened", "closed"]
