"""What the sessions of each role share, made from the options."""

import dataclasses
import time
from typing import Final

from signalling import settings as options
from signalling.admission import GrantedAdmission, OpenAdmission
from signalling.dialect import DIALECTS, WILBUR, Dialect
from signalling.directory import LocalDirectory, new_player_id, numeric_player_ids
from signalling.headcount import Headcount
from signalling.ice import PeerOptions
from signalling.keepalive import Wheel
from signalling.metrics import Metrics
from signalling.registry import Registry
from signalling.runner import run_in_place
from signalling.session import Context, MessageRate
from signalling.settings import ServeSettings

TURNS_PER_TIMEOUT: Final = 3
"""See `keepalive`: a peer that vanished is noticed within three turns of the wheel."""

CIRRUS_PING_SECONDS: Final = 10.0
"""Cirrus pings each player this often, heard or not."""

STREAMER_TURN_TTL: Final = 10 * 365 * 86_400
"""Seconds: streamers and SFUs are configured once."""

BURST_SECONDS: Final = 2
"""Seconds' worth of messages a peer may send at once."""

MIN_BURST: Final = 200
"""Messages any peer may send at once: a page trickles some dozens of candidates."""


def contexts(
    settings: ServeSettings, registry: Registry, metrics: Metrics
) -> tuple[Context, Context]:
    """Return what players share, and what streamers and SFUs share."""
    dialect = DIALECTS[settings.dialect]
    peers = options.peer_options(settings)
    players = Context(
        registry=registry,
        directory=LocalDirectory(),
        admission=GrantedAdmission(OpenAdmission(registry, max_players=settings.max_players)),
        dialect=dialect,
        metrics=metrics,
        headcount=Headcount(registry),
        now=time.monotonic,
        run=run_in_place,
        player_ids=(
            new_player_id if dialect is WILBUR else numeric_player_ids(registry.players)
        ),
        ice=PeerOptions(
            peers, turn_secret=settings.turn_secret, ttl=settings.turn_ttl, now=time.time
        ),
        rate=_rate(settings.player_messages_per_second),
        trace=settings.log_level_console == "debug",
    )
    streamers = dataclasses.replace(
        players,
        ice=PeerOptions(
            peers, turn_secret=settings.turn_secret, ttl=STREAMER_TURN_TTL, now=time.time
        ),
        rate=_rate(settings.streamer_messages_per_second),
    )
    return players, streamers


def _rate(per_second: float) -> MessageRate:
    burst = max(MIN_BURST, int(per_second * BURST_SECONDS))
    return MessageRate(per_second=per_second, burst=burst)


def new_wheel(timeout_ms: int, dialect: Dialect) -> Wheel:
    """Return the timer of a role's peers, silent for *timeout_ms* at most; 0: as they like."""
    turn = timeout_ms / 1000 / TURNS_PER_TIMEOUT or CIRRUS_PING_SECONDS
    if dialect is not WILBUR:
        turn = min(turn, CIRRUS_PING_SECONDS)
    return Wheel(turn=turn, always_probe=dialect.pings_always, gives_up=timeout_ms > 0)
