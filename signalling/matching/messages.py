"""The messages of sessions: a player asks for a place, gives it back, comes back to it."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any, ClassVar, Final

import msgspec
import structlog

from matchmaker.service import Matchmaker
from signalling import messages
from signalling.access.identity import Users
from signalling.errors import BadMessage
from signalling.matching.claims import ClaimRefused, Claims, Wish, wish_of
from signalling.matching.seats import Seat, Seats
from signalling.messages import Json
from signalling.runner import Tasks
from signalling.session import Handler, PlayerSession

MAX_PENDING: Final = 8
"""Session messages of one player that may be worked on or wait for that."""

Text = Annotated[str, msgspec.Meta(max_length=64)]
Token = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]

log = structlog.get_logger()


class SessionRequest(messages.Message, frozen=True):
    """A player asks for an instance of its own."""

    wire_name: ClassVar[str] = "sessionRequest"
    application: Text = ""
    region: Text = ""
    requirements: Annotated[dict[Text, Text], msgspec.Meta(max_length=8)] = msgspec.field(
        default_factory=dict
    )
    user: Token | None = None
    """The signed id of an anonymous user, as the cookie holds it."""
    user_id: messages.Id | None = None
    """Counts only together with the admin token."""


class SessionRelease(messages.Message, frozen=True):
    """A player gives its session back."""

    wire_name: ClassVar[str] = "sessionRelease"


class SessionResume(messages.Message, frozen=True):
    """A player comes back to the session of a token."""

    wire_name: ClassVar[str] = "sessionResume"
    token: Token


class SessionInput(messages.Message, frozen=True):
    """A player tells that its user does something: the server sees no input."""

    wire_name: ClassVar[str] = "sessionInput"


Work = Callable[[Seat, Any], Coroutine[Any, Any, None]]


class SessionMessages:
    """Handlers of these messages; `table` lists them."""

    def __init__(
        self,
        matchmaker: Matchmaker,
        *,
        seats: Seats,
        claims: Claims,
        users: Users,
        run: Tasks,
    ) -> None:
        self._matchmaker = matchmaker
        self._seats = seats
        self._claims = claims
        self._users = users
        self._run = run

    def table(self) -> Mapping[str, Handler]:
        """Return the handlers by message type."""
        return {
            SessionRequest.wire_name: self._in_line(SessionRequest, self._request),
            SessionRelease.wire_name: self._in_line(SessionRelease, self._release),
            SessionResume.wire_name: self._in_line(SessionResume, self._resume),
            SessionInput.wire_name: self.take_input,
        }

    def take_input(self, session: PlayerSession, message: Json) -> None:
        """Note that the user does something, for the idle limit."""
        seat = self._seats.find(session.player)
        if _read(session, SessionInput, message) is not None and seat and seat.watches:
            self._matchmaker.touch(seat.session_id)

    # What each does, one after another for each player.

    async def _request(self, seat: Seat, asked: SessionRequest) -> None:
        player = seat.player
        if seat.session_id:
            seat.tell_again()
            return
        if not player.grant.may_watch(self._seats.alias):
            raise ClaimRefused("forbidden", "Your token does not allow this.")
        seat.user = self._users.of(player.grant, user=asked.user, user_id=asked.user_id)
        by_url = wish_of(player)
        await self._claims.ask(
            seat,
            Wish(
                application=asked.application or by_url.application,
                region=asked.region or by_url.region,
                requirements={**by_url.requirements, **asked.requirements},
            ),
        )

    async def _release(self, seat: Seat, _asked: SessionRelease) -> None:
        await self._claims.release(seat)

    async def _resume(self, seat: Seat, asked: SessionResume) -> None:
        await self._claims.resume(seat, asked.token)

    # How.

    def _in_line(self, kind: type[messages.Message], work: Work) -> Handler:
        def handle(session: PlayerSession, message: Json) -> None:
            asked = _read(session, kind, message)
            if asked is None:
                return
            seat = self._seats.of(session.player)
            seat.speak()
            if seat.pending >= MAX_PENDING:
                session.drop("too_many", type=kind.wire_name)
                _complain(session, kind, "too_many", "earlier messages are still worked on")
                return
            seat.pending += 1
            self._run(_in_turn(seat, work, asked), lambda error: _ended(session, seat, error))

        return handle


async def _in_turn(seat: Seat, work: Work, asked: messages.Message) -> None:
    async with seat.lock:
        try:
            await work(seat, asked)
        except ClaimRefused as exc:
            seat.refuse(exc.code, exc.message)


def _ended(session: PlayerSession, seat: Seat, error: BaseException | None) -> None:
    seat.pending -= 1
    if isinstance(error, Exception):
        session.fail(error)


def _read(
    session: PlayerSession, kind: type[messages.Message], message: Json
) -> messages.Message | None:
    """Return *message*, or None after saying why it is unusable; the socket stays open."""
    session.player.extended = True
    try:
        return messages.read(kind, message)
    except BadMessage as exc:
        session.drop("BadMessage", type=kind.wire_name)
        _complain(session, kind, "bad_message", exc.reason)
        return None


def _complain(
    session: PlayerSession, kind: type[messages.Message], code: str, message: str
) -> None:
    fields = {"code": code, "message": message, "of": kind.wire_name}
    session.link.send(messages.encode("error", fields))


# Where the server gives out no sessions.


def not_offered(session: PlayerSession, _message: Json) -> None:
    """Tell a page that asks for a session that it can just choose a streamer."""
    session.player.extended = True
    fields = {"code": "not_offered", "message": "This server gives out no sessions."}
    session.link.send(messages.encode("sessionFailed", fields))


NOT_OFFERED: Final[Mapping[str, Handler]] = {
    kind.wire_name: not_offered for kind in (SessionRequest, SessionRelease, SessionResume)
}
