"""
Settings sent to a running instance, with measurements before and after.

The commands travel as Command messages of the data channel, which an instance
takes only where its console is open to visitors. A headless player does the
sending and measuring: `python -m signalling probe`, run as a process of its
own, which prints one JSON line.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ue5_config.errors import InvalidValue, ProbeError, UnknownSetting
from ue5_config.profiles import Resolution
from ue5_config.settings_table import TABLE, Kind, Setting
from ue5_config.translation import Choice, Target
from ue5_config.values import spell

PROBE: Final = (sys.executable, "-m", "signalling", "probe")
"""The headless player, as a command."""

CONNECT_SECONDS: Final = 60.0
"""Longer than this beyond its measuring time a probe is not waited for."""

MAX_COMMANDS: Final = 64
"""The most the probe takes at once."""


class Refused(BaseModel):
    """A command that the instance did not take."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    command: str
    reason: str = ""

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: object) -> object:
        return {"command": value} if isinstance(value, str) else value


class Measurement(BaseModel):
    """
    What the probe saw: frames/s, kbit/s, milliseconds, pixels.

    `round_trip_ms` is the delay of the data channel. None is what the probe
    could not tell.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    frames_per_second: float | None = Field(default=None, alias="framesPerSecond")
    bitrate_kbps: float | None = Field(default=None, alias="bitrateKbps")
    round_trip_ms: float | None = Field(default=None, alias="roundTripMs")
    jitter_ms: float | None = Field(default=None, alias="jitterMs")
    time_to_first_frame_ms: float | None = Field(default=None, alias="timeToFirstFrameMs")
    width: int | None = None
    height: int | None = None
    codec: str | None = None
    commands_sent: tuple[str, ...] | int = Field(default=(), alias="commandsSent")
    commands_refused: tuple[Refused, ...] = Field(default=(), alias="commandsRefused")

    @property
    def size(self) -> str | None:
        """Width and height as r.SetRes takes them, or None."""
        return f"{self.width}x{self.height}" if self.width and self.height else None


class Record(BaseModel):
    """What was applied and how to undo it, kept so that it can be undone later."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    streamer: str | None = None
    commands: tuple[str, ...]
    undo: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """Which instance, and for how long to look at it each time (seconds)."""

    url: str
    streamer: str | None = None
    seconds: float = 10.0
    probe: tuple[str, ...] = PROBE


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What was measured before, after, and, where it was undone, after that."""

    record: Record
    before: Measurement
    after: Measurement
    undone: Measurement | None = None

    @property
    def refused(self) -> tuple[Refused, ...]:
        """The commands the instance did not take."""
        later = self.undone.commands_refused if self.undone else ()
        return (*self.after.commands_refused, *later)

    def as_json(self) -> dict[str, Any]:
        """Return the result as a JSON object."""
        return {
            "commands": list(self.record.commands),
            "undo": list(self.record.undo),
            "before": self.before.model_dump(by_alias=True, mode="json"),
            "after": self.after.model_dump(by_alias=True, mode="json"),
            "undone": self.undone.model_dump(by_alias=True, mode="json")
            if self.undone
            else None,
        }


def apply(
    choices: Sequence[Choice],
    instance: Instance,
    *,
    known: Mapping[str, str],
    resolution: Resolution | None = None,
    undo: bool = False,
    keep: Callable[[Record], object] = lambda _: None,
) -> Applied:
    """
    Measure, send *choices*, measure again, and with *undo* take them back.

    *known* is what the instance had, by name in small letters; what is not in
    it is undone to the engine's default, and the resolution to the one seen
    before. *keep* gets the record before anything is sent, and with *undo* the
    settings are taken back however the second measurement ends. Raises
    `ProbeError` when a measurement fails, which then tells the way back.
    """
    before = measure(instance)
    commands = [f"{choice.name} {spell(choice.value)}" for choice in choices]
    back = [_undo(choice, known) for choice in choices]
    if resolution:
        commands.append(f"r.SetRes {resolution}")
        back.append(f"r.SetRes {before.size or resolution}")
    record = Record(
        url=instance.url, streamer=instance.streamer, commands=tuple(commands), undo=tuple(back)
    )
    keep(record)
    after, undone = _there_and_back(instance, record, undo=undo)
    return Applied(record=record, before=before, after=after, undone=undone)


def _there_and_back(
    instance: Instance, record: Record, *, undo: bool
) -> tuple[Measurement, Measurement | None]:
    try:
        after = measure(instance, record.commands)
    except ProbeError as error:
        if undo:
            raise
        raise ProbeError(f"{error}; what was sent is undone by: {_listed(record)}") from error
    finally:
        back = _taken_back(instance, record) if undo else None
    return after, back


def _taken_back(instance: Instance, record: Record) -> Measurement:
    try:
        return measure(instance, record.undo)
    except ProbeError as error:
        raise ProbeError(f"not undone: {error}; send by hand: {_listed(record)}") from error


def _listed(record: Record) -> str:
    return ", ".join(record.undo)


def revert(record: Record, instance: Instance) -> Applied:
    """Undo what *record* tells, with measurements before and after."""
    turned = Record(
        url=record.url, streamer=record.streamer, commands=record.undo, undo=record.commands
    )
    before = measure(instance)
    return Applied(record=turned, before=before, after=measure(instance, record.undo))


def runtime_choices(choices: Sequence[Choice]) -> list[Choice]:
    """Return those choices that count in a running instance."""
    return [one for one in choices if one.setting is not None and one.setting.runtime]


def named_choices(settings: Mapping[str, str], target: Target) -> list[Choice]:
    """
    Return choices for settings given by name.

    Raises `UnknownSetting` and `InvalidValue`, naming key, value, range and
    version; also for settings that a running instance does not read.
    """
    return [_named(name, value, target) for name, value in settings.items()]


def _named(name: str, value: str, target: Target) -> Choice:
    row = TABLE.get(name, kind=Kind.CVAR, engine=target.engine)
    if not row.runtime:
        raise UnknownSetting(f"{row.name} is read at start only and cannot be applied")
    read = row.read(value, context=f"engine {target.engine}")
    return Choice(row.name, read, "given by name", row)


def _undo(choice: Choice, known: Mapping[str, str]) -> str:
    row: Setting | None = choice.setting
    default = row.default if row else None
    value = known.get(choice.name.casefold())
    if value is None and default is None:
        raise InvalidValue(f"{choice.name} has no known value to go back to")
    return f"{choice.name} {value if value is not None else spell(default or 0)}"


def measure(
    instance: Instance,
    commands: Sequence[str] = (),
    *,
    run: Callable[..., "subprocess.CompletedProcess[str]"] = subprocess.run,
) -> Measurement:
    """Run the probe once, sending *commands* first; raises `ProbeError`."""
    if len(commands) > MAX_COMMANDS:
        raise ProbeError(f"{len(commands)} commands are more than {MAX_COMMANDS}")
    arguments = _arguments(instance, commands)
    try:
        done = run(
            arguments,
            capture_output=True,
            text=True,
            timeout=instance.seconds + CONNECT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ProbeError(f"the probe did not end within {error.timeout:g} s") from error
    except OSError as error:
        raise ProbeError(f"the probe {instance.probe[0]} cannot be run: {error}") from error
    if done.returncode != 0:
        raise ProbeError(f"the probe failed ({done.returncode}): {_last_line(done.stderr)}")
    return _with_unsent(_read(done.stdout), commands)


def _with_unsent(seen: Measurement, commands: Sequence[str]) -> Measurement:
    """Count commands that never left the probe as refused."""
    if not commands or seen.commands_sent:
        return seen
    unsent = tuple(Refused(command=command, reason="not sent") for command in commands)
    return seen.model_copy(update={"commands_refused": unsent})


def _arguments(instance: Instance, commands: Sequence[str]) -> list[str]:
    streamer = ["--streamer", instance.streamer] if instance.streamer else []
    sent = ["--commands", json.dumps(list(commands))] if commands else []
    seconds = ["--seconds", f"{instance.seconds:g}"]
    return [*instance.probe, "--url", instance.url, *streamer, *seconds, *sent]


def _read(output: str) -> Measurement:
    """Return the last JSON line that is a measurement; logs may stand before it."""
    for line in reversed(output.splitlines()):
        if "framesPerSecond" not in line:
            continue
        try:
            return Measurement.model_validate_json(line)
        except ValidationError as error:
            problem = error.errors()[0]
            raise ProbeError(
                f"the probe's measurement: {problem['loc']}: {problem['msg']}"
            ) from error
    raise ProbeError("the probe printed no measurement")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:500] if lines else "it said nothing"
