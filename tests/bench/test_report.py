"""Pairs, ratios and what is made of them."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench import plot, report
from bench.crowd import Address
from bench.pairs import Comparison, compare, median
from bench.scenarios import Figures, Scale, Scenario

NOWHERE = Address(player_url="", streamer_url="", pid=None)


@dataclass
class Listed:
    """A server that notes when it runs."""

    name: str
    order: list[str] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Address]:
        """Take note."""
        self.order.append(self.name)
        yield NOWHERE


async def test_who_goes_first_alternates() -> None:
    """Each pair is measured the other way round than the one before."""
    order: list[str] = []

    async def measure(_address: Address, _scale: Scale) -> Figures:
        return {"cpu_us_per_message": 1.0}

    comparison = await compare(
        Scenario("steady", measure),
        floor=Listed("floor", order),
        server=Listed("ours", order),
        scale=Scale(pairs=3),
        tell=lambda _: None,
    )
    assert order == ["floor", "ours", "ours", "floor", "floor", "ours"]
    assert len(comparison.floor) == len(comparison.server) == 3


def test_the_ratio_is_the_median_of_the_pairs() -> None:
    """A pair that something disturbed does not move the result, as a mean would."""
    floor = [{"n": 10.0}, {"n": 20.0}, {"n": 10.0}]
    server = [{"n": 11.0}, {"n": 24.0}, {"n": 90.0}]
    assert Comparison("steady", floor, server).ratio("n") == pytest.approx(1.2)


def test_what_was_not_measured_has_no_ratio() -> None:
    """Without a process to read there is no CPU, rather than none used."""
    comparison = Comparison("steady", [{"n": 5.0}], [{"n": 0.0}])
    assert comparison.ratio("n") is None
    assert median([0.0, 0.0]) is None


@pytest.mark.parametrize(
    ("scenario", "name", "server", "expected"),
    [
        ("steady", "cpu_us_per_message", 15.0, "within 1.6"),
        ("steady", "cpu_us_per_message", 17.0, "OVER 1.6"),
        ("idle", "kib_per_player_at_1000", 18.0, "within 25"),
        ("idle", "kib_per_player_at_1000", 26.0, "OVER 25"),
        ("steady", "round_trip_ms", 99.0, ""),
    ],
)
def test_targets(scenario: str, name: str, server: float, expected: str) -> None:
    """A figure with a target says whether it is met: a ratio, or KiB for memory."""
    assert (
        report.verdict(Comparison(scenario, [{name: 10.0}], [{name: server}]), name) == expected
    )


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_a_plot_is_a_picture(tmp_path: Path, suffix: str) -> None:
    """Figures by number of players become a file of the kind its name says."""
    runs: list[Figures] = [
        {"cpu_us_per_message_at_10": 5.0, "cpu_us_per_handshake_at_10": 300.0},
        {"kib_per_player_at_100": 15.0, "kib_per_player_at_1000": 16.0},
    ]
    comparisons = [Comparison("growth", [run], [run]) for run in runs]
    path = tmp_path / f"plot{suffix}"
    plot.save(comparisons, path, server="ours")
    start = {".svg": b"<?xml", ".png": b"\x89PNG"}[suffix]
    assert path.read_bytes().startswith(start)
