"""What is measured: one load on one running server, and the figures it gives."""

import asyncio
import contextlib
import gc
import statistics
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

from bench.cost import Cost, cost_of
from bench.crowd import Address, Crowd, Void

STEADY_MESSAGES: Final = 2_000
"""Forwarded messages per second of the steady load; each round trip is two."""

MICRO: Final = 1e6
KIB: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How long and how much."""

    pairs: int = 5
    seconds: float = 5.0
    """The measured window."""
    warm_up: float = 2.0
    players: int = 50
    in_flight: int = 200
    idle: tuple[int, ...] = (100, 1_000, 5_000, 10_000)
    growth: tuple[int, ...] = (10, 100, 1_000, 10_000)
    settle: float = 2.0
    """Seconds before memory is read."""


QUICK: Final = Scale(
    pairs=1, seconds=0.3, warm_up=0.1, players=8, in_flight=16, idle=(16, 32), growth=(4, 16),
    settle=0.1,
)  # fmt: skip
"""Whether everything works; the figures mean nothing."""

Figures = dict[str, float]
"""By name; the unit stands in the name."""

Measure = Callable[[Address, Scale], Awaitable[Figures]]


@dataclass(frozen=True, slots=True)
class Window:
    """What happened between two moments."""

    seconds: float
    cpu_seconds: float

    def cpu_us(self, units: int) -> float:
        """Return microseconds of the server's CPU time for each of *units*."""
        return self.cpu_seconds / units * MICRO if units else 0.0


async def watch(
    crowd: Crowd, load: AbstractAsyncContextManager[None], scale: Scale
) -> tuple[Window, int, int]:
    """Run *load*; return the window, and the handshakes and round trips in it."""
    tally, loop = crowd.tally, asyncio.get_running_loop()
    # Garbage of the generator is rare, and collecting it would show up as latency.
    gc.collect()
    gc.freeze()
    async with load:
        await asyncio.sleep(scale.warm_up)
        tally.seconds.clear()
        crowd.handshake_seconds.clear()
        before, began = _cost(crowd), loop.time()
        handshakes, returned = crowd.handshakes, tally.returned
        await asyncio.sleep(scale.seconds)
        window = Window(loop.time() - began, _cost(crowd).cpu_seconds - before.cpu_seconds)
        handshakes, returned = crowd.handshakes - handshakes, tally.returned - returned
    await asyncio.sleep(scale.settle)
    _void_if_faulty(crowd)
    return window, handshakes, returned


def _cost(crowd: Crowd) -> Cost:
    return cost_of(crowd.address.pid)


def _void_if_faulty(crowd: Crowd) -> None:
    if crowd.tally.faults:
        raise Void(", ".join(f"{what} ({n}×)" for what, n in crowd.tally.faults.items()))


def _milliseconds(seconds: list[float]) -> float:
    return statistics.median(seconds) * 1e3 if seconds else 0.0


async def handshakes_in(crowd: Crowd, scale: Scale) -> Figures:
    """Measure handshakes while the players of *crowd* stay."""
    window, done, _ = await watch(crowd, crowd.shaking_hands(), scale)
    return {
        "cpu_us_per_handshake": window.cpu_us(done),
        "handshakes_per_second": done / window.seconds,
        "handshake_ms": _milliseconds(crowd.handshake_seconds),
        "cpu_share": window.cpu_seconds / window.seconds,
    }


async def forwarding_in(
    crowd: Crowd, load: AbstractAsyncContextManager[None], scale: Scale
) -> Figures:
    """Measure forwarding under *load*."""
    window, _, returned = await watch(crowd, load, scale)
    return {
        "cpu_us_per_message": window.cpu_us(2 * returned),
        "messages_per_second": 2 * returned / window.seconds,
        "round_trip_ms": _milliseconds(crowd.tally.seconds),
        "cpu_share": window.cpu_seconds / window.seconds,
    }


async def handshake(address: Address, scale: Scale) -> Figures:
    """Players come, go through the whole handshake and leave, 16 at a time."""
    async with Crowd(address) as crowd:
        return await handshakes_in(crowd, scale)


async def saturated(address: Address, scale: Scale) -> Figures:
    """Candidates go back and forth as fast as the server takes them."""
    async with Crowd(address) as crowd:
        await crowd.grow(scale.players)
        return await forwarding_in(crowd, crowd.in_flight(scale.in_flight), scale)


async def steady(address: Address, scale: Scale) -> Figures:
    """Candidates go back and forth at 2,000 messages per second in all."""
    async with Crowd(address) as crowd:
        await crowd.grow(scale.players)
        return await forwarding_in(crowd, crowd.at_rate(STEADY_MESSAGES / 2), scale)


async def idle(address: Address, scale: Scale) -> Figures:
    """Players that watch and say nothing: what each keeps in memory."""
    figures: Figures = {}
    async with Crowd(address) as crowd:
        empty = _cost(crowd).rss_bytes
        for size in scale.idle:
            await crowd.grow(size)
            await asyncio.sleep(scale.settle)
            figures[f"kib_per_player_at_{size}"] = (_cost(crowd).rss_bytes - empty) / size / KIB
        window, _, _ = await watch(crowd, _nothing(), scale)
        figures["idle_cpu_ms_per_second"] = window.cpu_seconds / window.seconds * 1e3
    return figures


def _nothing() -> AbstractAsyncContextManager[None]:
    return contextlib.nullcontext()


async def growth(address: Address, scale: Scale) -> Figures:
    """How the cost of each unit grows with the number of players that are there."""
    figures: Figures = {}
    async with Crowd(address) as crowd:
        for size in scale.growth:
            await crowd.grow(size)
            load = crowd.in_flight(scale.in_flight)
            message = (await forwarding_in(crowd, load, scale))["cpu_us_per_message"]
            hands = (await handshakes_in(crowd, scale))["cpu_us_per_handshake"]
            figures |= {
                f"cpu_us_per_message_at_{size}": message,
                f"cpu_us_per_handshake_at_{size}": hands,
            }
    return figures


@dataclass(frozen=True, slots=True)
class Scenario:
    """A load with a name."""

    name: str
    measure: Measure

    @property
    def summary(self) -> str:
        """What it does, in a line."""
        return (self.measure.__doc__ or "").strip()


SCENARIOS: Final = {
    measure.__name__: Scenario(measure.__name__, measure)
    for measure in (handshake, saturated, steady, idle, growth)
}
