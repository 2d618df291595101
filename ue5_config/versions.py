"""Engine versions, plugins, and the two ways DLSS plugins choose their mode."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ue5_config.errors import UnknownVersion


@dataclass(frozen=True, slots=True, order=True)
class EngineVersion:
    """An Unreal Engine release without its patch number, such as 5.6."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    @classmethod
    def parse(cls, text: str) -> "EngineVersion":
        """
        Read `5.6`, `5.6.1` or `UE5.6`.

        Raises `UnknownVersion` for anything else and for releases that the
        table of settings does not cover.
        """
        match = re.fullmatch(r"(?:UE)?(\d{1,3})\.(\d{1,3})(?:\.\d{1,3})?", text.strip())
        version = cls(int(match[1]), int(match[2])) if match else None
        if version is None or version not in SUPPORTED_VERSIONS:
            raise UnknownVersion(f"engine version {text!r} is not one of {_names()}")
        return version


class Plugin(StrEnum):
    """Who defines a setting."""

    ENGINE = "Engine"
    PIXEL_STREAMING = "PixelStreaming"
    PIXEL_STREAMING_2 = "PixelStreaming2"
    DLSS = "DLSS"
    OTHER_UPSCALER = "OtherUpscaler"


class DlssPlugin(StrEnum):
    """
    The DLSS plugin of a project, told by how its quality mode is chosen.

    NVIDIA's plugins to about 2022 read `r.NGX.DLSS.Quality`; later ones follow
    `r.ScreenPercentage`. The engine version does not decide it, though the
    plugins for 5.3 and later are of the later kind.
    """

    SCREEN_PERCENTAGE = "screen-percentage"
    QUALITY_CVAR = "quality-cvar"
    ABSENT = "none"


SUPPORTED_VERSIONS: Final = tuple(EngineVersion(5, minor) for minor in range(3, 9))
"""The releases whose settings are in the table, oldest first."""

STREAMING_PLUGINS: Final = (Plugin.PIXEL_STREAMING, Plugin.PIXEL_STREAMING_2)
"""The plugins that stream, one of which an instance uses."""

FIRST_WITH_PIXEL_STREAMING_2: Final = EngineVersion(5, 5)

RENAMED_CONNECTION_URL: Final = EngineVersion(5, 6)
"""The release in which Pixel Streaming 2's signalling URL became its connection URL."""


def streaming_plugin(text: str, *, engine: EngineVersion) -> Plugin:
    """Read the name of a streaming plugin; raises `UnknownVersion` where *engine* lacks it."""
    wanted = text.strip().casefold()
    plugin = next((one for one in STREAMING_PLUGINS if one.value.casefold() == wanted), None)
    if plugin is None:
        raise UnknownVersion(f"plugin {text!r} is not one of PixelStreaming, PixelStreaming2")
    if plugin is Plugin.PIXEL_STREAMING_2 and engine < FIRST_WITH_PIXEL_STREAMING_2:
        raise UnknownVersion(
            f"plugin PixelStreaming2 comes with engine 5.5 and later, not with {engine}"
        )
    return plugin


def _names() -> str:
    return ", ".join(str(version) for version in SUPPORTED_VERSIONS)
