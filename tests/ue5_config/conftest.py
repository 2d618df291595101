"""Targets and folders the tests of this package share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ue5_config.translation import Target
from ue5_config.versions import DlssPlugin, EngineVersion, streaming_plugin

MakeTarget = Callable[..., Target]
WriteConfig = Callable[..., Path]


def make_target(
    engine: str = "5.6",
    plugin: str = "PixelStreaming2",
    dlss: DlssPlugin = DlssPlugin.SCREEN_PERCENTAGE,
) -> Target:
    """Return a target by names."""
    version = EngineVersion.parse(engine)
    return Target(engine=version, plugin=streaming_plugin(plugin, engine=version), dlss=dlss)


@pytest.fixture
def target() -> MakeTarget:
    """Return the maker of targets."""
    return make_target


@pytest.fixture
def config(tmp_path: Path) -> WriteConfig:
    """Return a writer of Config folders: file names and texts in, folder out."""

    def write(**files: str) -> Path:
        for name, text in files.items():
            (tmp_path / f"Default{name}.ini").write_text(text, encoding="utf-8")
        return tmp_path

    return write
