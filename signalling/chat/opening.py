"""Retrieval and the consultant beside the server: opened with it, joined to its port."""

import importlib.util
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Final, Protocol

from aiohttp import web

from signalling.access.auth import Authenticator
from signalling.access.limits import Limits
from signalling.access.operators import Operators
from signalling.chat.consulting import Consultant
from signalling.chat.described import RETRIEVAL
from signalling.chat.messages import ChatMessages, Overhear
from signalling.chat.metrics import ChatMetrics
from signalling.chat.room import Apart, Here, Room
from signalling.chat.routes import ChatRoutes
from signalling.error_body import error_response
from signalling.errors import OptionError, Refused
from signalling.metrics import Metrics
from signalling.session import Handler as MessageHandler

if TYPE_CHECKING:
    from rag.catalogue.routes import Shelves
    from signalling.settings import ServeSettings

NEEDED: Final = ("numpy", "onnxruntime", "tokenizers", "openai", "pinecone")
"""What the extra `rag` brings: a plain install has none of it."""


class Retrieval:
    """Product search and the consultant over it, while the application runs."""

    def __init__(
        self,
        settings: "ServeSettings",
        operators: Operators,
        *,
        authenticator: Authenticator,
        limits: Limits,
        metrics: Metrics,
    ) -> None:
        _check_installed()
        currency = settings.catalogue_currency
        counted = ChatMetrics(metrics)
        counted.watch_running(lambda: len(self._room.consultant or ()))
        self._messages = ChatMessages(
            lambda: self._room.consultant,
            users=authenticator.users,
            limits=limits,
            currency=currency,
            metrics=counted,
        )
        self._chat_routes = ChatRoutes(
            self._chat_ready,
            authenticator=authenticator,
            limits=limits,
            currency=currency,
            metrics=counted,
        )
        self.operations = RETRIEVAL
        self._operators = operators
        self._room: Room = Apart(settings) if settings.retrieval_process else Here(settings)

    @property
    def messages(self) -> Mapping[str, MessageHandler]:
        """What players may say to the consultant: handlers by message type."""
        return self._messages.table()

    def let_overhear(self, overhear: Overhear) -> None:
        """Tell *overhear* of what visitors ask and are answered."""
        self._messages.overhear = overhear

    async def forget(self, user: str) -> None:
        """Remove what the consultant keeps of a user; raises `Refused` while starting."""
        await self._chat_ready().forget(user)

    def add_to(self, app: web.Application, prefix: str = "") -> None:
        """Add the routes of catalogue and partners to *app*, below *prefix*."""
        from rag.catalogue.routes import routes  # noqa: PLC0415 - brought by an extra

        self._chat_routes.add_to(app, prefix)
        for route in routes(self._ready, self._require_admin):
            if isinstance(route, web.RouteDef):
                app.router.add_route(
                    route.method, prefix + route.path, _answered(route.handler)
                )

    async def run(self, _app: web.Application) -> AsyncIterator[None]:
        """Open the stores; let the consultant work while the app runs."""
        async with self._room.open():
            yield
            await self._messages.close()

    def _chat_ready(self) -> Consultant:
        consultant = self._room.consultant
        if consultant is None:
            raise Refused(503, "starting", "the catalogue is being loaded: try again soon")
        return consultant

    def _ready(self) -> "Shelves":
        shelves = self._room.shelves
        if shelves is None:
            raise Refused(503, "starting", "the catalogue is being loaded: try again soon")
        return shelves

    async def _require_admin(self, request: web.Request) -> None:
        self._operators.require(request, "change_catalogue")


def _answered(handler: object) -> "Handler":
    """Return *handler*, with a refusal as the error body every route uses."""
    serve: Handler = handler  # type: ignore[assignment]  # aiohttp allows views too

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await serve(request)
        except Refused as exc:
            return error_response(exc)

    return answer


class Handler(Protocol):
    """Answers a request."""

    async def __call__(self, request: web.Request, /) -> web.StreamResponse:
        """Answer *request*."""


def _check_installed() -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise OptionError(f"retrieval: needs {missing[0]}: pip install 'pycirrus[rag]'")
