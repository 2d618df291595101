"""Logs: JSON lines on standard output, or colours on a terminal, and files if wanted."""

import logging
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final, Protocol, TextIO

import orjson
import structlog

from signalling.errors import OptionError
from signalling.log_rate import LineRate

MAX_WAITING_LINES: Final = 10_000
"""Lines kept for an output that nobody reads; older ones are dropped, the server goes on."""

FLUSH_SECONDS: Final = 0.1
"""How long a line may wait for others: one write of many lines costs little more than one."""

KEPT_FILES: Final = 14
"""Days of log files that are kept."""

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


class Destination(Protocol):
    """Takes the bytes of log lines; may raise `OSError` or `ValueError` when it is gone."""

    def write(self, text: str, /) -> object:
        """Take some lines, each with its line feed."""

    def flush(self) -> object:
        """Make them visible."""


class BatchedOutput:
    """Writes lines from a thread of its own, so that no log call waits for a pipe."""

    def __init__(self, stream: Destination) -> None:
        self._stream = stream
        self._lines: deque[str] = deque(maxlen=MAX_WAITING_LINES)
        self._stopping = Event()
        self._has_some = Event()
        self._thread = Thread(target=self._run, name="logs", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Take a line."""
        self._lines.append(line)
        if not self._has_some.is_set():
            self._has_some.set()

    def close(self) -> None:
        """Write what is left."""
        self._stopping.set()
        self._has_some.set()
        self._thread.join(timeout=1)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._has_some.wait()
            self._stopping.wait(FLUSH_SECONDS)
            self._has_some.clear()
            self._flush()

    def _flush(self) -> None:
        lines = []
        while self._lines:
            lines.append(self._lines.popleft())
        if not lines:
            return
        try:
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            # The reader of our output is gone; there is nobody left to tell.
            self._stopping.set()


class DailyFile:
    """
    A file in *folder* for each day (UTC), of which the last ones are kept.

    Raises:
        OptionError: The folder cannot be made or written to.

    """

    def __init__(self, folder: Path, *, today: Callable[[], date] | None = None) -> None:
        self._folder = folder
        self._today = today or _utc_today
        self._day = self._today()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self._open()
        except OSError as exc:
            raise OptionError(f"log_folder: cannot write in {folder}: {exc.strerror}") from None

    def write(self, text: str, /) -> None:
        """See `Destination`."""
        if self._today() != self._day:
            self._day = self._today()
            self._file.close()
            self._file = self._open()
        self._file.write(text)

    def flush(self) -> None:
        """See `Destination`."""
        self._file.flush()

    def close(self) -> None:
        """Close the file of the day."""
        self._file.close()

    def _open(self) -> TextIO:
        for old in sorted(self._folder.glob("server-*.log"))[: -KEPT_FILES + 1]:
            old.unlink(missing_ok=True)
        return (self._folder / f"server-{self._day}.log").open("a", encoding="utf-8")


def _utc_today() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class Sink:
    """One place where events go, from a level on, each as a line."""

    level: int
    render: Callable[[dict[str, Any]], str]
    output: BatchedOutput


class Logs:
    """Everything that is logged, until `close`; structlog's logger interface."""

    def __init__(
        self, sinks: Sequence[Sink], *, rate: LineRate, closing: Sequence[DailyFile] = ()
    ) -> None:
        self.rate = rate
        self._sinks = tuple(sinks)
        self._closing = tuple(closing)

    @property
    def level(self) -> int:
        """The least level that anybody wants."""
        return min(sink.level for sink in self._sinks)

    def debug(self, **event: Any) -> None:
        """Take a finished event."""
        self._write(logging.DEBUG, event)

    def info(self, **event: Any) -> None:
        """Take a finished event."""
        self._write(logging.INFO, event)

    def warning(self, **event: Any) -> None:
        """Take a finished event."""
        self._write(logging.WARNING, event)

    def error(self, **event: Any) -> None:
        """Take a finished event."""
        self._write(logging.ERROR, event)

    warn = warning
    exception = critical = fatal = error

    def close(self) -> None:
        """Write what is left."""
        for sink in self._sinks:
            sink.output.close()
        for file in self._closing:
            file.close()

    def _write(self, level: int, event: dict[str, Any]) -> None:
        left_out = self.rate.take(event["event"])
        if left_out is None:
            return
        if left_out:
            event["left_out"] = left_out
        for sink in self._sinks:
            if level >= sink.level:
                sink.output.write(sink.render(dict(event)))


def configure(
    level: str,
    *,
    stream: TextIO | None = None,
    folder: Path | None = None,
    file_level: str = "info",
    rate: LineRate | None = None,
    for_good: bool = True,
) -> Logs:
    """
    Send structlog's events at *level* and above to *stream*, by default standard output.

    With a *folder*, those at *file_level* and above go to a file of the day
    in it, too. Of one event no more lines are written than *rate* allows. Unless
    *for_good*, it may be called again. Close the result at the end.

    Raises:
        OptionError: The folder cannot be written to.

    """
    stream = sys.stdout if stream is None else stream
    render = _for_terminal if stream.isatty() else _to_json
    sinks = [Sink(LEVELS[level], render, BatchedOutput(stream))]
    files = [DailyFile(folder)] if folder is not None else []
    sinks += [Sink(LEVELS[file_level], _to_json, BatchedOutput(file)) for file in files]
    logs = Logs(sinks, rate=rate or LineRate(0, 0), closing=files)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logs.level),
        logger_factory=lambda *_: logs,
        cache_logger_on_first_use=for_good,
    )
    return logs


_console = structlog.dev.ConsoleRenderer(
    # The default shows the values of local variables, and secrets are among them.
    exception_formatter=structlog.dev.plain_traceback
)


def _for_terminal(event: dict[str, Any]) -> str:
    return str(_console(None, "", {key: _harmless(value) for key, value in event.items()}))


def _harmless(value: object) -> object:
    """Return *value* without what a terminal would obey, or show as something else."""
    return value if not isinstance(value, str) or value.isprintable() else ascii(value)


def _to_json(event: dict[str, Any]) -> str:
    told = structlog.processors.format_exc_info(None, "", event)
    return orjson.dumps(told, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
