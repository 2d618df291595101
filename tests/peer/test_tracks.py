"""Pictures and sound before they are encoded."""

import asyncio
import math
import time
from datetime import datetime

import av
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError
from hypothesis import given
from hypothesis import strategies as st

from signalling.peer.scene import Picture, Size
from signalling.peer.tracks import (
    AUDIO_FRAME,
    AUDIO_RATE,
    SILENCE,
    VIDEO_CLOCK,
    Camera,
    Ear,
    SceneTrack,
    ToneTrack,
    VideoFormat,
    analyse,
    tone,
)


class Painter:
    """Draws grey and counts."""

    def __init__(self) -> None:
        self.drawn = 0

    def draw(self, size: Size, *, number: int, seconds: float, clock: datetime) -> Picture:
        """Return a grey picture."""
        assert number
        assert seconds >= 0
        assert clock.tzinfo is not None
        self.drawn += 1
        return np.full((size.height, size.width, 3), 128, dtype=np.uint8)


def camera(painter: Painter, *, fps: int = 50) -> Camera:
    """Return a small fast camera."""
    return Camera(painter, VideoFormat(Size(64, 36), fps), clock=time.monotonic)


async def test_players_share_a_drawing_but_not_a_frame() -> None:
    """Three tracks, one drawing each time, three frames of their own."""
    painter = Painter()
    tracks = [SceneTrack(shared := camera(painter)), SceneTrack(shared), SceneTrack(shared)]
    for _ in range(3):
        frames = await asyncio.gather(*(track.recv() for track in tracks))
        assert len({frame.pts for frame in frames}) == 1
        assert len({id(frame) for frame in frames}) == 3
    assert painter.drawn == 3
    await shared.close()


async def test_nothing_is_drawn_while_nobody_watches() -> None:
    """A camera without tracks costs nothing."""
    painter = Painter()
    shared = camera(painter)
    await SceneTrack(shared).recv()
    await asyncio.sleep(0.1)
    assert painter.drawn == 1


async def test_timestamps_keep_the_rate() -> None:
    """Consecutive pictures are at least a frame time apart on the video clock."""
    track = SceneTrack(camera(Painter(), fps=50))
    stamps = [(await track.recv()).pts for _ in range(5)]
    assert min(np.diff(stamps)) >= VIDEO_CLOCK / 50 - 1


async def test_a_new_format_holds_from_the_next_picture() -> None:
    """As t.MaxFPS and r.SetRes need it."""
    shared = camera(Painter())
    track = SceneTrack(shared)
    assert (await track.recv()).width == 64
    shared.video = VideoFormat(Size(128, 72), 50)
    assert (await track.recv()).width == 128


async def test_a_player_that_leaves_does_not_take_the_picture_along() -> None:
    """Cancelling one waiter leaves the other its picture."""
    shared = camera(Painter(), fps=20)
    leaving, staying = (asyncio.create_task(SceneTrack(shared).recv()) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).width == 64


async def test_a_paused_track_waits() -> None:
    """StopStreaming holds the pictures until StartStreaming."""
    track = SceneTrack(camera(Painter()))
    track.playing.clear()
    waiting = asyncio.create_task(track.recv())
    done, _ = await asyncio.wait([waiting], timeout=0.1)
    assert not done
    track.playing.set()
    assert (await waiting).width == 64


async def test_stopped_tracks_end() -> None:
    """As aiortc asks of tracks."""
    for track in (SceneTrack(camera(Painter())), ToneTrack(clock=time.monotonic)):
        track.stop()
        with pytest.raises(MediaStreamError):
            await track.recv()


async def test_the_tone_is_heard_as_it_is() -> None:
    """Half a second of the track's frames, through the ear."""
    track, ear = ToneTrack(clock=time.monotonic, hertz=600), Ear()
    for _ in range(25):
        ear.take(await track.recv())
    assert ear.heard.hertz == pytest.approx(600, abs=2)
    assert ear.heard.level == pytest.approx(-23, abs=0.5)


@given(hertz=st.floats(50, 20_000))
def test_any_frequency_is_found_to_the_window(hertz: float) -> None:
    """To the two hertz that half a second can tell apart."""
    samples = np.concatenate([tone(n * AUDIO_FRAME, hertz=hertz) for n in range(25)]) / 32768
    assert analyse(samples, AUDIO_RATE).hertz == pytest.approx(hertz, abs=2)


def test_silence_is_silence() -> None:
    """Digital silence and no samples at all."""
    assert analyse(np.zeros(AUDIO_RATE), AUDIO_RATE) == SILENCE
    assert analyse(np.zeros(0), AUDIO_RATE) == SILENCE
    assert math.isinf(SILENCE.level)


def test_stereo_is_heard_too() -> None:
    """Interleaved stereo of a browser is mixed, not read as a higher tone."""
    ear = Ear()
    for number in range(25):
        both = np.repeat(tone(number * AUDIO_FRAME), 2)[None, :]
        frame = av.AudioFrame.from_ndarray(both, format="s16", layout="stereo")
        frame.sample_rate = AUDIO_RATE
        ear.take(frame)
    assert ear.heard.hertz == pytest.approx(440, abs=2)
