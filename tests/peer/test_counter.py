"""The frame number in the picture."""

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.peer.counter import LAYOUT, NUMBERS, draw_counter, read_counter


def picture(width: int, height: int, number: int) -> np.ndarray:
    """Return a grey picture with *number* in it."""
    drawn = np.full((height, width, 3), 120, dtype=np.uint8)
    draw_counter(drawn, number)
    return drawn


@given(
    number=st.integers(0, 2 * NUMBERS), width=st.integers(64, 1920), height=st.integers(48, 400)
)
def test_what_was_drawn_is_read(number: int, width: int, height: int) -> None:
    """Any number, wrapped to 24 bits, at any size a streamer can have."""
    assert read_counter(picture(width, height, number)[:, :, 0]) == number % NUMBERS


@given(level=st.integers(0, 255))
def test_a_plain_picture_holds_no_number(level: int) -> None:
    """Without a white and a black reference there is nothing to read."""
    assert read_counter(np.full((90, 160), level, dtype=np.uint8)) is None


@given(cell=st.integers(2, LAYOUT.cells - LAYOUT.check_bits - 1))
def test_a_flipped_cell_is_noticed(cell: int) -> None:
    """The check counts the white cells, so one wrong cell cannot pass."""
    luma = picture(640, 360, 0x0F5A5A)[:, :, 0]
    size = LAYOUT.cell_size(640)
    luma[-size:, cell * size : (cell + 1) * size] ^= 0xFF
    assert read_counter(luma) is None


@pytest.mark.parametrize("size", [(640, 360), (320, 180)])
def test_it_survives_a_poor_encoder(size: tuple[int, int]) -> None:
    """At 60 kbit/s of H.264, with noise in the rest of the picture."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = size
    encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, 30)
    encoder.bit_rate = 60_000
    encoder.options = {"tune": "zerolatency", "preset": "ultrafast"}
    decoder = av.CodecContext.create("h264", "r")
    noise = np.random.default_rng(7)
    for number in range(20):
        rgb = noise.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
        draw_counter(rgb, number * 65_537)
        packets = encoder.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24"))
        frames = [frame for packet in packets for frame in decoder.decode(packet)]
    luma = frames[-1].reformat(format="gray").to_ndarray()
    assert read_counter(np.asarray(luma, dtype=np.uint8)) == 19 * 65_537
