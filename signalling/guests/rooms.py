"""
The rooms of one node: made by a visitor's first invitation, gone with the visitor.

A guest watches what its visitor watches, at any moment, and nothing else:
whenever that changes the guests' subscriptions end with it.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import structlog

from signalling import messages
from signalling.access.attempts import Buckets
from signalling.access.identity import GuestPass
from signalling.access.tokens import TokenRefused
from signalling.errors import FINAL_CODES, CloseCode
from signalling.guests.room import Invitation, Room, RoomRefused
from signalling.guests.tokens import INVITE, PASS, GuestTokens
from signalling.messages import Json
from signalling.metrics import Metrics
from signalling.options.guests import GuestSettings
from signalling.registry import Player, Registry, Streamer

INVITES_PER_MINUTE: Final = 6
"""Of one visitor: a person corrects a name or calls one back a few times."""

SECONDS_PER_MINUTE: Final = 60.0

BURST: Final = 4
"""A fourth of a minute's messages may be written at once."""

ACTION: Final = "chatAction"
"""What the consultant asks of the scene: done by one page, where all else is read by all."""

LEFT: Final = (CloseCode.RELEASED, "the visitor left")

REASONS: Final[Mapping[CloseCode, str]] = {
    CloseCode.MAX_DURATION: "max_duration",
    CloseCode.IDLE: "idle",
    CloseCode.RELEASED: "released",
}
"""What guests are told of the end of a visitor's session, by its close code."""

log = structlog.get_logger()


class Cancellable(Protocol):
    """What is to happen later, unless it is cancelled."""

    def cancel(self) -> None:
        """Let it not happen."""


Later = Callable[[float, Callable[[], None]], Cancellable]
"""Calls a function in so many seconds, as an event loop does."""


def later(seconds: float, act: Callable[[], None]) -> Cancellable:
    """Call *act* in so many seconds of the running event loop."""
    return asyncio.get_running_loop().call_later(seconds, act)


