"""`render`: a profile as ini files, launch line and environment."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from ue5_config.commands.common import (
    EXIT_FINE,
    add_profile,
    add_target,
    profile,
    target,
    write,
    write_json,
)
from ue5_config.errors import UsageError
from ue5_config.rendering import DEFAULT_EXECUTABLE, Instance, Rendering, render

HELP = "write what makes a profile true for an engine, a plugin and an instance"


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `render`."""
    add_target(parser)
    add_profile(parser)
    parser.add_argument("--signalling-url", required=True, help="ws:// or wss:// streamer URL")
    parser.add_argument("--streamer-id", required=True, help="name of the streamer")
    parser.add_argument("--gpu-index", type=int, help="GPU of the instance, from 0")
    parser.add_argument("--executable", default=DEFAULT_EXECUTABLE, help="path without suffix")
    parser.add_argument("--argument", action="append", default=[], help="further argument")
    parser.add_argument("--environment", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--container", action="store_true", help="runs in an NVIDIA container")
    parser.add_argument(
        "--launch-overrides",
        action="store_true",
        help="put every setting on the launch line, for a build that is packaged already",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument("--out", type=Path, metavar="DIR", help="merge into the files of DIR")
    form.add_argument("--diff", type=Path, metavar="DIR", help="compare with a Config folder")


def run(arguments: Namespace) -> int:
    """Render and write in the form asked for."""
    rendering = render(
        profile(arguments),
        target(arguments),
        _instance(arguments),
        launch_overrides=arguments.launch_overrides,
    )
    if arguments.json:
        write_json(rendering.as_json())
    elif arguments.diff:
        write(rendering.diff(arguments.diff).rstrip("\n") or "no difference")
    elif arguments.out:
        _write_files(rendering, arguments.out)
    else:
        write("\n".join(_text(rendering)))
    return EXIT_FINE


def _instance(arguments: Namespace) -> Instance:
    return Instance(
        signalling_url=arguments.signalling_url,
        streamer_id=arguments.streamer_id,
        gpu_index=arguments.gpu_index,
        resolution=arguments.resolution,
        executable=arguments.executable,
        arguments=tuple(arguments.argument),
        environment=dict(_pair(text) for text in arguments.environment),
        container=arguments.container,
    )


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise UsageError(f"--environment {text!r} is no NAME=VALUE")
    return name, value


def _write_files(rendering: Rendering, folder: Path) -> None:
    changed = rendering.write(folder)
    for path in changed:
        write(f"wrote {path}")
    if not changed:
        write(f"{folder} is up to date")
    for note in rendering.notes:
        write(f"note: {note.subject}: {note.text}")


def _text(rendering: Rendering) -> Iterator[str]:
    target = rendering.target
    yield f"# {rendering.profile}: engine {target.engine}, {target.plugin}, DLSS {target.dlss}"
    for name, document in rendering.files().items():
        yield f"\n# Config/{name}\n{str(document).rstrip()}"
    yield f"\n# Linux\n{rendering.launch_linux()}"
    yield f"\n# Windows\n{rendering.launch_windows()}"
    if rendering.environment:
        pairs = (f"{name}={value}" for name, value in rendering.environment.items())
        yield "\n# Environment\n" + "\n".join(pairs)
    if rendering.notes:
        notes = (f"# - {note.subject}: {note.text}" for note in rendering.notes)
        yield "\n# Notes\n" + "\n".join(notes)
