"""
What callers of the matchmaker must expect.

::

    MatchError
    ├── StateUnavailableError    the live state cannot be reached now (503)
    ├── BadTokenError            a session token that is not good (401)
    └── RefusedError             a request with a clear answer; carries code and status
"""

from typing import Final

from matchmaker.store import MatchError, StateUnavailableError
from matchmaker.tokens import BadTokenError

__all__ = ["BadTokenError", "MatchError", "RefusedError", "StateUnavailableError"]

REFUSALS: Final[dict[str, tuple[int, str]]] = {
    "queue_full": (503, "The queue is full; try again later."),
    "too_many_demands": (503, "Too many different requirements are waited for."),
    "already_active": (409, "This user has a session on another connection."),
    "not_found": (404, "There is no such session."),
    "session_ended": (410, "The session has ended."),
    "state_lost": (503, "The session was lost by a failure of the store."),
    "bad_requirements": (400, "The requirements cannot be used."),
}


class RefusedError(MatchError):
    """A request that is answered with a code, a status for HTTP, and a sentence."""

    def __init__(self, code: str) -> None:
        status, message = REFUSALS[code]
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message
