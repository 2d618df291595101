"""Options of who may come in."""

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_settings import NoDecode
from yarl import URL

from signalling.options.reading import OptionGroup

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MIN_SECRET_BYTES: Final = 16
"""Of what signs sessions: 128 bits when it is random."""

MIN_JWT_SECRET_BYTES: Final = 32
"""A shorter key of HS256 can be found offline from any one token (RFC 7518, 3.2)."""

SECRETS: Final = (
    "player_token",
    "streamer_token",
    "admin_token",
    "session_secret",
    "jwt_secret",
)


def _split(value: Any) -> Any:
    """Take a list, or one string with commas."""
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _networks(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        try:
            ipaddress.ip_network(name, strict=False)
        except ValueError:
            raise ValueError(f"'{name}' is no address or network like 10.0.0.0/8") from None
    return names


def _origins(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name != "*" and not name.startswith(("http://", "https://")):
            raise ValueError(f"'{name}' is no origin like https://example.com")
    return names


def _jwks_url(text: str | None) -> str | None:
    if not text:
        return None
    url = URL(text)
    is_local = url.host in {"127.0.0.1", "::1", "localhost"}
    if url.scheme != "https" and not (url.scheme == "http" and is_local):
        raise ValueError("must be https://, since whoever can change the keys can sign tokens")
    return text


def _jwt_secret(secret: str | None) -> str | None:
    if secret and len(secret.encode()) < MIN_JWT_SECRET_BYTES:
        raise ValueError(f"must have at least {MIN_JWT_SECRET_BYTES} bytes")
    return secret


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Networks = Annotated[Names, AfterValidator(_networks)]
Origins = Annotated[Names, AfterValidator(_origins)]
Secret = Annotated[str | None, Field(repr=False)]


class AuthSettings(OptionGroup):
    """Who may come in; without any of these, players may and remote streamers may not."""

    player_token: Secret = None
    """A token that players must show, in ?token=, a bearer header or subprotocol."""

    player_token_file: Path | None = None
    """A file with player_token."""

    streamer_token: Secret = None
    """A token that streamers and SFUs must show; without it only this machine's get in."""

    streamer_token_file: Path | None = None
    """A file with streamer_token."""

    streamer_addresses: Networks = ()
    """Networks that streamers and SFUs may come from; empty: any."""

    admin_token: Secret = None
    """The token of operators and trusted back ends; without it admin routes are closed."""

    admin_token_file: Path | None = None
    """A file with admin_token."""

    session_secret: Secret = None
    """
    Signs session, resume, guest and anonymous users' tokens; at least 16 bytes.

    Made in data_dir when absent.
    """

    session_secret_file: Path | None = None
    """A file with session_secret."""

    jwt_secret: Secret = None
    """The secret of JWTs signed with HS256; at least 32 bytes."""

    jwt_secret_file: Path | None = None
    """A file with jwt_secret."""

    jwks_file: Path | None = None
    """A JSON Web Key Set with the public keys of JWTs signed with RS256 or ES256."""

    jwks_url: Annotated[str | None, AfterValidator(_jwks_url)] = None
    """Where such a key set is fetched from; https, or http on this machine."""

    jwks_max_age: float = Field(300, ge=1)
    """Seconds a key set is used before it is read again."""

    jwt_issuer: str | None = None
    """The `iss` that JWTs must have."""

    jwt_audience: str | None = None
    """The `aud` that JWTs must have."""

    allowed_origins: Origins = ()
    """Web origins whose pages may open sockets, like https://*.example.com; empty: any."""

    @model_validator(mode="after")
    def _no_empty_files(self) -> Self:
        """Keep an empty file from opening a door that was meant to be locked."""
        for name in SECRETS:
            if getattr(self, f"{name}_file") is not None and not getattr(self, name):
                raise ValueError(f"{name}_file holds nothing")
        return self

    @model_validator(mode="after")
    def _long_session_secret(self) -> Self:
        if self.session_secret and len(self.session_secret.encode()) < MIN_SECRET_BYTES:
            raise ValueError(f"session_secret must have at least {MIN_SECRET_BYTES} bytes")
        return self

    @model_validator(mode="after")
    def _long_jwt_secret(self) -> Self:
        _jwt_secret(self.jwt_secret)
        return self

    @property
    def players_are_open(self) -> bool:
        """Whether a player needs no token."""
        return not self.player_token and not self.has_jwt

    @property
    def has_jwt(self) -> bool:
        """Whether JWTs can be verified."""
        return bool(self.jwt_secret or self.jwks_file or self.jwks_url)


def networks(names: tuple[str, ...]) -> tuple[Network, ...]:
    """Return the networks that *names*, already checked, are."""
    return tuple(ipaddress.ip_network(name, strict=False) for name in names)
