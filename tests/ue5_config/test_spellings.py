"""What a check finds in how a value is spelt, and which names each version has."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ue5_config.checking import check
from ue5_config.findings import Finding, Severity
from ue5_config.translation import Target

MakeTarget = Callable[..., Target]
WriteConfig = Callable[..., Path]

CAPPED = "[SystemSettings]\nt.MaxFPS=30\n"
PLUGIN = "[/Script/PixelStreaming2Settings.PixelStreaming2PluginSettings]\n"
RATE = f"{PLUGIN}WebRTCFps=30\n"


def rules(findings: list[Finding]) -> dict[str, Finding]:
    """Return the findings by rule."""
    return {finding.rule: finding for finding in findings}


@pytest.mark.parametrize(
    ("version", "argument", "effect"),
    [
        (("5.3", "PixelStreaming"), "-AllowPixelStreamingCommands=1", "ignores"),
        (("5.5", "PixelStreaming2"), "-PixelStreamingLogStats=yes", "ignores"),
        (("5.6", "PixelStreaming2"), "-PixelStreamingLogStats=1", "as false"),
    ],
)
def test_booleans_on_the_launch_line_are_true_or_false(
    version: tuple[str, str], argument: str, effect: str, target: MakeTarget, tmp_path: Path
) -> None:
    """The engine compares with those two words; 1 is neither."""
    where = target(*version)
    finding = rules(check(tmp_path, where, launch=f"-RenderOffscreen {argument}"))["spelling"]
    assert str(finding.place) == "launch line:2"
    assert effect in finding.why
    assert finding.fix == f"Write {argument.partition('=')[0]}=true."


@pytest.mark.parametrize(
    "argument", ["-PixelStreamingLogStats", "-PixelStreamingLogStats=FALSE"]
)
def test_booleans_that_the_engine_reads_pass(
    argument: str, target: MakeTarget, tmp_path: Path
) -> None:
    """A bare switch and either word in any case."""
    assert "spelling" not in rules(check(tmp_path, target(), launch=argument))


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("Game", f"{PLUGIN}WebRTCFps=30\nQualityPreset=LOW_QUALITY\n", 3),
        ("Engine", f"{CAPPED}PixelStreaming2.Encoder.LatencyMode=LOW_LATENCY\n", 3),
    ],
)
def test_choices_in_files_are_spelt_as_the_engine_does(
    file: str, text: str, line: int, target: MakeTarget, config: WriteConfig
) -> None:
    """Underscores are for the launch line."""
    finding = rules(check(config(**{file: text}), target()))["spelling"]
    assert str(finding.place) == f"Default{file}.ini:{line}"
    assert finding.severity is Severity.WARNING


def test_choices_with_underscores_pass_where_the_engine_takes_them(
    target: MakeTarget, config: WriteConfig
) -> None:
    """The launch line, and the variable that the plugin itself puts right."""
    text = f"{CAPPED}PixelStreaming2.Encoder.QualityPreset=LOW_QUALITY\n"
    launch = "-PixelStreamingEncoderLatencyMode=LOW_LATENCY"
    assert "spelling" not in rules(check(config(Engine=text), target(), launch=launch))


def test_keys_of_another_form_than_the_variable_pass(
    target: MakeTarget, config: WriteConfig
) -> None:
    """An array of codecs and a bit mask, as the editor writes them."""
    text = (
        f"{RATE}WebRTCPortAllocatorFlags=3\n!WebRTCCodecPreferences=ClearArray\n"
        "+WebRTCCodecPreferences=H264\n+WebRTCCodecPreferences=VP8\n"
    )
    assert check(config(Engine=CAPPED, Game=text), target()) == []


@pytest.mark.parametrize(
    "line",
    [
        "PixelStreaming.HMD.Enable=1",
        "PixelStreaming.Editor.StartOnLaunch=1",
        "PixelStreaming.Encoder.H265Profile=MAIN",
    ],
)
def test_the_first_plugins_other_modules_are_known(
    line: str, target: MakeTarget, config: WriteConfig
) -> None:
    """Its namespace counts as complete, so a valid line must not be called a mistake."""
    folder = config(Engine=f"{CAPPED}PixelStreaming.WebRTC.Fps=30\n{line}\n")
    assert check(folder, target("5.3", "PixelStreaming")) == []


def test_a_line_of_a_later_release_is_an_error(target: MakeTarget, config: WriteConfig) -> None:
    """The first plugin of 5.3 has no port range."""
    folder = config(Engine=f"{CAPPED}PixelStreaming.WebRTC.MinPort=50000\n")
    finding = rules(check(folder, target("5.3", "PixelStreaming")))["not-in-version"]
    assert str(finding.place) == "DefaultEngine.ini:3"
    assert "5.4" in finding.why


@pytest.mark.parametrize(
    "line",
    [
        "r.NGX.LogLevel=0",
        "r.NGX.Enable.AllowCommandLine=1",
        "r.NGX.DLSSRR.Preset=4",
        "r.NGX.DLSS.BuiltInDenoiserOverride=0",
        "r.NGX.DLSS.DilateMotionVectors=0",
        "r.NGX.BinarySearchOrder=2",
    ],
)
def test_the_dlss_plugins_other_variables_are_known(
    line: str, target: MakeTarget, config: WriteConfig
) -> None:
    """Of every module of the plugin, not of the upscaler alone."""
    assert check(config(Engine=f"{CAPPED}{line}\n", Game=RATE), target()) == []


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("r.NGX.DLSS.Qality", "Did you mean r.NGX.DLSS.Quality?"),
        ("r.NGX.DLSS.AntiAccumulationBias", "Look it up in your plugin's documentation."),
    ],
)
def test_an_unknown_variable_of_dlss_is_a_warning(
    name: str, fix: str, target: MakeTarget, config: WriteConfig
) -> None:
    """The plugin has versions of its own, and a later one may know it."""
    folder = config(Engine=f"{CAPPED}{name}=1\n", Game=RATE)
    finding = rules(check(folder, target()))["unknown-name"]
    assert (finding.severity, finding.fix) == (Severity.WARNING, fix)
    assert str(finding.place) == "DefaultEngine.ini:3"


def test_a_dead_name_of_dlss_guides_names_the_living_one(
    target: MakeTarget, config: WriteConfig
) -> None:
    """Copied between guides; the sources have it under another name."""
    folder = config(Engine=f"{CAPPED}r.NGX.DLSS.EnableAutoExposure=1\n", Game=RATE)
    assert "r.NGX.DLSS.AutoExposure" in check(folder, target())[0].fix
