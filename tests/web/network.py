"""A network between page and server that a test can break."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Network:
    """Carries TCP connections to one port, until it is cut."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._open: set[asyncio.Transport] = set()
        self._is_down = False
        self.port = 0
        self.carried = 0
        """Connections carried so far."""

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    def cut(self) -> None:
        """Break every connection hard: both ends see a reset, no close frame."""
        for transport in self._open:
            transport.abort()

    def fail(self) -> None:
        """Cut, and let nothing new through."""
        self._is_down = True
        self.cut()

    def recover(self) -> None:
        """Let connections through again."""
        self._is_down = False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        if self._is_down:
            writer.transport.abort()
            return
        self.carried += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        ends = {writer.transport, far_writer.transport}
        self._open |= ends
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        self._open -= ends


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(2**16):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def network(port: int) -> AsyncIterator[Network]:
    """Carry connections to *port* of this machine while inside."""
    carrier = Network(port)
    server = await asyncio.start_server(carrier.carry, "127.0.0.1", 0)
    carrier.port = server.sockets[0].getsockname()[1]
    try:
        yield carrier
    finally:
        server.close()
        carrier.cut()
        await server.wait_closed()
