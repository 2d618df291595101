"""
Who may come in: shared tokens, JWTs, the machine's own streamers, operators.

Each of the ways in turns an HTTP request into a `Grant` or raises `Refused`.
Tokens are compared in constant time and are never logged.
"""

import dataclasses
import time
from collections.abc import Callable
from typing import Final

import structlog
from aiohttp import web

from signalling.access.address import is_true_loopback, limit_key
from signalling.access.browser import USER_COOKIE
from signalling.access.credentials import (
    SharedToken,
    bearer_token,
    guest_pass,
    presented_token,
)
from signalling.access.identity import (
    Credential,
    Grant,
    GuestPass,
    Users,
    new_anonymous_id,
)
from signalling.access.keys import KeyRing, from_file, from_url
from signalling.access.limits import Limits
from signalling.access.proxies import client_address
from signalling.access.tokens import TokenRefused, TokenVerifier
from signalling.errors import Refused
from signalling.options.auth import AuthSettings

ADMIN_SCOPE: Final = "admin"

ROLE_SCOPES: Final = frozenset({"player", "streamer", "sfu", ADMIN_SCOPE})
"""The scopes that mean something here; a token with none of them is a player's."""

log = structlog.get_logger()


class Authenticator:
    """The ways in of one server."""

    def __init__(
        self,
        settings: AuthSettings,
        *,
        users: Users,
        limits: Limits,
        guests: Callable[[str], GuestPass] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.users = users
        self._guests = guests
        self._limits = limits
        self._now = now
        self._player_token = SharedToken(settings.player_token)
        self._streamer_token = SharedToken(settings.streamer_token)
        self._admin_token = SharedToken(settings.admin_token)
        self.keys = _key_ring(settings)
        self._verifier = _verifier(settings, self.keys, now)

    @property
    def players_are_open(self) -> bool:
        """Whether a player needs no token."""
        return not self._player_token and self._verifier is None

    @property
    def has_admin(self) -> bool:
        """Whether anybody can be an operator."""
        return bool(self._admin_token) or self._verifier is not None

    # The three doors. Each may wait for a public key.

    async def player_or_guest(self, request: web.Request) -> Grant:
        """
        Return the grant of a player's socket; a pass opens a socket and no HTTP route.

        Raises:
            Refused: As `player`.

        """
        shown = guest_pass(request)
        if shown is not None and self._guests is not None:
            return self._guest(shown, self._guests, request)
        return await self.player(request)

    async def player(self, request: web.Request) -> Grant:
        """
        Return a player's grant.

        Raises:
            Refused: 401 without a good token where one is needed, 429 after many bad.

        """
        token = presented_token(request)
        if token is None and not self.players_are_open:
            raise Refused(401, "token_required", "this server wants a token")
        if self._admin_token.matches(token):
            return self._visitor(request, Credential.ADMIN)
        if token is None or self.players_are_open:
            return self._visitor(request, Credential.NONE)
        return await self._player_with(token, request)

    def _guest(
        self, shown: str, guests: Callable[[str], GuestPass], request: web.Request
    ) -> Grant:
        self._refuse_guessers(request)
        try:
            seat = guests(shown)
        except TokenRefused as exc:
            if exc.is_guess:
                self._limits.failed(_key(request))
            raise Refused(401, exc.code, exc.message) from None
        return dataclasses.replace(self._visitor(request, Credential.GUEST), guest=seat)

    async def _player_with(self, token: str, request: web.Request) -> Grant:
        self._refuse_guessers(request)
        if self._player_token.matches(token):
            return self._visitor(request, Credential.SHARED)
        return await self._with_jwt(token, request, "player")

    async def streamer(self, request: web.Request, role: str = "streamer") -> Grant:
        """
        Return the grant of a streamer, or of an SFU with *role* `sfu`.

        Raises:
            Refused: As `player`.

        """
        token = presented_token(request)
        if token is None or not (self._streamer_token or self._verifier):
            return self._local_streamer(request)
        self._refuse_guessers(request)
        if self._streamer_token.matches(token):
            return Grant(credential=Credential.SHARED, granted_at=self._now())
        return await self._with_jwt(token, request, role)

    async def sfu(self, request: web.Request) -> Grant:
        """See `streamer`."""
        return await self.streamer(request, "sfu")

    def _local_streamer(self, request: web.Request) -> Grant:
        if self._streamer_token or not is_true_loopback(request):
            raise Refused(401, "token_required", "streamers of other machines need a token")
        return Grant(granted_at=self._now())

    # What they have in common.

    async def _with_jwt(self, token: str, request: web.Request, role: str) -> Grant:
        try:
            grant = await _verified(self._verifier, token)
            return self._for_role(grant, request, role)
        except TokenRefused as exc:
            if exc.is_guess:
                self._limits.failed(limit_key(client_address(request)))
            raise Refused(401, exc.code, exc.message) from None

    def _for_role(self, grant: Grant, request: web.Request, role: str) -> Grant:
        roles = grant.scopes & ROLE_SCOPES or {"player"}
        if role not in roles:
            raise TokenRefused("wrong_scope", f"the token is not for a {role}", is_guess=False)
        if role == "player" and not grant.user:
            return _with_user(grant, self._visitor_id(request))
        return grant

    def refreshed(self, token: str, former: Grant, address: str) -> Grant:
        """
        Return the grant of a player's new *token*; the user must stay the same.

        Raises:
            TokenRefused: It is not valid, or somebody else's, or too many were not.

        """
        key = limit_key(address)
        if self._limits.has_failed_too_often(key):
            raise TokenRefused("too_many_attempts", "too many bad tokens", is_guess=False)
        try:
            return self._refreshed(token, former)
        except TokenRefused as exc:
            if exc.is_guess:
                self._limits.failed(key)
            if exc.code == "unknown_key" and self.keys is not None:
                self.keys.start_refresh()
            raise

    def _refreshed(self, token: str, former: Grant) -> Grant:
        grant = _verified_now(self._verifier, token)
        roles = grant.scopes & ROLE_SCOPES or {"player"}
        if "player" not in roles:
            raise TokenRefused("wrong_scope", "the token is not for a player", is_guess=False)
        if grant.user and grant.user != former.user:
            raise TokenRefused("other_user", "the token is another user's", is_guess=False)
        return _with_user(grant, former.user)

    def _refuse_guessers(self, request: web.Request) -> None:
        if self._limits.has_failed_too_often(limit_key(client_address(request))):
            raise Refused(429, "too_many_attempts", "too many bad tokens: wait a minute")

    def _visitor(self, request: web.Request, credential: Credential) -> Grant:
        scopes = {ADMIN_SCOPE} if credential is Credential.ADMIN else set()
        return Grant(
            user=self._visitor_id(request),
            credential=credential,
            scopes=frozenset(scopes),
            granted_at=self._now(),
        )

    def _visitor_id(self, request: web.Request) -> str:
        return self.user_of_cookie(request) or new_anonymous_id()

    def user_of_cookie(self, request: web.Request) -> str | None:
        """Return the anonymous user whose cookie *request* brings, if it is genuine."""
        if "Cookie" not in request.headers:
            return None
        return self.users.anonymous(request.cookies.get(USER_COOKIE))

    # Operators.

    def is_admin(self, request: web.Request) -> bool:
        """
        Return whether *request* shows the admin token or a JWT with scope `admin`.

        Only the Authorization header counts: a link must not act for an operator.
        A token that is nobody's is counted; whoever guessed too often is nobody,
        with the right token too.
        """
        token = bearer_token(request)
        if token is None or self._limits.has_failed_too_often(_key(request)):
            return False
        if self._admin_token.matches(token):
            return True
        try:
            return _verified_now(self._verifier, token).is_admin
        except TokenRefused as exc:
            if exc.is_guess and not self._player_token.matches(token):
                self._limits.failed(_key(request))
            if exc.code == "unknown_key" and self.keys is not None:
                self.keys.start_refresh()
            return False

    def admin_name(self, request: web.Request) -> str:
        """Return in whose name an operator acts, for the audit log."""
        token = bearer_token(request)
        if token is None or self._admin_token.matches(token) or self._verifier is None:
            return ADMIN_SCOPE
        try:
            return self._verifier.verify_now(token).user or ADMIN_SCOPE
        except TokenRefused:
            return ADMIN_SCOPE

    def has_failed_too_often(self, request: web.Request) -> bool:
        """Return whether the peer's address has used up its wrong tokens."""
        return self._limits.has_failed_too_often(_key(request))


async def _verified(verifier: TokenVerifier | None, token: str) -> Grant:
    if verifier is None:
        raise TokenRefused("bad_token", "the token is not valid")
    return await verifier.verify(token)


def _verified_now(verifier: TokenVerifier | None, token: str) -> Grant:
    if verifier is None:
        raise TokenRefused("bad_token", "the token is not valid")
    return verifier.verify_now(token)


def _key(request: web.Request) -> str:
    return limit_key(client_address(request))


def _with_user(grant: Grant, user: str) -> Grant:
    return grant if grant.user == user else dataclasses.replace(grant, user=user)


def _key_ring(settings: AuthSettings) -> KeyRing | None:
    if settings.jwks_file is not None:
        fetch = from_file(settings.jwks_file)
    elif settings.jwks_url is not None:
        fetch = from_url(settings.jwks_url)
    else:
        return None
    return KeyRing(fetch, max_age=settings.jwks_max_age, now=time.monotonic)


def _verifier(
    settings: AuthSettings, keys: KeyRing | None, now: Callable[[], float]
) -> TokenVerifier | None:
    if not settings.has_jwt:
        return None
    return TokenVerifier(
        secret=settings.jwt_secret,
        keys=keys,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        now=now,
    )
