"""
Media of the synthetic streamer as aiortc tracks.

All players of a streamer share one drawing of each picture and one clock; each
has its own encoder, since each may ask for a key frame and a bitrate of its own.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Protocol

import av
import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

from signalling.peer.scene import Picture, Size

VIDEO_CLOCK = 90_000
"""Ticks a second of video timestamps (RFC 3551)."""

AUDIO_RATE = 48_000
"""Samples a second; Opus runs at this rate."""

AUDIO_FRAME = AUDIO_RATE // 50
"""Samples of one audio frame, 20 ms."""

TONE_HERTZ = 440.0
TONE_LEVEL = 0.1
"""Peak of the tone as a fraction of full scale: -20 dBFS, quiet on speakers."""

Clock = Callable[[], float]
"""Seconds that only grow."""


class Painter(Protocol):
    """What draws the pictures."""

    def draw(self, size: Size, *, number: int, seconds: float, clock: datetime) -> Picture:
        """Return picture *number* in RGB."""


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """What the streamer sends now."""

    size: Size
    fps: int


@dataclass(frozen=True, slots=True)
class Shot:
    """One drawn picture, to be encoded by everybody who watches."""

    number: int
    timestamp: int
    """In ticks of the video clock since the first picture."""

    yuv: NDArray[np.uint8]
    """Planar 4:2:0 as PyAV lays it out: height * 3/2 by width."""

    def frame(self) -> av.VideoFrame:
        """
        Return a frame of one's own.

        An encoder writes the kind of picture into the frame it is given, so
        two encoders cannot share one.
        """
        frame = av.VideoFrame.from_ndarray(self.yuv, format="yuv420p")
        frame.pts = self.timestamp
        frame.time_base = Fraction(1, VIDEO_CLOCK)
        return frame


class Camera:
    """
    Draws pictures at the set rate while somebody watches.

    Drawing runs in a thread. A picture that is a little late is followed by one
    in time, so that the rate holds; more than a period late, the beat begins anew.
    """

    def __init__(self, painter: Painter, video: VideoFormat, *, clock: Clock) -> None:
        self.video = video
        self._painter = painter
        self._clock = clock
        self._origin = clock()
        self._due = 0.0
        self._number = 0
        self._drawing: asyncio.Task[Shot] | None = None

    async def next_shot(self) -> Shot:
        """Wait for the picture after now; everyone who waits gets the same one."""
        if self._drawing is None or self._drawing.done():
            self._drawing = asyncio.create_task(self._shoot())
        # One player that leaves must not cancel the picture of the others.
        return await asyncio.shield(self._drawing)

    async def close(self) -> None:
        """Stop drawing."""
        if self._drawing is not None:
            self._drawing.cancel()
            await asyncio.wait([self._drawing])

    async def _shoot(self) -> Shot:
        await self._wait_until_due()
        self._number += 1
        yuv = await asyncio.to_thread(self._paint, self.video.size, self._number, self._due)
        return Shot(self._number, round(self._due * VIDEO_CLOCK), yuv)

    async def _wait_until_due(self) -> None:
        now = self._clock() - self._origin
        period = 1 / self.video.fps
        self._due += period
        if now - self._due > period:
            self._due = now
        await asyncio.sleep(self._due - now)

    def _paint(self, size: Size, number: int, seconds: float) -> NDArray[np.uint8]:
        now = datetime.now(UTC).astimezone()
        picture = self._painter.draw(size, number=number, seconds=seconds, clock=now)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        return np.asarray(frame.to_ndarray(format="yuv420p"), dtype=np.uint8)


class SceneTrack(MediaStreamTrack):
    """The camera's pictures for one player; none while `playing` is not set."""

    kind = "video"

    def __init__(self, camera: Camera) -> None:
        super().__init__()
        self._camera = camera
        self.playing = asyncio.Event()
        self.playing.set()

    async def recv(self) -> av.VideoFrame:
        """Return the next picture; raise `MediaStreamError` once stopped."""
        await self.playing.wait()
        shot = await self._camera.next_shot()
        if self.readyState != "live":
            raise MediaStreamError
        return shot.frame()


def tone(start: int, *, hertz: float = TONE_HERTZ) -> NDArray[np.int16]:
    """Return one audio frame of a sine from sample *start*."""
    turns = (np.arange(start, start + AUDIO_FRAME) * (hertz / AUDIO_RATE)) % 1
    return np.asarray(np.sin(2 * np.pi * turns) * TONE_LEVEL * 32767, dtype=np.int16)


class ToneTrack(MediaStreamTrack):
    """A sine, 48 kHz mono in frames of 20 ms."""

    kind = "audio"

    def __init__(self, *, clock: Clock, hertz: float = TONE_HERTZ) -> None:
        super().__init__()
        self._clock = clock
        self._hertz = hertz
        self._origin = clock()
        self._sample = 0

    async def recv(self) -> av.AudioFrame:
        """Return the next 20 ms; raise `MediaStreamError` once stopped."""
        due = self._origin + self._sample / AUDIO_RATE
        await asyncio.sleep(due - self._clock())
        if self.readyState != "live":
            raise MediaStreamError
        return self._next_frame()

    def _next_frame(self) -> av.AudioFrame:
        samples = tone(self._sample, hertz=self._hertz)
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate = AUDIO_RATE
        frame.time_base = Fraction(1, AUDIO_RATE)
        frame.pts = self._sample
        self._sample += AUDIO_FRAME
        return frame


@dataclass(frozen=True, slots=True)
class Heard:
    """What a second of sound was like."""

    level: float
    """Root mean square in dBFS, 0 for a full-scale square wave; -inf for silence."""

    hertz: float
    """The strongest frequency; 0 for silence."""


SILENCE = Heard(level=-math.inf, hertz=0.0)


def analyse(samples: NDArray[np.float64], rate: int) -> Heard:
    """Return what *samples* (-1..1, mono) sound like at *rate* a second."""
    power = float(np.mean(np.square(samples))) if samples.size else 0.0
    if power == 0:
        return SILENCE
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    peak = int(np.argmax(spectrum[1:])) + 1
    return Heard(level=10 * math.log10(power), hertz=peak * rate / samples.size)


class Ear:
    """
    Listens to a player's microphone, a window of half a second at a time.

    `heard` is what the last whole window was like.
    """

    WINDOW_SECONDS = 0.5

    def __init__(self) -> None:
        self.heard = SILENCE
        self._samples: list[NDArray[np.float64]] = []
        self._count = 0

    async def listen(self, track: MediaStreamTrack) -> None:
        """Read *track* until it ends."""
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if isinstance(frame, av.AudioFrame):
                self.take(frame)

    def take(self, frame: av.AudioFrame) -> None:
        """Add 16-bit *frame* of any channel count; a full window is analysed."""
        samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))
        self._samples.append(samples.mean(axis=1) / 32768)
        self._count += len(samples)
        if self._count >= frame.sample_rate * self.WINDOW_SECONDS:
            self.heard = analyse(np.concatenate(self._samples), frame.sample_rate)
            self._samples, self._count = [], 0
