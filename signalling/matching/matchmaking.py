"""Joins the matchmaker to the server: admission, messages, routes, streamers."""

import asyncio
import contextlib
import hashlib
import os
import re
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Final

import structlog

from matchmaker.addresses import SessionAddresses
from matchmaker.clock import SystemClock
from matchmaker.errors import StateUnavailableError
from matchmaker.memory import MemoryStore
from matchmaker.mirror import RedisMirror
from matchmaker.records import Recorder, records_kept
from matchmaker.redis_store import RedisStore
from matchmaker.service import Matchmaker
from matchmaker.tokens import SessionTokens
from signalling.access.auth import Authenticator
from signalling.access.identity import Users
from signalling.access.limits import Limits
from signalling.access.operators import Operators
from signalling.admission import Admission
from signalling.errors import OptionError
from signalling.matching.admission import MatchedAdmission
from signalling.matching.claims import Claims
from signalling.matching.described import SESSIONS
from signalling.matching.fleet import Fleet
from signalling.matching.messages import SessionMessages
from signalling.matching.routes import SessionRoutes
from signalling.matching.seats import Seats
from signalling.registry import Player, Registry
from signalling.runner import Tasks
from signalling.session import Handler
from signalling.settings import ServeSettings
from stores.documents import StoreError
from stores.settings import open_document_store

TOUCHES_PER_LIMIT: Final = 4
"""How often in an idle limit the sessions of pages that cannot report input are renewed."""

log = structlog.get_logger()


class Matchmaking:
    """The matchmaker of one node and everything that connects it to the node's peers."""

    def __init__(
        self,
        settings: ServeSettings,
        registry: Registry,
        *,
        relays: Admission,
        users: Users,
        secret: str,
    ) -> None:
        self._settings = settings
        self._tokens = SessionTokens(signing_key(secret), clock=SystemClock())
        self.matchmaker = _matchmaker(settings, self._tokens)
        self.run = Tasks()
        self.seats = Seats(registry, alias=settings.matchmaking_alias)
        self._users = users
        self._claims = Claims(self.matchmaker, self.seats)
        self.fleet = Fleet(registry, self.matchmaker, seats=self.seats, claims=self._claims)
        registry.changed = self.fleet.changed
        self.admission = MatchedAdmission(
            self.matchmaker, registry, seats=self.seats, claims=self._claims, relays=relays
        )

    @property
    def messages(self) -> Mapping[str, Handler]:
        """The messages that players may send beyond Epic's protocol."""
        return SessionMessages(
            self.matchmaker,
            seats=self.seats,
            claims=self._claims,
            users=self._users,
            run=self.run,
        ).table()

    def routes(
        self, *, authenticator: Authenticator, operators: Operators, limits: Limits
    ) -> SessionRoutes:
        """Return the REST routes."""
        return SessionRoutes(
            self.matchmaker,
            operations=SESSIONS,
            tokens=self._tokens,
            authenticator=authenticator,
            operators=operators,
            users=self._users,
            limits=limits,
        )

    def touch(self, player: Player) -> None:
        """Take note that somebody does something in the session of *player*."""
        seat = self.seats.find(player)
        if seat is not None and seat.watches:
            self.matchmaker.touch(seat.session_id)

    async def forget(self, user: str) -> None:
        """Remove what is kept of a user's ended sessions."""
        await self.matchmaker.recorder.forget(user)

    def is_degraded(self) -> bool:
        """Return whether the state of sessions could not be reached lately."""
        return self.matchmaker.degraded

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """
        Give out sessions inside the context.

        Raises:
            OptionError: The state or the records cannot be reached at the start.

        """
        try:
            documents = await open_document_store(self._settings)
        except StoreError as exc:
            raise OptionError(f"session records: {exc}") from None
        self.matchmaker.recorder = Recorder(self.matchmaker.store, documents)
        days = self._settings.session_records_days
        try:
            async with records_kept(documents, days, SystemClock()), self._started():
                yield
        finally:
            await documents.close()

    @contextlib.asynccontextmanager
    async def _started(self) -> AsyncIterator[None]:
        try:
            await self.matchmaker.start()
        except StateUnavailableError as exc:
            await self.matchmaker.close()
            raise OptionError(f"redis_url: {exc}") from None
        working = [asyncio.create_task(self.fleet.run()), asyncio.create_task(self._touch())]
        try:
            yield
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
            await self.run.close()
            await self.matchmaker.close()

    def hold(self) -> None:
        """
        Leave sessions as they are: the server is about to close its sockets.

        With Redis they go on where their users find an open door.
        """
        self.fleet.hold()
        self._claims.hold()

    async def _touch(self) -> None:
        """Keep the idle limit from pages that know no sessions: nobody sees their input."""
        limit = self._settings.session_idle_timeout
        while limit > 0:
            await asyncio.sleep(limit / TOUCHES_PER_LIMIT)
            for seat in self.seats:
                if seat.watches and not seat.speaks:
                    self.matchmaker.touch(seat.session_id)


def signing_key(secret: str) -> bytes:
    """Return the key of session tokens, which is no key of anything else."""
    return hashlib.sha256(b"pycirrus-session\0" + secret.encode()).digest()


def _matchmaker(settings: ServeSettings, tokens: SessionTokens) -> Matchmaker:
    clock = SystemClock()
    if settings.state_store == "memory" or not settings.redis_url:
        if settings.state_store == "redis":
            raise OptionError("state_store: redis needs redis_url")
        store = MemoryStore(settings.rules())
        return Matchmaker(settings, store=store, clock=clock, tokens=tokens)
    try:
        shared = RedisStore(settings.redis_url, settings.rules(), node=process_name())
    except ValueError:
        raise OptionError("redis_url: must be like redis://host:6379/0") from None
    addresses = SessionAddresses(settings.session_address)
    mirror = RedisMirror(settings.redis_url, shared, addresses, ttl=settings.state_ttl)
    return Matchmaker(
        settings,
        store=shared,
        clock=clock,
        tokens=tokens,
        mirror=mirror,
        node_name=settings.node_name or lasting_name(settings.player_port),
    )


def lasting_name(player_port: int) -> str:
    """Return a name for this node that its next process will have as well."""
    host = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:50]
    return f"{host}-{player_port}"


def process_name() -> str:
    """Return a name that no other process of the cluster has, now or later."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
