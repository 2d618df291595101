"""
How many users a host holds, from measurements, and what limits it.

For each resource a line is fitted to its load by number of users; the host
holds as many users as stay within the resource's budget. Frame time is no
line (it is flat at the cap until the GPU is full), so there the measured
levels are interpolated. GPU load at its ceiling says nothing about what a
user costs and is left out of the fit.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import median
from typing import Any, Final

from ue5_config.errors import SampleError
from ue5_config.fitting import Line, fit
from ue5_config.samples import Sample

MAX_USERS: Final = 1000
"""No estimate goes beyond; a load that does not grow with users gives this."""

SATURATED_PERCENT: Final = 98.0
"""From here on a load is at its ceiling and no longer measures demand."""

FRAME_TIME_TOLERANCE: Final = 1.05
"""A capped instance's frame time is the cap's, give or take; 5 % over it is late."""

_EXTRAPOLATION: Final = 2.0
"""Beyond this many times the largest measured number of users an estimate is a guess."""


class Resource(StrEnum):
    """What users share."""

    GPU = "gpu"
    ENCODER = "encoder"
    VRAM = "vram"
    FRAME_TIME = "frame time"
    SESSIONS = "encoder sessions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """
    What is asked of the host.

    `headroom` (0 to 1) is the share of GPU, encoder and VRAM kept free.
    `encoder_sessions` None is no limit. `vram_mib` overrides the measured total.
    """

    frame_rate: float = 30.0
    headroom: float = 0.1
    encoder_sessions: int | None = None
    vram_mib: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """
    How many users one resource allows.

    `low` and `high` are the 95 % interval, None where the samples are too few
    for one. `per_user` and `base` are in the resource's unit.
    """

    resource: Resource
    users: int
    low: int | None = None
    high: int | None = None
    per_user: float | None = None
    base: float | None = None
    budget: float | None = None
    notes: tuple[str, ...] = ()
    line: Line | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What a configuration allows: the estimates, fewest users first."""

    configuration: str
    estimates: tuple[Estimate, ...]
    levels: tuple[int, ...]

    @property
    def limiting(self) -> Estimate:
        """The resource that allows the fewest users."""
        return self.estimates[0]

    @property
    def users(self) -> int:
        """How many users the host holds."""
        return self.limiting.users

    @property
    def host_share(self) -> float | None:
        """The share of the host one user costs (0 to 1); None where it holds nobody."""
        return 1 / self.users if self.users else None

    def as_json(self) -> dict[str, Any]:
        """Return the capacity as a JSON object."""
        return {
            "configuration": self.configuration,
            "users": self.users,
            "low": self.limiting.low,
            "high": self.limiting.high,
            "limitedBy": self.limiting.resource.value,
            "hostSharePerUser": self.host_share,
            "measuredInstances": list(self.levels),
            "resources": [_estimate_json(one) for one in self.estimates],
        }


def capacities(samples: Sequence[Sample], wish: Wish) -> list[Capacity]:
    """
    Return the capacity of each configuration in *samples*, in their order.

    Raises `SampleError` where nothing can be said about one.
    """
    names = dict.fromkeys(sample.configuration for sample in samples)
    return [
        capacity(
            [one for one in samples if one.configuration == name], wish, configuration=name
        )
        for name in names
    ]


def capacity(samples: Sequence[Sample], wish: Wish, *, configuration: str = "") -> Capacity:
    """Return the capacity that *samples* of one configuration show; raises `SampleError`."""
    if not any(sample.instances for sample in samples):
        raise SampleError(f"configuration {configuration!r} was measured idle only")
    found = [one for measure in _MEASURES for one in measure(samples, wish)]
    if not found:
        raise SampleError(f"configuration {configuration!r} has nothing to estimate users from")
    ordered = sorted(found, key=lambda one: one.users)
    levels = tuple(sorted({sample.instances for sample in samples}))
    return Capacity(configuration=configuration, estimates=tuple(ordered), levels=levels)


def _gpu(samples: Sequence[Sample], wish: Wish) -> Iterator[Estimate]:
    pairs = [(one.instances, one.gpu) for one in samples if one.gpu is not None]
    yield from _load(Resource.GPU, pairs, 100 * (1 - wish.headroom))


def _encoder(samples: Sequence[Sample], wish: Wish) -> Iterator[Estimate]:
    pairs = [(one.instances, one.encoder) for one in samples if one.encoder is not None]
    yield from _load(Resource.ENCODER, pairs, 100 * (1 - wish.headroom))


def _load(
    resource: Resource, pairs: list[tuple[int, float]], budget: float
) -> Iterator[Estimate]:
    below = [pair for pair in pairs if pair[1] < SATURATED_PERCENT]
    full = [users for users, load in pairs if load >= SATURATED_PERCENT]
    if _with_users(below):
        yield _bounded(_estimate(resource, below, budget), full)
    elif full:
        note = f"full with {min(full)} already: what a user needs cannot be told from it"
        yield Estimate(resource=resource, users=min(full), budget=budget, notes=(note,))


def _with_users(pairs: list[tuple[int, float]]) -> bool:
    """Tell whether *pairs* show what users cost, not an idle host alone."""
    return any(users for users, _ in pairs)


def _bounded(estimate: Estimate, full: list[int]) -> Estimate:
    """Keep the line from promising a number of users that was seen to fill the resource."""
    if not full or estimate.users < min(full):
        return estimate
    users = min(full) - 1
    return Estimate(
        resource=estimate.resource,
        users=users,
        low=None if estimate.low is None else min(estimate.low, users),
        high=None if estimate.high is None else min(estimate.high, users),
        per_user=estimate.per_user,
        base=estimate.base,
        budget=estimate.budget,
        notes=(*estimate.notes, f"measured full with {min(full)} users"),
        line=estimate.line,
    )


