"""
What a project sets: every assignment of its Config folder and launch line.

Each assignment knows where it stands and with which priority it counts, so
that rules can ask for the effective value of a setting.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Final

from ue5_config.errors import IniError, UsageError
from ue5_config.ini import Entry, IniDocument, IniFile
from ue5_config.launch import Argument, LaunchLine, Override
from ue5_config.placement import plugin_sections
from ue5_config.settings_table import SYSTEM_SETTINGS, TABLE, Kind, Setting
from ue5_config.translation import Target
from ue5_config.versions import FIRST_WITH_PIXEL_STREAMING_2, Plugin

LAUNCH: Final = "launch line"
"""Stands for a file name in what the launch line sets."""

MAX_FILES: Final = 500
"""A Config folder has a few dozen ini files; more means the wrong folder."""

_CVAR_FILES: Final = ("engine.ini", "consolevariables.ini")
_CVAR_SECTIONS: Final = frozenset({SYSTEM_SETTINGS.casefold(), "consolevariables", "startup"})
_CONDITIONAL_FILES: Final = ("scalability.ini", "deviceprofiles.ini")
_DEVICE_PROFILE: Final = " deviceprofile"
_OUR_DEVICES: Final = ("windows", "linux")
"""Where instances that stream run; folders and device profiles of others do not count."""


class Priority(IntEnum):
    """
    Who wins when several set one variable; a later one of the same rank does.

    The order of Epic's EConsoleVariableFlags (ECVF_SetBy…).
    """

    GAME_SETTING = 2
    PROJECT_SETTING = 3
    SYSTEM_SETTINGS = 4
    DEVICE_PROFILE = 5
    COMMAND_LINE = 8
    CONSOLE = 10


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, or a word of the launch line."""

    file: str
    section: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Assignment:
    """One setting of the project: its name and value as written, and where."""

    name: str
    value: str
    kind: Kind
    place: Place
    priority: Priority
    setting: Setting | None
    """The row of the table for this version, or None."""
    counts: bool = True
    """Whether the engine reads it there."""


@dataclass(frozen=True, slots=True)
class Project:
    """All assignments of a project for one target, in the order they are read."""

    target: Target
    assignments: tuple[Assignment, ...]
    launch: LaunchLine | None
    unreadable: tuple[IniError, ...] = ()

    def of(self, name: str) -> list[Assignment]:
        """Return the assignments of a setting, whichever name of its row they use."""
        wanted = name.casefold()
        return [
            one
            for one in self.assignments
            if one.counts and one.setting and one.setting.name.casefold() == wanted
        ]

    def effective(self, name: str) -> Assignment | None:
        """Return the assignment of a setting that counts in the end, or None."""
        found = list(enumerate(self.of(name)))
        return max(found, key=lambda pair: (pair[1].priority, pair[0]), default=(0, None))[1]

    def number(self, name: str, *, default: float | None = None) -> float | None:
        """Return a setting's effective value as a number, or *default*."""
        found = self.effective(name)
        value = found.setting.rule.read(found.value) if found and found.setting else None
        return default if value is None or isinstance(value, str) else float(value)

    def text(self, name: str) -> str | None:
        """Return a setting's effective value as it is written, or None."""
        found = self.effective(name)
        return found.value if found else None


def read_project(folder: Path, target: Target, *, launch: str | None = None) -> Project:
    """
    Read a Config folder (or a project's folder that has one) and a launch line.

    Raises `UsageError` when there is no such folder or it cannot be one.
    Files that are no ini files are listed in the project, not raised.
    """
    files, unreadable = _load(_config_folder(folder))
    line = None if launch is None else LaunchLine.parse(launch)
    found = [one for name, file in files for one in _in_file(name, file.document, target)]
    found += [] if line is None else _in_launch_line(line, target)
    return Project(target, tuple(found), line, tuple(unreadable))


def _config_folder(folder: Path) -> Path:
    inner = folder / "Config"
    chosen = inner if inner.is_dir() else folder
    if not chosen.is_dir():
        raise UsageError(f"{folder} is no folder")
    return chosen


def _load(folder: Path) -> tuple[list[tuple[str, IniFile]], list[IniError]]:
    paths = [*sorted(folder.glob("*.ini")), *sorted(_of_platforms(folder))]
    if len(paths) > MAX_FILES:
        raise UsageError(f"{folder} has {len(paths)} ini files: is it a Config folder?")
    loaded: list[tuple[str, IniFile]] = []
    errors: list[IniError] = []
    for path in paths:
        try:
            loaded.append((path.relative_to(folder).as_posix(), IniFile.load(path)))
        except IniError as error:
            errors.append(error)
    return loaded, errors


def _of_platforms(folder: Path) -> Iterator[Path]:
    """Yield the files of the platforms' folders, which are read after the others."""
    for path in folder.glob("*/*.ini"):
        if path.parent.name.casefold().startswith(_OUR_DEVICES):
            yield path


def _in_file(name: str, document: IniDocument, target: Target) -> Iterator[Assignment]:
    for entry in document.entries():
        if entry.assigns:
            yield from _in_entry(name, replace(entry, value=_plain(entry.value)), target)


def _plain(value: str) -> str:
    """Return a value without the quotes around it, as the engine reads it."""
    quoted = len(value) > 1 and value.startswith('"') and value.endswith('"')
    return value[1:-1] if quoted else value


