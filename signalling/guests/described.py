"""What the routes of guests promise."""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from signalling.openapi import Access, Operation

PATH: Final = "/api/guests"


class Exchange(msgspec.Struct, frozen=True):
    """What a guest's page brings; in the body, since addresses end up in logs."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class Invitations(msgspec.Struct, frozen=True, rename="camel"):
    """Whether guests can be invited."""

    invitations: bool
    guests_per_visitor: int


class Pass(msgspec.Struct, frozen=True):
    """What lets a guest in."""

    token: str = msgspec.field(name="pass")
    visitor: str
    """Who invites."""
    name: str
    """What the guest is called."""


GUESTS: Final[Sequence[Operation]] = (
    Operation(
        method="GET",
        path=PATH,
        name="getInvitations",
        summary="Tells whether guests can be invited",
        response=Invitations,
        access=Access.OPEN,
    ),
    Operation(
        method="POST",
        path=PATH,
        name="redeemInvitation",
        summary="Exchanges the token of a link for a pass",
        body=Exchange,
        response=Pass,
        status=201,
        errors=(400, 401, 404, 409, 410, 413, 429),
        access=Access.OPEN,
    ),
)
