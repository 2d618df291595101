"""Labels in the URL of a socket: what a streamer has, and what a player asks for."""

from collections.abc import Mapping
from typing import Final

LABEL: Final = "label."
"""Begins the query parameters that are labels: `?label.gpu=l4`."""

MAX_LABELS: Final = 16

MAX_NAME: Final = 128
"""Characters of a parameter's name; longer ones are no labels."""


def labels_in(query: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of *query* by name, at most `MAX_LABELS`."""
    labels = {
        name.removeprefix(LABEL): value
        for name, value in query.items()
        if name.startswith(LABEL) and len(name) <= MAX_NAME
    }
    return dict(list(labels.items())[:MAX_LABELS])
