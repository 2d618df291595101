"""How the cost of a message, a handshake and a player grows with the players."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from bench.pairs import Comparison, median

PANELS: Final = {
    "cpu_us_per_message": "CPU per forwarded message, µs",
    "cpu_us_per_handshake": "CPU per handshake, µs",
    "kib_per_player": "memory per player, KiB",
}

COLOURS: Final = {"floor": "#9aa0a6", "server": "#1a6fb5"}

SIZE_INCHES: Final = (10.5, 3.2)

HEADROOM: Final = 0.3
"""Above the highest point, as a share of what the points span."""


def save(comparisons: Sequence[Comparison], path: Path, *, server: str) -> None:
    """Draw figures by number of players into *path*; its suffix says in which format."""
    mpl.use("Agg")
    # The same figures give the same file.
    mpl.rcParams.update({"svg.hashsalt": "bench", "svg.fonttype": "none", "font.size": 9})
    figure, panels = plt.subplots(1, len(PANELS), figsize=SIZE_INCHES, layout="constrained")
    for axes, (name, title) in zip(panels, PANELS.items(), strict=True):
        axes.margins(y=HEADROOM)
        for comparison in comparisons:
            _draw(axes, comparison, name)
        axes.set(title=title, xlabel="players connected", xscale="log", ylim=(0, None))
    panels[0].legend(["floor", server], frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)


def _draw(axes: Axes, comparison: Comparison, name: str) -> None:
    for label, runs in (("floor", comparison.floor), ("server", comparison.server)):
        points = [
            (size, median(run[key] for run in runs)) for size, key in _sizes(runs[0], name)
        ]
        if points:
            sizes, values = zip(*points, strict=True)
            axes.plot(sizes, values, "o-", color=COLOURS[label])
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)


def _sizes(figures: dict[str, float], name: str) -> list[tuple[int, str]]:
    """Return how many players each figure called *name* is about."""
    keys = [key for key in figures if key.startswith(f"{name}_at_")]
    return [(int(key.rpartition("_")[2]), key) for key in keys]
