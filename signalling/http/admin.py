"""Who may see and do what only the operator may: the port of the HTTP routes."""

from typing import Protocol

from aiohttp import web


class AdminCheck(Protocol):
    """Knows the operator."""

    @property
    def is_configured(self) -> bool:
        """Whether anybody can be the operator."""

    def is_admin(self, request: web.Request) -> bool:
        """Return whether *request* comes from the operator; counts a wrong token."""

    def audit(self, request: web.Request, action: str) -> None:
        """Write down what the operator does."""
