"""What browsers are asked and told: origins, security headers."""

import socket
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from aiohttp import web
from yarl import URL

from signalling.access.proxies import client_scheme

LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1", socket.gethostname().lower()})

SWITCHING_PROTOCOLS: Final = 101

USER_COOKIE: Final = "pycirrus_user"

USER_COOKIE_SECONDS: Final = 400 * 86_400
"""The longest that browsers keep a cookie (RFC 6265bis, 5.5)."""

NO_PAGE_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
"""For answers that are no page: nothing in them is ever loaded or run."""


def is_origin_allowed(origin: str, allowed: Sequence[str]) -> bool:
    """Return whether *origin* is one of *allowed*, each an origin with `*` as wildcard."""
    origin = origin.lower()
    return any(fnmatchcase(origin, pattern.lower()) for pattern in allowed)


def is_local_origin(request: web.Request) -> bool:
    """
    Return whether no web page of another machine is behind *request*.

    Any page a user of this machine looks at can open sockets to it: an open
    port trusts only programs and pages of this machine. Programs send no
    Origin, or like UE's libwebsockets that of the host they connect to; a page
    could have that one too, by a name that is made to mean this machine, but
    every browser calls itself Mozilla, which no page can change.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    host = _host(origin)
    is_browser = request.headers.get("User-Agent", "").startswith("Mozilla/")
    return host in LOCAL_NAMES or (not is_browser and host == _host(f"//{request.host}"))


def _host(url: str) -> str | None:
    """Return the host in *url*, which may be nothing else, in lower case."""
    try:
        return (URL(url).host or url).lower()
    except ValueError:
        return None


async def harden(_request: web.Request, response: web.StreamResponse) -> None:
    """Give every HTTP answer its security headers; a signal of `on_response_prepare`."""
    headers = response.headers
    headers.pop("Server", None)
    if response.status == SWITCHING_PROTOCOLS:
        return
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Content-Security-Policy", NO_PAGE_POLICY)
    headers.setdefault("Cache-Control", "no-store")


def set_user_cookie(
    request: web.Request, response: web.StreamResponse, signed_user: str
) -> None:
    """
    Let the browser keep who its visitor is.

    `Lax`, so that pages of other sites do not connect in the visitor's name.
    Scripts may read it: a page passes it on as the field `user` of its messages
    where the socket is another server's, which the browser sends no cookie to.
    """
    response.set_cookie(
        USER_COOKIE,
        signed_user,
        max_age=USER_COOKIE_SECONDS,
        samesite="Lax",
        secure=client_scheme(request) == "https",
        httponly=False,
    )
