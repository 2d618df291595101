"""
How Cirrus (to UE 5.4) and Wilbur (from UE 5.5) differ on the wire.

A peer can be told apart only by what it does, so with `--dialect auto` each
begins undecided, which is Wilbur's way wherever an old peer does not mind,
and is settled by the first of the signs below. `docs/protocol.md` has them as
a table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from signalling import messages

EARLIEST_MILLISECONDS: Final = 100_000_000_000
"""A `time` of at least this is in milliseconds; in seconds it would be the year 5138."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server of one generation says and how strict it is."""

    name: str
    protocol_version: str | None
    """Told in `config`; none before 5.5."""
    identifies_first: bool
    """Whether a streamer is asked its name before it is configured."""
    confirms_ids: bool
    """Whether a streamer is sent `endpointIdConfirm`; UE 5.0 closes its socket on it."""
    rename: str
    """What a streamer's new name is announced as."""
    tells_send_offer: bool
    """Whether `playerConnected` says who offers."""
    tells_failures: bool
    """Whether a player is sent `subscribeFailed`."""
    takes_layer_preference: bool
    """Whether a streamer that is no SFU is passed its players' `layerPreference`."""
    counts_players: bool
    """Whether pages are sent `playerCount`."""
    closes_on_unknown: bool
    """Whether an unknown message type closes the socket."""
    pings_always: bool
    """Whether a player is pinged every interval, or only when it is silent."""
    seats_silent: bool
    """Whether a page that says nothing is given a streamer, as those of 5.0 and 5.1 expect."""

    def renamed(self, new_id: str) -> bytes:
        """Return the announcement that a player's streamer is now called *new_id*."""
        return messages.encode(self.rename, {"newID": new_id})


WILBUR: Final = Dialect(
    name="wilbur",
    protocol_version=messages.PROTOCOL_VERSION,
    identifies_first=True,
    confirms_ids=True,
    rename="streamerIdChanged",
    tells_send_offer=False,
    tells_failures=True,
    takes_layer_preference=True,
    counts_players=False,
    closes_on_unknown=False,
    pings_always=False,
    seats_silent=False,
)

CIRRUS: Final = Dialect(
    name="cirrus",
    protocol_version=None,
    identifies_first=False,
    confirms_ids=False,
    rename="streamerIDChanged",
    tells_send_offer=True,
    tells_failures=False,
    takes_layer_preference=False,
    counts_players=True,
    closes_on_unknown=True,
    pings_always=True,
    seats_silent=True,
)

UNDECIDED: Final = replace(WILBUR, name="undecided", seats_silent=True)
"""Where a peer begins with `--dialect auto`."""

DIALECTS: Final = {"wilbur": WILBUR, "cirrus": CIRRUS, "auto": UNDECIDED}
"""What each value of the option begins a connection with."""


def of_page(configured: Dialect, query: Mapping[str, str]) -> Dialect:
    """Return the dialect of a page by its URL: only those before 5.5 say who offers."""
    return _settled(configured, CIRRUS if "OfferToReceive" in query else UNDECIDED)


def of_pong(current: Dialect, time: float | None) -> Dialect:
    """Return the dialect of a page by its pong: later ones echo, earlier ones say the time."""
    is_own_clock = time is not None and time >= EARLIEST_MILLISECONDS
    return _settled(current, CIRRUS if is_own_clock else current)


def of_streamer(configured: Dialect, current: Dialect, protocol_version: str | None) -> Dialect:
    """
    Return the dialect of a streamer by its `endpointId`: those before 5.5 say no version.

    One that said a version before need not say it with each new name.
    """
    if protocol_version:
        return _settled(configured, WILBUR)
    return _settled(current, CIRRUS)


def of_silent(current: Dialect) -> Dialect:
    """Return the dialect of a peer that does not speak first, as those before 5.2 do not."""
    return _settled(current, CIRRUS)


def _settled(current: Dialect, found: Dialect) -> Dialect:
    return found if current is UNDECIDED else current


def page_offers(query: Mapping[str, str]) -> bool:
    """Return whether a page's URL announces that it will send the offer."""
    return query.get("OfferToReceive", "false") != "false"
