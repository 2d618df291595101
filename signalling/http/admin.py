"""Who may see and do what only the operator may: the port of the HTTP routes."""

from typing import Protocol

from aiohttp import web


class AdminCheck(Protocol):
    """Knows the operator."""

    @property
    def is_configured(self) -> bool:
        """Whether anybody can be the operator."""

    def check(self, request: web.Request, action: str) -> None:
        """Let the operator pass; raises `Refused`."""

    def require(self, request: web.Request, action: str) -> None:
        """Let the operator pass and write down what it does; raises `Refused`."""
