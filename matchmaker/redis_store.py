"""Live state in Redis, shared by all nodes; each change is one script (see `lua/`)."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from typing import Any, Final

import msgspec

from matchmaker.batching import Batcher, BatchFullError
from matchmaker.model import (
    Change,
    EndReason,
    Host,
    HostPatch,
    InstanceSpec,
    Requested,
    Rules,
    Session,
    SessionRequest,
    Ticked,
    Waiter,
    Waiting,
    pool_id,
)
from matchmaker.redis_feed import ChangeFeed
from matchmaker.store import Listener, StateUnavailableError
from stores.redis import (
    RedisUnavailableError,
    Script,
    connect,
    is_passing,
    joined_source,
    reachable,
)

PREFIX: Final = "{pycirrus-match}"
"""A hash tag: all keys live in one slot of a cluster."""

PAGE: Final = 500
"""Fields of a hash that are read at a time."""

_encode = msgspec.json.Encoder().encode
_session: msgspec.json.Decoder[Session | None] = msgspec.json.Decoder(Session | None)
_stored_session = msgspec.json.Decoder(Session)
_requested = msgspec.json.Decoder(Requested)
_bool = msgspec.json.Decoder(bool)
_ticked = msgspec.json.Decoder(Ticked)
_host = msgspec.json.Decoder(Host)
_attributes = msgspec.json.Decoder(dict[str, str])


class RedisStore:
    """See `MatchStore`."""

    def __init__(
        self,
        url: str,
        rules: Rules,
        *,
        node: str,
        prefix: str = PREFIX,
        dice: random.Random | None = None,
    ) -> None:
        self.node = node
        self._prefix = prefix
        self._dice = dice or random.Random()  # noqa: S311 - breaks ties
        self._rules = _encode(rules)
        self._redis = connect(url)
        self._script = Script(self._redis, joined_source(files("matchmaker") / "lua"))
        self._batcher: Batcher[dict[str, Any], bytes] = Batcher(self._run)
        self._listeners: list[Listener] = []
        self._gap_listeners: list[Callable[[], None]] = []
        self._feed = ChangeFeed(
            self._redis, self._key("changes"), deliver=self._deliver, on_gap=self._on_gap
        )

    async def start(self) -> None:
        """See `MatchStore`."""
        with _unavailable():
            await self._feed.start()

    async def close(self) -> None:
        """See `MatchStore`."""
        await self._feed.close()
        await self._batcher.close()
        await self._redis.aclose()

    def listen(self, listener: Listener, on_gap: Callable[[], None]) -> None:
        """See `MatchStore`."""
        self._listeners.append(listener)
        self._gap_listeners.append(on_gap)

    # Fleet

    async def put_instance(self, spec: InstanceSpec, *, now: float) -> None:
        """See `MatchStore`."""
        attributes = spec.attributes()
        await self._call(
            "put_instance", now, spec=spec, pool=pool_id(attributes), attributes=attributes
        )

    async def remove_instance(self, instance_id: str, *, now: float) -> bool:
        """See `MatchStore`."""
        return _bool.decode(await self._call("remove_instance", now, id=instance_id))

    async def patch_host(self, host_id: str, patch: HostPatch, *, now: float) -> bool:
        """See `MatchStore`."""
        return _bool.decode(await self._call("patch_host", now, id=host_id, patch=patch))

    # Sessions

    async def request(self, request: SessionRequest, *, now: float) -> Requested:
        """See `MatchStore`."""
        arguments = msgspec.structs.asdict(request)
        return _requested.decode(await self._call("request", now, **arguments))

    async def attach(
        self, session_id: str, *, holder: str, now: float, node: str = ""
    ) -> Session | None:
        """See `MatchStore`."""
        return _session.decode(
            await self._call("attach", now, id=session_id, holder=holder, node=node)
        )

    async def activate(self, session_id: str, *, player_id: str, now: float) -> Session | None:
        """See `MatchStore`."""
        return _session.decode(
            await self._call("activate", now, id=session_id, player_id=player_id)
        )

    async def detach(
        self, session_id: str, *, holder: str, gone: bool, now: float
    ) -> Session | None:
        """See `MatchStore`."""
        return _session.decode(
            await self._call("detach", now, id=session_id, holder=holder, gone=gone)
        )

    async def end(self, session_id: str, *, reason: EndReason, now: float) -> Session | None:
        """See `MatchStore`."""
        return _session.decode(await self._call("end", now, id=session_id, reason=reason))

    # Time

    async def touch(self, session_ids: Sequence[str], *, now: float) -> None:
        """See `MatchStore`."""
        await self._call("touch", now, ids=list(session_ids))

    async def poll(self, session_id: str, *, now: float) -> Session | None:
        """See `MatchStore`."""
        return _session.decode(await self._call("poll", now, id=session_id))

    async def tick(self, *, now: float, limit: int = 256, pardon: bool = False) -> Ticked:
        """See `MatchStore`."""
        return _ticked.decode(await self._call("tick", now, limit=limit, pardon=pardon))

    # Reading

    async def session(self, session_id: str) -> Session | None:
        """See `MatchStore`."""
        raw = await self._read("HGET", "sessions", session_id)
        return _stored_session.decode(raw) if raw else None

    async def session_of(self, user: str) -> Session | None:
        """See `MatchStore`."""
        session_id = await self._read("HGET", "users", user)
        return await self.session(session_id.decode()) if session_id else None

    async def instance_exists(self, instance_id: str) -> bool:
        """See `MatchStore`."""
        return bool(await self._read("HEXISTS", "instances", instance_id))

    async def waiting(self) -> Waiting:
        """See `MatchStore`; the lines are read one after the other."""
        flat = await self._read("HGETALL", "demands")
        demands = {k.decode(): _attributes.decode(v) for k, v in _pairs(flat)}
        waiters = []
        for demand in demands:
            members = await self._read("ZRANGE", f"line:{demand}", 0, -1, "WITHSCORES")
            waiters += [Waiter(m.decode(), demand, float(s)) for m, s in _scored(members)]
        return Waiting(waiters, demands)

    async def hosts(self) -> list[Host]:
        """See `MatchStore`."""
        return [_host.decode(raw) for raw in await self._read("HVALS", "hosts")]

    async def sessions(self, *, limit: int = 10_000) -> list[Session]:
        """See `MatchStore`."""
        found: dict[bytes, bytes] = {}
        cursor = None
        while cursor != 0 and len(found) < limit:
            cursor, page = await self._scan("sessions", cursor or 0, 1_000)
            found |= page
        return [_stored_session.decode(raw) for raw in list(found.values())[:limit]]

    async def loads_of(self, instance_ids: Sequence[str]) -> dict[str, int | None]:
        """Return how many sessions each of these instances has; None for unknown ones."""
        host_ids = await self._each("instances", instance_ids)
        hosts = await self._each("hosts", sorted({h for h in host_ids if h is not None}))
        instances = [_host.decode(raw).instances for raw in hosts if raw is not None]
        used = {i.id: i.used for of_host in instances for i in of_host.values()}
        return {instance_id: used.get(instance_id) for instance_id in instance_ids}

    async def newest_of(self, users: Sequence[str]) -> dict[str, Session | None]:
        """Return each of these users' newest session, ended ones included."""
        ids = await self._each("users", users)
        found = await self._each("sessions", [session_id or b"" for session_id in ids])
        sessions = [_stored_session.decode(raw) if raw else None for raw in found]
        return dict(zip(users, sessions, strict=True))

    async def _each(self, name: str, fields: Sequence[str | bytes]) -> list[bytes | None]:
        """Return the values of these fields of a hash, some hundred at a time."""
        values: list[bytes | None] = []
        for start in range(0, len(fields), PAGE):
            values += await self._read("HMGET", name, *fields[start : start + PAGE])
        return values

    async def unrecorded(self, *, limit: int = 256) -> list[Session]:
        """See `MatchStore`."""
        _, page = await self._scan("unrecorded", 0, limit)
        return [_stored_session.decode(raw) for raw in list(page.values())[:limit]]

    async def recorded(self, session_ids: Sequence[str]) -> None:
        """See `MatchStore`."""
        if session_ids:
            await self._read("HDEL", "unrecorded", *session_ids)

    async def forget_user(self, user: str) -> None:
        """See `MatchStore`."""
        await self._call("forget_user", 0.0, user=user)

    # Plumbing

    def _key(self, name: str) -> str:
        return f"{self._prefix}:{name}"

    async def _read(self, command: str, name: str, *arguments: Any) -> Any:
        with _unavailable():
            execute: Any = self._redis.execute_command
            return await execute(command, self._key(name), *arguments)

    async def _scan(self, name: str, cursor: int, count: int) -> tuple[int, dict[bytes, bytes]]:
        with _unavailable():
            answer: Any = await self._redis.hscan(self._key(name), cursor, count=count)
        return int(answer[0]), answer[1]

    async def _call(self, op: str, now: float, **arguments: Any) -> bytes:
        """Run one operation of the script and return its answer as JSON."""
        try:
            reply = await self._batcher({"op": op, "now": now, **arguments})
        except (RedisUnavailableError, BatchFullError) as error:
            raise StateUnavailableError(str(error)) from error
        if reply.startswith(b"!"):
            raise _failure(op, reply[1:].decode())
        return reply

    async def _run(self, batch: Sequence[dict[str, Any]]) -> Sequence[bytes]:
        seed = str(self._dice.getrandbits(31))
        arguments: list[bytes | str] = [self._rules, self.node, seed, _encode(batch)]
        replies: list[bytes] = await self._script([self._prefix], arguments)
        return replies

    def _deliver(self, changes: Sequence[Change]) -> None:
        for listener in self._listeners:
            listener(changes)

    def _on_gap(self) -> None:
        for listener in self._gap_listeners:
            listener()


def _failure(op: str, reason: str) -> Exception:
    """Return what is raised for an operation that failed inside the script."""
    if is_passing(reason):
        return StateUnavailableError(f"Redis refuses for now: {reason}")
    return RuntimeError(f"{op} failed: {reason}")


@contextmanager
def _unavailable() -> Iterator[None]:
    """Say in the matchmaker's words that Redis cannot be reached."""
    try:
        with reachable():
            yield
    except RedisUnavailableError as error:
        raise StateUnavailableError(str(error)) from error


def _pairs(answer: Any) -> list[tuple[bytes, bytes]]:
    """Return a hash's fields, whichever protocol version answered."""
    if isinstance(answer, dict):
        return list(answer.items())
    return list(zip(answer[::2], answer[1::2], strict=True))


def _scored(answer: Any) -> list[tuple[bytes, float]]:
    """Return members with scores, whichever protocol version answered."""
    if answer and isinstance(answer[0], (list, tuple)):
        return [(member, float(score)) for member, score in answer]
    return [(m, float(s)) for m, s in zip(answer[::2], answer[1::2], strict=True)]
