"""A server that can be told to fail."""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

from aiohttp import web


class Service:
    """An HTTP server that can be told to fail: each fault serves one request."""

    def __init__(self) -> None:
        self.faults: deque[str] = deque()
        self.requests: list[tuple[str, Mapping[str, Any]]] = []
        self.problems: list[str] = []
        self.released = asyncio.Event()

    def expect(self, condition: object, problem: str) -> None:
        """Note a request that the published specification does not allow."""
        if not condition:
            self.problems.append(problem)

    async def faulty(self, request: web.Request) -> web.StreamResponse | None:  # noqa: PLR0911 - a table
        """Answer with the next fault, if there is one."""
        fault = self.faults.popleft() if self.faults else ""
        match fault:
            case "":
                return None
            case "429":
                return web.json_response(
                    {"error": {"message": "slow down"}},
                    status=429,
                    headers={"retry-after": "0"},
                )
            case "500":
                return web.json_response({"error": {"message": "broken"}}, status=500)
            case "bad json":
                return web.Response(text='{"data": [', content_type="application/json")
            case "nonsense":
                return web.json_response({"data": "?", "matches": 7})
            case "slow":
                await self.released.wait()
                return web.json_response({})
            case "cut":
                response = web.StreamResponse(headers={"content-length": "1000"})
                await response.prepare(request)
                assert request.transport is not None
                request.transport.abort()
                return response
        raise AssertionError(fault)
