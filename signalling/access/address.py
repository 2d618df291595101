"""Whose request it is: the address that counts for trust and for limits."""

import functools
import ipaddress
from collections.abc import Sequence
from typing import Final

from aiohttp import web

from signalling.access.proxies import client_address
from signalling.options.auth import Network

FORWARDING_HEADERS: Final = (
    "forwarded",
    "via",
    "x-forwarded",
    "x-real-",
    "x-client-",
    "x-cluster-client-",
    "x-original-",
    "x-proxy",
    "x-envoy-",
    "x-azure-",
    "true-client-",
    "cdn-loop",
    "cf-connecting-",
    "fastly-client-",
    "fly-client-",
)
"""How the headers begin that say that a proxy passed a request on, whoever its last hop is."""

IPV6_SITE_BITS: Final = 64
"""One customer's network: whoever has one IPv6 address has 2**64 of them."""

KNOWN_ADDRESSES: Final = 4096
"""Addresses that are not parsed again: that costs more than all other checks of a door."""

MAX_ADDRESS_LENGTH: Final = 64
"""Characters of an address that is none, where it is used as a key."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_true_loopback(request: web.Request) -> bool:
    """Return whether *request* comes from this machine and no proxy passed it on."""
    return is_loopback(client_address(request)) and not was_forwarded(request)


def was_forwarded(request: web.Request) -> bool:
    """Return whether a header says that a proxy passed *request* on."""
    return any(name.lower().startswith(FORWARDING_HEADERS) for name in request.headers)


def is_loopback(address: str) -> bool:
    """Return whether *address* is this machine's own."""
    parsed = _parsed(address)
    return parsed is not None and parsed.is_loopback


@functools.lru_cache(maxsize=KNOWN_ADDRESSES)
def limit_key(address: str) -> str:
    """Return what limits count *address* under: itself, or its /64 for IPv6."""
    parsed = _parsed(address)
    if parsed is None:
        return address[:MAX_ADDRESS_LENGTH]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return f"{int(parsed) >> (128 - IPV6_SITE_BITS):x}::/{IPV6_SITE_BITS}"


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Return whether *address* belongs to one of *networks*."""
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in networks)


@functools.lru_cache(maxsize=KNOWN_ADDRESSES)
def _parsed(address: str) -> Address | None:
    """Return the address; an IPv4 one that came in IPv6's clothes as IPv4."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed
