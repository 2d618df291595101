"""Tokens that claim a session (HS256 by PyJWT)."""

from dataclasses import dataclass
from typing import Final

import jwt

from matchmaker.clock import Clock
from matchmaker.model import Session
from matchmaker.store import MatchError

AUDIENCE: Final = "session"
"""Keeps these apart from other tokens signed with the same key."""

ALGORITHM: Final = "HS256"

MIN_KEY_BYTES: Final = 32
"""RFC 7518, 3.2: a key at least as long as the hash."""


class BadTokenError(MatchError):
    """The token is forged, expired, or not for a session."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a session token says."""

    session_id: str
    user: str


class SessionTokens:
    """Issues and reads session tokens; *key* is at least 32 bytes."""

    def __init__(self, key: bytes, *, clock: Clock) -> None:
        if len(key) < MIN_KEY_BYTES:
            raise ValueError(f"the signing key must have at least {MIN_KEY_BYTES} bytes")
        self._key = key
        self._clock = clock

    def issue(self, session: Session, *, lifetime: float) -> str:
        """Return a token for *session* that is good for *lifetime* seconds."""
        claims = {
            "aud": AUDIENCE,
            "sub": session.user,
            "sid": session.id,
            "exp": int(self._clock.now() + lifetime) + 1,
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def read(self, token: str) -> Claim:
        """
        Return what *token* claims.

        Raises:
            BadTokenError: It is not ours, not for a session, or too old.

        """
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                options={"require": ["exp", "sub", "sid", "aud"], "verify_exp": False},
            )
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise BadTokenError("the session token is not valid") from error
        if claims["exp"] <= self._clock.now():
            raise BadTokenError("the session token has expired")
        return Claim(str(claims["sid"]), str(claims["sub"]))
