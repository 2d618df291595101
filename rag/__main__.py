"""`python -m rag index | search | ask | evaluate`: the catalogue from the command line."""

import logging
import sys
from typing import Final

import structlog

WRONG_USAGE: Final = 2


def run() -> int:
    """Run the command line; without an extra that it needs, say which."""
    try:
        from rag.cli import main  # noqa: PLC0415 - a plain install cannot import it

        return main()
    except ModuleNotFoundError as error:
        extra = "plot" if error.name == "matplotlib" else "rag"
        line = f"this needs {error.name}: pip install 'pycirrus[{extra}]'"
        print(line, file=sys.stderr)
        return WRONG_USAGE


if __name__ == "__main__":
    # Standard output is the command's answer.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    sys.exit(run())
