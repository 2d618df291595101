"""The composition root: everything is built and joined here."""

import asyncio
import contextlib
import dataclasses
import functools
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Final, cast

import structlog
from aiohttp import web

from signalling import handlers
from signalling import settings as options
from signalling.access.auth import Authenticator
from signalling.access.browser import harden, set_user_cookie
from signalling.access.door import Door
from signalling.access.identity import Signer, Users, new_anonymous_id
from signalling.access.limits import Limits
from signalling.access.operators import Operators
from signalling.access.proxies import TRUSTED_HOPS
from signalling.access.secret_file import kept_secret
from signalling.chat.messages import NOT_OFFERED as CHAT_NOT_OFFERED
from signalling.chat.opening import Retrieval
from signalling.chat.routes import ChatOffer
from signalling.contexts import contexts, new_wheel
from signalling.dialect import WILBUR
from signalling.endpoint import UNLIMITED, Connections, Endpoint, NewSession
from signalling.errors import CloseCode, Refused
from signalling.expiry import Calendar
from signalling.guests.opening import Guests
from signalling.http.api import Api, Guard
from signalling.http.certificates import Certificate
from signalling.http.health import Health, Readiness
from signalling.http.page import page_from
from signalling.http.rest import Rest
from signalling.http.site import Routes, Site
from signalling.http.user_routes import UserRoutes
from signalling.http_guard import HTTP_GUARD, HttpGuard
from signalling.keepalive import Watched
from signalling.listening import HANDSHAKE_TIMEOUT, IDLE_TIMEOUT, listening
from signalling.loop_delay import LoopDelay
from signalling.matching.epic_matchmaker import Registration
from signalling.matching.epic_redirects import EpicRedirects
from signalling.matching.matchmaking import Matchmaking
from signalling.matching.messages import NOT_OFFERED
from signalling.message_log import SessionT, logged, unlogged
from signalling.metrics import Metrics, Population
from signalling.openapi import Operation
from signalling.options.auth import networks
from signalling.refresh import Refresher
from signalling.registry import Link, Origin, Registry
from signalling.resume import Attachment, Resume, refuse_late, resumption_from
from signalling.session import PlayerSession
from signalling.settings import ServeSettings
from signalling.streamer_session import SfuSession, StreamerSession
from signalling.transport import SocketLimits, connection_factory

CERTIFICATE_SECONDS: Final = 1.0
"""How often the certificate's files are looked at."""

log = structlog.get_logger()


