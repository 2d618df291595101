"""
What the synthetic streamer shows: a room in motion, and what its visitors do.

Drawn by Pillow over a prepared background: about 3 ms of one core a picture at
1280x720. A scene is drawn once however many players watch.
"""

import colorsys
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from signalling.peer.counter import draw_counter

Rgb = tuple[int, int, int]
Point = tuple[float, float]
Vector = NDArray[np.float64]
Picture = NDArray[np.uint8]
"""Height by width by RGB."""

MAX_CAPTION = 96
"""Characters of a visitor's text that are drawn."""

FONTS = (
    "NotoSansCJK-Regular.ttc",
    "AppleSDGothicNeo.ttc",
    "malgun.ttf",
    "DejaVuSans.ttf",
)
"""First that exists; those in front draw Korean product names."""

SKY: tuple[Rgb, Rgb] = ((24, 30, 54), (66, 84, 122))
FLOOR: tuple[Rgb, Rgb] = ((38, 44, 62), (16, 18, 28))
INK: Rgb = (238, 242, 250)
SHADE: Rgb = (18, 20, 30)
ACCENT: Rgb = (255, 196, 84)
LIGHT: Vector = np.array([0.45, 0.75, -0.48])
HORIZON = 0.56
"""Height of the horizon as a fraction of the picture."""


@dataclass(frozen=True, slots=True)
class Size:
    """Of a picture, in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True)
class Product:
    """What showProduct put on the turntable."""

    name: str
    asset: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """A player's pointer; x and y are 0..1 of the picture."""

    x: float
    y: float
    pressed: bool = False


@dataclass(slots=True)
class SceneState:
    """What the visitors did last; bounded by the number of players."""

    streamer_id: str
    pointers: dict[str, Pointer] = field(default_factory=dict)
    last_key: str = ""
    last_descriptor: str = ""
    product: Product | None = None


@dataclass(frozen=True, slots=True)
class Solid:
    """A convex body: corners, and faces as corners counted around."""

    corners: Vector
    faces: Sequence[Sequence[int]]


def _cube() -> Solid:
    corners = [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    faces = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    return Solid(np.array(corners, dtype=float) * 0.78, faces)


def _octahedron() -> Solid:
    corners = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]
    faces = (
        (0, 2, 4),
        (2, 1, 4),
        (1, 3, 4),
        (3, 0, 4),
        (2, 0, 5),
        (1, 2, 5),
        (3, 1, 5),
        (0, 3, 5),
    )
    return Solid(np.array(corners, dtype=float) * 1.25, faces)


def _prism(sides: int) -> Solid:
    turns = [2 * math.pi * side / sides for side in range(sides)]
    ring = [(math.cos(turn), math.sin(turn)) for turn in turns]
    corners = [(x, y, z) for y in (-0.85, 0.85) for x, z in ring]
    walls = [
        (side, (side + 1) % sides, sides + (side + 1) % sides, sides + side)
        for side in range(sides)
    ]
    top, bottom = tuple(range(sides, 2 * sides)), tuple(reversed(range(sides)))
    return Solid(np.array(corners), [*walls, top, bottom])


SOLIDS = (_cube(), _octahedron(), _prism(6))


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for name in FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def _gradient(ends: tuple[Rgb, Rgb], rows: int) -> NDArray[np.float64]:
    share = np.linspace(0, 1, max(rows, 1))[:, None]
    return np.array(ends[0]) * (1 - share) + np.array(ends[1]) * share


@lru_cache(maxsize=4)
def _backdrop(size: Size) -> Image.Image:
    """Return sky and floor; a caller copies it before drawing."""
    horizon = round(size.height * HORIZON)
    columns = np.concatenate([_gradient(SKY, horizon), _gradient(FLOOR, size.height - horizon)])
    rows = np.repeat(columns[:, None, :], size.width, axis=1)
    return Image.fromarray(rows.astype(np.uint8), "RGB")


def _turn(yaw: float, pitch: float) -> Vector:
    cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    around = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    over = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    return np.asarray(over @ around)


def _shaded(colour: Rgb, normal: Vector) -> Rgb:
    bright = 0.35 + 0.65 * max(0.0, float(normal @ LIGHT))
    red, green, blue = (min(255, round(part * bright)) for part in colour)
    return red, green, blue


def colour_of(name: str) -> Rgb:
    """Return a colour that belongs to *name*, the same in every process."""
    hue = zlib.crc32(name.encode("utf-8", "replace")) % 360 / 360
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.62, 0.95)
    return round(red * 255), round(green * 255), round(blue * 255)


class Scene:
    """
    Draws the state at a moment.

    `draw` may run in another thread than the one that changes *state*: it
    reads each field once, and a picture may show half of two changes.
    """

    def __init__(self, state: SceneState) -> None:
        self._state = state

    def draw(self, size: Size, *, number: int, seconds: float, clock: datetime) -> Picture:
        """Return picture *number*; *seconds* since the start move the bodies."""
        image = _backdrop(size).copy()
        Canvas(image, seconds).paint(self._state, clock)
        picture: Picture = np.array(image)
        draw_counter(picture, number)
        return picture


