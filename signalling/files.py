"""Open files: each socket is one, and systems start programs with 1,024."""

import contextlib
import sys


def raise_file_limit() -> None:
    """
    Allow this process, and those it starts, as many open files as the system lets it.

    The lower limit that programs start with is for those that use select();
    at 1,024 a server takes no player after the thousandth.
    """
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not on Windows

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS calls its upper limit infinite and refuses it.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
