"""Tokens of invitations and of guests: HS256, with a key made of the cluster's secret."""

import hashlib
from typing import Annotated, Final

import jwt
import msgspec

from signalling.access.identity import GuestPass
from signalling.access.tokens import TokenRefused

MAX_TOKEN_LENGTH: Final = 512
"""Characters; ours have about 220."""

INVITE: Final = "invite"
"""The audience of what stands in a link: it is exchanged for a pass, and opens no socket."""

PASS: Final = "guest"  # noqa: S105 - the word, no secret
"""The audience of what opens a guest's socket."""

PURPOSES: Final = frozenset({INVITE, PASS})

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Claims(msgspec.Struct, frozen=True):
    """What is signed. The room follows its visitor, so no streamer is named."""

    aud: str
    room: Key
    sub: Key
    """The invitation."""
    entry: int = 0
    """How often the invitation had been exchanged; of its passes only the last one is good."""

    @property
    def guest(self) -> GuestPass:
        """Whose it is."""
        return GuestPass(room=self.room, invitation=self.sub, entry=self.entry)


class GuestTokens:
    """Signs and verifies both kinds; the purpose is part of what is signed."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"pycirrus-guests\0" + secret.encode()).digest()

    def invite(self, room: str, invitation: str, *, expires_at: float) -> str:
        """Return the token of a link that is good until *expires_at*, in Unix seconds."""
        return self._sign({"aud": INVITE, "room": room, "sub": invitation, "exp": expires_at})

    def guest(self, seat: GuestPass) -> str:
        """Return the pass of a guest; it is good for as long as the room knows it."""
        claims = {"aud": PASS, "room": seat.room, "sub": seat.invitation, "entry": seat.entry}
        return self._sign(claims)

    def read(self, token: str, *purposes: str) -> Claims:
        """
        Return what *token* says, if it was signed for one of *purposes*.

        Raises:
            TokenRefused: It is not ours, for something else, or out of date.

        """
        if len(token) > MAX_TOKEN_LENGTH:
            raise TokenRefused("bad_invite", "this is no invitation")
        try:
            payload = jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                audience=purposes,
                options={"require": ["aud", "sub"]},
            )
            return msgspec.convert(payload, Claims)
        except jwt.ExpiredSignatureError:
            reason = "this invitation is out of date"
            raise TokenRefused("invite_expired", reason, is_guess=False) from None
        except (jwt.PyJWTError, msgspec.ValidationError, ValueError):
            raise TokenRefused("bad_invite", "this is no invitation") from None

    def _sign(self, claims: dict[str, object]) -> str:
        return jwt.encode(claims, self._key, algorithm="HS256")
