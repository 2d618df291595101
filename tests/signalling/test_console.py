"""Letters on standard input."""

import asyncio
import os
import sys
from collections.abc import Iterator

import orjson
import pytest

from signalling.console import Console, listening_to_stdin
from signalling.registry import Registry
from signalling.settings import ServeSettings


class Terminal:
    """What a console wrote, and whether it was told to quit."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.quit = asyncio.Event()
        settings = ServeSettings(admin_token="unsaid")
        self.console = Console(
            settings, Registry(), quit_=self.quit.set, write=self.written.append
        )


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Make standard input a pipe; give the end to write to."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield writing


async def test_letters_are_answered() -> None:
    """Options without secrets, figures and ids are printed; anything else prints help."""
    terminal = Terminal()
    terminal.console.take("ci\ns p?")
    options, figures, streamers, players, help_ = terminal.written
    assert orjson.loads(options)["admin_token"] == "(hidden)"
    assert orjson.loads(figures) == {"players": 0, "streamers": 0, "available": 0}
    assert orjson.loads(streamers) == orjson.loads(players) == []
    assert "drain and quit" in help_


async def test_standard_input_is_read(pipe: int) -> None:
    """What is piped in is taken, and the end of it is not the end of the server."""
    terminal = Terminal()
    with listening_to_stdin(terminal.console):
        os.write(pipe, b"i\nq\n")
        os.close(pipe)
        await asyncio.wait_for(terminal.quit.wait(), 5)
    assert len(terminal.written) == 1
