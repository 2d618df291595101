"""Admission by the matchmaker: everybody watches the instance that is reserved for them."""

from matchmaker.errors import MatchError
from matchmaker.service import Matchmaker
from signalling.admission import Admission, NotAdmitted
from signalling.matching.claims import ClaimRefused, Claims, refusal
from signalling.matching.seats import Seat, Seats
from signalling.registry import Kind, Player, Registry, Streamer


class MatchedAdmission:
    """
    See `Admission`: players get their instance, SFUs what *relays* says.

    A page that knows no sessions is shown the alias when it has a place, and
    waits until then: its list is answered late, its subscription or offer is
    held, with what follows behind it. The patterns of a token (`streamers`) are
    compared with the alias, since that is what players see and name.
    """

    def __init__(
        self,
        matchmaker: Matchmaker,
        registry: Registry,
        *,
        seats: Seats,
        claims: Claims,
        relays: Admission,
    ) -> None:
        self._matchmaker = matchmaker
        self._registry = registry
        self._seats = seats
        self._claims = claims
        self._relays = relays

    async def visible(self, player: Player) -> list[str] | None:
        """See `Admission`; None when the list follows with the place."""
        if player.kind is Kind.SFU:
            return await self._relays.visible(player)
        if not player.grant.may_watch(self._seats.alias):
            return []
        seat = self._seats.of(player)
        if seat.speaks:
            async with seat.lock:
                return [seat.instance] if seat.instance else []
        return await self._listed(seat)

    async def _listed(self, seat: Seat) -> list[str] | None:
        """Return the alias for a page with a place; others are sent it by their seat."""
        if seat.instance:
            return [self._seats.alias]
        seat.wants_list = True
        try:
            await self._claims.ask(seat)
        except ClaimRefused as exc:
            seat.refuse(exc.code, exc.message, for_good=exc.for_good)
        return None

    async def admit(self, player: Player, streamer_id: str) -> Streamer:
        """See `Admission`; waits for a place if the player cannot be told that it waits."""
        if player.kind is Kind.SFU:
            return await self._relays.admit(player, streamer_id)
        if not player.grant.may_watch(self._seats.alias):
            raise NotAdmitted(f"Streamer {streamer_id} does not exist.")
        seat = self._seats.of(player)
        if streamer_id == self._seats.alias:
            await self._seated(seat)
        elif seat.instance != streamer_id:
            await self._claims.recall(seat, streamer_id)
        if not seat.instance or streamer_id not in {self._seats.alias, seat.instance}:
            raise NotAdmitted(self._why_not(seat, streamer_id))
        return await self._taken(seat)

    async def _seated(self, seat: Seat) -> None:
        """Get a place, or wait for one."""
        try:
            await self._claims.ask(seat)
        except ClaimRefused as exc:
            if not seat.speaks:
                seat.refuse(exc.code, exc.message, for_good=exc.for_good)
            raise NotAdmitted(exc.message) from None
        if not seat.speaks:
            await seat.settled()

    def _why_not(self, seat: Seat, streamer_id: str) -> str:
        if streamer_id == self._seats.alias:
            return "There is no place for you yet." if seat.session_id else "The session ended."
        if streamer_id in self._registry.streamers:
            return f"Streamer {streamer_id} is reserved for somebody else."
        return f"Streamer {streamer_id} does not exist."

    async def _taken(self, seat: Seat) -> Streamer:
        """Take the place: from now on the session's time runs."""
        session_id, player = seat.session_id, seat.player
        try:
            session = await self._matchmaker.subscribed(session_id, player.id)
        except MatchError as exc:
            raise NotAdmitted(refusal(exc).message) from None
        if session is None:
            raise NotAdmitted("The place is no longer reserved for you.")
        streamer = self._registry.streamers.get(session.instance)
        if streamer is None or not streamer.streaming:
            await self._matchmaker.unsubscribed(session_id, seat)
            raise NotAdmitted(f"Streamer {session.instance} is not connected here.")
        seat.watches = True
        await self._claims.check(seat)
        return streamer

    async def admit_unasked(self, player: Player) -> Streamer | None:
        """See `Admission`: a page that offers without subscribing means the alias."""
        if player.kind is Kind.SFU:
            return await self._relays.admit_unasked(player)
        try:
            return await self.admit(player, self._seats.alias)
        except NotAdmitted:
            return None

    async def left(self, player: Player) -> None:
        """See `Admission`: the place is kept for the grace time, a waiter leaves."""
        seat = self._seats.find(player)
        if seat is None:
            return
        seat.watches = False
        if self._seats.is_here(player):
            if seat.session_id:
                await self._matchmaker.unsubscribed(seat.session_id, seat)
            return
        self._seats.remove(player)
        await self._claims.detach(seat)
