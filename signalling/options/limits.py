"""Options of how much one peer, one address and all together may ask for."""

from typing import Literal

from pydantic import Field

from signalling.options.reading import OptionGroup


class LimitSettings(OptionGroup):
    """Limits at the door; docs/limits.md has the reason for each default."""

    max_connections: int = Field(20_000, ge=0)
    """Players connected at once; streamers and SFUs have as many again. 0 means no limit."""

    connections_per_address: int = Field(500, ge=0)
    """Of those, from one address or IPv6 /64; this machine's are not counted. 0: no limit."""

    upgrades_per_second: float = Field(20, ge=0)
    """New sockets from one address or IPv6 /64, on average; 0 means no limit."""

    upgrades_burst: int = Field(500, ge=1)
    """New sockets from one address at once."""

    failed_attempts_per_minute: float = Field(10, ge=0)
    """Wrong tokens from one address before it gets 429; 0 means no limit."""

    chat_per_minute_per_address: float = Field(300, ge=0)
    """Questions to the consultant from one address or IPv6 /64 in a minute; 0: no limit."""

    limit_loopback: bool = False
    """Count this machine's own peers too, where they came through no proxy."""

    header_timeout: float = Field(10, gt=0)
    """Seconds a new connection has to send the head of its first request."""

    transfer_timeout: float = Field(60, gt=0)
    """Seconds the body of a request may take, or an answer wait for a peer that reads none."""

    http_connections_per_address: int = Field(1_000, ge=0)
    """Idle HTTP connections of one address or IPv6 /64 that are kept; 0 means no limit."""

    max_http_connections: int = Field(5_000, ge=0)
    """Idle HTTP connections that are kept in all; 0 means no limit."""

    idle_timeout: float = Field(75, gt=0)
    """Seconds an HTTP connection may be idle between two requests."""

    unnamed_streamers: Literal["name", "close"] = "name"
    """What happens to a streamer that does not say its name in identify_timeout."""
