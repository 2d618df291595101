"""What the routes of the consultant, the catalogue and the partners promise."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from signalling.chat.messages import Ask
from signalling.openapi import Access, Operation

STARTING: Final = 503
"""The catalogue is still being loaded."""


class Offer(msgspec.Struct, frozen=True):
    """Whether there is a chat."""

    chat: bool


class RowFault(msgspec.Struct, frozen=True):
    """Why a row was passed over."""

    row: int
    field: str
    message: str


class Imported(msgspec.Struct, frozen=True):
    """What became of the rows of an upload."""

    rows: int
    written: int
    unchanged: int
    failed: int
    errors: list[RowFault]
    """The first hundred."""


OFFER: Final[Sequence[Operation]] = (
    Operation(
        method="GET",
        path="/api/chat",
        name="getChatOffer",
        summary="Tells whether there is a consultant to ask",
        response=Offer,
        access=Access.OPEN,
    ),
)


def _shelf(path: str, name: str, what: str) -> Iterator[Operation]:
    """Yield the routes of one kind of documents."""
    document = dict[str, Any]
    one = (("id", f"Which of the {what}."),)
    yield Operation(
        method="PUT",
        path=path,
        name=f"put{name}s",
        summary=f"Adds or changes {what}: a JSON array, or JSON lines",
        description="Every row was read; failed ones are named.",
        body=list[document],
        response=Imported,
        errors=(413, 422, STARTING),
        access=Access.ADMIN,
    )
    yield Operation(
        method="GET",
        path=f"{path}/{{id}}",
        name=f"get{name}",
        summary=f"Returns one of the {what}",
        response=document,
        errors=(404, STARTING),
        access=Access.OPEN,
        parameters=one,
    )
    yield Operation(
        method="DELETE",
        path=f"{path}/{{id}}",
        name=f"delete{name}",
        summary=f"Removes one of the {what}",
        description="It is gone.",
        errors=(404, STARTING),
        access=Access.ADMIN,
        parameters=one,
    )


RETRIEVAL: Final[Sequence[Operation]] = (
    Operation(
        method="POST",
        path="/api/chat",
        name="ask",
        summary="Asks the consultant; the body is that of a `chat` message",
        description="The chat's messages as server-sent events, to `chatDone` or `chatError`.",
        body=Ask,
        response=str,
        media="text/event-stream",
        errors=(400, 409, 413, 429, STARTING),
        access=Access.USER,
    ),
    *_shelf("/api/catalogue", "Product", "products"),
    *_shelf("/api/partners", "Partner", "partners"),
)
