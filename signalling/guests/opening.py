"""Guests beside the server: everything of this room, joined for the application."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from signalling.access.identity import GuestPass, Users
from signalling.access.limits import Limits
from signalling.admission import Admission
from signalling.guests.admission import GuestAdmission
from signalling.guests.messages import NOT_FOR_GUESTS, NOT_OFFERED, RoomMessages
from signalling.guests.rooms import Rooms
from signalling.guests.routes import GuestRoutes
from signalling.guests.session import GuestSession
from signalling.guests.tokens import GuestTokens
from signalling.metrics import Metrics
from signalling.options.guests import GuestSettings
from signalling.registry import Link, Origin, Player, Registry
from signalling.session import Context, Handler, Table


@dataclass(frozen=True, slots=True)
class Tables:
    """Handlers by message type."""

    table: Mapping[str, Handler]
    """What visitors and guests may send."""
    guest_table: Mapping[str, Handler]
    """What guests send in place of a visitor's messages."""


class Guests:
    """The rooms of a server and their ways in."""

    def __init__(
        self, settings: GuestSettings, registry: Registry, *, secret: str, metrics: Metrics
    ) -> None:
        self._metrics = metrics
        self._is_offered = settings.guests_per_visitor > 0
        self.rooms = Rooms(settings, registry, tokens=GuestTokens(secret), metrics=metrics)

    def admit(self, token: str) -> GuestPass:
        """Return whose pass *token* is; raises `TokenRefused`."""
        return self.rooms.admit(token)

    def admission(self, inner: Admission) -> GuestAdmission:
        """Return an admission that knows guests, and asks *inner* for all others."""
        return GuestAdmission(inner, self.rooms)

    def messages(self, users: Users, touch: Callable[[Player], None] | None) -> Tables:
        """Return what may be sent; *touch* notes that a visitor's session is used."""
        if not self._is_offered:
            return Tables(NOT_OFFERED, {})
        handlers = RoomMessages(self.rooms, users=users, touch=touch or _nobody_counts)
        return Tables(handlers.table(), {**NOT_FOR_GUESTS, **handlers.guest_table()})

    def routes(self, limits: Limits) -> GuestRoutes:
        """Return the HTTP routes."""
        rooms = self.rooms if self._is_offered else None
        return GuestRoutes(rooms, limits=limits, metrics=self._metrics)

    def session(
        self, context: Context, *, link: Link, origin: Origin, table: Table
    ) -> GuestSession:
        """Return the conversation of a guest."""
        return GuestSession(context, link=link, origin=origin, table=table, rooms=self.rooms)

    def close(self) -> None:
        """Wait for no visitor any more: the server stops."""
        self.rooms.close()


def _nobody_counts(_player: Player) -> None:
    """Without sessions there is no idle limit."""
