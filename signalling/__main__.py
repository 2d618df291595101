"""`python -m signalling`: serve, streamer, probe, demo."""

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from signalling.errors import OptionError
from signalling.version import version

WRONG_USAGE: Final = 2

VERSION: Final = {"-V", "--version"}


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand: the module whose `main(arguments)` runs it."""

    module: str
    summary: str
    extra: str = ""
    """What `pip install pycirrus[...]` must have brought."""


COMMANDS: Final = {
    "serve": Command("signalling.serve", "run the server"),
    "streamer": Command(
        "signalling.peer.streamer", "run synthetic Unreal Engine streamers", "webrtc"
    ),
    "demo": Command("signalling.demo", "run a server with synthetic streamers", "webrtc"),
    "probe": Command("signalling.peer.probe", "watch a streamer and report figures", "webrtc"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if VERSION & set(words):
        print(version())
        return 0
    if not words or words[0] in {"-h", "--help"}:
        print(usage())
        return 0 if words else WRONG_USAGE
    command = COMMANDS.get(words[0])
    if command is None:
        return _complain(f"unknown command '{words[0]}'; there are: {', '.join(COMMANDS)}")
    try:
        return int(importlib.import_module(command.module).main(words[1:]))
    except OptionError as exc:
        return _complain(str(exc))
    except ModuleNotFoundError as exc:
        if not command.extra:
            raise
        return _complain(
            f"'{words[0]}' needs {exc.name}: pip install 'pycirrus[{command.extra}]'"
        )


def usage() -> str:
    """Return what the program can do."""
    lines = [f"  {name:<10} {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "usage: pycirrus COMMAND [--option value ...]",
            "",
            *lines,
            "",
            "pycirrus COMMAND --help lists a command's options.",
        ]
    )


def _complain(line: str) -> int:
    print(line, file=sys.stderr)
    return WRONG_USAGE


if __name__ == "__main__":
    sys.exit(main())
