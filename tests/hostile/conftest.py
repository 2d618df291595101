"""The server under attack, with each kind of connection."""

import logging
from collections.abc import AsyncIterator

import pytest
from aiohttp.http_exceptions import HttpProcessingError
from structlog.testing import capture_logs

from signalling import inline
from tests.hostile.arena import Arena, arena


@pytest.fixture(params=["inline", "queued"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test with each kind of connection."""
    if request.param == "queued":
        monkeypatch.setattr(inline, "supported", lambda: False)
    return str(request.param)


@pytest.fixture
async def under_attack(kind: str, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Arena]:
    """Give a server with its canary; nothing else may be left of it, and no fault logged."""
    assert kind
    with capture_logs() as events:
        async with arena() as server:
            yield server
            await server.is_clean()
    assert [event for event in events if event["log_level"] == "error"] == []
    assert [record for record in caplog.records if is_fault(record)] == []


def is_fault(record: logging.LogRecord) -> bool:
    """Return whether *record* tells of a fault of ours: a bad request is not one."""
    error = record.exc_info[1] if record.exc_info else None
    return record.levelno >= logging.ERROR and not isinstance(error, HttpProcessingError)
