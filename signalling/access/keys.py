"""
Public keys of JWTs: a JSON Web Key Set from a file or URL, kept and rotated.

A token signed with a key nobody has seen yet makes the set be read again, but
not more often than `MIN_AGE_SECONDS`: strangers choose the key ids they send.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, Protocol

import aiohttp
import orjson
import structlog
from jwt import PyJWK, PyJWTError

ALGORITHMS: Final = frozenset({"RS256", "ES256"})

MIN_AGE_SECONDS: Final = 10.0
"""A key set is not read again sooner, whatever strangers' tokens name."""

FETCH_SECONDS: Final = 5.0
"""Time the key server has: a handshake may be waiting for it."""

MAX_SET_BYTES: Final = 256 * 1024
MAX_KEYS: Final = 64
MIN_RSA_BITS: Final = 2048

log = structlog.get_logger()

Fetch = Callable[[], Awaitable[bytes]]


class KeySetUnusable(Exception):
    """There is no usable key set where it should be; the message says why."""


class Keys(Protocol):
    """Finds the key that a token's header names."""

    def find(self, header: dict[str, Any]) -> PyJWK | None:
        """Return the key if it is known now."""

    async def lookup(self, header: dict[str, Any]) -> PyJWK | None:
        """Return the key, read again if it is unknown or the set is old."""


def from_file(path: Path) -> Fetch:
    """Return what reads a key set from *path*."""

    async def fetch() -> bytes:
        try:
            return await asyncio.to_thread(path.read_bytes)
        except OSError as exc:
            raise KeySetUnusable(f"cannot read {path}: {exc.strerror}") from None

    return fetch


def from_url(url: str) -> Fetch:
    """Return what fetches a key set from *url*; no redirects, `FETCH_SECONDS` in all."""

    async def fetch() -> bytes:
        timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(url, allow_redirects=False) as response,
            ):
                return await _body(response)
        except (aiohttp.ClientError, TimeoutError) as exc:
            raise KeySetUnusable(f"{type(exc).__name__} from the key server") from None

    return fetch


async def _body(response: aiohttp.ClientResponse) -> bytes:
    if response.status != 200:  # noqa: PLR2004 - HTTP's OK
        raise KeySetUnusable(f"status {response.status} from the key server")
    try:
        await response.content.readexactly(MAX_SET_BYTES + 1)
    except asyncio.IncompleteReadError as exc:
        return exc.partial
    raise KeySetUnusable(f"more than {MAX_SET_BYTES} bytes")


def parse_key_set(raw: bytes) -> list[PyJWK]:
    """
    Return the keys in *raw* that verify RS256 or ES256.

    Raises:
        KeySetUnusable: It is no key set (RFC 7517, 5), or has no such key.

    """
    try:
        members = orjson.loads(raw)["keys"]
        found = [_key(member) for member in members[:MAX_KEYS]]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise KeySetUnusable("no JSON Web Key Set") from None
    usable = [key for key in found if key is not None]
    if not usable:
        raise KeySetUnusable("no key for RS256 or ES256 in it")
    return usable


def _key(member: Any) -> PyJWK | None:
    if not isinstance(member, dict) or member.get("use", "sig") != "sig":
        return None
    try:
        key = PyJWK(member)
    except (PyJWTError, ValueError, TypeError):
        return None
    if key.algorithm_name not in ALGORITHMS:
        return None
    is_short = key.algorithm_name == "RS256" and key.key.key_size < MIN_RSA_BITS
    return None if is_short else key


class KeyRing:
    """A key set that is read again when it is old or lacks a key; `Keys`."""

    def __init__(self, fetch: Fetch, *, max_age: float, now: Callable[[], float]) -> None:
        self._fetch = fetch
        self._max_age = max_age
        self._now = now
        self._keys: list[PyJWK] = []
        self._read_at = float("-inf")
        """When the keys we have were read."""
        self._tried_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    def find(self, header: dict[str, Any]) -> PyJWK | None:
        """See `Keys`: by `kid`, or the only one of its algorithm for a token without."""
        matching = [key for key in self._keys if key.algorithm_name == header.get("alg")]
        kid = header.get("kid")
        if kid is None:
            return matching[0] if len(matching) == 1 else None
        return next((key for key in matching if key.key_id == kid), None)

    async def lookup(self, header: dict[str, Any]) -> PyJWK | None:
        """See `Keys`; old keys stay good while the key server is away."""
        key = self.find(header)
        if key is not None and self._now() - self._read_at < self._max_age:
            return key
        await self.refresh()
        return self.find(header)

    async def refresh(self) -> None:
        """Read the set, unless it was just tried; all who wait share one reading."""
        reading = self.start_refresh()
        if reading is not None:
            await asyncio.shield(reading)

    def start_refresh(self) -> "asyncio.Task[None] | None":
        """Begin to read the set, unless it was just tried; return what is under way."""
        if self._reading is None and self._now() - self._tried_at >= MIN_AGE_SECONDS:
            self._tried_at = self._now()
            self._reading = asyncio.create_task(self._read())
        return self._reading

    async def close(self) -> None:
        """End a reading that is under way."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        try:
            keys = parse_key_set(await self._fetch())
        except KeySetUnusable as exc:
            log.warning("key_set_unusable", reason=str(exc), keys=len(self._keys))
        else:
            self._keys, self._read_at = keys, self._now()
            log.info("key_set_read", keys=len(keys))
        finally:
            self._reading = None
