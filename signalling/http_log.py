"""What aiohttp says about requests that went wrong, without what stood in them."""

from typing import Final

import structlog
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError

PEERS_FAULTS: Final = (HttpProcessingError, RequestPayloadError, ConnectionResetError)
"""A request or a body that is none, and a peer that leaves while its body is read."""

log = structlog.get_logger()


class HttpLog:
    """
    Takes the place of aiohttp's logger.

    That one writes the bytes of a request it cannot parse to standard error,
    with a traceback: tokens in URLs among them, and as often as a stranger likes.
    """

    def exception(
        self, message: str, *args: object, exc_info: BaseException | None = None
    ) -> None:
        """Write down a fault of ours with its traceback, a peer's by its kind only."""
        if isinstance(exc_info, PEERS_FAULTS):
            log.debug("bad_request", reason=type(exc_info).__name__, remote=args[-1:])
        else:
            log.error("http_error", doing=message % args, exc_info=exc_info)

    def warning(self, message: str, *_: object, **__: object) -> None:
        """Write down a warning of aiohttp's, by its kind."""
        log.warning("http_warning", doing=message)

    def debug(self, *_: object, **__: object) -> None:
        """Drop what is of use to aiohttp's own makers."""


HTTP_LOG: Final = HttpLog()
"""It has no state: all ports share it."""
