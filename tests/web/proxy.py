"""A reverse proxy that serves another server below a sub-path."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

PREFIX = "/show/room"


@contextlib.asynccontextmanager
async def below_sub_path(inner: str) -> AsyncIterator[str]:
    """Serve *inner* below `PREFIX` while inside; gives the address of the page there."""
    async with aiohttp.ClientSession() as client:

        async def handle(request: web.Request) -> web.StreamResponse:
            target = inner.rstrip("/") + str(request.rel_url).removeprefix(PREFIX)
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await _join(request, client, target)
            async with client.get(target) as response:
                kind = response.content_type
                return web.Response(body=await response.read(), content_type=kind)

        app = web.Application()
        app.router.add_get(PREFIX + "/{path:.*}", handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}{PREFIX}/"
        await runner.cleanup()


async def _join(
    request: web.Request, client: aiohttp.ClientSession, target: str
) -> web.WebSocketResponse:
    """Carry text both ways until either side closes."""
    outer = web.WebSocketResponse()
    await outer.prepare(request)
    async with client.ws_connect(target) as inner:
        pairs: list[tuple[Socket, Socket]] = [(outer, inner), (inner, outer)]
        ways = [asyncio.create_task(_carry(*pair)) for pair in pairs]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
    await outer.close()
    return outer


Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def _carry(source: Socket, target: Socket) -> None:
    async for message in source:
        if message.type is aiohttp.WSMsgType.TEXT:
            await target.send_str(message.data)
