"""
Host candidates where 127.0.0.1 is the only address.

aioice leaves loopback addresses out, as RFC 8445 section 5.1.1.1 asks: a
connection to another machine cannot use them. On a machine without any network
(a train, a sandbox, a CI container) that leaves no candidate at all.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from aioice import ice

LOOPBACK = "127.0.0.1"


class Loopback(StrEnum):
    """When to offer 127.0.0.1 as a host candidate."""

    AUTO = "auto"
    """Only when the machine has no other address."""

    ALWAYS = "always"
    """Always, and nothing else: media then never leaves the machine."""

    NEVER = "never"
    """As aioice does."""


@contextmanager
def loopback_candidates(mode: Loopback) -> Iterator[None]:
    """
    Let every ICE connection gathered within the block follow *mode*.

    aioice has no setting for it, so its function is replaced for the time of
    the block. Not to be entered from two threads.
    """
    original = ice.get_host_addresses

    # aioice passes these by keyword.
    def get_host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:  # noqa: FBT001
        found = original(use_ipv4=use_ipv4, use_ipv6=use_ipv6)
        return choose(mode, found)

    ice.get_host_addresses = get_host_addresses
    try:
        yield
    finally:
        ice.get_host_addresses = original


def choose(mode: Loopback, found: list[str]) -> list[str]:
    """Return the addresses to offer, given those that aioice *found*."""
    if mode is Loopback.ALWAYS or (mode is Loopback.AUTO and not found):
        return [LOOPBACK]
    return found
