"""
A player without a page: watches a streamer for a while and measures.

Ends with one JSON line on standard output. Exit code 1 and one line on standard
error when no picture comes in time.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import numpy as np
import orjson
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.stats import RTCInboundRtpStreamStats, RTCTransportStats
from av import VideoFrame
from yarl import URL

from signalling import logs
from signalling.options.reading import load
from signalling.peer import rtc
from signalling.peer.conversation import Conversation
from signalling.peer.counter import read_counter
from signalling.peer.lifetime import end_tasks, until_told
from signalling.peer.link import Link, SignallingMessage, open_link, reason_of, shown
from signalling.peer.loopback import Loopback, loopback_candidates
from signalling.peer.settings import ProbeSettings
from signalling.peer.tracks import VIDEO_CLOCK, Ear, ToneTrack

LIST_SECONDS = 1.0
"""Time between two looks at the streamer list while the wanted one is missing."""

MICROPHONE_HERTZ = 1000.0
"""Another tone than the streamer's, so that an echo is not taken for it."""

BROWSER_CHANNEL = "cirrus"
"""How Epic's page labels the channel it makes when it offers."""

INTERRUPTED = 130
"""Exit code of what SIGINT ended, as shells have it."""


class ProbeError(Exception):
    """The probe saw nothing; the text says why, in one line."""


@dataclass(slots=True)
class Watcher:
    """Counts decoded pictures."""

    clock: Callable[[], float]
    first_at: float | None = None
    frames: int = 0
    last: VideoFrame | None = None

    async def watch(self, track: MediaStreamTrack, first: asyncio.Event) -> None:
        """Read *track* until it ends; set *first* at its first picture."""
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if isinstance(frame, VideoFrame):
                self._take(frame)
                first.set()

    def _take(self, frame: VideoFrame) -> None:
        self.first_at = self.clock() if self.first_at is None else self.first_at
        self.frames += 1
        self.last = frame

    def counter(self) -> int | None:
        """Return the frame number a synthetic streamer drew into the last picture."""
        if self.last is None:
            return None
        gray = self.last.reformat(format="gray").to_ndarray()
        return read_counter(np.asarray(gray, dtype=np.uint8))


@dataclass(frozen=True, slots=True)
class Sample:
    """Counters at a moment."""

    at: float
    frames: int
    received_bytes: int
    packets_lost: int
    jitter_ticks: int


