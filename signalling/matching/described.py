"""What the matchmaker's routes promise; see `matchmaker.http` for what they do."""

from collections.abc import Sequence
from typing import Final

import msgspec

from matchmaker.answers import HostAnswer, QueueAnswer, ScaleAnswer, SessionAnswer, SessionRow
from matchmaker.http import HostReport
from signalling.matching.routes import BackEnd
from signalling.openapi import Access, Operation

SESSION_ID: Final = ("id", "What `POST /api/sessions` answered as sessionId.")

HOST_ID: Final = ("id", "What the host's streamers say as `host`, or their address.")

UNAVAILABLE: Final = 503
"""The state cannot be reached now, or there is no room for another waiter."""


class DrainAnswer(msgspec.Struct, frozen=True):
    """Whether a host is kept from new sessions."""

    id: str
    draining: bool


class SignallingServer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Where Epic's matchmaker sends a page."""

    signalling_server: str
    """`address:port`; empty if there is none."""
    error: str = ""


SESSIONS: Final[Sequence[Operation]] = (
    Operation(
        method="POST",
        path="/api/sessions",
        name="requestSession",
        summary="Asks for a place; the same user again gets the same session",
        description="The session, with or still without a place.",
        body=BackEnd,
        response=SessionAnswer,
        status=201,
        errors=(400, 403, 409, 429, UNAVAILABLE),
        access=Access.USER,
    ),
    Operation(
        method="GET",
        path="/api/sessions",
        name="getSessions",
        summary="Returns live and just ended sessions, newest first",
        response=list[SessionRow],
        errors=(UNAVAILABLE,),
        access=Access.ADMIN,
    ),
    Operation(
        method="GET",
        path="/api/sessions/{id}",
        name="getSession",
        summary="Returns a session; a waiter without a socket must ask to stay in line",
        response=SessionAnswer,
        errors=(404, UNAVAILABLE),
        access=Access.USER,
        parameters=(SESSION_ID,),
    ),
    Operation(
        method="DELETE",
        path="/api/sessions/{id}",
        name="releaseSession",
        summary="Ends a session",
        description="It has ended, now or before.",
        errors=(404, UNAVAILABLE),
        access=Access.USER,
        parameters=(SESSION_ID,),
    ),
    Operation(
        method="GET",
        path="/api/hosts",
        name="getHosts",
        summary="Returns the hosts with their instances",
        response=list[HostAnswer],
        errors=(UNAVAILABLE,),
        access=Access.ADMIN,
    ),
    Operation(
        method="PATCH",
        path="/api/hosts/{id}",
        name="reportHost",
        summary="Tells how busy a host's GPU is, whether it is healthy, what it can take",
        description="It counts from now on, until the next one.",
        body=HostReport,
        errors=(400, 404, UNAVAILABLE),
        access=Access.ADMIN,
        parameters=(HOST_ID,),
    ),
    Operation(
        method="POST",
        path="/api/hosts/{id}/drain",
        name="drainHost",
        summary="Keeps new sessions from a host",
        response=DrainAnswer,
        errors=(404, UNAVAILABLE),
        access=Access.ADMIN,
        parameters=(HOST_ID,),
    ),
    Operation(
        method="DELETE",
        path="/api/hosts/{id}/drain",
        name="undrainHost",
        summary="Lets new sessions come to a host again",
        response=DrainAnswer,
        errors=(404, UNAVAILABLE),
        access=Access.ADMIN,
        parameters=(HOST_ID,),
    ),
    Operation(
        method="GET",
        path="/api/queue",
        name="getQueue",
        summary="Returns who waits, by what they ask for",
        response=QueueAnswer,
        errors=(UNAVAILABLE,),
        access=Access.ADMIN,
    ),
    Operation(
        method="GET",
        path="/api/scale",
        name="getScale",
        summary="Returns what an autoscaler needs, by application and region",
        response=list[ScaleAnswer],
        errors=(UNAVAILABLE,),
        access=Access.ADMIN,
    ),
)

EPIC: Final[Sequence[Operation]] = (
    Operation(
        method="GET",
        path="/signallingserver",
        name="getSignallingServer",
        summary="Names a free Cirrus server, as Epic's matchmaker does",
        response=SignallingServer,
        access=Access.OPEN,
    ),
)
