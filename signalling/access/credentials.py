"""What peers show at the door: where a token can stand in an upgrade, and comparing it."""

import hashlib
import hmac
from typing import Final

from aiohttp import web

BEARER: Final = "bearer"
"""The scheme of the Authorization header, and a subprotocol: `bearer, <token>`."""

GUEST: Final = "guest"
"""The subprotocol of a guest's pass: `guest, <pass>`; a pass stands nowhere else."""


def presented_token(request: web.Request) -> str | None:
    """Return the token in the query, the bearer header or the subprotocol, if any."""
    return (
        request.query.get("token")
        or bearer_token(request)
        or _subprotocol_token(request, BEARER)
    )


def guest_pass(request: web.Request) -> str | None:
    """Return the pass that a guest shows, if any."""
    return _subprotocol_token(request, GUEST)


def bearer_token(request: web.Request) -> str | None:
    """Return the token of `Authorization: Bearer` (RFC 6750, 2.1), if any."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == BEARER else None


def offered_subprotocols(request: web.Request) -> list[str]:
    """Return the WebSocket subprotocols a peer offers."""
    offered = request.headers.get("Sec-WebSocket-Protocol", "")
    return [name.strip() for name in offered.split(",") if name.strip()]


def chosen_subprotocol(request: web.Request) -> tuple[str, ...]:
    """
    Return the subprotocol to agree on: `bearer`, else the first, as Wilbur does.

    A browser closes a socket whose server takes none of those it offered.
    """
    offered = offered_subprotocols(request)
    return (BEARER,) if BEARER in offered else tuple(offered[:1])


def _subprotocol_token(request: web.Request, scheme: str) -> str | None:
    offered = offered_subprotocols(request)
    if scheme not in offered[:-1]:
        return None
    return offered[offered.index(scheme) + 1]


class SharedToken:
    """A token that is compared in constant time, whatever its length."""

    def __init__(self, token: str | None) -> None:
        self._digest = hashlib.sha256(token.encode()).digest() if token else None

    def __bool__(self) -> bool:
        return self._digest is not None

    def matches(self, given: str | None) -> bool:
        """Return whether *given* is the token; never when there is none."""
        if self._digest is None or given is None:
            return False
        digest = hashlib.sha256(given.encode("utf-8", "surrogatepass")).digest()
        return hmac.compare_digest(digest, self._digest)
