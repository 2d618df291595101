"""JSON Web Tokens: verified by PyJWT, read field by field."""

from collections.abc import Callable
from typing import Annotated, Any, Final

import jwt
import msgspec

from signalling.access.identity import ANONYMOUS_PREFIX, Credential, Grant
from signalling.access.keys import ALGORITHMS, Keys
from signalling.errors import SignallingError

LEEWAY_SECONDS: Final = 10
"""How far the issuer's clock may be from ours."""

MAX_TOKEN_LENGTH: Final = 8000
"""Characters: what fits one header line."""

ODDITIES: Final = (ValueError, TypeError, OverflowError, RecursionError)
"""What PyJWT lets through of texts that are no tokens, and of claims that are no dates."""

MAX_PATTERNS: Final = 256

LATEST: Final = msgspec.Meta(le=2**53)
"""Seconds: later dates are no dates, and no JSON number that every peer can read."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Patterns = Annotated[list[Name], msgspec.Meta(max_length=MAX_PATTERNS)]
Words = str | list[str]


class TokenRefused(SignallingError):
    """A token that admits nobody; *code* says why, in words that name no token."""

    def __init__(self, code: str, message: str, *, is_guess: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.is_guess = is_guess
        """Whether it may be somebody's try at finding a good one."""


class Claims(msgspec.Struct, frozen=True):
    """What a token says, beyond what PyJWT has checked (exp, nbf, iat, iss, aud)."""

    sub: Annotated[str, msgspec.Meta(max_length=256)] = ""
    exp: Annotated[int, LATEST] | Annotated[float, LATEST] | None = None
    scope: Words = ""
    """Space-separated words (RFC 8693, 4.2), or a list of them."""
    streamers: Name | Patterns | None = None
    streamer_ids: Name | Patterns | None = None
    host: str | None = None
    region: str | None = None
    application: str | None = None
    version: str | None = None
    profile: str | None = None
    priority: Annotated[int, msgspec.Meta(ge=0, le=7)] | None = None
    max_duration: Annotated[float, msgspec.Meta(gt=0, le=604_800)] | None = None

    def grant(self, *, now: float) -> Grant:
        """Return what a token with these claims gives leave to do."""
        return Grant(
            user=self.sub,
            credential=Credential.JWT,
            scopes=frozenset(_words(self.scope)),
            streamers=_patterns(self.streamers),
            streamer_ids=_patterns(self.streamer_ids),
            expires_at=self.exp,
            granted_at=now,
            priority=self.priority,
            max_duration=self.max_duration or 0.0,
            about={name: value for name in ABOUT if (value := getattr(self, name))},
        )


ABOUT: Final = ("host", "region", "application", "version", "profile")


def _words(scope: Words) -> list[str]:
    return scope.split() if isinstance(scope, str) else scope


def _patterns(value: str | list[str] | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    return (value,) if isinstance(value, str) else tuple(value)


class TokenVerifier:
    """
    Turns a JWT into a grant.

    HS256 is verified with the secret only, RS256 and ES256 with public keys only:
    a public key is never taken for a secret (RFC 8725, 2.1).
    """

    def __init__(
        self,
        *,
        secret: str | None,
        keys: Keys | None,
        issuer: str | None = None,
        audience: str | None = None,
        now: Callable[[], float],
    ) -> None:
        self._secret = secret
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._now = now

    async def verify(self, token: str) -> Grant:
        """
        Return what *token* grants; may wait for its key.

        Raises:
            TokenRefused: It is no token, not signed by the issuer, or out of date.

        """
        header = _header(token)
        key: Any = self._secret if header["alg"] == "HS256" else None
        if key is None and self._keys is not None and header["alg"] in ALGORITHMS:
            key = await self._keys.lookup(header)
        return self._grant(token, header, key)

    def verify_now(self, token: str) -> Grant:
        """Return what *token* grants, with the keys that are known now; as `verify`."""
        header = _header(token)
        key: Any = self._secret if header["alg"] == "HS256" else None
        if key is None and self._keys is not None and header["alg"] in ALGORITHMS:
            key = self._keys.find(header)
        return self._grant(token, header, key)

    def _grant(self, token: str, header: dict[str, Any], key: Any) -> Grant:
        if key is None:
            raise TokenRefused("unknown_key", "the token's key is not known here")
        try:
            payload = jwt.decode(
                token,
                key,
                algorithms=[header["alg"]],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"verify_aud": self._audience is not None},
            )
            claims = msgspec.convert(payload, Claims)
        except jwt.ExpiredSignatureError:
            reason = "the token is out of date"
            raise TokenRefused("token_expired", reason, is_guess=False) from None
        except (jwt.PyJWTError, msgspec.ValidationError, *ODDITIES):
            raise TokenRefused("bad_token", "the token is not valid") from None
        if claims.sub.startswith(ANONYMOUS_PREFIX):
            raise TokenRefused("bad_token", "no user of an issuer is anonymous")
        return claims.grant(now=self._now())


def _header(token: str) -> dict[str, Any]:
    """Return the header of *token*, not verified; `alg` is one of three."""
    if len(token) > MAX_TOKEN_LENGTH:
        raise TokenRefused("bad_token", "the token is too long")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, *ODDITIES):
        raise TokenRefused("bad_token", "the token is not valid") from None
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS | {"HS256"}:
        raise TokenRefused("bad_token", "the token is not valid")
    return header
