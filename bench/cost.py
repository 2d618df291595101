"""What a process and its children cost, as the system counts it."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # its types are a package of their own


class NotRunning(Exception):
    """There is no process of that number."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Since the start of the processes, and now."""

    cpu_seconds: float
    rss_bytes: int


def cost_of(pid: int | None) -> Cost:
    """
    Return the cost of *pid* and its descendants; of None it is nothing.

    Raises:
        NotRunning: There is no such process.

    """
    if pid is None:
        return Cost(0.0, 0)
    costs = [cost for process in _family(pid) for cost in _one(process)]
    return Cost(sum(c.cpu_seconds for c in costs), sum(c.rss_bytes for c in costs))


def _family(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        raise NotRunning(f"no process {pid}") from None


def _one(process: psutil.Process) -> Iterator[Cost]:
    with contextlib.suppress(psutil.NoSuchProcess):
        yield Cost(_cpu_seconds(process), process.memory_info().rss)


def _cpu_seconds(process: psutil.Process) -> float:
    """Return CPU time; Linux's scheduler counts in nanoseconds, everything else in ticks."""
    threads = list(Path(f"/proc/{process.pid}/task").glob("*/schedstat"))
    if threads:
        return sum(_nanoseconds(thread) for thread in threads) / 1e9
    times = process.cpu_times()
    return float(times.user + times.system)


def _nanoseconds(schedstat: Path) -> int:
    with contextlib.suppress(OSError):
        return int(schedstat.read_text(encoding="ascii").split()[0])
    return 0
