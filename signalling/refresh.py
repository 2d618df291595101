"""`tokenRefresh`: a player's newer token, so that it need not leave when the old one ends."""

import time
from collections.abc import Callable
from typing import Annotated, ClassVar, Final

import msgspec
import structlog

from signalling import messages
from signalling.access.auth import Authenticator
from signalling.access.tokens import MAX_TOKEN_LENGTH, TokenRefused
from signalling.errors import BadMessage
from signalling.expiry import Calendar
from signalling.messages import Json
from signalling.resume import socket_of
from signalling.session import PlayerSession

MIN_SECONDS_BETWEEN: Final = 1.0
"""A signature costs some hundred microseconds: no player may ask for more of them."""

log = structlog.get_logger()


class TokenRefresh(messages.Message, frozen=True):
    """A player shows a newer token of the same user."""

    wire_name: ClassVar[str] = "tokenRefresh"
    token: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TOKEN_LENGTH)]


class Refresher:
    """Handles `tokenRefresh`; a table of handlers takes it as it is."""

    def __init__(
        self,
        authenticator: Authenticator,
        calendar: Calendar,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._authenticator = authenticator
        self._calendar = calendar
        self._now = now

    def __call__(self, session: PlayerSession, message: Json) -> None:
        """Take the token, or say why not; the socket stays open either way."""
        player = session.player
        player.extended = True
        try:
            self._refresh(session, messages.read(TokenRefresh, message).token)
        except TokenRefused as exc:
            log.info("token_refresh_refused", peer=player.id, reason=exc.code)
            session.link.send(_error(exc.code, exc.message))
        except BadMessage as exc:
            session.link.send(_error("bad_message", exc.reason))

    def _refresh(self, session: PlayerSession, token: str) -> None:
        player = session.player
        if self._now() - player.grant.granted_at < MIN_SECONDS_BETWEEN:
            raise TokenRefused("rate_limited", "one new token a second", is_guess=False)
        grant = self._authenticator.refreshed(token, player.grant, player.origin.address)
        player.grant = grant
        self._calendar.set(socket_of(session.link), grant.expires_at)
        fields = {"expiresAt": grant.expires_at}
        session.link.send(messages.encode("tokenRefreshed", fields))


def _error(code: str, message: str) -> bytes:
    fields = {"code": code, "message": message, "of": TokenRefresh.wire_name}
    return messages.encode("error", fields)