class Player:
    """The probe on one signalling socket."""

    def __init__(
        self, settings: ProbeSettings, link: Link, *, clock: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._link = link
        self._clock = clock
        self._connection: RTCPeerConnection | None = None
        self._peer_options: Any = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.streamer = ""
        self.waiting_for = "the server's config message"
        self.first_frame = asyncio.Event()
        self.watcher = Watcher(clock)
        self.ear = Ear()
        self.conversation = Conversation(clock=clock)

    async def run(self) -> None:
        """Handle signalling until the socket closes; raise `ProbeError` when refused."""
        async for message in self._link.messages():
            await self._handle(message)
        raise ProbeError(f"the server closed the connection: {self._link.end}")

    async def _handle(self, message: SignallingMessage) -> None:
        handler = HANDLERS.get(message["type"])
        if handler is None:
            return
        try:
            await handler(self, message)
        except rtc.UNUSABLE as error:
            raise ProbeError(f"cannot use the {message['type']} received: {error!r}") from error

    async def close(self) -> None:
        """End the media."""
        await end_tasks(self._tasks)
        if self._connection is not None:
            await rtc.close(self._connection)

    async def on_config(self, message: SignallingMessage) -> None:
        """Keep the ICE servers and begin."""
        self._peer_options = message.get("peerConnectionOptions")
        if self._settings.offer and not self._settings.streamer:
            await self._make_offer()
        else:
            await self._ask_for_list()

    async def _ask_for_list(self) -> None:
        self.waiting_for = f"streamer {self._settings.streamer or 'of any name'} in the list"
        await self._link.send("listStreamers")

    async def on_streamer_list(self, message: SignallingMessage) -> None:
        """Subscribe to the wanted streamer, or look again."""
        if self.streamer:
            return
        ids = [one for one in message.get("ids") or () if isinstance(one, str)]
        wanted = self._settings.streamer or next(iter(ids), "")
        if wanted and wanted in ids:
            await self._subscribe(wanted)
        else:
            self._own(self._look_again())

    async def _look_again(self) -> None:
        await asyncio.sleep(LIST_SECONDS)
        await self._ask_for_list()

    def _own(self, work: Awaitable[None]) -> None:
        self._tasks = [task for task in self._tasks if not task.done()]
        self._tasks.append(asyncio.ensure_future(work))

    async def _subscribe(self, streamer: str) -> None:
        self.streamer = streamer
        self.waiting_for = f"an offer of streamer {streamer}"
        await self._link.send("subscribe", streamerId=streamer)
        if self._settings.offer:
            await self._make_offer()

    async def on_subscribe_failed(self, message: SignallingMessage) -> None:
        """Give up."""
        raise ProbeError(f"the server refused the subscription: {message.get('message')}")

    async def on_offer(self, message: SignallingMessage) -> None:
        """Answer, unless this side offers."""
        if self._settings.offer:
            return
        connection = await self._new_connection()
        await connection.setRemoteDescription(
            RTCSessionDescription(sdp=str(message.get("sdp")), type="offer")
        )
        self._add_microphone(connection)
        await connection.setLocalDescription(await connection.createAnswer())
        await self._send_description("answer", connection)

    async def _make_offer(self) -> None:
        connection = await self._new_connection()
        connection.addTransceiver("video", direction="recvonly")
        if self._settings.microphone:
            self._add_microphone(connection)
        else:
            connection.addTransceiver("audio", direction="recvonly")
        self.conversation.adopt(connection.createDataChannel(BROWSER_CHANNEL, ordered=True))
        await connection.setLocalDescription(await connection.createOffer())
        await self._send_description("offer", connection)
        self.waiting_for = "an answer to the offer"

    def _add_microphone(self, connection: RTCPeerConnection) -> None:
        if self._settings.microphone:
            connection.addTrack(ToneTrack(clock=time.monotonic, hertz=MICROPHONE_HERTZ))

    async def _send_description(self, kind: str, connection: RTCPeerConnection) -> None:
        sdp = connection.localDescription.sdp
        # aiortc says nothing of wrong TURN credentials: there is just no candidate.
        if self._settings.relay and "typ relay" not in sdp:
            raise ProbeError("no relay candidate: no TURN server, or it refused the credential")
        await self._link.send(kind, sdp=sdp)
        self.waiting_for = "media to connect"

    async def _new_connection(self) -> RTCPeerConnection:
        if self._connection is not None:
            await rtc.close(self._connection)
        configuration = rtc.configuration(self._peer_options, relay=self._settings.relay)
        self._connection = connection = RTCPeerConnection(configuration)
        connection.on("track", self._on_track)
        connection.on("datachannel", self.conversation.adopt)
        return connection

    def _on_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "video":
            self._own(self.watcher.watch(track, self.first_frame))
        else:
            self._own(self.ear.listen(track))

    async def on_answer(self, message: SignallingMessage) -> None:
        """Take the streamer's answer."""
        if self._connection is not None and self._settings.offer:
            await self._connection.setRemoteDescription(
                RTCSessionDescription(sdp=str(message.get("sdp")), type="answer")
            )

    async def on_candidate(self, message: SignallingMessage) -> None:
        """Take a candidate of the streamer."""
        candidate = rtc.ice_candidate(message.get("candidate"))
        if self._connection is not None and candidate is not None:
            await self._connection.addIceCandidate(candidate)

    async def on_ping(self, message: SignallingMessage) -> None:
        """Answer with the same time."""
        await self._link.send("pong", time=message.get("time"))

    async def sample(self) -> Sample:
        """Return the counters now; only after the first frame."""
        assert self._connection is not None  # noqa: S101 - there was a frame
        stats = (await self._connection.getStats()).values()
        video = [
            one
            for one in stats
            if isinstance(one, RTCInboundRtpStreamStats) and one.kind == "video"
        ]
        transports = {one.id: one for one in stats if isinstance(one, RTCTransportStats)}
        return Sample(
            at=self._clock(),
            frames=self.watcher.frames,
            received_bytes=sum(one.bytesReceived for one in transports.values()),
            packets_lost=sum(one.packetsLost for one in video),
            jitter_ticks=max((one.jitter for one in video), default=0),
        )

    @property
    def codec(self) -> str:
        """Name of the video codec that was agreed."""
        if self._connection is None:
            return ""
        sides = (self._connection.localDescription, self._connection.remoteDescription)
        return rtc.video_codec(next(side.sdp for side in sides if side.type == "answer"))


HANDLERS: dict[str, Callable[[Player, SignallingMessage], Awaitable[None]]] = {
    "config": Player.on_config,
    "streamerList": Player.on_streamer_list,
    "subscribeFailed": Player.on_subscribe_failed,
    "offer": Player.on_offer,
    "answer": Player.on_answer,
    "iceCandidate": Player.on_candidate,
    "ping": Player.on_ping,
}


async def probe(settings: ProbeSettings) -> dict[str, Any]:
    """
    Watch a streamer and return the figures.

    Raises `ProbeError` when there is no video within the timeout or the server
    cannot be reached or refuses.
    """
    clock = time.monotonic
    started = clock()
    url = URL(settings.url)
    if settings.offer:
        url = url.update_query(OfferToReceive="true")
    try:
        with loopback_candidates(Loopback(settings.loopback)):
            async with open_link(url) as link:
                return await _watch(Player(settings, link, clock=clock), settings, started)
    except (aiohttp.ClientError, OSError) as error:
        raise ProbeError(f"{shown(url)}: {reason_of(error)}") from error


async def _watch(player: Player, settings: ProbeSettings, started: float) -> dict[str, Any]:
    reading = asyncio.create_task(player.run())
    measuring = asyncio.create_task(player.conversation.measure())
    try:
        await _first_frame(player, reading, seconds=settings.timeout)
        return await _figures(player, settings, started)
    finally:
        await end_tasks([reading, measuring])
        await player.close()


async def _first_frame(player: Player, reading: asyncio.Task[None], *, seconds: float) -> None:
    first = asyncio.create_task(player.first_frame.wait())
    try:
        await asyncio.wait({first, reading}, timeout=seconds, return_when="FIRST_COMPLETED")
        if reading.done():
            await reading
        if not first.done():
            raise ProbeError(
                f"no video within {seconds:g} s: still waiting for {player.waiting_for}"
            )
    finally:
        first.cancel()


async def _figures(player: Player, settings: ProbeSettings, started: float) -> dict[str, Any]:
    outcome = None
    if commands := settings.command_list():
        outcome = await player.conversation.run_commands(commands)
    before = await player.sample()
    await asyncio.sleep(settings.seconds)
    after = await player.sample()
    figures = _measured(player, before, after, started)
    if outcome is not None:
        figures |= {"commandsSent": outcome.sent, "commandsRefused": outcome.refused}
    if settings.microphone:
        heard = await player.conversation.ask("reportAudio")
        figures["microphoneHeardHz"] = heard.get("frequencyHz")
    return figures


def _measured(player: Player, before: Sample, after: Sample, started: float) -> dict[str, Any]:
    seconds = after.at - before.at
    trips = player.conversation.round_trips
    watcher = player.watcher
    received_bits = (after.received_bytes - before.received_bytes) * 8
    return {
        "timeToFirstFrameMs": round(((watcher.first_at or started) - started) * 1000, 1),
        "framesPerSecond": round((after.frames - before.frames) / seconds, 2),
        "bitrateKbps": round(received_bits / seconds / 1000, 1),
        "jitterMs": round(after.jitter_ticks * 1000 / VIDEO_CLOCK, 2),
        "roundTripMs": round(statistics.median(trips) * 1000, 2) if trips else None,
        "width": watcher.last.width if watcher.last else 0,
        "height": watcher.last.height if watcher.last else 0,
        "codec": player.codec,
        "streamerId": player.streamer or None,
        "framesDecoded": watcher.frames,
        "packetsLost": after.packets_lost,
        "frameNumber": watcher.counter(),
        "audioHz": round(player.ear.heard.hertz, 1),
    }


def main(arguments: Sequence[str]) -> int:
    """
    Run, print the figures as one JSON line, return the exit code.

    Raises:
        OptionError: An option cannot be used.

    """
    settings = load(ProbeSettings, arguments)
    # Standard output is for the figures.
    output = logs.configure(settings.log_level_console, stream=sys.stderr)
    try:
        with asyncio.Runner() as runner:
            figures = runner.run(until_told(probe(settings)))
    except ProbeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        output.close()
    if figures is None:
        return INTERRUPTED
    sys.stdout.write(orjson.dumps(figures).decode() + "\n")
    return 0
