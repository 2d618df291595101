"""
The frame number as black and white blocks in the picture.

A row of square cells at the bottom left. A reader samples the middle of each
cell, so neither scaling nor codec noise matters: the first two cells are white
and black and give the threshold, 24 cells hold the number (most significant
bit first, white is 1), 6 cells the number of white cells among those 24.
`docs/streamer.md` has the same in JavaScript for a canvas.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.uint8]
"""Brightness of a picture, height by width."""


@dataclass(frozen=True, slots=True)
class CounterLayout:
    """Where the cells are; changing it breaks readers elsewhere."""

    cells_per_width: int = 64
    """A cell is this fraction of the picture's width, wide and high, rounded down."""

    reference_cells: int = 2
    number_bits: int = 24
    check_bits: int = 6

    @property
    def cells(self) -> int:
        """Cells in the row."""
        return self.reference_cells + self.number_bits + self.check_bits

    def cell_size(self, width: int) -> int:
        """Return the side of a cell in pixels for a picture *width* pixels wide."""
        return max(1, width // self.cells_per_width)


LAYOUT = CounterLayout()
NUMBERS = 1 << LAYOUT.number_bits
"""Frame numbers wrap here: after 6 days at 30 frames a second."""

MIN_CONTRAST = 64
"""Least difference between the white and the black cell that is a counter."""


def cell_values(number: int) -> list[bool]:
    """Return the row for *number*, left to right, white is True."""
    number_cells = _bits(number % NUMBERS, LAYOUT.number_bits)
    return [True, False, *number_cells, *_bits(sum(number_cells), LAYOUT.check_bits)]


def _bits(value: int, count: int) -> list[bool]:
    return [bool(value >> bit & 1) for bit in reversed(range(count))]


def _number(cells: list[bool]) -> int:
    return sum(cell << bit for bit, cell in enumerate(reversed(cells)))


def draw_counter(picture: NDArray[Any], number: int) -> None:
    """Draw *number* into *picture* (height, width, channels), in place."""
    size = LAYOUT.cell_size(picture.shape[1])
    row = np.repeat(np.array(cell_values(number), dtype=np.uint8) * 255, size)
    picture[-size:, : row.size] = row[None, :, None]


def read_counter(luma: Luma) -> int | None:
    """Return the frame number drawn into the picture, or None when none is readable."""
    size = LAYOUT.cell_size(luma.shape[1])
    middles = np.arange(LAYOUT.cells) * size + size // 2
    levels = luma[luma.shape[0] - 1 - size // 2, middles].astype(int)
    white, black = levels[:2]
    if white - black < MIN_CONTRAST:
        return None
    return _checked([bool(level > (white + black) / 2) for level in levels[2:]])


def _checked(cells: list[bool]) -> int | None:
    number_cells = cells[: LAYOUT.number_bits]
    if _number(cells[LAYOUT.number_bits :]) != sum(number_cells):
        return None
    return _number(number_cells)
