"""Options of what is logged and where."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from signalling.options.reading import OptionGroup

Level = Literal["debug", "info", "warning", "error"]
Detail = Literal["basic", "verbose", "formatted"]


class LogSettings(OptionGroup):
    """Options of the logs."""

    log_level_console: Level = "info"
    """The least level that is logged; debug has a line per forwarded message."""

    log_folder: Path | None = None
    """A folder for log files, one a day, kept for two weeks; none by default."""

    log_level_file: Level = "info"
    """The least level that is written to log_folder."""

    log_lines_per_second: float = Field(200, ge=0)
    """Lines of one event, on average; more are left out and counted. 0 means no limit."""

    log_lines_burst: int = Field(5_000, ge=1)
    """Lines of one event at once."""

    console_messages: Detail | None = Field(None, json_schema_extra={"preset": "basic"})
    """
    Log every message: who and what (basic), all of it (verbose), or that indented.

    A busy server needs a higher log_lines_per_second for it, or 0.
    """

    log_config: bool = False
    """Log the options at the start, without secrets."""
