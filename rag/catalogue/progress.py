"""How far an import is: a bar on a terminal, plain lines at a bounded rate elsewhere."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

LINE_SECONDS = 10.0  # between lines in a log
_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class Measure:
    """
    One look at a stage.

    *done* of *total* is what the percentage counts, bytes of the files or documents;
    a total of 0 is unknown. *rows* took *seconds* so far.
    """

    stage: str
    done: int
    total: int
    rows: int
    seconds: float

    @property
    def share(self) -> float | None:
        """From 0 to 1, None while unknown."""
        return min(self.done / self.total, 1.0) if self.total else None

    @property
    def left(self) -> float | None:
        """Seconds to go at the speed so far, None while that says nothing."""
        share = self.share
        if not share or self.seconds <= 0:
            return None
        return self.seconds * (1 - share) / share

    def text(self) -> str:
        """Return `indexing 43 %, 8345 rows, 210 rows/s, 0:52 left`."""
        share = self.share
        parts = [self.stage if share is None else f"{self.stage} {int(share * 100)} %"]
        parts.append(f"{self.rows} rows")
        if self.seconds > 0:
            parts.append(f"{self.rows / self.seconds:.0f} rows/s")
        if self.left is not None:
            parts.append(f"{_clock(self.left)} left")
        return ", ".join(parts)


def _clock(seconds: float) -> str:
    whole = round(seconds)
    minutes = f"{whole % _HOUR // _MINUTE:02}:{whole % _MINUTE:02}"
    return f"{whole // _HOUR}:{minutes}" if whole >= _HOUR else minutes.removeprefix("0")


class ImportProgress:
    """Shows the stages of one import; a context manager."""

    def __init__(
        self,
        console: Console,
        *,
        clock: Callable[[], float] = time.monotonic,
        interval: float = LINE_SECONDS,
    ) -> None:
        self._console = console
        self._clock = clock
        self._interval = interval
        self._bar = Progress(
            SpinnerColumn(), BarColumn(), TextColumn("{task.description}"), console=console
        )
        self._task = self._bar.add_task("", total=None)
        self._stage, self._began, self._said = "", clock(), clock()

    def __enter__(self) -> Self:
        """Start the bar; in a log there is none."""
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last state of the bar where it is."""
        if self._console.is_terminal:
            self._bar.stop()

    def show(self, stage: str, *, done: int, total: int, rows: int) -> None:
        """Tell how far a stage is; a new name begins a new stage."""
        now = self._clock()
        if stage != self._stage:
            self._stage, self._began = stage, now
        measure = Measure(stage, done, total, rows, now - self._began)
        if self._console.is_terminal:
            self._bar.update(
                self._task, total=total or None, completed=done, description=measure.text()
            )
        elif now - self._said >= self._interval:
            self._said = now
            self._console.print(measure.text(), markup=False, highlight=False)
