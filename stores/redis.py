"""
Redis clients and scripts: how this program talks to Redis.

One place decides on time limits, retries and which errors mean that Redis
cannot be reached; everything else gets a client from here.
"""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from importlib.abc import Traversable
from typing import Any, Final, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    MovedError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

SCHEMES: Final = (
    "redis://",
    "rediss://",
    "unix://",
    "redis+cluster://",
    "rediss+cluster://",
)
"""How a Redis URL may begin: plain, over TLS, by a socket file, any node of a cluster."""

_CLUSTER: Final = "+cluster"

CLUSTER_FACTOR: Final = 16
"""So many times more connections to a node of a cluster, where nobody waits for a free one."""

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 10.0
"""Longer than any script of ours; shorter than anybody waits for a page."""

RETRIES: Final = 2
"""For a connection that went stale; an outage is reported, not waited out."""

UNREACHABLE: Final = (
    RedisConnectionError,
    RedisTimeoutError,
    BusyLoadingError,
    ClusterDownError,
    RedisClusterException,
    OutOfMemoryError,
    ReadOnlyError,
    TryAgainError,
    OSError,
)
"""Errors that mean: not now, perhaps later."""

_REFUSED_FOR_NOW: Final = re.compile(
    r"\b(MISCONF|NOREPLICAS|UNBLOCKED|BUSY|READONLY|OOM|MASTERDOWN|CLUSTERDOWN|TRYAGAIN)\b"
)
"""
Such errors by their text, for those that the client has no class for or a script caught.

It cannot save, has too few replicas, became a replica, is in somebody's script, or full.
"""


class RedisUnavailableError(Exception):
    """Redis cannot be reached or does not take writes now; the message says why."""


class ScriptError(Exception):
    """A script of ours is wrong, or Redis refused to run it."""


def connect(
    url: str, *, connections: int = 16, answer_seconds: float = ANSWER_SECONDS
) -> Redis:
    """
    Return a client for *url*, one of `SCHEMES`; nothing is opened yet.

    With `+cluster` in the scheme the client asks any node of a cluster for the
    others and follows keys that move. At most *connections* are open, to each
    node; who comes when all are busy waits for one, or, with a cluster, is told
    that it cannot be reached.
    Commands are repeated after a broken connection, so send only those that
    may be repeated. A blocking command needs an *answer_seconds* above its own limit.
    """
    options: dict[str, Any] = {
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": answer_seconds,
        "retry": Retry(ExponentialBackoff(cap=0.5, base=0.02), RETRIES),
        "retry_on_error": [RedisConnectionError, RedisTimeoutError],
        "health_check_interval": 30,
    }
    scheme, _, address = url.partition("://")
    if scheme.endswith(_CLUSTER):
        url = f"{scheme.removesuffix(_CLUSTER)}://{address}"
        many = connections * CLUSTER_FACTOR
        # Not of one class, but of one set of commands as far as we use them.
        return cast("Redis", RedisCluster.from_url(url, max_connections=many, **options))
    pool = BlockingConnectionPool.from_url(
        url, max_connections=connections, timeout=answer_seconds, **options
    )
    return Redis.from_pool(pool)


@asynccontextmanager
async def client(url: str) -> AsyncIterator[Redis]:
    """Yield a client that is closed at the end."""
    redis = connect(url)
    try:
        yield redis
    finally:
        await redis.aclose()


@contextmanager
def reachable() -> Iterator[None]:
    """Turn the many ways of not reaching Redis into one error."""
    try:
        yield
    except UNREACHABLE as error:
        raise RedisUnavailableError(f"Redis cannot be reached: {error}") from error
    except MovedError as error:
        told = f"Redis is a cluster ({error}): write redis+cluster:// for redis://"
        raise RedisUnavailableError(told) from error
    except ResponseError as error:
        if is_passing(str(error)):
            raise RedisUnavailableError(f"Redis refuses for now: {error}") from error
        raise


def is_passing(error: str) -> bool:
    """Tell whether the text of an error, maybe caught by a script, means: perhaps later."""
    return _REFUSED_FOR_NOW.search(error) is not None


class Script:
    """
    A Lua script, sent once and called by its digest.

    Redis forgets scripts when it restarts; then it is sent again.
    """

    def __init__(self, redis: Redis, source: str) -> None:
        self._script = redis.register_script(source)
        self._redis = redis

    async def __call__(self, keys: Sequence[str], arguments: Sequence[bytes | str]) -> Any:
        """
        Run the script.

        Raises:
            RedisUnavailableError: Redis cannot be reached.
            ScriptError: The script failed.

        """
        try:
            with reachable():
                return await self._script(keys=list(keys), args=list(arguments))
        except RedisError as error:
            raise ScriptError(str(error)) from error


def joined_source(folder: Traversable) -> str:
    """Return the `.lua` files of *folder* joined in the order of their names."""
    parts = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".lua")),
        key=lambda entry: entry.name,
    )
    return "\n".join(part.read_text(encoding="utf-8") for part in parts)
