"""The messages of a room: invitations, what is said, who steers."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Final

import msgspec

from signalling import messages
from signalling.access.identity import Users
from signalling.errors import BadMessage
from signalling.guests.room import Room, RoomRefused
from signalling.guests.rooms import Rooms
from signalling.messages import Json
from signalling.registry import Player
from signalling.session import Handler, PlayerSession

LONGEST_TEXT: Final = 1_000
"""Characters of a message."""

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Name = Annotated[str, msgspec.Meta(max_length=64)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT, pattern=r"\S")]
Token = Annotated[str, msgspec.Meta(max_length=512)]


class Owned(messages.Message, frozen=True, kw_only=True):
    """What a visitor may carry that has no cookie."""

    user: Token | None = None
    """The signed id of an anonymous user, as the cookie holds it."""
    user_id: messages.Id | None = None
    """Counts only together with the admin token."""


class InviteRequest(Owned, frozen=True):
    """A visitor asks for a link."""

    wire_name: ClassVar[str] = "inviteRequest"
    partner_id: Name = ""
    name: Name = ""
    """What the guest is to be called."""
    visitor: Name = ""
    """What the guest is told that the visitor is called."""


class InviteRevoke(messages.Message, frozen=True):
    """A visitor takes an invitation back, or all; guests that came by it are sent away."""

    wire_name: ClassVar[str] = "inviteRevoke"
    id: Key | None = None


class RoomOpen(Owned, frozen=True):
    """Somebody asks how their room stands; a visitor comes back to it."""

    wire_name: ClassVar[str] = "roomOpen"


class RoomMessage(messages.Message, frozen=True):
    """Somebody says something to everybody in the room."""

    wire_name: ClassVar[str] = "roomMessage"
    id: Key
    text: Text


class InputGrant(messages.Message, frozen=True):
    """Who steers lets somebody else."""

    wire_name: ClassVar[str] = "inputGrant"
    to: messages.Id


class InputTake(messages.Message, frozen=True):
    """The visitor steers again."""

    wire_name: ClassVar[str] = "inputTake"


class GuestInput(messages.Message, frozen=True):
    """A guest that steers tells that it does, for the idle limit of the visitor's session."""

    wire_name: ClassVar[str] = "sessionInput"


KINDS: Final = (InviteRequest, InviteRevoke, RoomOpen, RoomMessage, InputGrant, InputTake)

Act = Callable[[PlayerSession, Any], None]


class RoomMessages:
    """Handlers of these messages; `table` lists them. None of them waits."""

    def __init__(self, rooms: Rooms, *, users: Users, touch: Callable[[Player], None]) -> None:
        self._rooms = rooms
        self._users = users
        self._touch = touch

    def table(self) -> Mapping[str, Handler]:
        """Return the handlers by message type, for visitors and guests."""
        return {
            InviteRequest.wire_name: _handler(InviteRequest, self._invite),
            InviteRevoke.wire_name: _handler(InviteRevoke, self._revoke),
            RoomOpen.wire_name: _handler(RoomOpen, self._open),
            RoomMessage.wire_name: _handler(RoomMessage, self._say),
            InputGrant.wire_name: _handler(InputGrant, self._grant),
            InputTake.wire_name: _handler(InputTake, self._take),
        }

    def guest_table(self) -> Mapping[str, Handler]:
        """Return what guests send in place of a visitor's messages."""
        return {GuestInput.wire_name: _handler(GuestInput, self._note_input)}

    def _invite(self, session: PlayerSession, asked: InviteRequest) -> None:
        player = session.player
        _refuse_guest(player)
        if self._rooms.find(player) is None and player.streamer is None:
            raise RoomRefused("not_watching", "There is nothing to look at yet.")
        room = self._rooms.open(player, self._user(player, asked))
        invitation, token = self._rooms.invite(
            room, name=asked.name.strip(), partner_id=asked.partner_id
        )
        room.host_name = asked.visitor.strip() or room.host_name
        fields = {"token": token, **invitation.shown()}
        player.link.send(messages.encode("invite", fields))
        room.tell_state()

    def _revoke(self, session: PlayerSession, asked: InviteRevoke) -> None:
        self._rooms.revoke(self._own(session.player), asked.id)

    def _open(self, session: PlayerSession, asked: RoomOpen) -> None:
        player = session.player
        room = self._rooms.find(player)
        if room is None and player.grant.guest is None:
            room = self._rooms.come_back(player, self._user(player, asked))
        if room is None:
            raise RoomRefused("no_room", "You are in no room.")
        player.link.send(messages.encode("roomHistory", room.history()))
        room.tell_state_to(player)

    def _say(self, session: PlayerSession, asked: RoomMessage) -> None:
        room = self._rooms.of(session.player)
        if not self._rooms.may_speak(room, session.player):
            raise RoomRefused("rate_limited", "Too many messages in a short time.")
        said = room.say(session.player, asked.id, asked.text, at=self._rooms.now())
        room.tell(RoomMessage.wire_name, said)

    def _grant(self, session: PlayerSession, asked: InputGrant) -> None:
        room = self._rooms.of(session.player)
        room.give_input(session.player, asked.to)
        room.tell_holder()

    def _take(self, session: PlayerSession, _asked: InputTake) -> None:
        room = self._own(session.player)
        room.take_input()
        room.tell_holder()

    def _note_input(self, session: PlayerSession, _asked: GuestInput) -> None:
        """Count what a guest does for its visitor, but only while the guest steers."""
        room = self._rooms.of(session.player)
        if room.holder is session.player and room.host is not None:
            self._touch(room.host)

    def _own(self, player: Player) -> Room:
        _refuse_guest(player)
        return self._rooms.of(player)

    def _user(self, player: Player, asked: Owned) -> str:
        return self._users.of(player.grant, user=asked.user, user_id=asked.user_id)


def _refuse_guest(player: Player) -> None:
    if player.grant.guest is not None:
        raise RoomRefused("forbidden", "Only the visitor may do that.")


def _handler(kind: type[messages.Message], act: Act) -> Handler:
    def handle(session: PlayerSession, message: Json) -> None:
        session.player.extended = True
        try:
            act(session, messages.read(kind, message))
        except BadMessage as exc:
            session.drop("BadMessage", type=kind.wire_name)
            _complain(session, kind.wire_name, "bad_message", exc.reason)
        except RoomRefused as exc:
            session.drop(exc.code, type=kind.wire_name)
            _complain(session, kind.wire_name, exc.code, str(exc))

    return handle


def _complain(session: PlayerSession, wire_name: str, code: str, message: str) -> None:
    fields = {"code": code, "message": message, "of": wire_name}
    session.link.send(messages.encode("error", fields))


def refusing(wire_name: str, code: str, message: str) -> Handler:
    """Return a handler that answers every such message by the same error."""

    def handle(session: PlayerSession, _message: Json) -> None:
        session.player.extended = True
        _complain(session, wire_name, code, message)

    return handle


NOT_OFFERED: Final[Mapping[str, Handler]] = {
    kind.wire_name: refusing(
        kind.wire_name, "not_offered", "Nobody can be invited on this server."
    )
    for kind in KINDS
}
"""Where the server takes no guests."""

NOT_FOR_GUESTS: Final[Mapping[str, Handler]] = {
    "tokenRefresh": refusing("tokenRefresh", "forbidden", "A guest has no token to renew.")
}
