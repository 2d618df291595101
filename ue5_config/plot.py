"""
A picture of measurements and the fitted line.

Needs matplotlib: `pip install pycirrus[plot]`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ue5_config.capacity import Capacity, Estimate, Resource
from ue5_config.errors import PlotError
from ue5_config.samples import Sample

SUFFIXES: Final = frozenset({".svg", ".png", ".pdf"})

_FIELDS: Final = {
    Resource.GPU: ("gpu", "GPU load, %"),
    Resource.ENCODER: ("encoder", "encoder load, %"),
    Resource.VRAM: ("vram_mib", "VRAM, MiB"),
    Resource.FRAME_TIME: ("frame_time_ms", "frame time, ms"),
}


def draw(found: Sequence[Capacity], samples: Sequence[Sample], path: Path) -> None:
    """
    Write a picture with one panel a resource to *path* (.svg, .png or .pdf).

    Raises `PlotError` without matplotlib or for another suffix.
    """
    if path.suffix not in SUFFIXES:
        raise PlotError(f"{path.name}: a plot is one of {', '.join(sorted(SUFFIXES))}")
    figure_type, canvas_type = _matplotlib()
    shown = [one for one in _FIELDS if any(_estimate(each, one) for each in found)]
    figure = figure_type(figsize=(4.5 * max(1, len(shown)), 4), layout="constrained")
    canvas_type(figure)
    for index, resource in enumerate(shown, start=1):
        _panel(figure.add_subplot(1, len(shown), index), resource, found, samples)
    figure.savefig(path)


def _matplotlib() -> tuple[Any, Any]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 -- optional
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise PlotError("a plot needs matplotlib: pip install 'pycirrus[plot]'") from error
    return Figure, FigureCanvasAgg


def _estimate(capacity: Capacity, resource: Resource) -> Estimate | None:
    return next((one for one in capacity.estimates if one.resource is resource), None)


def _panel(
    axes: Any, resource: Resource, found: Sequence[Capacity], samples: Sequence[Sample]
) -> None:
    field, label = _FIELDS[resource]
    for number, capacity in enumerate(found):
        colour = f"C{number}"
        ours = [one for one in samples if one.configuration == capacity.configuration]
        points = [(one.instances, getattr(one, field)) for one in ours]
        known = [(users, value) for users, value in points if value is not None]
        name = capacity.configuration or "measured"
        axes.plot(*zip(*known, strict=True), "o", color=colour, label=name)
        _line(axes, _estimate(capacity, resource), colour)
    axes.set_xlabel("users")
    axes.set_ylabel(label)
    axes.set_ylim(bottom=0)
    axes.legend()


def _line(axes: Any, estimate: Estimate | None, colour: str) -> None:
    if estimate is None:
        return
    if estimate.budget is not None:
        axes.axhline(estimate.budget, color="grey", linestyle=":", linewidth=1)
    line = estimate.line
    if line is None:
        return
    users = range(max(estimate.users, round(line.mean_users)) + 2)
    axes.plot(users, [line.at(one) for one in users], color=colour)
    margins = [line.margin(one) or 0.0 for one in users]
    low = [line.at(one) - margin for one, margin in zip(users, margins, strict=True)]
    high = [line.at(one) + margin for one, margin in zip(users, margins, strict=True)]
    axes.fill_between(users, low, high, color=colour, alpha=0.15)
