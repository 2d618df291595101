"""
Which streamers a player is shown and may watch.

The port through which a matchmaker decides; without one everybody sees and
may watch everything.
"""

from typing import Protocol

from signalling.registry import Kind, Player, Registry, Streamer


class NotAdmitted(Exception):
    """The player may not watch this streamer; the message says why."""


class Admission(Protocol):
    """Decides on control messages only; may wait for a store."""

    async def visible(self, player: Player) -> list[str] | None:
        """Return the streamer ids *player* is shown; None to answer later or never."""

    async def admit(self, player: Player, streamer_id: str) -> Streamer:
        """
        Return the streamer that *streamer_id* means for *player*.

        Raises:
            NotAdmitted: There is none, it is full, or it is somebody else's.

        """

    async def admit_unasked(self, player: Player) -> Streamer | None:
        """Return a streamer for a page that sends before it subscribes; None if none."""

    async def left(self, player: Player) -> None:
        """Take note that *player* no longer watches."""


def is_loop(player: Player, streamer: Streamer) -> bool:
    """Return whether *player* is an SFU that would be shown its own picture."""
    return player.serves is not None and streamer.shows(player.serves)


class OpenAdmission:
    """
    First come, first served, up to *max_players* a streamer (0: no limit).

    An SFU takes no player's place and has places without limit, as with Wilbur; guests
    have a limit of their own (`guests_per_visitor`).
    """

    def __init__(self, registry: Registry, *, max_players: int = 0) -> None:
        self._registry = registry
        self._max_players = max_players

    async def visible(self, player: Player) -> list[str]:
        """See `Admission`; an SFU is not shown itself, nor what relays it."""
        return [
            streamer.id
            for streamer in self._registry.available()
            if not is_loop(player, streamer)
        ]

    async def admit(self, player: Player, streamer_id: str) -> Streamer:
        """See `Admission`."""
        streamer = self._registry.streamers.get(streamer_id)
        if streamer is None or not streamer.streaming:
            raise NotAdmitted(f"Streamer {streamer_id} does not exist.")
        if is_loop(player, streamer):
            raise NotAdmitted(f"Streamer {streamer_id} is this SFU, or relays it.")
        if self._is_full(streamer) and self._counts(player, streamer):
            raise NotAdmitted(
                f"Streamer {streamer_id} is full. Max players = {self._max_players}."
            )
        return streamer

    async def admit_unasked(self, player: Player) -> Streamer | None:
        """See `Admission`: the first that has a place, an SFU if the URL prefers one."""
        free = [each for each in self._registry.available() if not self._is_full(each)]
        if player.origin.query.get("preferSFU", "false") != "false":
            free.sort(key=lambda streamer: streamer.kind is not Kind.SFU)
        return next(iter(free), None)

    async def left(self, player: Player) -> None:
        """See `Admission`; nothing is remembered."""

    def _is_full(self, streamer: Streamer) -> bool:
        if self._max_players == 0 or len(streamer.subscribers) < self._max_players:
            return False
        if streamer.kind is Kind.SFU:
            return False
        return sum(map(_takes_place, streamer.subscribers.values())) >= self._max_players

    @staticmethod
    def _counts(player: Player, streamer: Streamer) -> bool:
        return _takes_place(player) and player.id not in streamer.subscribers


def _takes_place(player: Player) -> bool:
    return player.kind is Kind.PLAYER and player.grant.guest is None


class GrantedAdmission:
    """
    Lets players see and watch only what their token allows, then asks *inner*.

    The patterns are matched against the ids that players see and name. What a
    player may not watch does not exist for it.
    """

    def __init__(self, inner: Admission) -> None:
        self._inner = inner

    async def visible(self, player: Player) -> list[str] | None:
        """See `Admission`."""
        ids = await self._inner.visible(player)
        if ids is None or player.grant.streamers is None:
            return ids
        return [streamer_id for streamer_id in ids if player.grant.may_watch(streamer_id)]

    async def admit(self, player: Player, streamer_id: str) -> Streamer:
        """See `Admission`."""
        if not player.grant.may_watch(streamer_id):
            raise NotAdmitted(f"Streamer {streamer_id} does not exist.")
        return await self._inner.admit(player, streamer_id)

    async def admit_unasked(self, player: Player) -> Streamer | None:
        """See `Admission`: of a restricted player, the first allowed that has a place."""
        if player.grant.streamers is None:
            return await self._inner.admit_unasked(player)
        for streamer_id in await self.visible(player) or ():
            try:
                return await self._inner.admit(player, streamer_id)
            except NotAdmitted:
                continue
        return None

    async def left(self, player: Player) -> None:
        """See `Admission`."""
        await self._inner.left(player)
