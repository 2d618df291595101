"""
One visitor's room: who is in it, what was said, who steers. No I/O.

::

    Room ── host: the visitor, None while away
      └── Invitation ── guest: who came by it, None while nobody is there
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from signalling import messages
from signalling.access.identity import GuestPass
from signalling.messages import Json
from signalling.registry import Player, Streamer


class RoomRefused(Exception):
    """What was asked of a room cannot be; *code* and message are for the page."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True, eq=False)
class Invitation:
    """A place for one guest."""

    id: str
    name: str
    """What the guest is called in the room; empty: the page says `Guest`."""
    partner_id: str
    expires_at: float
    """Unix seconds, until which the link can be exchanged."""
    entry: int = 0
    guest: Player | None = None
    left_at: float = -math.inf
    """When it was last exchanged, or its guest left; Unix seconds."""

    def is_over(self, now: float, *, grace: float) -> bool:
        """Return whether nobody can come by it any more."""
        return self.guest is None and now >= max(self.expires_at, self.left_at + grace)

    def shown(self) -> Json:
        """Return what the visitor is told of it; never its token."""
        return {
            "id": self.id,
            "name": self.name,
            "partnerId": self.partner_id,
            "expiresAt": self.expires_at,
            "used": self.entry > 0,
            "playerId": "" if self.guest is None else self.guest.id,
        }


class Room:
    """A visitor and the guests that look along."""

    def __init__(self, room_id: str, host: Player, *, user: str, history: int) -> None:
        self.id = room_id
        self.user = user
        """Whose room it is: a visitor that comes back with another connection gets it again."""
        self.host: Player | None = host
        self.host_name = ""
        self.invitations: dict[str, Invitation] = {}
        self.away: set[Player] = set()
        """Those whose socket broke and who may resume."""
        self._steering: Player | None = None
        """The guest that was handed the input, None while the visitor has it."""
        self._said: deque[Json] = deque(maxlen=history)

    # Who is there.

    @property
    def streamer(self) -> Streamer | None:
        """What everybody looks at: what the visitor watches, if anything."""
        return None if self.host is None else self.host.streamer

    def guests(self) -> Iterator[Player]:
        """Yield the guests that are here."""
        return (each.guest for each in self.invitations.values() if each.guest is not None)

    def everybody(self) -> Iterator[Player]:
        """Yield everybody that is here, the visitor first."""
        if self.host is not None:
            yield self.host
        yield from self.guests()

    def invitation_of(self, player: Player) -> Invitation | None:
        """Return the invitation that *player* is here by."""
        return next((each for each in self.invitations.values() if each.guest is player), None)

    def invited(self, seat: GuestPass) -> Invitation | None:
        """Return the invitation of a pass, if the pass is its last one."""
        found = self.invitations.get(seat.invitation)
        return found if found is not None and found.entry == seat.entry else None

    def name_of(self, player: Player) -> str:
        """Return what somebody is called; empty where nobody said."""
        if player is self.host:
            return self.host_name
        invitation = self.invitation_of(player)
        return "" if invitation is None else invitation.name

    # Who steers.

    @property
    def holder(self) -> Player | None:
        """Whoever has the input; None while that is the visitor, who is away."""
        return self.host if self._steering is None else self._steering

    def give_input(self, giver: Player, to: str) -> None:
        """
        Hand the input to the person with the player id *to*.

        Raises:
            RoomRefused: It is not theirs to give, or there is no such person.

        """
        receiver = next((each for each in self.everybody() if each.id == to), None)
        if receiver is None or receiver in self.away:
            raise RoomRefused("not_found", "Nobody of that id is in the room.")
        if giver is not self.host and (giver is not self.holder or receiver is not self.host):
            raise RoomRefused("forbidden", "Only the visitor hands the input to a guest.")
        self._steering = None if receiver is self.host else receiver

    def take_input(self) -> None:
        """Let the visitor have the input again."""
        self._steering = None

    # What is said.

    def say(self, player: Player, message_id: str, text: str, *, at: float) -> Json:
        """Return what everybody is told of *player*'s message, which is remembered."""
        said: Json = {
            "id": message_id,
            "playerId": player.id,
            "role": self.role_of(player),
            "name": self.name_of(player),
            "text": text,
            "at": round(at, 3),
        }
        self._said.append(said)
        return said

    def history(self) -> Json:
        """Return what was said lately, oldest first."""
        return {"messages": list(self._said)}

    def overheard(self, player: Player, wire_name: str, fields: Json) -> Json:
        """Return what others are told of a message between *player* and the consultant."""
        return {
            "playerId": player.id,
            "name": self.name_of(player),
            "role": self.role_of(player),
            "message": {"type": wire_name, **fields},
        }

    # What everybody is told.

    def role_of(self, player: Player) -> str:
        """Return what *player* is here."""
        return "visitor" if player is self.host else "guest"

    def tell(self, wire_name: str, fields: Json) -> None:
        """Tell everybody the same."""
        payload = messages.encode(wire_name, fields)
        for player in self.everybody():
            player.link.send(payload)

    def tell_state(self) -> None:
        """Tell everybody who is here, who steers, and what is looked at."""
        for player in self.everybody():
            self.tell_state_to(player)

    def tell_state_to(self, player: Player) -> None:
        """Tell one person the same; the visitor learns of the open invitations too."""
        player.link.send(messages.encode("roomState", self.state_for(player)))

    def tell_holder(self) -> None:
        """Tell everybody who has the input now."""
        holder = self.holder
        self.tell("inputHolder", {"playerId": "" if holder is None else holder.id})

    def state_for(self, player: Player) -> Json:
        """Return the fields of `roomState` for *player*."""
        holder, streamer = self.holder, self.streamer
        state: dict[str, Any] = {
            "you": player.id,
            "role": self.role_of(player),
            "people": [self._person(each) for each in self.everybody()],
            "inputHolder": "" if holder is None else holder.id,
            "streamerId": None if streamer is None else streamer.id,
        }
        if player is self.host:
            state["invitations"] = [each.shown() for each in self.invitations.values()]
        else:
            state["visitor"] = self.host_name
        return state

    def _person(self, player: Player) -> Json:
        return {
            "playerId": player.id,
            "role": self.role_of(player),
            "name": self.name_of(player),
            "here": player not in self.away,
        }
