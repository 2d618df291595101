"""Retrieval and the consultant beside the server: opened with it, joined to its port."""

import asyncio
import contextlib
import importlib.util
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Final, Protocol

import structlog
from aiohttp import web

from signalling.access.auth import Authenticator
from signalling.access.limits import Limits
from signalling.access.operators import Operators
from signalling.chat.messages import ChatMessages
from signalling.chat.metrics import ChatMetrics
from signalling.chat.routes import ChatRoutes
from signalling.error_body import error_response
from signalling.errors import OptionError, Refused
from signalling.metrics import Metrics
from signalling.session import Handler as MessageHandler
from stores.documents import DocumentStore
from stores.settings import open_document_store

if TYPE_CHECKING:
    from rag.chat import Chat
    from rag.engine import Engine
    from signalling.settings import ServeSettings

log = structlog.get_logger()

NEEDED: Final = ("numpy", "onnxruntime", "tokenizers", "openai", "pinecone")
"""What the extra `rag` brings: a plain install has none of it."""


class Retrieval:
    """The engine of product search and the consultant over it, while the application runs."""

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
        self._chat: Chat | None = None
        counted = ChatMetrics(metrics)
        counted.watch_running(lambda: 0 if self._chat is None else len(self._chat))
        self._messages = ChatMessages(
            lambda: self._chat, users=authenticator.users, currency=currency, metrics=counted
        )
        self._chat_routes = ChatRoutes(
            self._chat_ready,
            authenticator=authenticator,
            limits=limits,
            currency=currency,
            metrics=counted,
        )
        self._settings = settings
        self._operators = operators
        self._engine: Engine | None = None

    @property
    def messages(self) -> Mapping[str, MessageHandler]:
        """What players may say to the consultant: handlers by message type."""
        return self._messages.table()

    async def forget(self, user: str) -> None:
        """Remove what the consultant keeps of a user; raises `Refused` while starting."""
        await self._chat_ready().forget(user)

    def add_to(self, app: web.Application, prefix: str = "") -> None:
        """Add the routes of catalogue and partners to *app*, below *prefix*."""
        from rag.http import routes  # noqa: PLC0415 - brought by an extra

        self._chat_routes.add_to(app, prefix)
        for route in routes(self._ready, self._require_admin):
            if isinstance(route, web.RouteDef):
                app.router.add_route(
                    route.method, prefix + route.path, _answered(route.handler)
                )

    async def run(self, _app: web.Application) -> AsyncIterator[None]:
        """Open stores and indexes; follow changes of the catalogue while the app runs."""
        from rag.engine import open_engine  # noqa: PLC0415 - brought by an extra

        settings = self._settings
        store = await open_document_store(settings)
        async with open_engine(settings, store, settings.data_dir) as engine:
            work = asyncio.create_task(self._prepare(engine, store))
            yield
            self._engine = None
            await self._messages.close()
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        await store.close()

    async def _prepare(self, engine: "Engine", store: DocumentStore) -> None:
        """Load what a search needs, then keep up with the catalogue."""
        try:
            if self._settings.demo_catalogue:
                await engine.load_demo()
            await engine.warm_up()
            self._engine = engine
            async with self._consulting(engine, store):
                await engine.follow(interval=self._settings.index_interval)
        except Exception:
            log.exception("retrieval_failed")

    @contextlib.asynccontextmanager
    async def _consulting(self, engine: "Engine", store: DocumentStore) -> AsyncIterator[None]:
        from rag.chat import open_chat  # noqa: PLC0415 - brought by an extra

        async with open_chat(engine, store, self._settings) as chat:
            self._chat = chat
            log.info("retrieval_ready")
            try:
                yield
            finally:
                self._chat = None

    def _chat_ready(self) -> "Chat":
        if self._chat is None:
            raise Refused(503, "starting", "the catalogue is being loaded: try again soon")
        return self._chat

    def _ready(self) -> "Engine":
        if self._engine is None:
            raise Refused(503, "starting", "the catalogue is being loaded: try again soon")
        return self._engine

    async def _require_admin(self, request: web.Request) -> None:
        self._operators.require(request, "change_catalogue", path=request.path)


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
