"""What of the options and of messages may be shown: everything but secrets."""

import re
from typing import Any, Final

from pydantic import BaseModel

from signalling.messages import Json

HIDDEN: Final = "(hidden)"

SECRET_NAMES: Final = frozenset(
    {"credential", "credentials", "password", "secret", "token", "api_key", "key"}
)
"""Names that hold a secret, alone or as the end of a longer name."""

MAX_DEPTH: Final = 16
"""Levels of a message that are shown: one may be nested deeper than it can be written."""

TOO_DEEP: Final = "(nested too deeply)"

USER_IN_URL: Final = re.compile(r"(?<=://)[^/@\s]+@")


def shown_options(settings: BaseModel) -> Json:
    """
    Return the options as JSON without any secret.

    A secret is what is declared with `repr=False`, or is named like one;
    user and password are cut from URLs.
    """
    fields = type(settings).model_fields
    values = settings.model_dump(mode="json")
    return {
        name: HIDDEN if value and not fields[name].repr else redacted(value, name)
        for name, value in values.items()
    }


def redacted(value: Any, name: str = "", *, depth: int = MAX_DEPTH) -> Any:
    """Return JSON *value*, found under *name*, without its secrets and deepest levels."""
    if isinstance(value, dict | list) and depth == 0:
        return TOO_DEEP
    if isinstance(value, dict):
        return {key: redacted(inner, key, depth=depth - 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [redacted(inner, name, depth=depth - 1) for inner in value]
    if value and is_secret(name):
        return HIDDEN
    return USER_IN_URL.sub("", value) if isinstance(value, str) else value


def is_secret(name: str) -> bool:
    """Return whether something of this name is a secret; a file with one is none."""
    words = name.lower()
    return any(words == secret or words.endswith(f"_{secret}") for secret in SECRET_NAMES)