def _in_entry(file: str, entry: Entry, target: Target) -> Iterator[Assignment]:
    place = Place(file, entry.section, entry.number)
    section = entry.section.casefold()
    if file.casefold().endswith(_CONDITIONAL_FILES) or section.endswith(_DEVICE_PROFILE):
        yield from _in_device_profile(entry, place, target)
    elif _is_cvar(entry.key, section, target):
        rank = (
            Priority.SYSTEM_SETTINGS if section in _CVAR_SECTIONS else Priority.PROJECT_SETTING
        )
        yield _cvar(entry.key, entry.value, place, rank, target)
    elif found := _ini_key(entry, place, target):
        yield found


def _in_device_profile(entry: Entry, place: Place, target: Target) -> Iterator[Assignment]:
    # Profiles of other devices, and scalability groups, count only when they are chosen.
    ours = entry.section.casefold().startswith(_OUR_DEVICES)
    if ours and entry.key.casefold() == "cvars":
        key, _, value = entry.value.partition("=")
        yield _cvar(key.strip(), value.strip(), place, Priority.DEVICE_PROFILE, target)


def _is_cvar(key: str, section: str, target: Target) -> bool:
    if section in _CVAR_SECTIONS:
        return True
    known = (
        bool(TABLE.versions_of(key, kind=Kind.CVAR)) or TABLE.undefined_name(key) is not None
    )
    renamed = TABLE.renaming(key, kind=Kind.CVAR, engine=target.engine, plugin=target.plugin)
    return known or renamed is not None


def _cvar(name: str, value: str, place: Place, rank: Priority, target: Target) -> Assignment:
    row = TABLE.find(name, kind=Kind.CVAR, engine=target.engine)
    counts = rank > Priority.SYSTEM_SETTINGS or _reads_cvars(place, name)
    return Assignment(name, value, Kind.CVAR, place, rank, row, counts)


def _reads_cvars(place: Place, name: str) -> bool:
    file, section = place.file.casefold(), place.section.casefold()
    if section.startswith("/script/engine."):
        return file.endswith("engine.ini") and name.casefold().startswith("r.")
    return file.endswith(_CVAR_FILES) and section in _CVAR_SECTIONS


def _ini_key(entry: Entry, place: Place, target: Target) -> Assignment | None:
    """Return the assignment of a key that is, or looks like, one of the table's."""
    row = TABLE.find(entry.key, kind=Kind.INI, engine=target.engine)
    section = place.section.casefold()
    in_plugin = "pixelstreaming2" in section
    at_home = {home.casefold() for _, home in homes(row, target)} if row else set()
    if not in_plugin and section not in at_home:
        return None
    counts = row is None or _stands_right(row, place, target)
    rank = _rank_of_ini(row, target)
    return Assignment(entry.key, entry.value, Kind.INI, place, rank, row, counts)


def _rank_of_ini(row: Setting | None, target: Target) -> Priority:
    if row is None or not row.property:
        return Priority.GAME_SETTING
    first = target.engine == FIRST_WITH_PIXEL_STREAMING_2
    return Priority.COMMAND_LINE if first else Priority.PROJECT_SETTING


def _stands_right(row: Setting, place: Place, target: Target) -> bool:
    return any(
        place.section.casefold() == section.casefold() and _is_layer(place.file, of=file)
        for file, section in homes(row, target)
    )


def _is_layer(file: str, *, of: str) -> bool:
    """Tell whether *file* is DefaultGame.ini or a platform's WindowsGame.ini over it."""
    platform, slash, name = file.casefold().rpartition("/")
    return name == of.casefold().replace("default", platform if slash else "default", 1)


def homes(row: Setting, target: Target) -> Iterable[tuple[str, str]]:
    """Return the files and sections in which *target* reads an ini key."""
    if row.property:
        return plugin_sections(target.engine)
    return [(row.file, row.section)] if row.file and row.section else []


def _in_launch_line(line: LaunchLine, target: Target) -> list[Assignment]:
    found = [one for override in line.overrides() for one in _from_override(override, target)]
    switches = [argument for argument in line.arguments() if argument.is_switch]
    return [*found, *(_from_switch(argument, target) for argument in switches)]


def _from_override(override: Override, target: Target) -> Iterator[Assignment]:
    place = Place(LAUNCH, override.section or "", override.position)
    if override.file is None:
        yield _cvar(override.key, override.value, place, Priority.CONSOLE, target)
        return
    entry = Entry(override.section or "", "", override.key, override.value, override.position)
    for found in _in_entry(override.file, entry, target):
        yield replace(found, place=place)


def _from_switch(argument: Argument, target: Target) -> Assignment:
    row = TABLE.find(argument.name, kind=Kind.ARGUMENT, engine=target.engine)
    if row and row.plugin is not target.plugin and row.plugin is not Plugin.ENGINE:
        row = _row_of_plugin(argument.name, target)
    value = "True" if argument.value is None else argument.value
    place = Place(LAUNCH, "", argument.position)
    return Assignment(argument.name, value, Kind.ARGUMENT, place, Priority.COMMAND_LINE, row)


def _row_of_plugin(name: str, target: Target) -> Setting | None:
    rows = TABLE.versions_of(name, kind=Kind.ARGUMENT)
    fitting = (
        row for row in rows if row.plugin is target.plugin and row.applies(engine=target.engine)
    )
    return next(fitting, None)
