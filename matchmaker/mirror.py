"""
A copy of the state under names that dashboards already know.

`session:{userId}` (JSON with a TTL), the set `cirrus:servers`, and
`cirrus:{serverId}:load`. It is written behind the changes and read by nobody
here: what fails is logged and written again with the next change.
"""

import asyncio
from collections.abc import Iterable
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
        self._sessions: dict[str, Session] = {}
        self._servers: set[str] = set()
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
        if len(self._sessions) + len(self._servers) > MAX_DIRTY:
            return
        if change.session is not None:
            self._sessions[change.session.user] = change.session
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
        sessions, self._sessions = self._sessions, {}
        servers, self._servers = self._servers, set()
        try:
            loads = {server: await self._store.load_of(server) for server in servers}
            await self._write(sessions.values(), loads)
        except (RedisUnavailableError, StateUnavailableError) as error:
            self._sessions = sessions | self._sessions
            self._servers |= servers
            raise RedisUnavailableError(str(error)) from error

    async def _write_on(self) -> None:
        while not is_stopping():
            await self._news.wait()
            await asyncio.sleep(PAUSE_SECONDS)
            try:
                await self.flush()
            except RedisUnavailableError as error:
                log.warning("mirror_delayed", error=str(error))
            except RedisError as error:  # somebody else's key of that name, of another type
                log.warning("mirror_refused", error=str(error))

    async def _write(self, sessions: Iterable[Session], loads: dict[str, int | None]) -> None:
        pipeline: Any = self._redis.pipeline(transaction=False)
        for session in sessions:
            self._write_session(pipeline, session)
        for server, load in loads.items():
            self._write_server(pipeline, server, load)
        pipeline.expire(SERVERS, self._ttl)
        with reachable():
            await pipeline.execute()

    def _write_session(self, pipeline: Any, session: Session) -> None:
        if session.state is SessionState.ENDED:
            pipeline.delete(session_key(session.user))
            return
        lifetime = max(60, int(session.max_duration))
        value = mirrored(session, self._addresses)
        pipeline.set(session_key(session.user), value, ex=lifetime)

    def _write_server(self, pipeline: Any, server: str, load: int | None) -> None:
        if load is None:
            pipeline.srem(SERVERS, server)
            pipeline.delete(load_key(server))
        else:
            pipeline.sadd(SERVERS, server)
            pipeline.set(load_key(server), load, ex=self._ttl)
