"""What a project sets, read out of its files."""

from pathlib import Path

import pytest

from ue5_config.checking import check
from ue5_config.project import read_project
from ue5_config.translation import Target
from ue5_config.versions import EngineVersion, Plugin

TARGET = Target(engine=EngineVersion(5, 6), plugin=Plugin.PIXEL_STREAMING_2)
PLUGIN = "[/Script/PixelStreaming2Settings.PixelStreaming2PluginSettings]\n"


def write(folder: Path, name: str, text: str) -> None:
    """Write a file of a Config folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def rules(folder: Path) -> set[str]:
    """Return the rules that found something."""
    return {finding.rule for finding in check(folder, TARGET)}


def test_quotes_around_a_value_are_not_of_it(tmp_path: Path) -> None:
    """The engine takes them off."""
    write(tmp_path, "DefaultEngine.ini", '[SystemSettings]\nt.MaxFPS="30"\n')
    write(tmp_path, "DefaultGame.ini", f'{PLUGIN}WebRTCFps="30"\n')
    assert rules(tmp_path) == set()


@pytest.mark.parametrize("platform", ["Windows", "Linux", "LinuxArm64"])
def test_a_platforms_file_lies_over_the_projects(platform: str, tmp_path: Path) -> None:
    """WindowsGame.ini is read where DefaultGame.ini is, and later."""
    write(tmp_path, "DefaultEngine.ini", "[SystemSettings]\nt.MaxFPS=0\n")
    write(tmp_path, "DefaultGame.ini", f"{PLUGIN}WebRTCFps=60\n")
    write(tmp_path, f"{platform}/{platform}Engine.ini", "[SystemSettings]\nt.MaxFPS=30\n")
    write(tmp_path, f"{platform}/{platform}Game.ini", f"{PLUGIN}WebRTCFps=30\n")
    assert rules(tmp_path) == set()
    project = read_project(tmp_path, TARGET)
    found = project.effective("t.MaxFPS")
    assert found is not None
    assert str(found.place) == f"{platform}/{platform}Engine.ini:2"


@pytest.mark.parametrize("platform", ["IOS", "Android", "TVOS"])
def test_platforms_that_do_not_stream_are_not_read(platform: str, tmp_path: Path) -> None:
    """A phone's settings say nothing of the host."""
    write(tmp_path, "DefaultEngine.ini", "[SystemSettings]\nt.MaxFPS=30\n")
    write(tmp_path, "DefaultGame.ini", f"{PLUGIN}WebRTCFps=30\n")
    write(tmp_path, f"{platform}/{platform}Engine.ini", "[SystemSettings]\nt.MaxFPS=0\n")
    assert rules(tmp_path) == set()


def test_another_file_of_a_platform_is_the_wrong_one(tmp_path: Path) -> None:
    """The settings class is read from the Game files."""
    write(tmp_path, "DefaultEngine.ini", "[SystemSettings]\nt.MaxFPS=60\n")
    write(tmp_path, "Windows/WindowsEngine.ini", f"{PLUGIN}WebRTCFps=60\n")
    (finding,) = check(tmp_path, TARGET)
    assert (finding.rule, str(finding.place)) == ("wrong-file", "Windows/WindowsEngine.ini:2")
