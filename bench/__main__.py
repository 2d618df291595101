"""
`python -m bench`: what the server costs, beside a forwarder that checks nothing.

Exit code 0 when everything was measured, 1 when a server misbehaved, 2 for
wrong usage.
"""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import orjson
import uvloop
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TimeElapsedColumn

from bench import programs, report
from bench.cost import NotRunning
from bench.crowd import Address, Void
from bench.pairs import Comparison, compare
from bench.scenarios import QUICK, SCENARIOS, Scale
from bench.servers import FLOOR, OURS, Foreign, NotStarted, Server
from signalling.files import raise_file_limit

USUAL: Final = ("handshake", "saturated", "steady", "idle")
"""What runs when nothing is named."""

WIDTH: Final = 110
"""Columns of the table where no terminal says how many there are."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what *arguments* name; return the exit code."""
    own, passed_on = _split(sys.argv[1:] if arguments is None else arguments)
    parser = _parser()
    options = parser.parse_args(own)
    if options.list:
        return _list()
    names = options.names or USUAL
    if unknown := set(names) - set(SCENARIOS) - set(programs.available()):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))} (see --list)")
    scenarios = [name for name in names if name in SCENARIOS]
    others = [name for name in names if name not in SCENARIOS]
    code = _measure(scenarios, options) if scenarios else 0
    return max([code, *(programs.PROGRAMS[name].run(passed_on) for name in others)])


def _split(arguments: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return our arguments, and those behind `--`."""
    if "--" not in arguments:
        return arguments, []
    middle = list(arguments).index("--")
    return arguments[:middle], arguments[middle + 1 :]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measures the server beside a bare forwarder. CPU per unit of work is the"
        " figure to compare: it varies far less than rates and latencies do.",
        epilog="Another server: start it yourself, then --player_url, --streamer_url, --pid.",
    )
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help=f"what to run (default: {' '.join(USUAL)})")
    add("--list", action="store_true", help="say what there is to run, and stop")
    add("--quick", action="store_true", help="see whether it works; the figures mean nothing")
    add("--pairs", type=int, help="runs of each server, in turn (default: 5)")
    add("--seconds", type=float, help="the measured part of a run (default: 5)")
    add("--json", type=Path, metavar="FILE", help="write every figure of every run")
    add("--plot", type=Path, metavar="FILE", help="draw `growth` and `idle`: .svg or .png")
    add("--player_url", help="measure the server at this URL in place of ours")
    add("--streamer_url", help="where that server's streamers connect")
    add("--pid", type=int, help="that server's process, to read its CPU and memory")
    return parser


def _list() -> int:
    for name, scenario in SCENARIOS.items():
        print(f"{name:14}{scenario.summary}")
    for name, program in programs.available().items():
        print(f"{name:14}{program.summary} Options behind --.")
    return 0


def _measure(names: Sequence[str], options: argparse.Namespace) -> int:
    raise_file_limit()
    scale, server = _scale(options), _server(options)
    try:
        comparisons = uvloop.run(_compare_all(names, server, scale))
    except (Void, NotStarted, NotRunning, OSError) as exc:
        print(f"not measured: {exc}", file=sys.stderr)
        return 1
    _publish(comparisons, options, scale=scale, server=server.name)
    return 0


def _scale(options: argparse.Namespace) -> Scale:
    scale = QUICK if options.quick else Scale()
    given = {name: getattr(options, name) for name in ("pairs", "seconds")}
    return dataclasses.replace(scale, **{k: v for k, v in given.items() if v is not None})


def _server(options: argparse.Namespace) -> Server:
    if not options.player_url:
        return OURS
    streamers = options.streamer_url or options.player_url
    return Foreign(
        "server",
        Address(player_url=options.player_url, streamer_url=streamers, pid=options.pid),
    )


async def _compare_all(names: Sequence[str], server: Server, scale: Scale) -> list[Comparison]:
    columns = (SpinnerColumn(), *Progress.get_default_columns()[:2], MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("", total=2 * scale.pairs * len(names))
        steps = iter(range(2 * scale.pairs * len(names)))

        def tell(what: str) -> None:
            progress.update(task, completed=next(steps), description=what)
            if not console.is_terminal:
                console.print(what)

        comparisons = [
            await compare(SCENARIOS[name], floor=FLOOR, server=server, scale=scale, tell=tell)
            for name in names
        ]
        progress.update(task, advance=1, description="done")
    return comparisons


def _publish(
    comparisons: Sequence[Comparison], options: argparse.Namespace, *, scale: Scale, server: str
) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(report.table(comparisons, server=server))
    if options.json:
        result = report.document(comparisons, scale=scale, server=server)
        options.json.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2))
    if options.plot:
        from bench import plot  # noqa: PLC0415 - takes longer than a quick run's load

        plot.save(comparisons, options.plot, server=server)


if __name__ == "__main__":
    sys.exit(main())
