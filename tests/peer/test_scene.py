"""What the scene shows."""

from datetime import UTC, datetime

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from signalling.peer.counter import read_counter
from signalling.peer.scene import Pointer, Product, Scene, SceneState, Size, colour_of

SMALL = Size(320, 180)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def draw(state: SceneState, *, seconds: float = 1.0, size: Size = SMALL) -> np.ndarray:
    """Return a picture of *state*."""
    return Scene(state).draw(size, number=42, seconds=seconds, clock=NOON)


def test_the_scene_moves() -> None:
    """A tenth of a second changes the picture."""
    state = SceneState("Kiosk")
    changed = draw(state, seconds=1.0) != draw(state, seconds=1.1)
    assert changed.any(axis=2).mean() > 0.01


def test_the_frame_number_is_in_it() -> None:
    """Readable from the luma, over everything else that is drawn."""
    state = SceneState("Kiosk", pointers={"p": Pointer(0.01, 0.99)}, last_key="K" * 200)
    assert read_counter(draw(state).max(axis=2)) == 42


def test_a_pointer_is_drawn_where_it_is() -> None:
    """In the colour of its player."""
    shown = draw(SceneState("Kiosk", pointers={"Player7": Pointer(0.25, 0.5, pressed=True)}))
    assert tuple(shown[90, 80]) == colour_of("Player7")


def test_each_doing_changes_the_picture() -> None:
    """Streamer id, key, descriptor and product are all to be seen."""
    plain = draw(SceneState("Kiosk"))
    others = [
        SceneState("Garden"),
        SceneState("Kiosk", last_key="KeyDown 65 (A)"),
        SceneState("Kiosk", last_descriptor="{}"),
        SceneState("Kiosk", product=Product("라운지 체어", "/Game/Chair")),
    ]
    assert all((draw(other) != plain).any() for other in others)


def test_every_size_has_its_shape() -> None:
    """Height by width by three."""
    for size in (Size(64, 64), Size(640, 360), Size(1080, 1080)):
        assert draw(SceneState("Kiosk"), size=size).shape == (size.height, size.width, 3)


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(max_size=300),
    x=st.floats(-1, 2),
    y=st.floats(-1, 2),
    seconds=st.floats(0, 1e6),
)
def test_no_text_or_place_of_a_visitor_breaks_it(
    text: str, x: float, y: float, seconds: float
) -> None:
    """Whatever a page sends can be drawn: a broken drawing would end the video."""
    state = SceneState(
        text,
        pointers={text: Pointer(x, y)},
        last_key=text,
        last_descriptor=text,
        product=Product(text, text),
    )
    assert draw(state, seconds=seconds, size=Size(128, 72)).shape == (72, 128, 3)