def _vram(samples: Sequence[Sample], wish: Wish) -> Iterator[Estimate]:
    pairs = [(one.instances, one.vram_mib) for one in samples if one.vram_mib is not None]
    totals = [one.vram_total_mib for one in samples if one.vram_total_mib is not None]
    total = wish.vram_mib or max(totals, default=None)
    if _with_users(pairs) and total:
        yield _estimate(Resource.VRAM, pairs, total * (1 - wish.headroom))


def _frame_time(samples: Sequence[Sample], wish: Wish) -> Iterator[Estimate]:
    levels: dict[int, list[float]] = {}
    for one in samples:
        if one.frame_time_ms is not None and one.instances:
            levels.setdefault(one.instances, []).append(one.frame_time_ms)
    if levels:
        medians = [(users, median(times)) for users, times in sorted(levels.items())]
        yield _interpolated(medians, 1000 / wish.frame_rate * FRAME_TIME_TOLERANCE)


def _interpolated(levels: list[tuple[int, float]], limit: float) -> Estimate:
    late = next((users for users, time in levels if time > limit), None)
    if late is None:
        note = f"in time up to {_users(levels[-1][0])}"
        return _frame_time_estimate(MAX_USERS, limit, note)
    if late == levels[0][0]:
        return _frame_time_estimate(late - 1, limit, f"late with {late} already")
    (low, fast), (high, slow) = next(pair for pair in pairwise(levels) if pair[1][0] == late)
    users = int(low + (high - low) * (limit - fast) / (slow - fast))
    return _frame_time_estimate(users, limit, f"in time with {low}, late with {high}")


def _frame_time_estimate(users: int, limit: float, note: str) -> Estimate:
    return Estimate(resource=Resource.FRAME_TIME, users=users, budget=limit, notes=(note,))


def _sessions(_samples: Sequence[Sample], wish: Wish) -> Iterator[Estimate]:
    limit = wish.encoder_sessions
    if limit is not None:
        yield Estimate(
            resource=Resource.SESSIONS,
            users=limit,
            low=limit,
            high=limit,
            per_user=1.0,
            base=0.0,
            budget=limit,
            notes=("one session a viewer",),
        )


_MEASURES: Final[tuple[Callable[[Sequence[Sample], Wish], Iterator[Estimate]], ...]] = (
    _gpu,
    _encoder,
    _vram,
    _frame_time,
    _sessions,
)


def _estimate(resource: Resource, pairs: list[tuple[int, float]], budget: float) -> Estimate:
    line = fit([users for users, _ in pairs], [load for _, load in pairs])
    users = _most(line.at, budget)
    known = line.freedom > 0
    return Estimate(
        resource=resource,
        users=users,
        low=_most(lambda count: line.at(count) + (line.margin(count) or 0), budget)
        if known
        else None,
        high=_most(lambda count: line.at(count) - (line.margin(count) or 0), budget)
        if known
        else None,
        per_user=line.per_user,
        base=line.base,
        budget=budget,
        notes=tuple(_doubts(line, users, max(count for count, _ in pairs))),
        line=line,
    )


def _doubts(line: Line, users: int, measured: int) -> Iterator[str]:
    if line.through_origin:
        yield "one number of users measured: what an idle host takes is counted to the users"
    if line.freedom < 1:
        yield "too few samples for an interval"
    if line.per_user <= 0:
        yield "does not grow with users"
    elif users > _EXTRAPOLATION * measured:
        yield f"far beyond the {measured} measured: a guess"


def _most(load: Callable[[int], float], budget: float) -> int:
    """Return the largest number of users up to which the load stays within the budget."""
    within = 0
    while within < MAX_USERS and load(within + 1) <= budget:
        within += 1
    return within


def _estimate_json(one: Estimate) -> dict[str, Any]:
    return {
        "resource": one.resource.value,
        "users": one.users,
        "low": one.low,
        "high": one.high,
        "perUser": one.per_user,
        "base": one.base,
        "budget": one.budget,
        "notes": list(one.notes),
    }


def describe(found: Capacity, *, unit_cost: float | None = None) -> Iterable[str]:
    """Yield the lines of a capacity for people."""
    limit = found.limiting
    interval = "" if limit.low is None else f" (95 %: {limit.low} to {_high(limit.high)})"
    name = f"{found.configuration}: " if found.configuration else ""
    yield f"{name}{_users(found.users)}{interval}, limited by {limit.resource}"
    for one in found.estimates:
        yield f"  {_describe(one)}"
    share = found.host_share
    if share is not None:
        cost = "" if unit_cost is None else f", {unit_cost * share:.4g} of {unit_cost:g}"
        yield f"  a user costs {100 * share:.1f} % of the host{cost}"


def _users(count: int) -> str:
    return "1 user" if count == 1 else f"{count} users"


def _high(users: int | None) -> str:
    return f"{MAX_USERS} or more" if users is None or users >= MAX_USERS else str(users)


def _describe(one: Estimate) -> str:
    users = "no bound" if one.users >= MAX_USERS else str(one.users)
    unit = _UNITS[one.resource]
    parts = [f"{one.resource}: {users}"]
    if (
        one.per_user is not None
        and one.base is not None
        and one.resource is not Resource.SESSIONS
    ):
        parts.append(f"{one.base:.1f} + {one.per_user:.1f} {unit} a user")
    if one.budget is not None:
        parts.append(f"budget {one.budget:.1f} {unit}".rstrip())
    return "; ".join([*parts, *one.notes])


_UNITS: Final = {
    Resource.GPU: "%",
    Resource.ENCODER: "%",
    Resource.VRAM: "MiB",
    Resource.FRAME_TIME: "ms",
    Resource.SESSIONS: "",
}
