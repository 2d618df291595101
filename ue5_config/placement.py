"""
Where a setting goes: which file and section of which version, or the launch line.

- Console variables of the engine, DLSS and the first Pixel Streaming plugin go
  to `[SystemSettings]` of DefaultEngine.ini, whose priority is above that of a
  user's game settings.
- Pixel Streaming 2 sets its variables from a settings class at start. From 5.6
  the class is in DefaultGame.ini and has a lower priority than
  `[SystemSettings]`; in 5.5.1 it is in another module and file and sets the
  variables with the priority of the command line, so that `[SystemSettings]`
  never counts. Its values therefore go to the class's section, and for 5.5
  also to the launch line (docs/decisions/0301). Two keys of the class take
  another form than their variable, an array and a bit mask; their variables
  go to `[SystemSettings]`, in 5.5 to the launch line only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ue5_config.launch import switch
from ue5_config.settings_table import ENGINE_INI, SYSTEM_SETTINGS, Kind
from ue5_config.translation import Choice, Target
from ue5_config.values import spell
from ue5_config.versions import FIRST_WITH_PIXEL_STREAMING_2, EngineVersion

GAME_INI: Final = "DefaultGame.ini"
PLUGIN_SECTION: Final = "/Script/PixelStreaming2Settings.PixelStreaming2PluginSettings"

FIRST_RELEASE_INI: Final = "DefaultPixelStreaming2.ini"
FIRST_RELEASE_SECTION: Final = "/Script/PixelStreaming2Core.PixelStreaming2PluginSettings"
"""Where 5.5.1's settings class reads; later releases moved it."""


@dataclass(frozen=True, slots=True)
class Placed:
    """One line of an ini file to be."""

    file: str
    section: str
    key: str
    value: str
    why: str


def plugin_sections(engine: EngineVersion) -> tuple[tuple[str, str], ...]:
    """Return file and section of Pixel Streaming 2's settings class in *engine*."""
    current = (GAME_INI, PLUGIN_SECTION)
    if engine == FIRST_WITH_PIXEL_STREAMING_2:
        return ((FIRST_RELEASE_INI, FIRST_RELEASE_SECTION), current)
    return (current,)


def place(choice: Choice, target: Target) -> Iterator[Placed]:
    """Yield the ini lines that make *choice* true on *target*."""
    row = choice.setting
    value = spell(choice.value)
    if row is not None and row.launch_only:
        return
    if row is not None and row.kind is Kind.INI and row.file and row.section:
        yield Placed(row.file, row.section, row.name, value, choice.why)
    elif row is not None and row.property and not row.property_differs:
        for file, section in plugin_sections(target.engine):
            yield Placed(file, section, row.property, value, choice.why)
    elif row is None or not (row.property and _overwrites_variables(target)):
        yield Placed(ENGINE_INI, SYSTEM_SETTINGS, choice.name, value, choice.why)


def on_launch_line(choice: Choice, target: Target, *, everything: bool) -> Iterator[str]:
    """
    Yield the launch arguments for *choice*.

    The stream's rate always stands there; with *everything*, and in the
    release whose settings file is uncertain, every setting that has an
    argument, and with *everything* the others as `-ini:` overrides.
    """
    row = choice.setting
    if row is None or row.argument is None:
        if everything:
            yield from _ini_override(choice, target)
    elif (
        everything
        or _overwrites_variables(target)
        or choice.name == target.streaming("WebRTC.Fps")
    ):
        # Booleans are taken as true and false only; a bare switch could not say false.
        value = choice.value
        yield switch(
            row.argument, spell(value).lower() if isinstance(value, bool) else spell(value)
        )


def _overwrites_variables(target: Target) -> bool:
    """Tell whether the settings class goes above `[SystemSettings]`, as it does in 5.5."""
    return target.engine == FIRST_WITH_PIXEL_STREAMING_2 and not target.first_plugin


def _ini_override(choice: Choice, target: Target) -> Iterator[str]:
    for line in place(choice, target):
        file = line.file.removeprefix("Default").removesuffix(".ini")
        yield f"-ini:{file}:[{line.section}]:{line.key}={line.value}"
