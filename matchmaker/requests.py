"""A user's request in their own words, checked and made into a demand."""

import secrets
import zlib
from collections.abc import Mapping
from typing import Final

from matchmaker.errors import RefusedError
from matchmaker.model import Demand

MAX_REQUIREMENTS: Final = 8
MAX_TEXT: Final = 64
"""Characters of an application, region, requirement name or value."""

MAX_CLIENT_TOKEN: Final = 128


def new_session_id() -> str:
    """Return an id that cannot be guessed and fits into a host name (80 bits)."""
    return secrets.token_hex(10)


def draw(user: str) -> float:
    """Return the user's draw in [0, 1) for canaries; the same at every visit."""
    return zlib.crc32(user.encode()) / 2**32


def checked_demand(
    application: str,
    region: str,
    requirements: Mapping[str, str] | None,
    client_token: str,
) -> Demand:
    """
    Return the demand that a request's own words make.

    Raises:
        RefusedError: `bad_requirements`, when they are too many or too long.

    """
    extra = dict(requirements or {})
    texts = [application, region, *extra, *extra.values()]
    fits = len(extra) <= MAX_REQUIREMENTS and len(client_token) <= MAX_CLIENT_TOKEN
    if not fits or any(len(text) > MAX_TEXT for text in texts):
        raise RefusedError("bad_requirements")
    return Demand.of(application, region, extra)
