"""Serving an application on a port while a context lasts."""

import asyncio
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

DEFAULT_HANDSHAKE_SECONDS: Final = 10.0
"""TLS before the first byte of a request: a round trip or two."""

HANDSHAKE_TIMEOUT: Final = web.AppKey("HANDSHAKE_TIMEOUT", float)
"""Seconds the TLS handshake of a connection to an application may take."""

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
        # No peer compresses what it asks, and 200 KB can stand for 200 MB.
        auto_decompress=False,
    )
    try:
        await runner.setup()
    except BaseException:
        # aiohttp leaves open what had started before the part that could not.
        await app.cleanup()
        raise
    try:
        assert runner.server is not None  # noqa: S101 - for the type checker
        if HTTP_GUARD in app:
            app[HTTP_GUARD].watch(runner.server, is_direct=not app.get(TRUSTED_HOPS))
        async with _accepting(app, runner.server, host, port, tls) as real_port:
            yield real_port
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def _accepting(
    app: web.Application, server: web.Server, host: str, port: int, tls: ssl.SSLContext | None
) -> AsyncIterator[int]:
    """Accept connections for *server* inside the context; aiohttp's sites have no deadline."""
    handshake = app.get(HANDSHAKE_TIMEOUT, DEFAULT_HANDSHAKE_SECONDS) if tls else None
    try:
        accepting = await asyncio.get_running_loop().create_server(
            server, host, port, backlog=BACKLOG, ssl=tls, ssl_handshake_timeout=handshake
        )
    except OSError as exc:
        # Names that cannot be resolved have numbers of their own, below 0.
        number = exc.errno or 0
        reason = os.strerror(number) if number > 0 else exc.strerror
        raise OSError(number, reason, f"{host}:{port}") from exc
    try:
        yield accepting.sockets[0].getsockname()[1]
    finally:
        accepting.close()
