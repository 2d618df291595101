"""One port's door: each check in the order of its cost, none more than O(1)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from signalling.access.address import is_within
from signalling.access.browser import is_local_origin, is_origin_allowed
from signalling.access.identity import Credential, Grant
from signalling.access.limits import Limits, Place
from signalling.access.proxies import client_address
from signalling.errors import Refused
from signalling.options.auth import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Who gets through one port, and how many."""

    role: str
    limits: Limits
    authenticate: Callable[[web.Request], Awaitable[Grant]]
    networks: Sequence[Network] = ()
    """Where peers may come from; empty: anywhere."""
    origins: Sequence[str] = ()
    """The web origins whose pages may come; empty: see `_refuse_origin`."""
    pages_come_here: bool = True
    """Whether pages are this port's peers; elsewhere they are only this machine's."""

    def place(self, request: web.Request) -> Place:
        """
        Count the attempt and hold a place for it.

        Raises:
            Refused: 429 or 503.

        """
        self.limits.attempt(request)
        return self.limits.place(request, self.role)

    async def admit(self, request: web.Request) -> Grant:
        """
        Return what the peer may do; may wait for a public key.

        Raises:
            Refused: 401, 403 or 429.

        """
        if self.networks and not is_within(client_address(request), self.networks):
            raise Refused(403, "address_not_allowed", "this address may not connect here")
        self._refuse_origin(request)
        grant = await self.authenticate(request)
        if not self.pages_come_here and grant.credential is Credential.NONE:
            self._refuse_strange_page(request)
        return grant

    def _refuse_origin(self, request: web.Request) -> None:
        origin = request.headers.get("Origin")
        if origin is None or not self.origins or not self.pages_come_here:
            return
        if not is_origin_allowed(origin, self.origins):
            raise Refused(403, "origin_not_allowed", "pages of this origin may not connect")

    def _refuse_strange_page(self, request: web.Request) -> None:
        """Keep pages of the web off a port that trusts this machine."""
        origin = request.headers.get("Origin", "")
        if not is_local_origin(request) and not is_origin_allowed(origin, self.origins):
            raise Refused(403, "origin_not_allowed", "pages may not connect to this port")
