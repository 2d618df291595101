"""
What each player holds or waits for, as the matchmaker tells it. No I/O.

A *seat* is a player's claim of one place. Pages that know sessions are told
in messages; others see one constant streamer id, the alias, as soon as there
is a place for them, and nothing before.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from matchmaker.events import Assigned, Ended, Event, Expiring, Failed, Queued
from signalling import messages
from signalling.errors import CloseCode
from signalling.registry import Player, Registry

FINAL: Final[Mapping[str, tuple[CloseCode, str]]] = {
    "max_duration": (CloseCode.MAX_DURATION, "the session has reached its longest duration"),
    "idle": (CloseCode.IDLE, "there was no input for a while"),
    "released": (CloseCode.RELEASED, "the session was given back"),
    "taken_over": (CloseCode.RELEASED, "the session goes on in another connection"),
    "operator": (CloseCode.RELEASED, "an operator ended the session"),
}
"""Ends after which a player must not come back by itself; after others it may ask again."""


class Seat:
    """One player's claim; the matchmaker's `Sink`."""

    def __init__(self, player: Player, registry: Registry, *, alias: str) -> None:
        self.player = player
        self.user = player.grant.user
        """Whose claim it is."""
        self.session_id = ""
        """The session; empty while there is none."""
        self.instance = ""
        """The streamer that is reserved; empty while the session waits."""
        self.speaks = False
        """Whether the player knows sessions and is told of its own."""
        self.wants_list = False
        """Whether a list of streamers is owed."""
        self.watches = False
        """Whether the place was taken."""
        self.gone = False
        """Whether the player has left for good."""
        self.lock = asyncio.Lock()
        """Held while the player's session messages are worked on, one after another."""
        self.pending = 0
        """Its session messages that are being worked on or wait for that."""
        self._registry = registry
        self._alias = alias
        self._news: Event | None = None
        self._settled: asyncio.Future[None] | None = None
        self._table: dict[type, Callable[..., None]] = {
            Queued: self._queued,
            Assigned: self._assigned,
            Expiring: self._expiring,
            Ended: self._ended,
            Failed: self._failed,
        }

    # What the matchmaker tells.

    def deliver(self, event: Event) -> None:
        """See `Sink`."""
        self._table[type(event)](event)

    def _queued(self, event: Queued) -> None:
        self._news = event
        watched, self.watches = self.watches, False
        self.session_id, self.instance = event.session_id, ""
        self._say("sessionQueued", queued_fields(event))
        if watched:
            self._lose_place()

    def _lose_place(self) -> None:
        """Stop watching an instance that counts as gone, be its streamer here or not."""
        self._registry.disconnect(self.player)
        if not self.speaks:
            self.player.close(CloseCode.STREAMER_LEFT, "the streamer left")

    def _assigned(self, event: Assigned) -> None:
        self._news = event
        self.session_id, self.instance = event.session_id, event.streamer_id
        self._say("sessionAssigned", assigned_fields(event))
        if self.wants_list and not self.speaks:
            self.wants_list = False
            self.player.link.send(messages.streamer_list([self._alias]))
        self._settle()

    def _expiring(self, event: Expiring) -> None:
        fields = {"secondsLeft": event.seconds_left, "reason": event.reason}
        self._say("sessionExpiring", fields)

    def _ended(self, event: Ended) -> None:
        self._say("sessionEnded", {"reason": event.reason})
        self.clear()
        self._registry.disconnect(self.player)
        if event.reason in FINAL:
            self.player.close(*FINAL[event.reason])

    def _failed(self, event: Failed) -> None:
        self.clear()
        self._registry.disconnect(self.player)
        self.refuse(event.code, event.message)

    # What the player is told.

    def refuse(self, code: str, message: str, *, for_good: bool = False) -> None:
        """Say that there is no session; a page that knows none is closed, maybe for good."""
        if self.speaks:
            self._say("sessionFailed", {"code": code, "message": message})
        else:
            closing = CloseCode.RELEASED if for_good else CloseCode.OVERLOADED
            self.player.close(closing, message)
        self._settle()

    def speak(self) -> None:
        """From now on tell the player in messages, and keep it when its streamer leaves."""
        self.speaks = True
        self.player.extended = True
        self.player.stays = True

    def tell_again(self) -> None:
        """Repeat how the session stands, to a player that asks again."""
        if isinstance(self._news, Queued):
            self._say("sessionQueued", queued_fields(self._news))
        elif isinstance(self._news, Assigned):
            self._say("sessionAssigned", assigned_fields(self._news))

    def _say(self, wire_name: str, fields: messages.Json) -> None:
        if self.speaks:
            self.player.link.send(messages.encode(wire_name, fields))

    # Its life.

    def clear(self) -> None:
        """Forget the session; the player may ask for another."""
        self.session_id = self.instance = ""
        self.watches = False
        self._news = None
        self._settle()

    def leave(self) -> None:
        """Take note that the player is gone."""
        self.gone = True
        self._settle()

    async def settled(self) -> None:
        """Wait until the session has a place, or is over, or the player has left."""
        while self.session_id and not self.instance and not self.gone:
            if self._settled is None:
                self._settled = asyncio.get_running_loop().create_future()
            await self._settled

    def _settle(self) -> None:
        settled, self._settled = self._settled, None
        if settled is not None and not settled.done():
            settled.set_result(None)


class Seats:
    """The seats of this node's players."""

    def __init__(self, registry: Registry, *, alias: str) -> None:
        self.alias = alias
        self._registry = registry
        self._of: dict[Player, Seat] = {}

    def __iter__(self) -> Iterator[Seat]:
        return iter(list(self._of.values()))

    def of(self, player: Player) -> Seat:
        """Return the seat of *player*, made at its first use."""
        seat = self._of.get(player)
        if seat is None:
            seat = Seat(player, self._registry, alias=self.alias)
            if player.id in self._registry.players:
                self._of[player] = seat
            else:
                seat.leave()
        return seat

    def is_here(self, player: Player) -> bool:
        """Return whether the player's socket is still open."""
        return player.id in self._registry.players

    def find(self, player: Player) -> Seat | None:
        """Return the seat of *player* if it has one."""
        return self._of.get(player)

    def remove(self, player: Player) -> None:
        """Forget the seat of a player that is gone."""
        seat = self._of.pop(player, None)
        if seat is not None:
            seat.leave()

    def count(self) -> dict[str, int]:
        """Return how many wait, have a place, and watch."""
        claimed = [seat for seat in self if seat.session_id]
        watching = sum(seat.watches for seat in claimed)
        waiting = sum(not seat.instance for seat in claimed)
        reserved = len(claimed) - watching - waiting
        return {"queued": waiting, "reserved": reserved, "active": watching}

    def watching(self, streamer_id: str) -> list[Seat]:
        """Return the seats that watch an instance."""
        return [seat for seat in self if seat.instance == streamer_id and seat.watches]


def queued_fields(event: Queued) -> messages.Json:
    """Return what `sessionQueued` says; `etaSeconds` is null while it is not known."""
    return {
        "position": event.position,
        "queueLength": event.queue_length,
        "etaSeconds": event.eta_seconds,
    }


def assigned_fields(event: Assigned) -> messages.Json:
    """Return what `sessionAssigned` says; `url` only where sessions have addresses."""
    return {
        "sessionId": event.session_id,
        "streamerId": event.streamer_id,
        "token": event.token,
        "expiresAt": event.expires_at,
        "maxDurationSeconds": event.max_duration_seconds,
        **({"url": event.url} if event.url else {}),
    }
