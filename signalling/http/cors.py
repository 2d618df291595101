"""What pages of other sites may read (Fetch standard, CORS protocol)."""

from typing import Final

from aiohttp import hdrs, web

from signalling.options.web import WebSettings

PREFLIGHT_SECONDS: Final = "600"
"""How long a browser may remember what it was allowed."""


class Cors:
    """Adds the headers that let other sites' pages read an answer."""

    def __init__(self, settings: WebSettings) -> None:
        self._origins = frozenset(_listed(settings.cors_allowed_origins))
        self._methods = ", ".join(_listed(settings.cors_allowed_methods))
        self._headers = ", ".join(_listed(settings.cors_allowed_headers))
        self._credentials = settings.cors_credentials

    async def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add them, if the page's site is on the list; a signal of aiohttp's."""
        origin = request.headers.get(hdrs.ORIGIN)
        if "*" not in self._origins:
            response.headers.add(hdrs.VARY, hdrs.ORIGIN)
        allowed = self._allowed(origin)
        if allowed is None:
            return
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = allowed
        if self._credentials:
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
        if request.method == hdrs.METH_OPTIONS:
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = self._methods
            wanted = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, "")
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = self._headers or wanted
            response.headers.add(hdrs.VARY, hdrs.ACCESS_CONTROL_REQUEST_HEADERS)
            response.headers[hdrs.ACCESS_CONTROL_MAX_AGE] = PREFLIGHT_SECONDS

    def _allowed(self, origin: str | None) -> str | None:
        if "*" in self._origins:
            return "*"
        return origin if origin in self._origins else None


def _listed(text: str) -> list[str]:
    return [part.strip().rstrip("/") for part in text.split(",") if part.strip()]
