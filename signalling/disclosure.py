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


def redacted(value: Any, name: str = "") -> Any:
    """Return JSON *value*, found under *name*, with every secret in it hidden."""
    if isinstance(value, dict):
        return {key: redacted(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [redacted(inner, name) for inner in value]
    if value and is_secret(name):
        return HIDDEN
    return USER_IN_URL.sub("", value) if isinstance(value, str) else value


def is_secret(name: str) -> bool:
    """Return whether something of this name is a secret; a file with one is none."""
    words = name.lower()
    return any(words == secret or words.endswith(f"_{secret}") for secret in SECRET_NAMES)