class Canvas:
    """One picture being drawn."""

    def __init__(self, image: Image.Image, seconds: float) -> None:
        self._draw = ImageDraw.Draw(image)
        self._size = Size(*image.size)
        self._seconds = seconds
        self._unit = image.height / 36

    def paint(self, state: SceneState, clock: datetime) -> None:
        """Draw everything, back to front."""
        self._floor()
        self._bodies(state.product)
        self._captions(state, clock)
        for player, pointer in tuple(state.pointers.items()):
            self._pointer(player, pointer)

    def _floor(self) -> None:
        horizon = self._size.height * HORIZON
        for line in self._floor_lines(horizon, self._size.height - horizon):
            self._draw.line(line, fill=(74, 92, 138), width=max(1, round(self._unit / 10)))

    def _floor_lines(self, horizon: float, depth: float) -> Iterator[tuple[Point, Point]]:
        width, middle = self._size.width, self._size.width / 2
        for lane in range(-9, 10):
            yield (
                (middle + lane * width / 26, horizon),
                (middle + lane * width / 5, horizon + depth),
            )
        for step in range(9):
            near = (step + self._seconds * 0.8 % 1) / 9
            height = horizon + depth * near**2.2
            yield (0, height), (width, height)

    def _bodies(self, product: Product | None) -> None:
        turn = self._seconds * 0.9
        side = self._size.width * 0.27
        middle = self._size.width / 2
        high = self._size.height * 0.46
        bob = math.sin(self._seconds * 1.7) * self._unit
        self._solid(SOLIDS[1], (middle - side, high + bob), 4.2, turn * 1.3, (96, 196, 255))
        self._solid(SOLIDS[2], (middle + side, high - bob), 4.0, -turn, (146, 224, 148))
        if product is None:
            self._solid(SOLIDS[0], (middle, high), 6.2, turn, ACCENT)
        else:
            self._turntable(product, (middle, high), turn)

    def _turntable(self, product: Product, at: Point, turn: float) -> None:
        unit, colour = self._unit, colour_of(product.asset)
        solid = SOLIDS[zlib.crc32(product.asset.encode("utf-8", "replace")) % len(SOLIDS)]
        self._solid(solid, at, 7.4, turn, colour)
        self._text((at[0], at[1] + unit * 9.6), product.name, 2.2, anchor="mm")

    def _solid(self, solid: Solid, at: Point, scale: float, turn: float, colour: Rgb) -> None:
        self._shadow(at, scale)
        corners = solid.corners @ _turn(turn, -0.42).T
        faces = sorted(
            ([corners[corner] for corner in face] for face in solid.faces),
            key=lambda face: -float(np.mean(face, axis=0)[2]),
        )
        for face in faces:
            self._face(np.array(face), at, scale, colour)

    def _face(self, face: Vector, at: Point, scale: float, colour: Rgb) -> None:
        normal = np.cross(face[1] - face[0], face[2] - face[0])
        normal = normal / np.linalg.norm(normal)
        # Convex bodies around the origin: outwards is away from it.
        outwards = normal if float(normal @ face[0]) > 0 else -normal
        zoom = scale * self._unit * 5 / (5 + face[:, 2])
        points = [
            (at[0] + x * z, at[1] - y * z) for (x, y, _), z in zip(face, zoom, strict=True)
        ]
        self._draw.polygon(points, fill=_shaded(colour, outwards))

    def _shadow(self, at: Point, scale: float) -> None:
        wide, low = scale * self._unit * 1.25, self._size.height * 0.74
        box = (at[0] - wide, low - wide * 0.2, at[0] + wide, low + wide * 0.2)
        self._draw.ellipse(box, fill=SHADE)

    def _captions(self, state: SceneState, clock: datetime) -> None:
        unit, width, height = self._unit, self._size.width, self._size.height
        self._text((unit, unit * 0.8), state.streamer_id, 1.9)
        moment = f"{clock:%H:%M:%S}.{clock.microsecond // 100000}"
        self._text((width - unit, unit * 0.8), moment, 1.9, anchor="ra")
        for row, (label, text) in enumerate(_doings(state).items()):
            place = (unit, height - unit * (5.2 - row * 1.7))
            self._text(place, f"{label}: {text}"[:MAX_CAPTION], 1.15)

    def _text(
        self, at: Point, text: str, units: float, *, fill: Rgb = INK, anchor: str = "la"
    ) -> None:
        font = _font(max(8, round(units * self._unit)))
        anchor = anchor if isinstance(font, ImageFont.FreeTypeFont) else "la"
        line = " ".join(text.split())[:MAX_CAPTION]
        self._draw.text(at, line, fill=fill, font=font, anchor=anchor)

    def _pointer(self, player: str, pointer: Pointer) -> None:
        x, y = pointer.x * self._size.width, pointer.y * self._size.height
        radius = self._unit * (0.9 if pointer.pressed else 0.55)
        colour = colour_of(player)
        box = (x - radius, y - radius, x + radius, y + radius)
        self._draw.ellipse(box, fill=colour, outline=INK, width=max(1, round(self._unit / 8)))
        self._text((x + radius * 1.6, y - radius), player, 0.9, fill=colour)


def _doings(state: SceneState) -> Mapping[str, str]:
    """Return the lines at the bottom by their label; what nobody did yet is left out."""
    lines = {"key": state.last_key, "UI": state.last_descriptor}
    return MappingProxyType({label: text for label, text in lines.items() if text})
