"""Health and metrics: what a load balancer and an operator ask."""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final

import msgspec
import orjson
from aiohttp import web

from signalling.access.operators import Operators
from signalling.metrics import CONTENT_TYPE, Metrics
from signalling.openapi import Access, Operation


class Readiness(Enum):
    """Whether the server takes new players."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


class Live(msgspec.Struct, frozen=True):
    """The process runs."""

    status: str


class Ready(msgspec.Struct, frozen=True):
    """The server takes new players."""

    status: str
    degraded: list[str] | msgspec.UnsetType = msgspec.UNSET
    """What it can do without for a while, and is without now."""


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/health",
        name="getHealth",
        summary="Answers while the process runs",
        response=Live,
        access=Access.OPEN,
    ),
    Operation(
        method="GET",
        path="/health/live",
        name="getLive",
        summary="Answers while the process runs",
        response=Live,
        access=Access.OPEN,
    ),
    Operation(
        method="GET",
        path="/health/ready",
        name="getReady",
        summary="Answers 503 with a reason while starting or draining",
        response=Ready,
        errors=(503,),
        access=Access.OPEN,
    ),
    Operation(
        method="GET",
        path="/metrics",
        name="getMetrics",
        summary="Returns the metrics, to this machine and to operators",
        response=str,
        media="text/plain",
        errors=(403,),
        access=Access.OPEN,
    ),
)


class Health:
    """The routes every port answers."""

    def __init__(self, metrics: Metrics, operators: Operators) -> None:
        self.readiness = Readiness.STARTING
        self.parts: dict[str, Callable[[], bool]] = {}
        """What the server can do without for a while, and whether it is without it now."""
        self._metrics = metrics
        self._operators = operators

    @property
    def operations(self) -> Sequence[Operation]:
        """See `signalling.http.site.Routes`."""
        return OPERATIONS

    def add_to(self, app: web.Application, prefix: str = "") -> None:
        """Add the routes to one port's application, below *prefix*."""
        app.router.add_get(f"{prefix}/health", self.live)
        app.router.add_get(f"{prefix}/health/live", self.live)
        app.router.add_get(f"{prefix}/health/ready", self.ready)
        app.router.add_get(f"{prefix}/metrics", self.metrics)

    async def live(self, _request: web.Request) -> web.Response:
        """Answer 200 while the process runs."""
        return _json({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.Response:
        """Answer 503 while starting or draining."""
        if self.readiness is Readiness.READY:
            degraded = [name for name, is_down in self.parts.items() if is_down()]
            return _json({"status": "ready", **({"degraded": degraded} if degraded else {})})
        return _json({"reason": self.readiness.value}, status=503)

    async def metrics(self, request: web.Request) -> web.Response:
        """Answer Prometheus, if it asks from this machine or as an operator."""
        if not self._operators.may_read_metrics(request):
            message = "metrics are for this machine and for operators"
            return _json({"error": {"code": "forbidden", "message": message}}, status=403)
        body = self._metrics.exposition()
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})


def _json(body: object, *, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
