"""One player of the synthetic streamer: its peer connection, tracks and data channel."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceCandidate,
    RTCPeerConnection,
    RTCSessionDescription,
)

from signalling.peer import rtc
from signalling.peer.channel import ChannelSession
from signalling.peer.stage import Stage
from signalling.peer.tracks import Camera, Ear, Heard, SceneTrack, ToneTrack

MAX_WAITING = 128
"""Signalling messages a player may have waiting; a browser sends some 10 candidates."""

MAX_EARLY_CANDIDATES = 64
"""Candidates held until the description they belong to is there."""

MAX_CHANNEL_BYTES = 1 << 20
"""Unsent bytes at which a data channel's further messages are dropped."""

CHANNEL_LABEL = "datachannel"

log = structlog.get_logger()

Fields = Mapping[str, Any]


class PlayerLostError(Exception):
    """The player's media connection came to nothing; the text is for its page."""


class Viewer:
    """
    A player from `playerConnected` to `playerDisconnected`.

    *send* sends a signalling message to the player. Signalling messages for it
    are handed to `deliver` and handled in their order by `run`.
    """

    def __init__(
        self,
        player: str,
        *,
        stage: Stage,
        camera: Camera,
        configuration: RTCConfiguration,
        codec: rtc.Codec,
        tone: bool,
        send: Callable[..., Awaitable[None]],
    ) -> None:
        self._player = player
        self._stage = stage
        self._camera = camera
        self._configuration = configuration
        self._codec = codec
        self._tone = tone
        self._send = send
        self._log = log.bind(player_id=player, streamer_id=stage.scene.streamer_id)
        self._inbox: asyncio.Queue[Fields] = asyncio.Queue(MAX_WAITING)
        self._player_offers = False
        self._early: list[RTCIceCandidate] = []
        self._described = False
        self._video = SceneTrack(camera)
        self._connected = asyncio.Event()
        self._ended = asyncio.Event()
        self._ear = Ear()
        self._listening: list[asyncio.Task[None]] = []
        self._session: ChannelSession | None = None
        self._connection = self._new_connection()

    def deliver(self, message: Fields) -> None:
        """Take a signalling message of the player; more than fit are dropped."""
        self._player_offers = self._player_offers or message["type"] == "offer"
        try:
            self._inbox.put_nowait(message)
        except asyncio.QueueFull:
            self._log.warning("player_message_dropped", message_type=message["type"])

    async def run(self, *, offer: bool, connect_timeout: float) -> None:
        """
        Serve the player until cancelled.

        Raises `PlayerLostError` when no media connection stands within
        *connect_timeout* seconds, or when it ends.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._negotiate(offer=offer))
                tasks.create_task(self._watch(connect_timeout))
        except BaseExceptionGroup as group:
            # Not `except*`: some releases of Python 3.11 wrap what is raised in it.
            lost = group.subgroup(PlayerLostError)
            if lost is None or lost.exceptions != group.exceptions:
                raise
            raise lost.exceptions[0] from None
        finally:
            await self._close()

    async def _negotiate(self, *, offer: bool) -> None:
        if offer:
            await self._make_offer()
        while True:
            message = await self._inbox.get()
            try:
                await NEGOTIATION[message["type"]](self, message)
            except rtc.UNUSABLE as error:
                # A description this side cannot use: the player's fault, and
                # the next one may be better.
                self._log.warning("negotiation_failed", reason=repr(error))

    async def _watch(self, connect_timeout: float) -> None:
        try:
            async with asyncio.timeout(connect_timeout):
                await self._connected.wait()
        except TimeoutError:
            raise PlayerLostError("no media connection") from None
        self._log.info("player_streaming")
        await self._ended.wait()
        raise PlayerLostError("media connection lost")

    def _new_connection(self) -> RTCPeerConnection:
        connection = RTCPeerConnection(self._configuration)
        connection.on("connectionstatechange", lambda: self._on_state(connection))
        connection.on("datachannel", self._adopt)
        connection.on("track", self._on_track)
        return connection

    def _on_state(self, connection: RTCPeerConnection) -> None:
        if connection is not self._connection:
            return
        self._log.debug("connection_state", state=connection.connectionState)
        if connection.connectionState == "connected":
            self._connected.set()
        elif connection.connectionState in {"failed", "closed"}:
            self._ended.set()

    def _on_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio":
            self._listening.append(asyncio.create_task(self._ear.listen(track)))

    def _add_tracks(self, kinds: set[str]) -> None:
        self._video = SceneTrack(self._camera)
        self._connection.addTrack(self._video)
        for transceiver in self._connection.getTransceivers():
            if transceiver.kind == "video":
                transceiver.direction = "sendonly"
        if self._tone and "audio" in kinds:
            self._connection.addTrack(ToneTrack(clock=time.monotonic))
        rtc.prefer_codec(self._connection, self._codec)

    async def _make_offer(self) -> None:
        self._add_tracks({"video", "audio"})
        self._adopt(self._connection.createDataChannel(CHANNEL_LABEL, ordered=True))
        await self._connection.setLocalDescription(await self._connection.createOffer())
        if self._player_offers:
            return  # Glare: the player's offer waits, this one is never sent.
        await self._send_description("offer")

    async def _send_description(self, kind: str) -> None:
        await self._send(kind, sdp=self._connection.localDescription.sdp)

    async def on_offer(self, message: Fields) -> None:
        """Answer the player's offer, in place of one's own if that was made."""
        description = RTCSessionDescription(sdp=message["sdp"], type="offer")
        if self._connection.signalingState != "stable":
            await self._start_over()
        if not self._connection.getTransceivers():
            self._add_tracks(rtc.media_kinds(description.sdp))
        await self._accept(description)
        await self._connection.setLocalDescription(await self._connection.createAnswer())
        await self._send_description("answer")

    async def on_answer(self, message: Fields) -> None:
        """Take the player's answer."""
        await self._accept(RTCSessionDescription(sdp=message["sdp"], type="answer"))

    async def on_candidate(self, message: Fields) -> None:
        """Take a candidate, or hold it until its description is there."""
        candidate = rtc.ice_candidate(message.get("candidate"))
        if candidate is None:
            return
        if self._described:
            await self._connection.addIceCandidate(candidate)
        elif len(self._early) < MAX_EARLY_CANDIDATES:
            self._early.append(candidate)

    async def _accept(self, description: RTCSessionDescription) -> None:
        await self._connection.setRemoteDescription(description)
        self._described = True
        early, self._early = self._early, []
        for candidate in early:
            await self._connection.addIceCandidate(candidate)

    async def _start_over(self) -> None:
        abandoned, self._connection = self._connection, self._new_connection()
        await rtc.close(abandoned)

    def _adopt(self, channel: RTCDataChannel) -> None:
        session = ChannelSession(
            self._player,
            stage=self._stage,
            media=self,
            send=lambda data: self._send_on(channel, data),
            wall_clock=time.time,
        )
        channel.on("message", session.receive)
        channel.on("open", lambda: self._open(session))
        if channel.readyState == "open":
            self._open(session)

    def _open(self, session: ChannelSession) -> None:
        if self._session is None:
            self._session = session
            session.open()

    def _send_on(self, channel: RTCDataChannel, data: bytes) -> None:
        if channel.readyState == "open" and channel.bufferedAmount < MAX_CHANNEL_BYTES:
            channel.send(data)
        else:
            self._log.debug("channel_message_dropped", size=len(data))

    def request_key_frame(self) -> None:
        """Make the next picture a key frame."""
        rtc.request_key_frame(self._connection)

    def play(self, *, playing: bool) -> None:
        """Start or stop the pictures."""
        if playing:
            self._video.playing.set()
        else:
            self._video.playing.clear()

    def heard(self) -> Heard:
        """Return what the player's microphone sounded like last."""
        return self._ear.heard

    async def _close(self) -> None:
        if self._session is not None:
            self._session.close()
        for task in self._listening:
            task.cancel()
        heard = self._ear.heard
        self._log.info("player_gone", heard_level=heard.level, heard_hertz=heard.hertz)
        await rtc.close(self._connection)


NEGOTIATION: dict[str, Callable[[Viewer, Fields], Awaitable[None]]] = {
    "offer": Viewer.on_offer,
    "answer": Viewer.on_answer,
    "iceCandidate": Viewer.on_candidate,
}
