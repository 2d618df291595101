"""From a profile to the settings of a version."""

from collections.abc import Callable

import pytest

from ue5_config.errors import InvalidValue, UnknownSetting
from ue5_config.profiles import BUILT_IN, Profile, Upscaler, UpscalerQuality
from ue5_config.translation import Target, Translation, translate
from ue5_config.values import Scalar
from ue5_config.versions import SUPPORTED_VERSIONS, DlssPlugin

MakeTarget = Callable[..., Target]


def settings(translation: Translation) -> dict[str, Scalar]:
    """Return the choices as a mapping."""
    return {choice.name: choice.value for choice in translation.choices}


def notes(translation: Translation) -> dict[str, str]:
    """Return the notes as a mapping."""
    return {note.subject: note.text for note in translation.notes}


@pytest.mark.parametrize("engine", [str(version) for version in SUPPORTED_VERSIONS])
@pytest.mark.parametrize("profile", list(BUILT_IN))
def test_every_profile_says_only_what_the_version_knows(
    engine: str, profile: str, target: MakeTarget
) -> None:
    """No built-in profile writes a name that is not in the table."""
    plugins = ["PixelStreaming", *(["PixelStreaming2"] if engine >= "5.5" else [])]
    for plugin in plugins:
        for choice in translate(BUILT_IN[profile], target(engine, plugin)).choices:
            assert choice.setting is not None
            assert choice.setting.applies(engine=target(engine, plugin).engine)


@pytest.mark.parametrize("plugin", ["PixelStreaming", "PixelStreaming2"])
def test_the_frame_rate_caps_rendering_and_stream(plugin: str, target: MakeTarget) -> None:
    """WebRTC's rate is no cap on rendering, so both are written."""
    found = settings(translate(Profile(frame_rate=24), target("5.5", plugin)))
    assert found["t.MaxFPS"] == 24
    assert found[f"{plugin}.WebRTC.Fps"] == 24


def test_newer_dlss_takes_its_mode_from_the_screen_percentage(target: MakeTarget) -> None:
    """There is no r.NGX.DLSS.Quality to write."""
    found = settings(translate(BUILT_IN["reference"], target("5.6")))
    assert found["r.ScreenPercentage"] == 66.7
    assert found["r.NGX.DLSS.Enable"] == 1
    assert "r.NGX.DLSS.Quality" not in found


@pytest.mark.parametrize(
    ("quality", "mode"),
    [
        (UpscalerQuality.QUALITY, 1),
        (UpscalerQuality.BALANCED, 0),
        (UpscalerQuality.PERFORMANCE, -1),
        (UpscalerQuality.ULTRA_PERFORMANCE, -2),
    ],
)
def test_older_dlss_takes_its_mode_from_its_variable(
    quality: UpscalerQuality, mode: int, target: MakeTarget
) -> None:
    """Quality is 1 there, not the reference's 2."""
    wanted = Profile(upscaler_quality=quality)
    found = settings(
        translate(wanted, target("5.3", "PixelStreaming", DlssPlugin.QUALITY_CVAR))
    )
    assert found["r.NGX.DLSS.Quality"] == mode
    assert "r.ScreenPercentage" not in found


def test_native_on_older_dlss_is_its_own_switch(target: MakeTarget) -> None:
    """DLAA was a variable of its own."""
    wanted = Profile(upscaler_quality=UpscalerQuality.NATIVE)
    found = settings(
        translate(wanted, target("5.3", "PixelStreaming", DlssPlugin.QUALITY_CVAR))
    )
    assert found["r.NGX.DLAA.Enable"] is True
    assert "r.NGX.DLSS.Quality" not in found


def test_dlss_is_never_switched_off_by_what_keeps_tsr_away(target: MakeTarget) -> None:
    """The reference's "TSR off" needs no line: r.TemporalAA.Upscaler stays 1."""
    translation = translate(BUILT_IN["reference"], target("5.7"))
    found = settings(translation)
    assert found["r.TemporalAA.Upscaler"] == 1
    assert found["r.AntiAliasingMethod"] in {2, 4}
    assert "r.TemporalAA.Upscaling" not in found
    assert "left out" in notes(translation)["r.TemporalAA.Upscaling"]


def test_without_a_dlss_plugin_tsr_upscales_from_the_same_size(target: MakeTarget) -> None:
    """And nothing is written for a plugin that is not there."""
    found = settings(translate(BUILT_IN["reference"], target("5.6", dlss=DlssPlugin.ABSENT)))
    assert found["r.ScreenPercentage"] == 66.7
    assert not [name for name in found if name.startswith("r.NGX")]


def test_no_upscaler_renders_at_full_size(target: MakeTarget) -> None:
    """And DLSS, which may be on by default, is switched off."""
    found = settings(translate(Profile(upscaler=Upscaler.NONE), target("5.6")))
    assert (found["r.ScreenPercentage"], found["r.NGX.DLSS.Enable"]) == (100, 0)


