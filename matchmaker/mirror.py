"""
A copy of the state under names that dashboards already know.

`session:{userId}` (JSON with a TTL), the set `cirrus:servers`, and
`cirrus:{serverId}:load`. It is written behind the changes and read by nobody
here: what fails is logged and written again with the next change. A change only
says whose keys are outdated. What is written is read when it is written, so that
nodes that write late do not undo what others wrote since.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from matchmaker.addresses import SessionAddresses
from matchmaker.model import Change, ChangeKind, Session, SessionState
from matchmaker.redis_store import RedisStore
from matchmaker.store import StateUnavailableError
from matchmaker.tasks import is_stopping, stop
from stores.redis import RedisUnavailableError, connect, reachable

log = structlog.get_logger(__name__)

SERVERS: Final = "cirrus:servers"
MAX_DIRTY: Final = 20_000
"""Users and servers that wait to be written; more than live at a time."""

RENEWALS: Final = 4
"""How often in their lifetime the keys of servers are renewed."""

PAUSE_SECONDS: Final = 0.25
"""Changes of one key within this time are one write."""


def session_key(user: str) -> str:
    """Return the name of a user's session."""
    return f"session:{user}"


def load_key(server_id: str) -> str:
    """Return the name of a server's number of sessions."""
    return f"cirrus:{server_id}:load"


def mirrored(session: Session, addresses: SessionAddresses) -> bytes:
    """Return a session in the reference's words; `startTime` is milliseconds."""
    subdomain = addresses.of(session).partition("//")[2].partition(".")[0]
    return msgspec.json.encode(
        {
            "sessionId": session.id,
            "userId": session.user,
            "serverId": session.instance,
            "subdomain": subdomain,
            "startTime": int((session.started_at or session.created_at) * 1000),
            "maxDuration": int(session.max_duration),
            "state": session.state,
        }
    )


class RedisMirror:
    """Takes changes, writes them together a little later."""

    def __init__(
        self, url: str, store: RedisStore, addresses: SessionAddresses, *, ttl: int
    ) -> None:
        self._redis: Redis = connect(url, connections=2)
        self._store = store
        self._addresses = addresses
        self._ttl = ttl
        self._users: set[str] = set()
        self._servers: set[str] = set()
        self._own: set[str] = set()
        """The servers of this node: their keys are renewed while nothing happens."""
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._write_on())

    async def close(self) -> None:
        """Stop; what is not written yet is left to the TTL."""
        await stop(self._task)
        await self._redis.aclose()

    def tell(self, change: Change) -> None:
        """Note what *change* makes outdated."""
        if change.kind is ChangeKind.INSTANCE_JOINED:
            self._own.add(change.subject)
        elif change.kind is ChangeKind.INSTANCE_LEFT:
            self._own.discard(change.subject)
        if len(self._users) + len(self._servers) > MAX_DIRTY:
            return
        if change.session is not None:
            self._users.add(change.session.user)
            self._servers |= {change.session.instance} - {""}
        elif change.kind in (ChangeKind.INSTANCE_JOINED, ChangeKind.INSTANCE_LEFT):
            self._servers.add(change.subject)
        self._news.set()

    async def flush(self) -> None:
        """
        Write everything noted so far.

        Raises:
            RedisUnavailableError: It is noted again.

        """
        self._news.clear()
        users, self._users = self._users, set()
        servers, self._servers = self._servers, set()
        try:
            sessions = await self._store.newest_of(sorted(users))
            await self._write(sessions, await self._store.loads_of(sorted(servers)))
        except (RedisUnavailableError, StateUnavailableError) as error:
            self._users |= users
            self._servers |= servers
            raise RedisUnavailableError(str(error)) from error

    async def _write_on(self) -> None:
        while not is_stopping():
            try:
                async with asyncio.timeout(self._ttl / RENEWALS):
                    await self._news.wait()
                    await asyncio.sleep(PAUSE_SECONDS)
            except TimeoutError:
                self._servers |= self._own
            try:
                await self.flush()
            except RedisUnavailableError as error:
                log.warning("mirror_delayed", error=str(error))
            except RedisError as error:  # somebody else's key of that name, of another type
                log.warning("mirror_refused", error=str(error))

    async def _write(
        self, sessions: Mapping[str, Session | None], loads: Mapping[str, int | None]
    ) -> None:
        pipeline: Any = self._redis.pipeline(transaction=False)
        for user, session in sessions.items():
            self._write_session(pipeline, user, session)
        for server, load in loads.items():
            self._write_server(pipeline, server, load)
        pipeline.expire(SERVERS, self._ttl)
        with reachable():
            await pipeline.execute()

    def _write_session(self, pipeline: Any, user: str, session: Session | None) -> None:
        if session is None or not session.live:
            pipeline.delete(session_key(user))
            return
        waits = session.state is SessionState.QUEUED
        lifetime = self._ttl if waits else max(60, int(session.max_duration))
        value = mirrored(session, self._addresses)
        pipeline.set(session_key(user), value, ex=lifetime)

    def _write_server(self, pipeline: Any, server: str, load: int | None) -> None:
        if load is None:
            pipeline.srem(SERVERS, server)
            pipeline.delete(load_key(server))
        else:
            pipeline.sadd(SERVERS, server)
            pipeline.set(load_key(server), load, ex=self._ttl)
