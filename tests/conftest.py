"""What all tests share."""

import os
from collections.abc import Iterator
from typing import Any, Final

import pytest
import structlog

PLAYING: Final = ("browser", "media")
"""Marks of tests with a running picture, which must not freeze for want of a core."""

BESIDE: Final = 5
"""Niceness of tests that run beside these."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Say which tests stay in one process where several run them.

    Those that play go first and one at a time. A file's tests share servers; the hostile
    ones look at their process's memory and tasks.
    """
    items.sort(key=_plays, reverse=True)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let tests that play have the cores first."""
    is_alone = "PYTEST_XDIST_WORKER" not in os.environ
    if not is_alone and not _plays(item):
        os.nice(max(0, BESIDE - os.nice(0)))


def _plays(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(mark) for mark in PLAYING)


def _group(item: pytest.Item) -> str:
    if _plays(item):
        return "playing"
    folder = item.path.parent.name
    return folder if folder == "hostile" else item.nodeid.partition("::")[0]


@pytest.fixture(autouse=True)
def _logs_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let no test see how another one, which ran a command, configured the logs."""
    configure = structlog.configure

    def without_cache(**options: Any) -> None:
        configure(**{**options, "cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", without_cache)
    yield
    structlog.reset_defaults()
