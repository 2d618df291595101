"""The command line: `python -m ue5_config render|check|capacity|apply|settings`."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from ue5_config.commands import apply, capacity, check, render, table
from ue5_config.commands.common import EXIT_FINDINGS, EXIT_USAGE
from ue5_config.errors import IniError, ProbeError, Ue5ConfigError, UsageError


@dataclass(frozen=True, slots=True)
class _Command:
    help: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


COMMANDS: Final = {
    "render": _Command(render.HELP, render.add_options, render.run),
    "check": _Command(check.HELP, check.add_options, check.run),
    "capacity": _Command(capacity.HELP, capacity.add_options, capacity.run),
    "apply": _Command(apply.HELP, apply.add_options, apply.run),
    "settings": _Command(table.HELP, table.add_options, table.run),
}
"""Every subcommand."""

_TAKES_SWITCHES: Final = frozenset({"--launch", "--argument", "--probe"})


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like all of this command's."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the command line and return the exit code.

    0 fine, 1 findings of severity error or a failure while working, 2 wrong
    usage, with one line on standard error.
    """
    words = sys.argv[1:] if argv is None else argv
    try:
        arguments = _parser().parse_args([_dashed(word) for word in _joined(words)])
        return COMMANDS[arguments.command].run(arguments)
    except Ue5ConfigError as error:
        sys.stderr.write(f"ue5_config: {error}\n")
        return EXIT_FINDINGS if isinstance(error, (IniError, ProbeError)) else EXIT_USAGE
    except KeyboardInterrupt:
        sys.stderr.write("ue5_config: interrupted\n")
        return EXIT_FINDINGS
    except OSError as error:
        sys.stderr.write(f"ue5_config: {error.filename or ''}: {error.strerror}\n")
        return EXIT_FINDINGS


def _joined(words: Sequence[str]) -> Iterator[str]:
    """Join options whose values are switches themselves with them, which argparse cannot."""
    rest = iter(words)
    for word in rest:
        value = next(rest, None) if word in _TAKES_SWITCHES else None
        yield word if value is None else f"{word}={value}"


def _dashed(word: str) -> str:
    """Take --streamer_id for --streamer-id, as the server's options may be written."""
    name, equals, value = word.partition("=")
    return f"{name.replace('_', '-')}{equals}{value}" if word.startswith("--") else word


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m ue5_config", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        one = commands.add_parser(name, help=command.help, allow_abbrev=False)
        command.add_options(one)
    return parser
