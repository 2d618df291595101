"""Operators: who they are, and a record of what they did."""

import structlog
from aiohttp import web

from signalling.access.address import is_true_loopback
from signalling.access.auth import Authenticator
from signalling.access.proxies import client_address
from signalling.errors import Refused

log = structlog.get_logger()


class Operators:
    """What HTTP routes ask before they do what only an operator may."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    @property
    def is_configured(self) -> bool:
        """Whether there is any way to be an operator; without one, admin routes answer 403."""
        return self._authenticator.has_admin

    def is_admin(self, request: web.Request) -> bool:
        """Return whether *request* comes from an operator; counts a wrong token."""
        return self._authenticator.is_admin(request)

    def require(self, request: web.Request, action: str, **details: object) -> None:
        """
        Let an operator pass and write *action* down; *details* must hold no secrets.

        Raises:
            Refused: As `check`.

        """
        self.check(request, action)
        self.audit(request, action, **details)

    def check(self, request: web.Request, action: str) -> None:
        """
        Let an operator pass.

        Raises:
            Refused: 403 when nobody can be one, 429 after many bad tokens, else 401.

        """
        if not self.is_configured:
            raise Refused(403, "forbidden", "no admin token is configured")
        if self._authenticator.has_failed_too_often(request):
            raise Refused(429, "too_many_attempts", "too many bad tokens: wait a minute")
        if not self.is_admin(request):
            log.warning(
                "admin_refused",
                action=action,
                remote=client_address(request),
                path=request.path,
            )
            raise Refused(401, "token_required", "this needs the admin token")

    def audit(self, request: web.Request, action: str, **details: object) -> None:
        """Write down what an operator did."""
        log.info(
            "admin_action",
            action=action,
            by=self._authenticator.admin_name(request),
            remote=client_address(request),
            path=request.path,
            **details,
        )

    def may_read_metrics(self, request: web.Request) -> bool:
        """Return whether *request* is this machine's own, or an operator's."""
        return is_true_loopback(request) or (self.is_configured and self.is_admin(request))
