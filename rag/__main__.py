"""`python -m rag index | search | ask | evaluate`: the catalogue from the command line."""

import logging
import sys

import structlog

from rag.cli import main

if __name__ == "__main__":
    # Standard output is the command's answer.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    sys.exit(main())
