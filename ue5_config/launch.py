"""
Launch lines of Unreal: built, quoted for a shell, and read back.

The engine parses its command line itself (`FParse::Value`): a value ends at a
blank, a comma or a closing bracket unless it stands in double quotes, and
double quotes cannot be escaped. So a value is quoted where it needs to be,
`-Key="value"`, and one that holds a double quote is refused.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

from ue5_config.errors import InvalidValue

MAX_COMMAND_LINE: Final = 16384
"""Longest launch line; the engine keeps 16384 characters of it."""

_TOKEN: Final = re.compile(r"""'[^']*'(?=\s|\Z)|(?:[^\s"]|"[^"]*"?)+""")
_SWITCH: Final = re.compile(r"[-/](?P<name>[^=:\s\"]+)(?:=(?P<value>.*))?", re.DOTALL)
_INI: Final = re.compile(
    r"-ini:(?P<file>[^:]+):\[?(?P<section>[^\]]+)\]:(?P<key>[^=]+)=(?P<value>.*)",
    re.IGNORECASE | re.DOTALL,
)
_ENDS_VALUE: Final = re.compile(r"[\s,)]")
_CMD_SPECIAL: Final = re.compile(r"[\s,)&|<>^(%!;'`]")


@dataclass(frozen=True, slots=True)
class Argument:
    """
    One word of a launch line: a switch, with a value or without.

    `position` counts from 1, for findings.
    """

    name: str
    value: str | None
    position: int = 0

    @property
    def is_switch(self) -> bool:
        """Whether it began with a dash; otherwise it is a map, a project or a path."""
        return bool(self.name)


@dataclass(frozen=True, slots=True)
class Override:
    """A setting that the launch line sets in place of an ini file or the console."""

    file: str | None
    section: str | None
    key: str
    value: str
    position: int


@dataclass(frozen=True, slots=True)
class LaunchLine:
    """The words of a launch line after the executable, as the engine is to see them."""

    words: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Split a launch line at blanks outside double quotes, as the engine does.

        Single quotes around a whole word are taken off: the line may come from
        a shell script.
        """
        words = _TOKEN.findall(text)
        return cls(tuple(word[1:-1] if word.startswith("'") else word for word in words))

    def arguments(self) -> Iterator[Argument]:
        """Yield every word as an argument, quotes around values taken off."""
        for position, word in enumerate(self.words, start=1):
            bare = word[1:-1] if word.startswith('"') and word.endswith('"') else word
            match = _SWITCH.fullmatch(bare)
            if match and not bare.casefold().startswith("-ini:"):
                yield Argument(match["name"], _unquoted(match["value"]), position)
            elif not match:
                yield Argument("", bare, position)

    def overrides(self) -> Iterator[Override]:
        """Yield what `-ini:`, `-dpcvars=` and `-ExecCmds=` set."""
        for position, word in enumerate(self.words, start=1):
            match = _INI.fullmatch(word.replace('"', ""))
            if match:
                file = f"Default{match['file']}.ini"
                yield Override(file, match["section"], match["key"], match["value"], position)
        for argument in self.arguments():
            yield from _console_overrides(argument)


def _console_overrides(argument: Argument) -> Iterator[Override]:
    separator = {"dpcvars": "=", "execcmds": " "}.get(argument.name.casefold())
    if separator is None or argument.value is None:
        return
    for part in argument.value.split(","):
        key, found, value = part.strip().partition(separator)
        if found:
            yield Override(None, None, key.strip(), value.strip(), argument.position)


def _unquoted(value: str | None) -> str | None:
    return None if value is None else value.strip('"')


def switch(name: str, value: str | None = None) -> str:
    """
    Return `-name`, or `-name=value` as one word of an argument vector.

    Raises `InvalidValue` for a value that the engine could not read back.
    """
    if value is None:
        return f"-{name}"
    if '"' in value or any(not char.isprintable() for char in value):
        raise InvalidValue(f"-{name}={value!r} must be one line of text without double quotes")
    # On Linux the engine itself quotes words that hold a blank, but not the others.
    quote = '"' if _ENDS_VALUE.search(value) and " " not in value else ""
    return f"-{name}={quote}{value}{quote}"


def quote_linux(words: Sequence[str]) -> str:
    """Return *words* as one line for a POSIX shell."""
    return shlex.join(words)


def quote_windows(words: Sequence[str], *, batch_file: bool = False) -> str:
    """
    Return *words* as one line for `cmd.exe` or `CreateProcess`.

    Values are quoted on their own (`-Key="a b"`), as the engine wants them.
    In a batch file percent signs are doubled.
    """
    line = " ".join(_quote_windows(word) for word in words)
    return line.replace("%", "%%") if batch_file else line


def _quote_windows(word: str) -> str:
    if '"' in word or not _CMD_SPECIAL.search(word):
        return word
    name, equals, value = word.partition("=")
    if word.startswith("-") and equals and not _CMD_SPECIAL.search(name):
        return f'{name}="{value}"'
    return f'"{word}"'
