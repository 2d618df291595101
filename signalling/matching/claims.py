"""A player's way to its place: who it is, what it shows, what the matchmaker says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from matchmaker.errors import BadTokenError, MatchError, RefusedError, StateUnavailableError
from matchmaker.model import Session, SessionState
from matchmaker.service import Matchmaker
from signalling.matching.labels import labels_in
from signalling.matching.seats import Seat, Seats
from signalling.registry import Player

PASSING: Final = frozenset({"queue_full", "too_many_demands", "state_lost"})
"""Refusals that may be others soon: a page is closed so that it comes back."""

log = structlog.get_logger()


class ClaimRefused(Exception):
    """There is no place for the player; *message* may be shown."""

    def __init__(self, code: str, message: str, *, for_good: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.for_good = for_good
        """Whether asking again would lead to the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a player asks for."""

    application: str = ""
    region: str = ""
    requirements: Mapping[str, str] = field(default_factory=dict)


class Claims:
    """Asks the matchmaker in a player's name; an answer reaches the player's seat."""

    def __init__(self, matchmaker: Matchmaker, seats: Seats) -> None:
        self._matchmaker = matchmaker
        self._seats = seats
        self._is_holding = False

    def hold(self) -> None:
        """Detach nobody from now on: sockets close since the server does."""
        self._is_holding = True

    async def ask(self, seat: Seat, wish: Wish | None = None) -> None:
        """
        Give *seat* a session, unless it has one: the token's, else the user's, else a new one.

        Raises:
            ClaimRefused: There is none for it.

        """
        if not seat.session_id:
            await self._asked(seat, wish or wish_of(seat.player))

    async def recall(self, seat: Seat, streamer_id: str) -> None:
        """Give *seat* the session that reserves *streamer_id* for it, if there is one."""
        token, user = token_of(seat.player), seat.user
        try:
            placed = await self._matchmaker.resolve(user="" if token else user, token=token)
        except StateUnavailableError:
            return
        if placed == streamer_id:
            await self.ask(seat)

    async def resume(self, seat: Seat, token: str) -> None:
        """
        Move the session of *token* to *seat*.

        Raises:
            ClaimRefused: The token is not good, or its session is over.

        """
        former = seat.session_id
        try:
            session = await self._matchmaker.find(token=token)
            if session is None or session.id != former:
                await self._put_down(seat)
                await self._matchmaker.resume(token, seat)
        except MatchError as error:
            raise refusal(error) from None
        if session is not None and session.id == former:
            seat.tell_again()
        await self.check(seat)

    async def release(self, seat: Seat) -> None:
        """
        End the session of *seat*.

        Raises:
            ClaimRefused: It has none, or the state cannot be reached.

        """
        if not seat.session_id:
            raise ClaimRefused("not_found", "There is no session to give back.")
        try:
            await self._matchmaker.release(seat.session_id)
        except MatchError as error:
            raise refusal(error) from None

    async def check(self, seat: Seat) -> None:
        """Undo a claim that was granted after its player had left."""
        if seat.gone and seat.session_id:
            await self.detach(seat)

    async def detach(self, seat: Seat) -> None:
        """Take note that the player's socket is gone: its place is kept for a while."""
        session_id, seat.session_id = seat.session_id, ""
        seat.watches = False
        if session_id and not self._is_holding:
            await self._matchmaker.lost(session_id, seat)

    async def _put_down(self, seat: Seat) -> None:
        """Give up a session that the seat was given before it showed the token of another."""
        session_id = seat.session_id
        if session_id:
            await self.detach(seat)
            seat.clear()
            await self._matchmaker.release(session_id)

    async def _asked(self, seat: Seat, wish: Wish) -> None:
        token = token_of(seat.player)
        try:
            await self._check_address(seat, token)
            if token:
                await self._matchmaker.resume(token, seat)
            else:
                await self._request(seat, wish)
        except MatchError as error:
            raise refusal(error) from None
        await self.check(seat)

    async def _request(self, seat: Seat, wish: Wish) -> None:
        await self._matchmaker.request(
            seat.user,
            application=wish.application,
            region=wish.region,
            requirements=wish.requirements,
            priority=seat.player.grant.priority,
            max_duration=seat.player.grant.max_duration,
            sink=seat,
        )

    async def _check_address(self, seat: Seat, token: str) -> None:
        """Refuse who comes to the address of a session that is not theirs."""
        session_id = self._matchmaker.session_at(seat.player.origin.host)
        if session_id is None:
            return
        own = await self._matchmaker.find(user="" if token else seat.user, token=token)
        if own is None or own.id != session_id:
            raise RefusedError("not_found")


def refusal(error: MatchError) -> ClaimRefused:
    """Return what a player is told of *error*."""
    if isinstance(error, RefusedError):
        return ClaimRefused(error.code, error.message, for_good=error.code not in PASSING)
    if isinstance(error, BadTokenError):
        return ClaimRefused("bad_token", "The session token is not valid.")
    log.warning("session_state_unavailable", error=str(error))
    message = "Sessions cannot be given out at the moment."
    return ClaimRefused("state_unavailable", message, for_good=False)


def wish_of(player: Player) -> Wish:
    """Return what the URL of a player's socket asks for."""
    query = player.origin.query
    named = {name: query[name] for name in ("version", "profile") if query.get(name)}
    return Wish(
        application=query.get("application", ""),
        region=query.get("region", ""),
        requirements=named | labels_in(query),
    )


def token_of(player: Player) -> str:
    """Return the session token in the URL of a player's socket."""
    return player.origin.query.get("session", "")


def is_waiting(session: Session) -> bool:
    """Return whether *session* has no place yet."""
    return session.state is SessionState.QUEUED
