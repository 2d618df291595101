"""Epic's own client library, which takes any field or message too many for a fault."""

import contextlib
import json
from collections.abc import Callable

import pytest

from tests.pages.sites import start_server


@pytest.mark.parametrize("version", ["5.5", "5.7"])
@pytest.mark.parametrize("dialect", ["wilbur", "auto"])
def test_whole_conversation(node: Callable[..., str], dialect: str, version: str) -> None:
    """Streamer, players and SFU of the library find nothing wrong with any message."""
    with contextlib.ExitStack() as stack:
        site = start_server(dialect, stack, "--serve=false")
        ports = (site.player_port, site.streamer_port, site.sfu_port)
        urls = [f"ws://127.0.0.1:{port}" for port in ports]
        printed = node("strict.mjs", version, *urls)
    assert json.loads(printed.splitlines()[-1]) == []
