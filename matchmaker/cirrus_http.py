"""The HTTP side of Epic's matchmaker: redirects, the waiting page, `/signallingserver`."""

import html
import secrets
from typing import Final
from urllib.parse import quote

from aiohttp import web

from matchmaker.cirrus import Answer, CirrusRegistry
from matchmaker.clock import Clock
from matchmaker.http import json_answer

COOKIE: Final = "cirrus_ticket"
MAX_TICKET: Final = 64
RETRY_SECONDS: Final = 3

PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="{retry}">
<meta name="viewport" content="width=device-width"><title>Please wait</title></head>
<body><main><h1>Please wait</h1><p>{text}</p>
<p>This page asks again by itself.</p></main></body></html>
"""


def redirect_target(answer: Answer, path: str) -> str | None:
    """Return where the browser is sent, or None if it must wait."""
    if answer.server is None:
        return None
    return f"{answer.server.origin}/{quote(path.lstrip('/'))}"


def waiting_page(answer: Answer) -> str:
    """Return the page of a visitor who waits."""
    text = f"All servers are taken. You are number {answer.position} of {answer.length}."
    return PAGE.format(retry=RETRY_SECONDS, text=html.escape(text))


def signalling_server(answer: Answer) -> dict[str, str]:
    """Return the body of `GET /signallingserver`."""
    if answer.server is None:
        return {"signallingServer": "", "error": "No signalling servers available"}
    return {"signallingServer": answer.server.authority}


class CirrusRoutes:
    """Handlers of the routes; `table` lists them."""

    def __init__(self, registry: CirrusRegistry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    def table(self) -> list[web.RouteDef]:
        """Return the routes of Epic's matchmaker."""
        return [
            web.get("/", self.go),
            web.get("/custom_html/{file}", self.go),
            web.get("/signallingserver", self.signalling_server),
        ]

    async def go(self, request: web.Request) -> web.Response:
        """Redirect to a free server or show the place in the line."""
        ticket = request.cookies.get(COOKIE, "")[:MAX_TICKET] or secrets.token_urlsafe(16)
        answer = self._registry.take(ticket, self._clock.now())
        target = redirect_target(answer, request.path)
        response = _redirect(target) if target else _page(waiting_page(answer))
        response.set_cookie(COOKIE, ticket, httponly=True, samesite="Lax", max_age=3600)
        return response

    async def signalling_server(self, _request: web.Request) -> web.Response:
        """Name a free server, for pages of other origins too."""
        answer = self._registry.take("", self._clock.now())
        response = json_answer(signalling_server(answer))
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response


def _redirect(target: str) -> web.Response:
    return web.Response(status=302, headers={"Location": target, "Cache-Control": "no-store"})


def _page(text: str) -> web.Response:
    headers = {"Cache-Control": "no-store", "Retry-After": str(RETRY_SECONDS)}
    return web.Response(text=text, content_type="text/html", headers=headers)
