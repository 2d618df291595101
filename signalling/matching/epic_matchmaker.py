"""
Registers this server with Epic's matchmaker, as each Cirrus does.

For fleets that move over one server at a time. Source: Cirrus's
`connectToMatchmaker` and `sendMatchmaker...` functions (UE 5.4).

Cirrus sends its messages back to back with nothing between them, and the
matchmaker ends the connection when two of them arrive in one segment, so
messages here are sent one at a time with a pause between them.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from signalling import messages
from signalling.messages import Json
from signalling.options.epic_matchmaker import EpicMatchmakerSettings
from signalling.registry import Kind, Registry

PAUSE_SECONDS: Final = 0.1
"""Between two messages, so that each arrives in a segment of its own."""

LOOK_SECONDS: Final = 0.5
"""How often it is looked whether there is something to tell."""

PING_SECONDS: Final = 30.0

CONNECT_SECONDS: Final = 10.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Figures:
    """What the matchmaker knows of a server."""

    is_ready: bool
    """Whether there is a streamer to watch."""
    players: int


def connect_message(settings: EpicMatchmakerSettings, *, port: int, https: bool) -> Json:
    """Return who this server is."""
    return {"address": settings.public_ip, "port": port, "https": https}


def next_message(told: Figures, now: Figures) -> tuple[str, Figures] | None:
    """Return the next message that brings the matchmaker from *told* towards *now*."""
    if now.is_ready != told.is_ready:
        name = "streamerConnected" if now.is_ready else "streamerDisconnected"
        return name, Figures(now.is_ready, told.players)
    if now.players == told.players:
        return None
    step = 1 if now.players > told.players else -1
    name = "clientConnected" if step > 0 else "clientDisconnected"
    return name, Figures(told.is_ready, told.players + step)


class Registration:
    """A connection to the matchmaker that is made again when it ends."""

    def __init__(
        self,
        settings: EpicMatchmakerSettings,
        registry: Registry,
        *,
        player_port: Callable[[], tuple[int, bool]],
        takes_players: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._player_port = player_port
        """Returns the port that players connect to, and whether it is HTTPS."""
        self._takes_players = takes_players

    async def run(self) -> None:
        """Stay registered until cancelled."""
        while True:
            try:
                await self._register()
            except (OSError, TimeoutError) as exc:
                log.warning("matchmaker_lost", reason=str(exc) or "no answer")
            await asyncio.sleep(self._settings.matchmaker_retry_interval)

    async def _register(self) -> None:
        address = self._settings.matchmaker_address, self._settings.epic_matchmaker_port
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(*address)
        log.info("matchmaker_connected", address=address[0], port=address[1])
        with contextlib.closing(writer):
            telling = asyncio.create_task(self._tell(writer))
            listening = asyncio.create_task(_until_end(reader))
            try:
                await asyncio.wait({telling, listening}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                telling.cancel()
                listening.cancel()
                ended = await asyncio.gather(telling, listening, return_exceptions=True)
        for each in ended:
            if isinstance(each, Exception):
                raise each
        raise ConnectionError("the matchmaker ended the connection")

    async def _tell(self, writer: asyncio.StreamWriter) -> None:
        port, https = self._player_port()
        now = self._figures()
        who = connect_message(self._settings, port=port, https=https)
        connect = {**who, "ready": now.is_ready, "playerConnected": now.players > 0}
        await _send(writer, messages.encode("connect", connect))
        # Whoever says that it has players is counted one.
        told = Figures(now.is_ready, min(now.players, 1))
        quiet = 0.0
        while True:
            step = next_message(told, self._figures())
            if step is None:
                await asyncio.sleep(LOOK_SECONDS)
                quiet += LOOK_SECONDS
            else:
                name, told = step
                await _send(writer, messages.encode(name, {}))
            if quiet >= PING_SECONDS:
                await _send(writer, messages.encode("ping", {}))
                quiet = 0.0

    def _figures(self) -> Figures:
        players = self._registry.players.values()
        return Figures(
            is_ready=self._takes_players() and any(True for _ in self._registry.available()),
            players=sum(1 for player in players if player.kind is Kind.PLAYER),
        )


async def _send(writer: asyncio.StreamWriter, message: bytes) -> None:
    writer.write(message)
    await writer.drain()
    await asyncio.sleep(PAUSE_SECONDS)


async def _until_end(reader: asyncio.StreamReader) -> None:
    """Read until the matchmaker ends the connection; it never says anything."""
    while await reader.read(1024):
        pass
