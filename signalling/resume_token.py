"""Tokens that continue a connection: HS256, with the key of the cluster's sessions."""

import hashlib
from typing import Final

import jwt

MAX_TOKEN_LENGTH: Final = 512
"""Characters; ours have about 130."""

AUDIENCE: Final = "resume"
"""What a token is for is part of what is signed: a session's token continues nothing."""


class ResumeTokens:
    """Signs and verifies; *key* is any secret, of which a key of its own is made."""

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.sha256(b"resume\0" + key).digest()

    def sign(self, connection: str) -> str:
        """Return the token of *connection*; it is good for as long as the connection is."""
        return jwt.encode({"sub": connection, "aud": AUDIENCE}, self._key, algorithm="HS256")

    def verify(self, token: str) -> str | None:
        """Return the connection that *token* was signed for, None if it was not by us."""
        if len(token) > MAX_TOKEN_LENGTH:
            return None
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                audience=AUDIENCE,
                options={"require": ["sub", "aud"]},
            )
        except (jwt.PyJWTError, UnicodeError):
            return None
        return str(claims["sub"])
