"""
The synthetic Unreal Engine streamer.

Speaks what UE's Pixel Streaming plugin speaks: the streamer's side of
signalling (Wilbur's and Cirrus's) and of the data channel. Like UE it drops all
players when its signalling socket closes and tries again every 2 s.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import aiohttp
import structlog

from signalling import logs
from signalling.errors import CloseCode
from signalling.options.reading import load
from signalling.peer import rtc
from signalling.peer.lifetime import end_tasks, until_told
from signalling.peer.link import Link, SignallingMessage, open_link, reason_of, shown
from signalling.peer.loopback import Loopback, loopback_candidates
from signalling.peer.scene import Scene, SceneState
from signalling.peer.settings import StreamerSettings, parse_size
from signalling.peer.stage import Stage
from signalling.peer.tracks import Camera, VideoFormat
from signalling.peer.viewer import NEGOTIATION, PlayerLostError, Viewer

RECONNECT_SECONDS = 2.0
"""As UE does."""

PING_SECONDS = 30.0
"""As UE does."""

PROTOCOL_VERSION = "1.3.0"

log = structlog.get_logger()


class Streamer:
    """One streamer: an id, a scene, and its players."""

    def __init__(self, settings: StreamerSettings, *, streamer_id: str) -> None:
        video = VideoFormat(size=parse_size(settings.size), fps=settings.fps)
        state = SceneState(streamer_id=streamer_id)
        self._settings = settings
        self._url = settings.apply_to(settings.url)
        self._id = streamer_id
        self._trouble = ""
        self._camera = Camera(Scene(state), video, clock=time.monotonic)
        self._stage = Stage(
            scene=state,
            camera=self._camera,
            allow_commands=settings.allow_commands,
            max_fps=max(rtc.DEFAULT_MAX_FPS, settings.fps),
            max_bitrate=settings.bitrate,
        )
        self._log = log.bind(streamer_id=streamer_id)

    async def run(self) -> None:
        """Serve players until cancelled, over as many connections as it takes."""
        try:
            while True:
                await self._connect_once()
                await asyncio.sleep(RECONNECT_SECONDS)
        finally:
            await self._camera.close()

    async def _connect_once(self) -> None:
        try:
            async with open_link(self._url) as link:
                self._trouble = ""
                self._log.info("streamer_connected", url=shown(self._url))
                await Connection(self, link).serve()
                self._report_end(link)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self._complain(reason_of(error))

    def _report_end(self, link: Link) -> None:
        """Log that the socket closed; that a server ends when told to is nothing to warn of."""
        level = "info" if link.close_code == CloseCode.RESTART else "warning"
        getattr(self._log, level)("streamer_disconnected", reason=link.end)

    def _complain(self, reason: str) -> None:
        """Warn once of each trouble, not every two seconds of the same."""
        level = "debug" if reason == self._trouble else "warning"
        getattr(self._log, level)("streamer_cannot_connect", reason=reason)
        self._trouble = reason

    def viewer(
        self, player: str, peer_options: Any, send: Callable[..., Awaitable[None]]
    ) -> Viewer:
        """Return a new player."""
        return Viewer(
            player,
            stage=self._stage,
            camera=self._camera,
            configuration=rtc.configuration(peer_options),
            codec=rtc.Codec(self._settings.codec),
            tone=self._settings.tone,
            send=send,
        )

    @property
    def id(self) -> str:
        """The id it asks the server for."""
        return self._id

    @property
    def connect_timeout(self) -> float:
        """Seconds a player may take to connect its media."""
        return self._settings.connect_timeout


class Connection:
    """A streamer's life on one signalling socket."""

    def __init__(self, streamer: Streamer, link: Link) -> None:
        self._streamer = streamer
        self._link = link
        self._peer_options: Any = {}
        self._viewers: dict[str, Viewer] = {}
        self._serving: dict[str, asyncio.Task[None]] = {}
        self._log = log.bind(streamer_id=streamer.id)

    async def serve(self) -> None:
        """Handle messages until the socket closes; the players end with it."""
        pinging = asyncio.create_task(self._ping())
        try:
            async for message in self._link.messages():
                await self._handle(message)
        finally:
            await end_tasks([pinging, *self._serving.values()])

    async def _handle(self, message: SignallingMessage) -> None:
        handler = HANDLERS.get(message["type"])
        if handler is None:
            self._log.debug("signalling_message_ignored", message_type=message["type"])
            return
        await handler(self, message)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_SECONDS)
            await self._link.send("ping", time=int(time.time()))

    async def on_config(self, message: SignallingMessage) -> None:
        """Keep the ICE servers for the players to come."""
        self._peer_options = message.get("peerConnectionOptions")

    async def on_identify(self, _message: SignallingMessage) -> None:
        """Say the id."""
        await self._link.send(
            "endpointId", id=self._streamer.id, protocolVersion=PROTOCOL_VERSION
        )

    async def on_confirm(self, message: SignallingMessage) -> None:
        """Log the id the server gave; Cirrus never says."""
        self._log.info("streamer_identified", committed_id=message.get("committedId"))

    async def on_ping(self, message: SignallingMessage) -> None:
        """Answer with the same time."""
        await self._link.send("pong", time=message.get("time"))

    async def on_player_connected(self, message: SignallingMessage) -> None:
        """Start serving the player; offer unless it will."""
        wire_id = message.get("playerId")
        if not isinstance(wire_id, str | int):
            self._log.warning("player_id_missing")
            return
        await self._end_player(str(wire_id))
        viewer = self._streamer.viewer(
            str(wire_id),
            self._peer_options,
            # Cirrus has sent numbers and compares with what it sent.
            lambda kind, **fields: self._link.send(kind, playerId=wire_id, **fields),
        )
        offer = message.get("sendOffer") is not False
        self._viewers[str(wire_id)] = viewer
        self._serving[str(wire_id)] = asyncio.create_task(
            self._serve_player(viewer, wire_id, offer=offer)
        )
        self._log.info("player_connected", player_id=str(wire_id), players=len(self._viewers))

    async def _serve_player(self, viewer: Viewer, wire_id: str | int, *, offer: bool) -> None:
        try:
            await viewer.run(offer=offer, connect_timeout=self._streamer.connect_timeout)
        except PlayerLostError as lost:
            await self._drop(wire_id, str(lost))
        except Exception:  # noqa: BLE001 - one player's failure must not end the others
            self._log.exception("player_failed", player_id=str(wire_id))
            await self._drop(wire_id, "internal error")

    async def _drop(self, wire_id: str | int, reason: str) -> None:
        self._log.info("player_dropped", player_id=str(wire_id), reason=reason)
        self._viewers.pop(str(wire_id), None)
        self._serving.pop(str(wire_id), None)
        await self._link.send("disconnectPlayer", playerId=wire_id, reason=reason)

    async def on_player_disconnected(self, message: SignallingMessage) -> None:
        """Forget the player."""
        await self._end_player(str(message.get("playerId")))

    async def _end_player(self, player: str) -> None:
        self._viewers.pop(player, None)
        task = self._serving.pop(player, None)
        if task is not None:
            await end_tasks([task])

    async def on_player_message(self, message: SignallingMessage) -> None:
        """Hand a description or candidate to its player."""
        viewer = self._viewers.get(str(message.get("playerId")))
        if viewer is None:
            self._log.warning("player_unknown", message_type=message["type"])
            return
        viewer.deliver(message)


