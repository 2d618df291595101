"""What the holder of a session is told, and who tells it on."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Queued:
    """The session waits; sent again whenever its place changes."""

    session_id: str
    position: int
    """1 is next."""
    queue_length: int
    """Waiters that could take the same places, this one included."""
    eta_seconds: float | None
    """From measured session ends; None while too few were seen."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """An instance is reserved; it must be subscribed to by *expires_at*."""

    session_id: str
    streamer_id: str
    token: str
    expires_at: float
    """Seconds since the epoch."""
    max_duration_seconds: float
    url: str
    """The session's own address; empty without a template."""


@dataclass(frozen=True, slots=True)
class Expiring:
    """The session ends soon; *reason* is `max_duration` or `idle`."""

    session_id: str
    seconds_left: float
    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over, or `taken_over` by another connection of the same user."""

    session_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """What was asked cannot be had."""

    code: str
    message: str


Event = Queued | Assigned | Expiring | Ended | Failed


class Sink(Protocol):
    """A connection that holds or wants a session; hashable."""

    def deliver(self, event: Event) -> None:
        """Send *event* on; must neither wait nor raise."""
