"""The TCP port that Cirrus servers register at."""

import asyncio
import contextlib
import itertools
from typing import Final

import structlog

from matchmaker.cirrus import CirrusError, CirrusRegistry, MessageStream

log = structlog.get_logger(__name__)

SILENCE_SECONDS: Final = 35.0
"""Cirrus pings every 30 s; one that is silent for longer is gone."""

MAX_CONNECTIONS: Final = 2_000
CHUNK: Final = 4_096


class CirrusListener:
    """Accepts Cirrus servers and keeps the registry up to date."""

    def __init__(
        self,
        registry: CirrusRegistry,
        *,
        host: str,
        port: int,
        silence: float = SILENCE_SECONDS,
    ) -> None:
        self._registry = registry
        self._host = host
        self._port = port
        self._silence = silence
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Return the real port; only after `start`."""
        assert self._server is not None  # noqa: S101 - for the type checker
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Listen; raises `OSError` when the port is in use."""
        self._server = await asyncio.start_server(
            self._accept, self._host, self._port, limit=CHUNK
        )

    async def close(self) -> None:
        """Close the port and all connections."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for the type checker
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection, peer = next(self._numbers), str(writer.get_extra_info("peername")[0])
        if len(self._tasks) > MAX_CONNECTIONS or not self._registry.admission.admits_peer(peer):
            log.warning("cirrus_refused", peer=peer)
            return
        try:
            await self._read(reader, connection, peer)
        except CirrusError as error:
            log.warning("cirrus_closed", peer=peer, reason=str(error))
        except TimeoutError:
            log.warning("cirrus_silent", peer=peer, seconds=self._silence)
        except OSError as error:
            log.info("cirrus_lost", peer=peer, reason=str(error))
        finally:
            self._registry.gone(connection)

    async def _read(self, reader: asyncio.StreamReader, connection: int, peer: str) -> None:
        stream = MessageStream()
        while True:
            async with asyncio.timeout(self._silence):
                data = await reader.read(CHUNK)
            if not data:
                return
            for message in stream.feed(data):
                self._registry.handle(connection, message, peer=peer)
