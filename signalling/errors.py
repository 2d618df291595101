"""
What can go wrong between a peer and the server, and how a socket is closed for it.

::

    SignallingError
    ├── ProtocolError            a peer's message; carries the close code
    │   ├── NotJson              1007
    │   ├── NotText              1003
    │   ├── BadMessage           1008
    │   └── Flood                4008
    ├── Refused                  an upgrade or a request, answered in plain HTTP
    └── OptionError              a command line, environment variable or file
"""

from enum import IntEnum
from typing import ClassVar, Final

MAX_REASON_BYTES: Final = 123
"""A close frame holds 125 bytes, two of which are the code (RFC 6455, 5.5)."""


class CloseCode(IntEnum):
    """Why a socket is closed."""

    NORMAL = 1000
    GOING_AWAY = 1001
    """For good: Epic's pages reconnect after every code but this one."""
    FRAMING = 1002
    """The bytes are not WebSocket frames."""
    NOT_TEXT = 1003
    """A binary frame that is not JSON in UTF-8."""
    NOT_JSON = 1007
    BAD_MESSAGE = 1008
    """No object with a string `type`, or a wrong field in a message acted on."""
    TOO_BIG = 1009
    INTERNAL = 1011
    """Kicked by the streamer, or a fault of the server."""
    RESTART = 1012
    """This server restarts: pages come back by themselves and find another."""
    OVERLOADED = 1013
    """The peer reads too slowly, or the server is full."""
    MAX_DURATION = 4001
    IDLE = 4002
    RELEASED = 4003
    """The session was given back, or taken over elsewhere."""
    STREAMER_LEFT = 4004
    TOKEN_EXPIRED = 4005
    RATE_LIMIT = 4008


FINAL_CODES: Final = frozenset({CloseCode.MAX_DURATION, CloseCode.IDLE, CloseCode.RELEASED})
"""Codes after which a page must not come back; a stock page is sent 1001 instead."""


class SignallingError(Exception):
    """The root of everything this package raises on purpose."""


class ProtocolError(SignallingError):
    """A message that cannot be used; *reason* may be shown to the peer."""

    code: ClassVar[CloseCode] = CloseCode.BAD_MESSAGE

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotJson(ProtocolError):
    """A text frame that is not JSON in UTF-8."""

    code = CloseCode.NOT_JSON


class NotText(ProtocolError):
    """A binary frame that is not JSON in UTF-8."""

    code = CloseCode.NOT_TEXT


class BadMessage(ProtocolError):
    """JSON, but not a message the server can act on."""


class Flood(ProtocolError):
    """More messages than the peer may send."""

    code = CloseCode.RATE_LIMIT


class Refused(SignallingError):
    """An upgrade or a request that is answered with *status* and an error body."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class OptionError(SignallingError):
    """An option's value cannot be used; the message names option and fix in one line."""


def clip_reason(reason: str) -> str:
    """Return *reason*, cut at a character so that it fits a close frame."""
    encoded = reason.encode("utf-8", "replace")
    return encoded[:MAX_REASON_BYTES].decode("utf-8", "ignore")
