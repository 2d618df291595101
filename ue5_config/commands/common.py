"""What the subcommands share: options, their defaults from the environment, output."""

import argparse
import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from ue5_config.errors import UsageError
from ue5_config.gpus import CONSUMER_SESSIONS, gpu_class
from ue5_config.lines import parse_lines
from ue5_config.profiles import Profile, Resolution, find_profile, read_resolution
from ue5_config.provisioning import configured_target
from ue5_config.settings import Ue5ConfigSettings
from ue5_config.translation import Target
from ue5_config.values import Scalar
from ue5_config.versions import DlssPlugin

ENVIRONMENT_PREFIX: Final = "SIGNALLING_"

EXIT_FINE: Final = 0
EXIT_FINDINGS: Final = 1
EXIT_USAGE: Final = 2


def write(text: str) -> None:
    """Write *text* and a line feed to standard output."""
    sys.stdout.write(f"{text}\n")


def write_json(value: object) -> None:
    """Write *value* as indented JSON to standard output."""
    write(json.dumps(value, indent=2, ensure_ascii=False))


def add_target(parser: ArgumentParser) -> None:
    """Add the options that say for which engine and plugins."""
    add_config_file(parser)
    parser.add_argument("--engine", help="engine version, 5.3 to 5.8")
    parser.add_argument("--plugin", help="PixelStreaming or PixelStreaming2 (from 5.5)")
    parser.add_argument(
        "--dlss",
        choices=[plugin.value for plugin in DlssPlugin],
        help="how the DLSS plugin chooses its mode; none without the plugin",
    )


def add_config_file(parser: ArgumentParser) -> None:
    """Add the option for the server's configuration file, whose ue5_ keys are defaults."""
    parser.add_argument("--config-file", type=Path, help="JSON file with defaults (ue5_… keys)")


def add_profile(parser: ArgumentParser) -> None:
    """Add the options that say what is wanted."""
    parser.add_argument("--profile", help="profile by name, or a .toml file with one")
    parser.add_argument("--profile-file", type=Path, help="TOML file with profiles")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="'NAME VALUE'",
        help="a setting by its own name, above the profile's; may be repeated",
    )
    parser.add_argument("--lines", type=Path, help="file of such lines")
    parser.add_argument("--resolution", type=resolution, help="WIDTHxHEIGHT")


def add_host(parser: ArgumentParser) -> None:
    """Add the options that say what the GPU's encoder can do."""
    parser.add_argument("--gpu", help="the GPU's name, or consumer or professional")
    parser.add_argument(
        "--encoder-sessions", type=positive, help="encoder sessions, above what --gpu says"
    )


def resolution(text: str) -> Resolution:
    """Read WIDTHxHEIGHT."""
    try:
        return Resolution.model_validate(read_resolution(text))
    except ValidationError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no WIDTHxHEIGHT") from error


def positive(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def seconds(text: str) -> float:
    """Read a time in seconds, from a tenth to an hour."""
    return _between(text, 0.1, 3600)


def share(text: str) -> float:
    """Read a share from 0 up to, not including, 1."""
    return _between(text, 0, 0.99)


def amount(text: str) -> float:
    """Read a number above 0."""
    return _between(text, 1e-6, 1e12)


def _between(text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not between {low:g} and {high:g}")
    return value


def settings(arguments: Namespace) -> Ue5ConfigSettings:
    """Return the defaults: environment above the configuration file above the built-in ones."""
    return defaults(arguments.config_file, os.environ)


def defaults(file: Path | None, environment: Mapping[str, str]) -> Ue5ConfigSettings:
    """Read the package's options from *file* and *environment*; raises `UsageError`."""
    found = {**_from_file(file), **_from_environment(environment)}
    try:
        return Ue5ConfigSettings.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{key}={first['input']!r}: {first['msg']}") from error


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise UsageError(f"{file} is no JSON object")
    return {key: data[key] for key in Ue5ConfigSettings.model_fields if key in data}


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    names = {
        key: f"{ENVIRONMENT_PREFIX}{key.upper()}" for key in Ue5ConfigSettings.model_fields
    }
    return {key: environment[name] for key, name in names.items() if name in environment}


def target(arguments: Namespace) -> Target:
    """Return the engine and plugins asked for; raises `UnknownVersion`."""
    return configured_target(
        settings(arguments),
        engine=arguments.engine,
        plugin=arguments.plugin,
        dlss=arguments.dlss,
    )


def profile(arguments: Namespace) -> Profile:
    """Return the profile asked for, with the settings given by name on top."""
    base = settings(arguments)
    name = arguments.profile or base.ue5_profile
    found = find_profile(name, file=arguments.profile_file or base.ue5_profile_file)
    given: dict[str, Scalar] = {**found.cvars, **lines(arguments)}
    size = arguments.resolution or found.resolution
    return found.model_copy(update={"cvars": given, "resolution": size})


def lines(arguments: Namespace) -> dict[str, str]:
    """Return the settings given by name, those of the command line last."""
    text = "" if arguments.lines is None else _text(arguments.lines)
    return {**parse_lines(text), **parse_lines("\n".join(arguments.set))}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error


def encoder_sessions(
    arguments: Namespace, *, unknown: int | None = CONSUMER_SESSIONS
) -> int | None:
    """Return how many sessions the GPU opens, None for no limit, *unknown* if nobody says."""
    if arguments.encoder_sessions is not None:
        return int(arguments.encoder_sessions)
    if arguments.gpu:
        return gpu_class(arguments.gpu).sessions
    configured = settings(arguments).ue5_encoder_sessions
    return unknown if configured is None else configured
