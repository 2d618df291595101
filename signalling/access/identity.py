"""
Who somebody is and what they were given leave to do. No I/O.

A *grant* is what a connection got at the door; it says nothing about how. An
anonymous user is an id that this server made and signed: nobody becomes
somebody else by naming them.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase
from typing import Final

ANONYMOUS_PREFIX: Final = "anon:"
"""Begins every anonymous user's id, and no other's."""

ANONYMOUS_PURPOSE: Final = "anonymous-user"

REPEATED_PURPOSE: Final = "client-token"

MAX_SIGNED_LENGTH: Final = 512
"""Characters of a signed value; longer ones are not looked at."""

WILDCARDS: Final = frozenset("*?[")


class Credential(Enum):
    """What a connection showed at the door."""

    NONE = "none"
    SHARED = "shared"
    """A token that all peers of its role share."""
    JWT = "jwt"
    ADMIN = "admin"
    """The admin token: a trusted back end."""
    GUEST = "guest"
    """A pass that a visitor's invitation was exchanged for."""


@dataclass(frozen=True, slots=True)
class GuestPass:
    """Whose guest somebody is: the room, the invitation, and its how-manieth use."""

    room: str
    invitation: str
    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What one connection may do, and in whose name."""

    user: str = ""
    """A JWT's `sub`, or an anonymous id; empty for a streamer that has no JWT."""
    credential: Credential = Credential.NONE
    scopes: frozenset[str] = frozenset()
    streamers: tuple[str, ...] | None = None
    """Patterns of the streamers it may see and subscribe to; None: all."""
    streamer_ids: tuple[str, ...] | None = None
    """Patterns of the ids a streamer may take; None: any."""
    expires_at: float | None = None
    """Unix seconds; None: never."""
    granted_at: float = 0.0
    """Unix seconds of the upgrade or of the last refresh."""
    guest: GuestPass | None = None
    """Of a guest: it watches what its visitor watches, and nothing else."""
    priority: int | None = None
    """The class in which its user waits; None: the default."""
    max_duration: float = 0.0
    """Seconds that its user's sessions may stream; 0: the default."""
    about: Mapping[str, str] = field(default_factory=dict)
    """What a streamer's JWT says of it: host, region and the like."""

    @property
    def is_admin(self) -> bool:
        """Whether it may do what only operators and their back ends may."""
        return "admin" in self.scopes

    def may_watch(self, streamer_id: str) -> bool:
        """Return whether it may see and subscribe to *streamer_id*."""
        return _matches(streamer_id, self.streamers)

    def may_be_called(self, streamer_id: str) -> bool:
        """Return whether a streamer with it may take *streamer_id*."""
        return _matches(streamer_id, self.streamer_ids)

    def name_for_silent(self, default: str) -> str:
        """Return the id of a streamer that never says its own: the one it may take."""
        if self.may_be_called(default):
            return default
        literal = (name for name in self.streamer_ids or () if not WILDCARDS & set(name))
        return next(literal, default)

    def is_same_holder(self, other: "Grant") -> bool:
        """Return whether both were earned by the same credential, and by one at all."""
        if self.credential is Credential.JWT and not self.user:
            return False
        return (
            self.credential is not Credential.NONE
            and self.credential is other.credential
            and self.user == other.user
        )


OPEN: Final = Grant()
"""What anybody gets where nothing is asked for."""


def _matches(name: str, patterns: tuple[str, ...] | None) -> bool:
    return patterns is None or any(fnmatchcase(name, pattern) for pattern in patterns)


class Signer:
    """
    Signs short values with HMAC-SHA256, each for one purpose only.

    The purpose is part of what is signed, so that a session's token is no
    user's, and the other way round.
    """

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"pycirrus\0" + secret.encode()).digest()

    def sign(self, purpose: str, value: str) -> str:
        """Return *value* with its signature, in characters a cookie and a URL take."""
        return f"{_text(value.encode())}.{_text(self._signature(purpose, value))}"

    def verify(self, purpose: str, signed: str) -> str | None:
        """Return the value that was signed for *purpose*, or None; takes constant time."""
        encoded, dot, signature = signed[:MAX_SIGNED_LENGTH].partition(".")
        if not dot:
            return None
        try:
            value = _bytes(encoded).decode()
            given = _bytes(signature)
        except ValueError:
            return None
        genuine = hmac.compare_digest(given, self._signature(purpose, value))
        return value if genuine else None

    def derive(self, purpose: str, value: str) -> str:
        """Return 128 bits in hex that only this cluster can make of *value*."""
        return self._signature(purpose, value)[:16].hex()

    def _signature(self, purpose: str, value: str) -> bytes:
        return hmac.digest(self._key, f"{purpose}\0{value}".encode(), "sha256")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """Return what *text* encodes; raises ValueError."""
    padded = text.encode("ascii") + b"=" * (-len(text) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except binascii.Error as exc:
        raise ValueError("not base64") from exc


def new_anonymous_id() -> str:
    """Return a user id that nobody else has: 128 random bits."""
    return ANONYMOUS_PREFIX + secrets.token_hex(16)


class Users:
    """Tells users from those who only say that they are one."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def signed(self, user: str) -> str:
        """Return *user*, an anonymous id, as its owner keeps it."""
        return self._signer.sign(ANONYMOUS_PURPOSE, user)

    def repeating(self, client_token: str, address: str) -> str:
        """
        Return the anonymous id of who repeats a request, and has no other name yet.

        Nobody at another address becomes the same by naming the token.
        """
        value = f"{address}\0{client_token}"
        return ANONYMOUS_PREFIX + self._signer.derive(REPEATED_PURPOSE, value)

    def anonymous(self, signed: str | None) -> str | None:
        """Return the anonymous id in *signed* if this cluster signed it."""
        if not signed:
            return None
        user = self._signer.verify(ANONYMOUS_PURPOSE, signed)
        return user if user is not None and user.startswith(ANONYMOUS_PREFIX) else None

    def of(self, grant: Grant, *, user: str | None = None, user_id: str | None = None) -> str:
        """
        Return whose request it is.

        A JWT's `sub` wins; then *user_id*, which counts only from a trusted back
        end; then *user*, a message's signed id; then what the upgrade brought.
        """
        if grant.credential is Credential.JWT and grant.user:
            if grant.is_admin and user_id:
                return user_id
            return grant.user
        if user_id and grant.is_admin:
            return user_id
        return self.anonymous(user) or grant.user
