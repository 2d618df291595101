"""What this program says of itself."""

import importlib.metadata


def version() -> str:
    """Return the version of this program; of a source tree that is not installed, `source`."""
    try:
        return importlib.metadata.version("pycirrus")
    except importlib.metadata.PackageNotFoundError:
        return "source"
