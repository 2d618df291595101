"""Serving an application on a port while a context lasts."""

import contextlib
import os
import ssl
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from signalling.access.proxies import TRUSTED_HOPS
from signalling.http_guard import HTTP_GUARD
from signalling.http_log import HTTP_LOG

SHUTDOWN_SECONDS: Final = 5.0
"""What aiohttp waits for handlers that a drained server still has."""

BACKLOG: Final = 2048
"""Connections the kernel holds while we accept others: a storm after a restart."""

DEFAULT_IDLE_SECONDS: Final = 75.0
"""Longer than the minute that load balancers keep a connection."""

IDLE_TIMEOUT: Final = web.AppKey("IDLE_TIMEOUT", float)
"""Seconds an HTTP connection to an application may be idle between two requests."""


@contextlib.asynccontextmanager
async def listening(
    app: web.Application, host: str, port: int, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """
    Serve *app* inside the context, with *tls* over that; gives the real port.

    Raises:
        OSError: The port is in use or may not be used; its `filename` is `host:port`.

    """
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=HTTP_LOG,
        handle_signals=False,
        shutdown_timeout=SHUTDOWN_SECONDS,
        keepalive_timeout=app.get(IDLE_TIMEOUT, DEFAULT_IDLE_SECONDS),
    )
    try:
        await runner.setup()
    except BaseException:
        # aiohttp leaves open what had started before the part that could not.
        await app.cleanup()
        raise
    try:
        if runner.server is not None and HTTP_GUARD in app:
            app[HTTP_GUARD].watch(runner.server, is_direct=not app.get(TRUSTED_HOPS))
        site = web.TCPSite(runner, host, port, backlog=BACKLOG, ssl_context=tls)
        await _start(site, f"{host}:{port}")
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def _start(site: web.TCPSite, place: str) -> None:
    try:
        await site.start()
    except OSError as exc:
        # Names that cannot be resolved have numbers of their own, below 0.
        number = exc.errno or 0
        reason = os.strerror(number) if number > 0 else exc.strerror
        raise OSError(number, reason, place) from exc
