"""`apply`: settings sent to a running instance, measured before and after."""

import json
import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from ue5_config.commands.common import (
    EXIT_FINDINGS,
    EXIT_FINE,
    add_profile,
    add_target,
    lines,
    profile,
    seconds,
    target,
    write,
    write_json,
)
from ue5_config.errors import UsageError
from ue5_config.live import (
    PROBE,
    Applied,
    Instance,
    Measurement,
    Record,
    apply,
    named_choices,
    revert,
    runtime_choices,
)
from ue5_config.project import read_project
from ue5_config.translation import Choice, Target, translate
from ue5_config.writing import replace_file

HELP = "send settings to a running instance and measure before and after"


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `apply`."""
    add_target(parser)
    add_profile(parser)
    parser.add_argument("--url", help="ws:// or wss:// URL of the player endpoint")
    parser.add_argument("--streamer", help="streamer to subscribe to")
    parser.add_argument("--seconds", type=seconds, default=10.0, help="length of a measurement")
    parser.add_argument("--undo", action="store_true", help="take the settings back afterwards")
    parser.add_argument("--undo-from", type=Path, metavar="FILE", help="undo what FILE records")
    parser.add_argument("--record", type=Path, metavar="FILE", help="keep how to undo in FILE")
    parser.add_argument(
        "--config", type=Path, metavar="DIR", help="Config folder it started with"
    )
    parser.add_argument(
        "--probe", default=shlex.join(PROBE), help="the headless player's command"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: Namespace) -> int:
    """Apply or undo, and report; fails when the instance refused a command."""
    done = _undo(arguments) if arguments.undo_from else _apply(arguments)
    if arguments.json:
        write_json(done.as_json())
    else:
        write("\n".join(_report(done)))
    return EXIT_FINDINGS if done.refused else EXIT_FINE


def _apply(arguments: Namespace) -> Applied:
    wanted = target(arguments)
    choices = _choices(arguments, wanted)
    if not choices and not arguments.resolution:
        raise UsageError("nothing to apply: name --profile, --set or --lines")
    return apply(
        choices,
        _instance(arguments, arguments.url, arguments.streamer),
        known=_known(arguments, wanted),
        resolution=arguments.resolution,
        undo=arguments.undo,
        keep=lambda record: _keep(record, arguments.record),
    )


def _keep(record: Record, path: Path | None) -> None:
    if path is not None:
        replace_file(path, record.model_dump_json(indent=2).encode())


def _choices(arguments: Namespace, wanted: Target) -> list[Choice]:
    """Return the profile's settings where one is named, otherwise only those given by name."""
    if arguments.profile:
        return runtime_choices(translate(profile(arguments), wanted).choices)
    return named_choices(lines(arguments), wanted)


def _known(arguments: Namespace, wanted: Target) -> dict[str, str]:
    if arguments.config is None:
        return {}
    project = read_project(arguments.config, wanted)
    rows = {one.setting.name for one in project.assignments if one.setting and one.counts}
    values = {name: project.text(name) for name in rows}
    return {name.casefold(): value for name, value in values.items() if value is not None}


def _undo(arguments: Namespace) -> Applied:
    record = _record(arguments.undo_from)
    instance = _instance(arguments, arguments.url or record.url, record.streamer)
    done = revert(record, instance)
    _keep(done.record, arguments.record)
    return done


def _record(path: Path) -> Record:
    try:
        return Record.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        raise UsageError(
            f"{path} is no record of `apply`: {error.errors()[0]['msg']}"
        ) from error


def _instance(arguments: Namespace, url: str | None, streamer: str | None) -> Instance:
    if not url:
        raise UsageError("--url is missing")
    probe = tuple(shlex.split(arguments.probe))
    return Instance(url=url, streamer=streamer, seconds=arguments.seconds, probe=probe)


def _report(done: Applied) -> Iterator[str]:
    for command in done.record.commands:
        yield f"> {command}"
    for refusal in done.refused:
        yield f"refused: {refusal.command} {json.dumps(refusal.reason)}"
    columns = [("before", done.before), ("after", done.after)]
    columns += [("undone", done.undone)] if done.undone else []
    yield "".join([" " * 16, *(f"{name:>12}" for name, _ in columns)])
    for label, field in _FIELDS.items():
        yield label.ljust(16) + "".join(f"{_cell(seen, field):>12}" for _, seen in columns)


_FIELDS = {
    "frames/s": "frames_per_second",
    "kbit/s": "bitrate_kbps",
    "round trip, ms": "round_trip_ms",
    "jitter, ms": "jitter_ms",
    "size": "size",
}


def _cell(seen: Measurement, field: str) -> str:
    value = getattr(seen, field)
    return "-" if value is None else value if isinstance(value, str) else f"{value:.1f}"
