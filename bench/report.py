"""Results as a table for people and as JSON for programs."""

import os
import platform
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final

from rich.table import Table

from bench.pairs import Comparison, median
from bench.scenarios import Scale

TARGETS: Final = {
    ("handshake", "cpu_us_per_handshake"): 1.6,
    ("saturated", "cpu_us_per_message"): 1.6,
    ("steady", "cpu_us_per_message"): 1.6,
}
"""The most that a unit of work may cost, as a ratio to the floor."""

MAX_KIB_PER_PLAYER: Final = 25.0

SPREAD_OF: Final = 2
"""Ratios from which there is a spread to show."""

LIBRARIES: Final = ("aiohttp", "uvloop", "orjson")


def verdict(comparison: Comparison, name: str) -> str:
    """Return whether the target of a figure is met; nothing if it has none."""
    limit = TARGETS.get((comparison.scenario, name))
    value = comparison.ratio(name)
    if name.startswith("kib_per_player") and comparison.scenario == "idle":
        limit, value = MAX_KIB_PER_PLAYER, median(run[name] for run in comparison.server)
    if limit is None or value is None:
        return ""
    return f"{'within' if value <= limit else 'OVER'} {limit:g}"


def table(comparisons: Iterable[Comparison], *, server: str) -> Table:
    """Return the medians of all figures, and what each is to the floor's."""
    result = Table("scenario", "figure", title="medians; ratios are medians of pairs")
    for heading in ("floor", server, "ratio", "pairs from … to", "target"):
        result.add_column(heading, justify="right")
    for comparison in comparisons:
        for name in comparison.names:
            result.add_row(*_row(comparison, name))
        result.add_section()
    return result


def _row(comparison: Comparison, name: str) -> list[str]:
    ratios = comparison.ratios(name)
    spread = f"{min(ratios):.2f} … {max(ratios):.2f}" if len(ratios) >= SPREAD_OF else ""
    return [
        comparison.scenario,
        name.replace("_", " "),
        _number(median(run[name] for run in comparison.floor)),
        _number(median(run[name] for run in comparison.server)),
        _number(comparison.ratio(name)),
        spread,
        verdict(comparison, name),
    ]


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}"


def document(comparisons: Iterable[Comparison], *, scale: Scale, server: str) -> dict[str, Any]:
    """Return every figure of every run, and where they were measured."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "server": server,
        "scale": asdict(scale),
        "results": {c.scenario: _figures(c) for c in comparisons},
    }


def machine() -> dict[str, Any]:
    """Return what figures depend on."""
    return {
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


def _figures(comparison: Comparison) -> dict[str, Any]:
    return {
        name: {
            "floor": [run[name] for run in comparison.floor],
            "server": [run[name] for run in comparison.server],
            "ratio": comparison.ratio(name),
        }
        for name in comparison.names
    }
