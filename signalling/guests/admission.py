"""Admission of guests: what their visitor watches, whoever gives out places otherwise."""

from signalling.admission import Admission, NotAdmitted
from signalling.guests.rooms import Rooms
from signalling.registry import Player, Streamer


class GuestAdmission:
    """
    See `Admission`: guests are shown what their visitor watches, all others what *inner* says.

    A guest takes no place, of `max_players` as little as of a matchmaker.
    """

    def __init__(self, inner: Admission, rooms: Rooms) -> None:
        self._inner = inner
        self._rooms = rooms

    async def visible(self, player: Player) -> list[str] | None:
        """See `Admission`."""
        if player.grant.guest is None:
            return await self._inner.visible(player)
        streamer = self._rooms.shown_to(player)
        return [] if streamer is None else [streamer.id]

    async def admit(self, player: Player, streamer_id: str) -> Streamer:
        """See `Admission`."""
        if player.grant.guest is None:
            return await self._inner.admit(player, streamer_id)
        streamer = self._rooms.shown_to(player)
        if streamer is None or streamer.id != streamer_id:
            raise NotAdmitted(f"Streamer {streamer_id} does not exist.")
        return streamer

    async def admit_unasked(self, player: Player) -> Streamer | None:
        """See `Admission`."""
        if player.grant.guest is None:
            return await self._inner.admit_unasked(player)
        return self._rooms.shown_to(player)

    async def left(self, player: Player) -> None:
        """See `Admission`; a guest has nothing to give back."""
        if player.grant.guest is None:
            await self._inner.left(player)
