"""One-letter commands on standard input, as Wilbur takes them with `stdin`."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import orjson
import structlog

from signalling.disclosure import shown_options
from signalling.registry import Registry
from signalling.settings import ServeSettings

READ_BYTES: Final = 1024

log = structlog.get_logger()

Write = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Command:
    """What one letter does."""

    summary: str
    run: Callable[[], str]
    """Returns what is printed."""


class Console:
    """Answers letters; knows no terminal."""

    def __init__(
        self,
        settings: ServeSettings,
        registry: Registry,
        *,
        quit_: Callable[[], None],
        write: Write,
    ) -> None:
        self._quit = quit_
        self._write = write
        self._commands: Mapping[str, Command] = {
            "c": Command("print the options", lambda: _pretty(shown_options(settings))),
            "i": Command("print how many there are", lambda: _pretty(_figures(registry))),
            "s": Command("print the streamers' ids", lambda: _pretty(list(registry.streamers))),
            "p": Command("print the players' ids", lambda: _pretty(list(registry.players))),
        }

    def take(self, letters: str) -> None:
        """Do what each of *letters* asks for; white space asks for nothing."""
        for letter in letters:
            if not letter.isspace():
                self._take(letter)

    def _take(self, letter: str) -> None:
        if letter in {"q", "\x03"}:
            self._quit()
        elif letter in self._commands:
            self._write(f"{self._commands[letter].run()}\n")
        else:
            self._write(self._help())

    def _help(self) -> str:
        lines = [f"  {letter}  {each.summary}" for letter, each in self._commands.items()]
        return "\n".join([*lines, "  h  print this", "  q  drain and quit", ""])


@contextlib.contextmanager
def listening_to_stdin(console: Console) -> Iterator[None]:
    """Give *console* what is typed or piped in, as long as the context lasts."""
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()

    def read() -> None:
        letters = os.read(descriptor, READ_BYTES)
        if not letters:
            loop.remove_reader(descriptor)
        console.take(letters.decode(errors="replace"))

    try:
        loop.add_reader(descriptor, read)
    except (NotImplementedError, OSError):
        # Windows' event loop cannot wait for a terminal, nor any loop for a plain file.
        log.warning("stdin_unavailable")
        yield
        return
    with _one_letter_at_a_time(descriptor):
        try:
            yield
        finally:
            loop.remove_reader(descriptor)


@contextlib.contextmanager
def _one_letter_at_a_time(descriptor: int) -> Iterator[None]:
    """Let a terminal hand over letters as they are typed, and set it back afterwards."""
    if not os.isatty(descriptor):
        yield
        return
    import termios  # noqa: PLC0415 - not on Windows
    import tty  # noqa: PLC0415

    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _figures(registry: Registry) -> dict[str, int]:
    return {
        "players": len(registry.players),
        "streamers": len(registry.streamers),
        "available": sum(1 for _ in registry.available()),
    }


def _pretty(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
