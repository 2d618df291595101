"""The body of every error that is answered in plain HTTP."""

from typing import Final

import msgspec
from aiohttp import web

from signalling.errors import Refused

UNAUTHORIZED: Final = 401

NOT_FOUND: Final = 404


class Fault(msgspec.Struct, frozen=True):
    """What went wrong."""

    code: str
    """One of a few words for programs, in snake_case."""
    message: str
    """A sentence for people."""


class ErrorBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of an error."""

    error: Fault
    message: str | msgspec.UnsetType = msgspec.UNSET
    """The sentence again, where Wilbur's clients look for it: with status 404."""


def error_response(error: Refused) -> web.Response:
    """Return *error* as the body every route uses."""
    again = error.message if error.status == NOT_FOUND else msgspec.UNSET
    body = ErrorBody(Fault(error.code, error.message), again)
    return web.Response(
        body=msgspec.json.encode(body),
        status=error.status,
        headers={"WWW-Authenticate": "Bearer"} if error.status == UNAUTHORIZED else {},
        content_type="application/json",
    )
