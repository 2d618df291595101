"""`DELETE /api/users/{id}`: removes what is kept of a user, wherever it is."""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from signalling.access.operators import Operators
from signalling.error_body import error_response
from signalling.errors import Refused
from signalling.openapi import Access, Operation

Forget = Callable[[str], Awaitable[object]]
"""Removes what one part of the server keeps of a user; twice does no harm."""


class UserRoutes:
    """Adds the route to the player port; see `signalling.http.site.Routes`."""

    def __init__(self, operators: Operators, forget: Sequence[Forget]) -> None:
        self._operators = operators
        self._forget = forget

    @property
    def operations(self) -> Sequence[Operation]:
        """See `signalling.http.site.Routes`."""
        return (
            Operation(
                method="DELETE",
                path="/api/users/{id}",
                name="forgetUser",
                summary="Removes a user's chat history and session records",
                description="Nothing is kept of the user.",
                errors=(503,),
                access=Access.ADMIN,
                parameters=(("id", "The user's id."),),
            ),
        )

    def add_to(self, app: web.Application, prefix: str = "") -> None:
        """Add the route to *app*, below *prefix*."""
        app.router.add_delete(f"{prefix}/api/users/{{id}}", self.delete)

    async def delete(self, request: web.Request) -> web.Response:
        """Remove everything; 204 also when there was nothing."""
        try:
            self._operators.require(request, "forget_user")
            for forget in self._forget:
                await forget(request.match_info["id"])
        except Refused as exc:
            return error_response(exc)
        return web.Response(status=204)
