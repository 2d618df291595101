"""
Who is connected to this node, and who watches whom: plain dicts, no waiting.

A player or streamer is not its socket: it has a *link*, to which the
transport, a resumed connection or another node can be attached.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from signalling import messages
from signalling.access.identity import OPEN, Grant
from signalling.dialect import Dialect
from signalling.errors import FINAL_CODES, CloseCode


class Link(Protocol):
    """Something to send with. No method waits, and none raises."""

    def send(self, payload: bytes) -> None:
        """Queue one message; a peer that reads too slowly is closed with 1013."""

    def ping(self) -> None:
        """Ask for a pong of the WebSocket protocol."""

    def close(self, code: CloseCode, reason: str) -> None:
        """Say goodbye and close; whatever is sent later is dropped."""


class Kind(Enum):
    """What a peer is, in the words of Wilbur's REST API."""

    PLAYER = "Player"
    STREAMER = "Streamer"
    SFU = "SFU"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a peer comes from: its address, and what its URL's query says."""

    address: str
    query: dict[str, str] = field(default_factory=dict)
    """Without its token; a streamer's JWT wins over what the query says of it."""
    grant: Grant = OPEN
    """What it was given leave to do at the door."""
    host: str = ""
    """The Host that it asked for, as a trusted proxy tells it."""


class Player:
    """Someone who watches, or an SFU towards the streamer it relays."""

    __slots__ = (
        "asked", "dialect", "ending", "extended", "grant", "id", "kind", "link", "member",
        "offers", "origin", "serves", "stays", "streamer",
    )  # fmt: skip

    def __init__(
        self,
        player_id: str,
        *,
        link: Link,
        dialect: Dialect,
        origin: Origin,
        kind: Kind = Kind.PLAYER,
        offers: bool = False,
    ) -> None:
        self.id = player_id
        self.link = link
        self.dialect = dialect
        self.origin = origin
        self.grant = origin.grant
        """What it may do now: a newer token replaces the one of the door."""
        self.kind = kind
        self.offers = offers
        """Whether the page sends the offer instead of waiting for one."""
        self.asked = False
        """Whether it has asked for a streamer, or been given one unasked."""
        self.extended = False
        """Whether it has spoken any message beyond Epic's protocol."""
        self.stays = False
        """Whether it stays when its streamer leaves, since it is told what comes next."""
        self.ending: tuple[CloseCode, str] | None = None
        """How it was closed, if the server closed it for a reason of its own."""
        self.member = messages.player_id_member(player_id)
        self.streamer: Streamer | None = None
        """Whom it watches."""
        self.serves: Streamer | None = None
        """An SFU's other half, which is watched."""

    def close(self, code: CloseCode, reason: str) -> None:
        """Close the player's socket; a stock page is told for good where it is for good."""
        self.ending = (code, reason)
        if code in FINAL_CODES and not self.extended:
            code = CloseCode.GOING_AWAY
        self.link.close(code, reason)


class Streamer:
    """A UE instance, or an SFU towards the players it serves."""

    __slots__ = (
        "dialect", "id", "kind", "link", "origin", "streaming", "subscribers", "upstream",
        "wanted_id",
    )  # fmt: skip

    def __init__(
        self, *, link: Link, dialect: Dialect, origin: Origin, kind: Kind = Kind.STREAMER
    ) -> None:
        self.id = ""
        """Empty until it has identified itself."""
        self.wanted_id = ""
        self.link = link
        self.dialect = dialect
        self.origin = origin
        self.kind = kind
        self.streaming = False
        """Whether players are offered it."""
        self.subscribers: dict[str, Player] = {}
        self.upstream: Player | None = None
        """An SFU's other half, which watches."""

    @property
    def relays(self) -> Iterator[Player]:
        """The SFUs that watch this streamer."""
        return (player for player in self.subscribers.values() if player.kind is Kind.SFU)

    def shows(self, other: "Streamer") -> bool:
        """Return whether it is *other*, or relays it over however many SFUs."""
        shown: Streamer | None = self
        while shown is not None and shown is not other:
            shown = shown.upstream.streamer if shown.upstream is not None else None
        return shown is other


class Registry:
    """The players and identified streamers of one node."""

    def __init__(self) -> None:
        self.players: dict[str, Player] = {}
        self.streamers: dict[str, Streamer] = {}
        self.changed: Callable[[], None] = _nobody_listens
        """Called when streamers come, go, or go by other names."""
        self.moved: Callable[[Player], None] = lambda _: None
        """Called when a player watches somebody else or nobody, or has left for good."""

    def add_player(self, player: Player) -> None:
        """Make *player* known under its id."""
        self.players[player.id] = player

    def remove_player(self, player: Player) -> None:
        """Forget *player*; it watches nobody any more."""
        self.disconnect(player)
        self.players.pop(player.id, None)
        self.moved(player)

    def name(self, streamer: Streamer, streamer_id: str) -> None:
        """List *streamer* under *streamer_id*, and no longer under an earlier name."""
        self.remove_streamer(streamer)
        streamer.id = streamer_id
        self.streamers[streamer_id] = streamer
        self.changed()

    def remove_streamer(self, streamer: Streamer) -> None:
        """Take *streamer* off the list."""
        if self.streamers.get(streamer.id) is streamer:
            del self.streamers[streamer.id]
            self.changed()

    def available(self) -> Iterator[Streamer]:
        """Yield the streamers that can be watched now, oldest first."""
        return (streamer for streamer in self.streamers.values() if streamer.streaming)

    def connect(self, player: Player, streamer: Streamer) -> None:
        """Let *player* watch *streamer* and tell the streamer."""
        player.streamer = streamer
        streamer.subscribers[player.id] = player
        streamer.link.send(
            messages.player_connected(
                player.id,
                sfu=player.kind is Kind.SFU,
                send_offer=not player.offers if streamer.dialect.tells_send_offer else None,
            )
        )
        self.moved(player)

    def disconnect(self, player: Player) -> None:
        """End the player's watching, if it does, and tell its streamer."""
        streamer = player.streamer
        if streamer is None:
            return
        player.streamer = None
        if streamer.subscribers.pop(player.id, None) is not None:
            streamer.link.send(messages.player_disconnected(player.id))
        self.moved(player)


def _nobody_listens() -> None:
    """Take no note."""


def drop_subscribers(streamer: Streamer) -> None:
    """
    Let go of everybody who watches *streamer*, which left or stopped.

    Pages are closed, and come back by themselves, unless a session keeps them.
    An SFU is told, and stops.
    """
    subscribers = list(streamer.subscribers.values())
    streamer.subscribers.clear()
    for player in subscribers:
        player.streamer = None
        if player.kind is Kind.SFU:
            player.link.send(messages.STREAMER_DISCONNECTED)
            stop_relay(player)
        elif not player.stays:
            player.close(CloseCode.STREAMER_LEFT, "the streamer left")


def stop_relay(player: Player) -> None:
    """Take an SFU that lost its upstream off the list, and its players with it."""
    if player.serves is not None:
        player.serves.streaming = False
        drop_subscribers(player.serves)
