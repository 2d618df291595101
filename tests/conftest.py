"""What all tests share."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
import structlog

ONE_AT_A_TIME: Final = ("browser", "media")
"""Marks of tests that need a core for themselves: a picture must not freeze for want of one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Say which tests stay in one process where several run them.

    A file's tests share servers. Those that play go one at a time, and so do the hostile
    ones, which look at their process's memory and tasks.
    """
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Item) -> str:
    if any(item.get_closest_marker(mark) for mark in ONE_AT_A_TIME):
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
