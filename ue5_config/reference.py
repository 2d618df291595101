"""
The reference result, and what its figures imply.

Published: an uncapped instance took 100 % of the GPU, one user a machine;
with frames capped at 30 and DLSS on it took "29 %", and a machine held 4
users (its own table says 3 to 4). Whether 29 % is one user or the whole host
is not said, and the two readings imply different things. Neither is assumed.
"""

from dataclasses import dataclass
from typing import Any, Final

BEFORE_PERCENT: Final = 100.0
AFTER_PERCENT: Final = 29.0
BEFORE_USERS: Final = 1
AFTER_USERS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to read the 29 %, with the arithmetic done."""

    name: str
    meaning: str
    percent_per_user: float
    percent_of_host: float
    users_at_full: int
    users_with_headroom: int
    implies: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the reading as a JSON object."""
        return {
            "reading": self.name,
            "meaning": self.meaning,
            "gpuPercentPerUser": self.percent_per_user,
            "gpuPercentWithFourUsers": self.percent_of_host,
            "usersAtFullGpu": self.users_at_full,
            "usersWithHeadroom": self.users_with_headroom,
            "implies": list(self.implies),
        }


def readings(
    *, headroom: float = 0.1, encoder_sessions: int | None = 8
) -> tuple[Reading, Reading]:
    """Return both readings of the reference's figure for a headroom (0 to 1)."""
    return _one_user(headroom), _whole_host(headroom, encoder_sessions)


def _one_user(headroom: float) -> Reading:
    whole = AFTER_PERCENT * AFTER_USERS
    fits = int(100 // AFTER_PERCENT)
    rate = 30 * 100 / whole
    return Reading(
        name="one user",
        meaning=f"one capped instance takes {AFTER_PERCENT:g} % of the GPU",
        percent_per_user=AFTER_PERCENT,
        percent_of_host=whole,
        users_at_full=fits,
        users_with_headroom=int(100 * (1 - headroom) // AFTER_PERCENT),
        implies=(
            f"{AFTER_USERS} users ask for {whole:g} %: more than the GPU has",
            f"{fits} users take {fits * AFTER_PERCENT:g} % and fit",
            f"with {AFTER_USERS} the frame rate falls to about {rate:.0f} when all are busy",
            f"{AFTER_USERS} hold only if they are seldom busy at once",
            f"cost per user: 1/{fits} of the host sustained, 1/{AFTER_USERS} as published",
        ),
    )


def _whole_host(headroom: float, sessions: int | None) -> Reading:
    each = AFTER_PERCENT / AFTER_USERS
    by_gpu = int(100 * (1 - headroom) // each)
    bound = by_gpu if sessions is None else min(by_gpu, sessions)
    return Reading(
        name="whole host",
        meaning=f"{AFTER_USERS} users together take {AFTER_PERCENT:g} % of the GPU",
        percent_per_user=each,
        percent_of_host=AFTER_PERCENT,
        users_at_full=int(100 // each),
        users_with_headroom=by_gpu,
        implies=(
            f"a user takes {each:g} % and the GPU alone would hold {by_gpu}",
            f"so at {AFTER_USERS} users something else was the limit: VRAM, CPU, or the choice",
            _sessions(sessions, bound),
            f"cost per user: 1/{AFTER_USERS} of the host as published, 1/{bound} at that limit",
        ),
    )


def _sessions(sessions: int | None, bound: int) -> str:
    if sessions is None:
        return "the encoder's sessions are not limited on this GPU"
    return f"a consumer GPU opens {sessions} encoder sessions, which leaves {bound} users"