class Server:
    """One node: its peers, its ports and the timer they share."""

    def __init__(self, settings: ServeSettings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self._loop_delay = LoopDelay(self.metrics.registry)
        self.registry = Registry()
        self.limits = Limits(settings, self.metrics)
        secret = settings.session_secret or kept_secret(settings.data_dir)
        self.users = Users(Signer(secret))
        self.guests = Guests(
            settings,
            self.registry,
            places=settings.guest_places,
            secret=secret,
            metrics=self.metrics,
        )
        self.authenticator = Authenticator(
            settings, users=self.users, limits=self.limits, guests=self.guests.admit
        )
        self.operators = Operators(self.authenticator)
        self.health = Health(self.metrics, self.operators)
        self.calendar = Calendar(time.time())
        self.http_guard = HttpGuard(settings, metrics=self.metrics, now=time.monotonic)
        self.connections = Connections()
        self._new_connection = connection_factory()
        self.https_port = 0
        self.streamer_port = 0
        self.sfu_port = 0
        self._players, streamers = contexts(settings, self.registry, self.metrics)
        self.matchmaking = self._new_matchmaking(secret) if settings.matchmaking else None
        if self.matchmaking is not None:
            self._players = dataclasses.replace(
                self._players, admission=self.matchmaking.admission, run=self.matchmaking.run
            )
            self.health.parts["sessions"] = self.matchmaking.is_degraded
            self.metrics.watch_seats(self.matchmaking.seats.count)
        self._players = dataclasses.replace(
            self._players, admission=self.guests.admission(self._players.admission)
        )
        self.redirects = _redirects(settings)
        self._wheels = {
            "player": new_wheel(settings.player_keepalive_timeout, self._players.dialect),
            "streamer": new_wheel(settings.streamer_keepalive_timeout, WILBUR),
        }
        self._streamers = dataclasses.replace(streamers, is_silent=self._is_silent)
        self.metrics.watch(self._population)
        self.resumption = resumption_from(settings, context=self._players, secret=secret)
        self.metrics.watch_away(lambda: self.resumption.waiting)
        self.resumption.presence = self.guests.rooms.presence
        refresher = Refresher(self.authenticator, self.calendar)
        self.retrieval = self._new_retrieval() if settings.retrieval else None
        if self.retrieval is not None:
            self.retrieval.let_overhear(self.guests.rooms.overhear)
        chat = CHAT_NOT_OFFERED if self.retrieval is None else self.retrieval.messages
        sessions = NOT_OFFERED if self.matchmaking is None else self.matchmaking.messages
        self._player_table = handlers.extended(
            handlers.PLAYER,
            {"tokenRefresh": refresher, Resume.wire_name: refuse_late, **sessions, **chat},
        )
        touch = None if self.matchmaking is None else self.matchmaking.touch
        rooms = self.guests.messages(self.users, touch)
        self._player_table = handlers.extended(self._player_table, rooms.table)
        self._guest_table = handlers.extended(
            self._player_table, {**NOT_OFFERED, **rooms.guest_table}
        )
        self._certificate = _certificate(settings)
        self._site = self._new_site()

    # The ports.

    def _new_site(self) -> Site:
        settings = self.settings
        return Site(
            options=settings,
            new_app=lambda: self._new_app(hops=settings.player_hops),
            greet=self._greet,
            endpoint=self._endpoint("player", self._new_player),
            page=page_from(settings),
            health=self.health,
            routes=tuple(self._routes()),
        )

    def _routes(self) -> Iterator[Routes]:
        """Yield what the player port answers beside sockets and the page."""
        yield self._rest_api()
        yield ChatOffer(has_chat=self.retrieval is not None)
        yield self.guests.routes(self.limits)
        if self.retrieval is not None:
            yield self.retrieval
        if self.matchmaking is not None:
            yield self.matchmaking.routes(
                authenticator=self.authenticator, operators=self.operators, limits=self.limits
            )
        keepers = [part for part in (self.matchmaking, self.retrieval) if part is not None]
        if keepers:
            yield UserRoutes(self.operators, [keeper.forget for keeper in keepers])
        if self.redirects is not None:
            yield self.redirects

    def _new_matchmaking(self, secret: str) -> Matchmaking:
        return Matchmaking(
            self.settings,
            self.registry,
            relays=self._players.admission,
            users=self.users,
            secret=secret,
        )

    def _new_retrieval(self) -> Retrieval:
        return Retrieval(
            self.settings,
            self.operators,
            authenticator=self.authenticator,
            limits=self.limits,
            metrics=self.metrics,
        )

    def _rest_api(self) -> Api:
        rest = Rest(
            self.settings,
            self.registry,
            peer_options=options.peer_options(self.settings),
            protocol_version=self._players.dialect.protocol_version,
        )
        return Api(rest.routes(self._operations), Guard(self.operators))

    def _operations(self) -> Sequence[Operation]:
        return self._site.operations()

    def player_app(self) -> web.Application:
        """Return the application of the player port."""
        return self._site.app() if self._certificate is None else self._site.plain_app()

    def streamer_app(self) -> web.Application:
        """Return the application of the streamer port."""
        return self._socket_app(self._endpoint("streamer", self._logged(self._new_streamer)))

    def sfu_app(self) -> web.Application:
        """Return the application of the SFU port."""
        return self._socket_app(self._endpoint("sfu", self._logged(self._new_sfu)))

    def _socket_app(self, endpoint: Endpoint) -> web.Application:
        app = self._new_app(hops=self.settings.streamer_hops)
        self.health.add_to(app)
        app.router.add_get("/{path:.*}", endpoint.handle)
        return app

    def _new_app(self, *, hops: int) -> web.Application:
        """Return an application with what every port has; *hops* proxies are before it."""
        app = web.Application()
        app[TRUSTED_HOPS] = hops
        app[HTTP_GUARD] = self.http_guard
        app[IDLE_TIMEOUT] = self.settings.idle_timeout
        app[HANDSHAKE_TIMEOUT] = self.settings.header_timeout
        app.on_response_prepare.append(harden)
        return app

    def _greet(self, request: web.Request, response: web.StreamResponse) -> None:
        """Give a visitor an id to come back with, on the page but on nothing that is cached."""
        is_page = response.headers.get("Cache-Control") == "no-cache"
        if is_page and self.authenticator.user_of_cookie(request) is None:
            set_user_cookie(request, response, self.users.signed(new_anonymous_id()))

    def _endpoint(self, role: str, new_session: NewSession) -> Endpoint:
        return Endpoint(
            role=role,
            new_session=new_session,
            limits=SocketLimits(
                max_message_bytes=self.settings.max_message_bytes,
                max_outbox_bytes=self.settings.max_outbox_bytes,
                control_frames_per_second=self.settings.control_frames_per_second,
            ),
            wheel=self._wheels["player" if role == "player" else "streamer"],
            metrics=self.metrics,
            connections=self.connections,
            door=self._door(role),
            calendar=self.calendar if role == "player" else None,
            new_connection=self._new_connection,
            checks=(self._refuse_while_draining,) if role == "player" else (),
            capacity=self.settings.max_player_count if role == "player" else UNLIMITED,
        )

    def _door(self, role: str) -> Door:
        ways_in = {
            "player": self.authenticator.player_or_guest,
            "streamer": self.authenticator.streamer,
            "sfu": self.authenticator.sfu,
        }
        is_player = role == "player"
        return Door(
            role=role,
            limits=self.limits,
            authenticate=ways_in[role],
            networks=() if is_player else networks(self.settings.streamer_addresses),
            origins=self.settings.allowed_origins,
            pages_come_here=is_player,
        )

    def _refuse_while_draining(self, _request: web.Request) -> None:
        if self.health.readiness is not Readiness.READY:
            reason = self.health.readiness.value
            raise Refused(503, reason, f"the server is {reason}: try again elsewhere")

    # Their sessions.

    def _new_player(self, link: Link, origin: Origin) -> PlayerSession | Attachment:
        greet = self._logged(self._greet_player)
        if origin.query.get("resume") == "1" and self.settings.resume_grace > 0:
            return self.resumption.attach(
                link, lambda line: greet(line, origin), grant=origin.grant
            )
        return greet(link, origin)

    def _logged(
        self, new_session: Callable[[Link, Origin], SessionT]
    ) -> Callable[[Link, Origin], SessionT]:
        detail = self.settings.console_messages
        return new_session if detail is None else logged(new_session, detail)

    def _greet_player(self, link: Link, origin: Origin) -> PlayerSession:
        if origin.grant.guest is not None:
            return self.guests.session(
                self._players, link=link, origin=origin, table=self._guest_table
            )
        session = PlayerSession(
            self._players, link=link, origin=origin, table=self._player_table
        )
        if session.player.dialect.seats_silent:
            self._look_after(functools.partial(handlers.seat_silent, session))
        return session

    def _new_streamer(self, link: Link, origin: Origin) -> StreamerSession:
        session = StreamerSession(
            self._streamers, link=link, origin=origin, table=handlers.STREAMER
        )
        self._expect_name(session)
        return session

    def _new_sfu(self, link: Link, origin: Origin) -> SfuSession:
        session = SfuSession(self._streamers, link=link, origin=origin, table=handlers.SFU)
        self._expect_name(session)
        if session.streamer.dialect.seats_silent:
            self._look_after(functools.partial(handlers.lead, session))
        return session

    def _expect_name(self, session: StreamerSession) -> None:
        loop = asyncio.get_running_loop()
        closes = self.settings.unnamed_streamers == "close"
        late = session.refuse_silent if closes else session.identify_late
        loop.call_later(self.settings.identify_timeout, late)

    def _is_silent(self, link: Link) -> bool:
        # The link of a session is the connection that the wheel visits.
        return self._wheels["streamer"].is_silent(cast(Watched, unlogged(link)))

    def _look_after(self, serve: Callable[[], bool]) -> None:
        """Serve a peer that may be waiting to be served unasked, for as long as it wants."""

        def look() -> None:
            if serve():
                self._look_after(serve)

        asyncio.get_running_loop().call_later(self.settings.identify_timeout, look)

    def _population(self) -> Population:
        return Population(
            players=len(self.registry.players),
            streamers=len(self.registry.streamers),
            available=sum(1 for _ in self.registry.available()),
        )

    # Running.

    async def timers(self, _app: web.Application) -> AsyncIterator[None]:
        """Turn the wheels, count heads and look at the certificate while the app runs."""
        ticking = [(wheel.seconds_per_tick, wheel.tick) for wheel in self._wheels.values()]
        ticking.append((1.0, self._every_second))
        if self._players.dialect is not WILBUR:
            headcount = self._players.headcount
            ticking.append((headcount.seconds_per_tick, headcount.tick))
        if self._certificate is not None:
            ticking.append((CERTIFICATE_SECONDS, self._certificate.reload_if_changed))
        turning = [asyncio.create_task(_every(*each)) for each in ticking]
        turning.append(asyncio.create_task(self._loop_delay.run()))
        yield
        for task in turning:
            task.cancel()
        await asyncio.gather(*turning, return_exceptions=True)

    def _every_second(self) -> None:
        self.http_guard.sweep()
        self.calendar.turn(time.time())

    async def public_keys(self, _app: web.Application) -> AsyncIterator[None]:
        """Read the keys of JWTs before the first one comes."""
        keys = self.authenticator.keys
        if keys is not None:
            await keys.refresh()
        yield
        if keys is not None:
            await keys.close()

    async def registration(self, _app: web.Application) -> AsyncIterator[None]:
        """Stay registered with Epic's matchmaker while the application runs, if wanted."""
        if not self.settings.use_matchmaker:
            yield
            return
        registration = Registration(
            self.settings,
            self.registry,
            player_port=self._announced_port,
            takes_players=lambda: self.health.readiness is Readiness.READY,
        )
        task = asyncio.create_task(registration.run())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def _announced_port(self) -> tuple[int, bool]:
        settings = self.settings
        return settings.https_port if settings.https else settings.player_port, settings.https

    async def sessions(self, _app: web.Application) -> AsyncIterator[None]:
        """Give out sessions while the application runs, if wanted."""
        async with self.matchmaking.running() if self.matchmaking else contextlib.nullcontext():
            yield

    async def epic_redirects(self, _app: web.Application) -> AsyncIterator[None]:
        """Listen for Cirrus servers while the application runs, if wanted."""
        if self.redirects is None:
            yield
            return
        new_app = functools.partial(self._new_app, hops=self.settings.player_hops)
        async with self.redirects.running(new_app, self._listening):
            yield

    def _listening(
        self, app: web.Application, port: int
    ) -> contextlib.AbstractAsyncContextManager[int]:
        return listening(app, self.settings.host, port)

    async def other_ports(self, _app: web.Application) -> AsyncIterator[None]:
        """Listen for streamers and SFUs while the application runs."""
        settings = self.settings
        async with (
            listening(self.streamer_app(), settings.host, settings.streamer_port) as streamer,
            listening(self.sfu_app(), settings.host, settings.sfu_port) as sfu,
            self._listening_for_tls() as https,
        ):
            self.streamer_port, self.sfu_port, self.https_port = streamer, sfu, https
            self.health.readiness = Readiness.READY
            yield

    @contextlib.asynccontextmanager
    async def _listening_for_tls(self) -> AsyncIterator[int]:
        """Serve players over TLS inside the context, if that is wanted; gives the port or 0."""
        if self._certificate is None:
            yield 0
            return
        app, settings = self._site.app(is_tls=True), self.settings
        tls = self._certificate.context
        async with listening(app, settings.host, settings.https_port, tls=tls) as port:
            yield port

    def reload(self) -> None:
        """Read the certificate again; SIGHUP asks for it."""
        if self._certificate is not None:
            self._certificate.reload()

    async def drain(self) -> None:
        """Take no new players, let those here finish, then send the rest elsewhere."""
        self.health.readiness = Readiness.DRAINING
        log.info("draining", players=len(self.registry.players))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.drain_timeout):
                await self.connections.gone("player")
        if self.matchmaking is not None:
            self.matchmaking.hold()
        for connection in self.connections:
            connection.close(CloseCode.RESTART, "this server restarts")
        self.resumption.close()
        self.guests.close()
        await self.connections.gone("player", "streamer", "sfu")

    def cut(self) -> None:
        """End every connection without a goodbye."""
        for connection in self.connections:
            connection.cut()


SERVER: Final = web.AppKey("SERVER", Server)


def create_app(settings: ServeSettings) -> web.Application:
    """
    Return the application of the player port; while it runs, the other ports listen too.

    Raises:
        OptionError: A file that an option names cannot be used.

    """
    server = Server(settings)
    app = server.player_app()
    app[SERVER] = server
    app.cleanup_ctx.extend(
        [
            server.public_keys,
            server.timers,
            server.sessions,
            server.other_ports,
            server.epic_redirects,
            server.registration,
        ]
    )
    if server.retrieval is not None:
        app.cleanup_ctx.append(server.retrieval.run)
    return app


async def _every(seconds: float, tick: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(seconds)
        tick()


def _redirects(settings: ServeSettings) -> EpicRedirects | None:
    return None if settings.matchmaker_port is None else EpicRedirects(settings)


def _certificate(settings: ServeSettings) -> Certificate | None:
    if not settings.https:
        return None
    return Certificate(cert_path=settings.ssl_cert_path, key_path=settings.ssl_key_path)