def test_quality_bounds_turn_round_for_the_first_plugin(target: MakeTarget) -> None:
    """A high quality is a low quantiser, so min becomes max."""
    wanted = Profile(min_quality=20, max_quality=80)
    first = settings(translate(wanted, target("5.4", "PixelStreaming")))
    assert first["PixelStreaming.Encoder.MaxQP"] == 41
    assert first["PixelStreaming.Encoder.MinQP"] == 10
    second = settings(translate(wanted, target("5.6")))
    assert second["PixelStreaming2.Encoder.MinQuality"] == 20
    assert second["PixelStreaming2.Encoder.MaxQuality"] == 80


def test_what_a_plugin_lacks_is_told(target: MakeTarget) -> None:
    """Multipass went with the first plugin, latency mode came with the second."""
    wanted = Profile(multipass="FULL", latency_mode="LowLatency")
    assert "multipass" in notes(translate(wanted, target("5.6")))
    assert "latency_mode" in notes(translate(wanted, target("5.5", "PixelStreaming")))


def test_bitrates_become_bits_a_second(target: MakeTarget) -> None:
    """The engine counts bits, people kilobits."""
    wanted = Profile(min_bitrate_kbps=500, max_bitrate_kbps=5000)
    found = settings(translate(wanted, target("5.6")))
    assert found["PixelStreaming2.WebRTC.MinBitrate"] == 500_000
    assert found["PixelStreaming2.WebRTC.MaxBitrate"] == 5_000_000


def test_the_console_is_closed_unless_asked_for(target: MakeTarget) -> None:
    """It is written out, whatever the default, and opening it is warned of."""
    name = "PixelStreaming2.AllowPixelStreamingCommands"
    assert settings(translate(Profile(), target()))[name] is False
    opened = translate(Profile(console_commands=True), target())
    assert settings(opened)[name] is True
    assert "every visitor" in notes(opened)["console_commands"]


def test_audio_can_be_left_out(target: MakeTarget) -> None:
    """In both directions."""
    found = settings(translate(Profile(audio=False), target()))
    assert found["PixelStreaming2.WebRTC.DisableReceiveAudio"] is True
    assert found["PixelStreaming2.WebRTC.DisableTransmitAudio"] is True


@pytest.mark.parametrize(
    ("name", "value", "written", "as_value"),
    [
        ("PixelStreaming.WebRTC.MaxBitrate", 1, "PixelStreaming2.WebRTC.MaxBitrate", 1),
        ("PixelStreaming.Encoder.MinQP", 20, "PixelStreaming2.Encoder.MaxQuality", 60),
        ("PixelStreaming2.Encoder.MaxQP", 51, "PixelStreaming2.Encoder.MinQuality", 0),
        ("PixelStreaming2.SignallingURL", "ws://h", "PixelStreaming2.ConnectionURL", "ws://h"),
    ],
)
def test_old_names_are_written_by_their_new_ones(
    name: str, value: Scalar, written: str, as_value: Scalar, target: MakeTarget
) -> None:
    """A line of an older guide does what it did, and a note says what became of it."""
    translation = translate(Profile(cvars={name: value}), target("5.6"))
    assert settings(translation)[written] == as_value
    assert written in notes(translation)[name]


def test_a_line_by_name_goes_above_the_profile(target: MakeTarget) -> None:
    """Somebody who names a variable means it."""
    wanted = Profile(cvars={"r.screenpercentage": 80})
    assert settings(translate(wanted, target()))["r.ScreenPercentage"] == 80


def test_variables_beyond_the_table_are_passed_on(target: MakeTarget) -> None:
    """The engine has thousands; they are written as given, with a note."""
    translation = translate(Profile(cvars={"r.Lumen.Reflections.Allow": 0}), target())
    assert settings(translation)["r.Lumen.Reflections.Allow"] == 0
    assert "unchecked" in notes(translation)["r.Lumen.Reflections.Allow"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        (
            "PixelStreaming2.Encoder.MinQaulity",
            r"nearest: PixelStreaming2\.Encoder\.MinQuality",
        ),
        ("r.NGX.DLSS.Qality", r"nearest: r\.NGX\.DLSS\.Quality"),
        ("t.MaxFSP", r"nearest: t\.MaxFPS"),
        ("PixelStreaming2.Nothing", "not known to engine 5.6"),
    ],
)
def test_mistakes_are_refused_with_the_nearest_name(
    name: str, hint: str, target: MakeTarget
) -> None:
    """The engine would ignore them without a word."""
    with pytest.raises(UnknownSetting, match=hint) as caught:
        translate(Profile(name="mine", cvars={name: 1}), target("5.6"))
    assert "profile mine" in str(caught.value)


def test_a_value_out_of_range_names_profile_and_version(target: MakeTarget) -> None:
    """All that is needed to find the line."""
    wanted = Profile(name="mine", cvars={"PixelStreaming2.Encoder.MaxQuality": 130})
    with pytest.raises(InvalidValue, match=r"=130 .*0 to 100 \(profile mine, engine 5\.8\)"):
        translate(wanted, target("5.8"))


def test_a_targets_own_names(target: MakeTarget) -> None:
    """The plugin is the prefix of its variables."""
    first: Target = target("5.5", "PixelStreaming")
    assert first.first_plugin
    assert first.streaming("WebRTC.Fps") == "PixelStreaming.WebRTC.Fps"
