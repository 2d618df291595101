"""A guest's conversation: a player's, from its entry into the room to its leaving."""

from collections.abc import Coroutine
from typing import Any

from signalling.guests.rooms import Rooms
from signalling.registry import Link, Origin
from signalling.session import Context, PlayerSession, Table


class GuestSession(PlayerSession):
    """See `PlayerSession`; made for sockets that came with a pass."""

    __slots__ = ("_rooms",)

    def __init__(
        self, context: Context, *, link: Link, origin: Origin, table: Table, rooms: Rooms
    ) -> None:
        super().__init__(context, link=link, origin=origin, table=table)
        self._rooms = rooms

    def opened(self) -> None:
        """See `Session`."""
        super().opened()
        self._rooms.enter(self.player)

    def forget(self) -> Coroutine[Any, Any, None]:
        """See `Session`."""
        left = super().forget()
        self._rooms.leave(self.player)
        return left