HANDLERS: dict[str, Callable[[Connection, SignallingMessage], Awaitable[None]]] = {
    "config": Connection.on_config,
    "identify": Connection.on_identify,
    "endpointIdConfirm": Connection.on_confirm,
    "ping": Connection.on_ping,
    "playerConnected": Connection.on_player_connected,
    "playerDisconnected": Connection.on_player_disconnected,
    **dict.fromkeys(NEGOTIATION, Connection.on_player_message),
}


async def run_streamers(settings: StreamerSettings) -> None:
    """Run the streamers of *settings* in this process until cancelled."""
    with (
        loopback_candidates(Loopback(settings.loopback)),
        rtc.encoder_limits(bitrate=settings.bitrate, fps=settings.fps),
    ):
        async with asyncio.TaskGroup() as tasks:
            for streamer_id in settings.ids():
                tasks.create_task(Streamer(settings, streamer_id=streamer_id).run())


Lasting = Callable[[Coroutine[Any, Any, None]], Coroutine[Any, Any, None]]
"""How long to go on."""


def main(arguments: Sequence[str], lasting: Lasting = until_told) -> int:
    """
    Run the streamers of the options, until SIGINT or SIGTERM; return the exit code.

    Raises:
        OptionError: An option cannot be used.

    """
    settings = load(StreamerSettings, arguments)
    output = logs.configure(settings.log_level_console)
    try:
        with asyncio.Runner() as runner:
            runner.run(lasting(run_streamers(settings)))
    finally:
        output.close()
    return 0