class Rooms:
    """Finds rooms by visitor and by pass, and ends them."""

    def __init__(
        self,
        settings: GuestSettings,
        registry: Registry,
        *,
        tokens: GuestTokens,
        metrics: Metrics,
        later: Later = later,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self._registry = registry
        self._tokens = tokens
        self._metrics = metrics
        self._later = later
        self._now = now
        self._rooms: dict[str, Room] = {}
        self._of_host: dict[Player, Room] = {}
        self._without_host: dict[str, Room] = {}
        """The rooms whose visitor left and may come back, by user."""
        self._ending: dict[Room, Cancellable] = {}
        self._invites = _buckets(INVITES_PER_MINUTE, INVITES_PER_MINUTE)
        per_minute = settings.room_messages_per_minute
        self._messages = _buckets(per_minute, per_minute / BURST)
        registry.moved = self.moved
        metrics.watch_rooms(self.count)

    # Finding.

    def count(self) -> dict[str, int]:
        """Return how many rooms, guests and open invitations there are."""
        rooms = list(self._rooms.values())
        guests = sum(sum(1 for _ in room.guests()) for room in rooms)
        invitations = sum(len(room.invitations) for room in rooms)
        return {"rooms": len(rooms), "guests": guests, "invitations": invitations}

    def find(self, player: Player) -> Room | None:
        """Return the room that *player* is in, as visitor or guest."""
        seat = player.grant.guest
        if seat is None:
            return self._of_host.get(player)
        room = self._rooms.get(seat.room)
        return room if room is not None and room.invitation_of(player) is not None else None

    def of(self, player: Player) -> Room:
        """
        Return the room that *player* is in.

        Raises:
            RoomRefused: It is in none.

        """
        room = self.find(player)
        if room is None:
            raise RoomRefused("no_room", "You are in no room.")
        return room

    def overhear(self, player: Player, wire_name: str, fields: Json) -> bool:
        """
        Let the others in the room hear what *player* asks the consultant, and the answer.

        An action for the scene goes to whoever steers, since no other page can do it;
        return whether that is somebody else.
        """
        room = self.find(player)
        if room is None:
            return False
        is_action = wire_name == ACTION
        is_elsewhere = is_action and room.holder not in {None, player}
        others = [room.holder] if is_elsewhere else () if is_action else room.everybody()
        payload = messages.encode("roomChat", room.overheard(player, wire_name, fields))
        for each in others:
            if each is not None and each is not player:
                each.link.send(payload)
        return is_elsewhere

    def shown_to(self, guest: Player) -> Streamer | None:
        """Return what *guest* may watch now."""
        room = self.find(guest)
        streamer = None if room is None else room.streamer
        return streamer if streamer is not None and streamer.streaming else None

    # A visitor.

    def open(self, player: Player, user: str) -> Room:
        """
        Return the room of *player*: its own, the one its *user* left, or a new one.

        Raises:
            RoomRefused: There are too many rooms.

        """
        room = self.find(player) or self.come_back(player, user)
        if room is not None:
            return room
        if len(self._rooms) >= self.settings.max_rooms:
            self._metrics.limited("max_rooms")
            raise RoomRefused("rooms_full", "Nobody can be invited at the moment.")
        room = Room(
            secrets.token_urlsafe(12), player, user=user, history=self.settings.room_history
        )
        self._rooms[room.id] = self._of_host[player] = room
        return room

    def come_back(self, player: Player, user: str) -> Room | None:
        """Return the room that *user* left, now with *player* as its visitor, if any."""
        room = self._without_host.pop(user, None)
        if room is None:
            return None
        self._ending.pop(room).cancel()
        room.host = player
        self._of_host[player] = room
        room.tell_state()
        room.tell_holder()
        return room

    def invite(self, room: Room, *, name: str, partner_id: str) -> tuple[Invitation, str]:
        """
        Return a new invitation into *room*, and the token of its link.

        Raises:
            RoomRefused: The visitor watches nothing, or has as many guests as may be.

        """
        if room.streamer is None:
            raise RoomRefused("not_watching", "There is nothing to look at yet.")
        self._prune(room)
        if len(room.invitations) >= self.settings.guests_per_visitor:
            self._metrics.limited("guests_per_visitor")
            raise RoomRefused("too_many_guests", "Take an invitation back first.")
        if not self._invites.take(room.user or room.id):
            self._metrics.limited("invites_per_minute")
            raise RoomRefused("rate_limited", "Too many invitations in a short time.")
        expires_at = round(self._now() + self.settings.invite_ttl, 3)
        invitation = Invitation(secrets.token_urlsafe(9), name, partner_id, expires_at)
        room.invitations[invitation.id] = invitation
        self._note("made", room, invitation)
        return invitation, self._tokens.invite(room.id, invitation.id, expires_at=expires_at)

    def revoke(self, room: Room, invitation_id: str | None) -> None:
        """
        Take back one invitation, or all; who came by it is sent away for good.

        Raises:
            RoomRefused: There is none of this id.

        """
        if invitation_id is not None and invitation_id not in room.invitations:
            raise RoomRefused("not_found", "There is no such invitation.")
        for key in [invitation_id] if invitation_id is not None else list(room.invitations):
            invitation = room.invitations.pop(key)
            self._note("revoked", room, invitation)
            if invitation.guest is not None:
                self._send_away(invitation.guest, "revoked", LEFT[0], "the invitation ended")
        self._settle_input(room)
        room.tell_state()

    def may_speak(self, room: Room, player: Player) -> bool:
        """Count a message of *player*; False when it wrote too many."""
        invitation = room.invitation_of(player)
        who = "" if invitation is None else invitation.id
        allowed = self._messages.take(f"{room.id} {who}")
        if not allowed:
            self._metrics.limited("room_messages_per_minute")
        return allowed

    def now(self) -> float:
        """Return the time in Unix seconds."""
        return self._now()

    # A guest.

    def redeem(self, token: str) -> tuple[str, Room, Invitation]:
        """
        Return a guest's pass for the token of a link, or for a pass that is still good.

        Raises:
            TokenRefused: It is forged, out of date, taken back, over or in use.

        """
        claims = self._tokens.read(token, INVITE, PASS)
        if claims.aud == PASS:
            room, invitation = self._seat(claims.guest)
            return token, room, invitation
        room = self._room_of(claims.guest)
        invitation = self._invitation_of(room, claims.guest)
        if invitation.guest is not None and invitation.guest not in room.away:
            raise _refused("invite_used", "somebody came by this invitation already")
        invitation.entry += 1
        invitation.left_at = self._now()
        self._note("used", room, invitation)
        seat = GuestPass(room=room.id, invitation=invitation.id, entry=invitation.entry)
        return self._tokens.guest(seat), room, invitation

    def admit(self, token: str) -> GuestPass:
        """
        Return whose pass *token* is; see `Passes`.

        Raises:
            TokenRefused: It is none, or good no longer.

        """
        seat = self._tokens.read(token, PASS).guest
        self._seat(seat)
        return seat

    def enter(self, guest: Player) -> None:
        """Let *guest*, who came in with a pass, into its room."""
        guest.extended = True
        try:
            room, invitation = self._seat(guest.grant.guest or GuestPass("", "", 0))
        except TokenRefused:
            guest.close(CloseCode.RELEASED, "the invitation ended")
            return
        former, invitation.guest = invitation.guest, guest
        if former is not None:
            self._forget_person(room, former)
            self._send_away(former, "taken_over", LEFT[0], "taken over by a newer connection")
        log.info("guest_entered", room=room.id, invitation=invitation.id, peer=guest.id)
        guest.link.send(messages.encode("roomHistory", room.history()))
        room.tell_state()

    def leave(self, guest: Player) -> None:
        """Take note that *guest* is gone; its seat is kept for a while."""
        room = self.find(guest)
        invitation = None if room is None else room.invitation_of(guest)
        if room is None or invitation is None:
            return
        invitation.guest, invitation.left_at = None, self._now()
        log.info("guest_left", room=room.id, invitation=invitation.id, peer=guest.id)
        self._forget_person(room, guest)
        room.tell_state()

    # Whoever is here.

    def presence(self, player: Player, *, is_here: bool) -> None:
        """Take note that the socket of *player* broke, or that it resumed."""
        room = self.find(player)
        if room is None:
            return
        if is_here:
            room.away.discard(player)
        else:
            room.away.add(player)
        self._settle_input(room)
        room.tell_state()

    def moved(self, player: Player) -> None:
        """Take note that *player* watches something else, or is gone; see `Registry.moved`."""
        room = self._of_host.get(player)
        if room is None:
            return
        for guest in list(room.guests()):
            if guest.streamer is not None and guest.streamer is not room.streamer:
                self._registry.disconnect(guest)
        if player.id in self._registry.players:
            room.tell_state()
        else:
            self._host_left(room, player)

    def _host_left(self, room: Room, host: Player) -> None:
        """Wait for a visitor that may come back; end the room of one whose session is over."""
        del self._of_host[host]
        room.host = None
        self._forget_person(room, host)
        self._prune(room)
        ending = host.ending
        if ending is not None and ending[0] in FINAL_CODES:
            self._end(room, REASONS[ending[0]], *ending)
        elif self.settings.room_grace <= 0 or not room.invitations:
            self._end(room, "left", *LEFT)
        else:
            self._wait_for_host(room)

    def _wait_for_host(self, room: Room) -> None:
        former = self._without_host.pop(room.user, None)
        if former is not None:
            # A visitor with two windows left both: only the later can be come back to.
            self._ending.pop(former).cancel()
            self._end(former, "left", *LEFT)
        self._without_host[room.user] = room
        self._ending[room] = self._later(self.settings.room_grace, lambda: self._give_up(room))
        room.take_input()
        room.tell_state()

    def _give_up(self, room: Room) -> None:
        del self._ending[room]
        del self._without_host[room.user]
        self._end(room, "left", *LEFT)

    def close(self) -> None:
        """Wait for nobody any more: the server stops."""
        for room, timer in list(self._ending.items()):
            timer.cancel()
            self._give_up(room)

    def _end(self, room: Room, reason: str, code: CloseCode, words: str) -> None:
        del self._rooms[room.id]
        log.info("room_ended", room=room.id, reason=reason)
        for guest in list(room.guests()):
            self._send_away(guest, reason, code, words)
        room.invitations.clear()

    # How.

    def _send_away(self, guest: Player, reason: str, code: CloseCode, words: str) -> None:
        self._registry.disconnect(guest)
        guest.link.send(messages.encode("roomEnded", {"reason": reason}))
        guest.close(code, words)

    def _forget_person(self, room: Room, player: Player) -> None:
        room.away.discard(player)
        self._settle_input(room)

    def _settle_input(self, room: Room) -> None:
        """Give the input back to the visitor when whoever has it is not here any more."""
        holder = room.holder
        if holder is None or holder is room.host:
            return
        if holder in room.away or room.invitation_of(holder) is None:
            room.take_input()
            room.tell_holder()

    def _seat(self, seat: GuestPass) -> tuple[Room, Invitation]:
        room = self._room_of(seat)
        self._invitation_of(room, seat)
        invitation = room.invited(seat)
        if invitation is None:
            raise _refused("invite_used", "somebody came later by the same invitation")
        return room, invitation

    def _room_of(self, seat: GuestPass) -> Room:
        room = self._rooms.get(seat.room)
        if room is None:
            raise _refused("invite_over", "the visit is over")
        self._prune(room)
        return room

    @staticmethod
    def _invitation_of(room: Room, seat: GuestPass) -> Invitation:
        invitation = room.invitations.get(seat.invitation)
        if invitation is None:
            raise _refused("invite_revoked", "the invitation was taken back or is over")
        return invitation

    def _prune(self, room: Room) -> None:
        """Forget the invitations that nobody can come by any more."""
        now, grace = self._now(), self.settings.room_grace
        over = [each for each in room.invitations.values() if each.is_over(now, grace=grace)]
        for invitation in over:
            del room.invitations[invitation.id]

    def _note(self, outcome: str, room: Room, invitation: Invitation) -> None:
        self._metrics.invitation(outcome)
        about = {"room": room.id, "invitation": invitation.id}
        log.info("invitation", outcome=outcome, **about, partner=invitation.partner_id or None)


def _refused(code: str, message: str) -> TokenRefused:
    return TokenRefused(code, message, is_guess=False)


def _buckets(per_minute: float, burst: float) -> Buckets[str]:
    return Buckets(per_second=per_minute / SECONDS_PER_MINUTE, burst=burst, now=time.monotonic)
