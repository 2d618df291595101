"""Rendered files, launch lines and environments; golden ones for each version."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from ue5_config.errors import IniError, InvalidValue
from ue5_config.ini import IniFile
from ue5_config.profiles import BUILT_IN, Profile, Resolution
from ue5_config.rendering import Instance, Rendering, render
from ue5_config.translation import Target
from ue5_config.versions import DlssPlugin

MakeTarget = Callable[..., Target]

GOLDEN: Final = Path(__file__).parent / "golden"
"""To write them anew after a change that is meant: UPDATE_GOLDEN=1 pytest …"""

COMBINATIONS: Final = [
    ("5.3", "PixelStreaming"),
    ("5.4", "PixelStreaming"),
    ("5.5", "PixelStreaming"),
    ("5.5", "PixelStreaming2"),
    ("5.6", "PixelStreaming2"),
    ("5.7", "PixelStreaming2"),
    ("5.8", "PixelStreaming2"),
]


def instance(**options: Any) -> Instance:
    """Return an instance as a provisioner would name it."""
    base = {"signalling_url": "ws://10.0.0.5:8888", "streamer_id": "game-1", "gpu_index": 1}
    return Instance(**{**base, **options})


def rendered(target: Target, *, profile: str = "reference", **options: Any) -> Rendering:
    """Render a built-in profile."""
    return render(BUILT_IN[profile], target, instance(**options))


@pytest.mark.parametrize(("engine", "plugin"), COMBINATIONS)
@pytest.mark.parametrize("profile", ["reference", "quality", "density", "software"])
def test_golden_files(
    engine: str, plugin: str, profile: str, target: MakeTarget, tmp_path: Path
) -> None:
    """What each version gets is written down and does not change by accident."""
    expected = GOLDEN / f"{engine}-{plugin}" / profile
    if os.environ.get("UPDATE_GOLDEN"):
        rendered(target(engine, plugin), profile=profile).write(expected)
    rendered(target(engine, plugin), profile=profile).write(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in expected.iterdir()
    }


@pytest.mark.parametrize(
    ("engine", "plugin", "argument"),
    [
        ("5.3", "PixelStreaming", "-PixelStreamingURL"),
        ("5.8", "PixelStreaming", "-PixelStreamingURL"),
        ("5.5", "PixelStreaming2", "-PixelStreamingSignallingURL"),
        ("5.6", "PixelStreaming2", "-PixelStreamingConnectionURL"),
        ("5.8", "PixelStreaming2", "-PixelStreamingConnectionURL"),
    ],
)
def test_the_url_argument_of_each_version(
    engine: str, plugin: str, argument: str, target: MakeTarget
) -> None:
    """It changed with the plugin and once more in 5.6."""
    assert f"{argument}=ws://10.0.0.5:8888" in rendered(target(engine, plugin)).arguments


def test_settings_of_pixel_streaming_2_go_where_the_version_reads_them(
    target: MakeTarget,
) -> None:
    """5.5 has its own file and module, and gets the arguments too, which win in any case."""
    first = rendered(target("5.5"))
    assert set(first.files()) == {
        "DefaultEngine.ini",
        "DefaultPixelStreaming2.ini",
        "DefaultGame.ini",
    }
    assert "-PixelStreamingEncoderCodec=H264" in first.arguments
    later = rendered(target("5.6"))
    assert set(later.files()) == {"DefaultEngine.ini", "DefaultGame.ini"}
    game = later.files()["DefaultGame.ini"]
    section = "/Script/PixelStreaming2Settings.PixelStreaming2PluginSettings"
    assert game.value(section, "WebRTCFps") == "30"


def test_the_resolution_is_always_forced(target: MakeTarget) -> None:
    """Off-screen the engine would pick one by itself."""
    arguments = rendered(target()).arguments
    assert {"-RenderOffscreen", "-ForceRes", "-ResX=1920", "-ResY=1080"} <= set(arguments)


@pytest.mark.parametrize(
    ("of_instance", "of_profile", "width"),
    [(800, 1280, "800"), (None, 1280, "1280"), (None, None, "1920")],
)
def test_the_instances_resolution_goes_above_the_profiles(
    of_instance: int | None, of_profile: int | None, width: str, target: MakeTarget
) -> None:
    """And 1080p where nobody says."""
    own = Resolution(width=of_instance, height=600) if of_instance else None
    wanted = Resolution(width=of_profile, height=720) if of_profile else None
    found = render(Profile(resolution=wanted), target(), instance(resolution=own))
    assert f"-ResX={width}" in found.arguments


def test_the_gpu_is_chosen_by_argument_or_by_the_container(target: MakeTarget) -> None:
    """In a container only one GPU is seen, so it is the first."""
    assert "-graphicsadapter=1" in rendered(target()).arguments
    inside = rendered(target(), container=True, environment={"A": "b"})
    assert "-graphicsadapter=0" in inside.arguments
    assert inside.environment["NVIDIA_VISIBLE_DEVICES"] == "1"
    assert "video" in inside.environment["NVIDIA_DRIVER_CAPABILITIES"]
    assert inside.environment["A"] == "b"


def test_overrides_put_everything_on_the_launch_line(target: MakeTarget) -> None:
    """For a build that is packaged already, whose ini files cannot be changed."""
    found = render(BUILT_IN["density"], target("5.6"), instance(), launch_overrides=True)
    assert "-ini:Engine:[SystemSettings]:t.MaxFPS=30" in found.arguments
    assert "-PixelStreamingEncoderQualityPreset=LowQuality" in found.arguments


@pytest.mark.parametrize("value", ["true", "false"])
def test_booleans_are_said_in_full_on_the_launch_line(value: str, target: MakeTarget) -> None:
    """A bare switch means true, so one that is true by default could not be turned off."""
    profile = Profile(cvars={"PixelStreaming.WebRTC.DisableAudioSync": value})
    found = render(profile, target("5.4", "PixelStreaming"), instance(), launch_overrides=True)
    expected = f"-PixelStreamingWebRTCDisableAudioSync={value}"
    assert expected in found.arguments


PREFERENCES: Final = "PixelStreaming2.WebRTC.CodecPreferences"


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        (PREFERENCES, "H264,VP8", "WebRTCCodecPreferences"),
        (
            "PixelStreaming2.WebRTC.PortAllocatorFlags",
            "DISABLE_UDP",
            "WebRTCPortAllocatorFlags",
        ),
    ],
)
def test_keys_of_another_form_are_left_alone(
    name: str, value: str, key: str, target: MakeTarget
) -> None:
    """An array and a bit mask in the settings class: the variable is written instead."""
    later = render(Profile(cvars={name: value}), target("5.6"), instance())
    assert later.files()["DefaultEngine.ini"].value("SystemSettings", name) == value
    first = render(Profile(cvars={name: value}), target("5.5"), instance())
    for document in (*later.files().values(), *first.files().values()):
        assert key not in {entry.key for entry in document.entries()}
    assert name not in str(first.files()["DefaultEngine.ini"])
    assert [word for word in first.arguments if value in word]


def test_codecs_are_a_list_of_known_ones(target: MakeTarget) -> None:
    """The engine stops at a name it does not know."""
    with pytest.raises(InvalidValue, match=r"CodecPreferences=H264,HEVC must be text that"):
        render(Profile(cvars={PREFERENCES: "H264,HEVC"}), target("5.7"), instance())


def test_simulcast_is_a_variable_alone_in_5_5(target: MakeTarget) -> None:
    """Its settings class does not hand the key on in a packaged build, nor the argument."""
    simulcast = Profile(cvars={"PixelStreaming2.Encoder.EnableSimulcast": True})
    first = render(simulcast, target("5.5"), instance())
    engine = first.files()["DefaultEngine.ini"]
    assert engine.value("SystemSettings", "PixelStreaming2.Encoder.EnableSimulcast") == "True"
    assert not [word for word in first.arguments if "Simulcast" in word]
    later = render(simulcast, target("5.6"), instance()).files()["DefaultGame.ini"]
    section = "/Script/PixelStreaming2Settings.PixelStreaming2PluginSettings"
    assert later.value(section, "EnableSimulcast") == "True"


@pytest.mark.parametrize(
    ("engine", "codec", "other"), [("5.3", "H265", "AV1"), ("5.4", "AV1", "H265")]
)
def test_codecs_of_the_first_plugin(
    engine: str, codec: str, other: str, target: MakeTarget
) -> None:
    """AV1 took the place of H.265 in 5.4; the message says all of it."""
    name = "PixelStreaming.Encoder.Codec"
    where = target(engine, "PixelStreaming")
    found = render(Profile(cvars={name: codec}), where, instance()).files()
    assert found["DefaultEngine.ini"].value("SystemSettings", name) == codec
    with pytest.raises(
        InvalidValue, match=rf"Codec={other}.*{codec}.*profile p, engine {engine}"
    ):
        render(Profile(name="p", cvars={name: other}), where, instance())


@pytest.mark.parametrize(
    "wrong",
    [
        {"signalling_url": "http://h"},
        {"signalling_url": ""},
        {"streamer_id": ""},
        {"streamer_id": 'a"b'},
        {"streamer_id": "a\nb"},
        {"gpu_index": 99},
        {"arguments": ("-x" * 20000,)},
    ],
)
def test_refuses_an_instance_the_engine_could_not_start(
    wrong: dict[str, Any], target: MakeTarget
) -> None:
    """Nothing is smuggled into a launch line by way of a name."""
    with pytest.raises(InvalidValue):
        rendered(target(), **wrong)


@pytest.mark.parametrize(("engine", "plugin"), COMBINATIONS)
def test_writing_twice_changes_nothing(
    engine: str, plugin: str, target: MakeTarget, tmp_path: Path
) -> None:
    """A provisioner may render before every start."""
    found = rendered(target(engine, plugin), profile="density")
    assert found.write(tmp_path)
    assert found.write(tmp_path) == []
    assert found.diff(tmp_path) == ""


def test_the_script_can_be_run(target: MakeTarget, tmp_path: Path) -> None:
    """Without a thought of permissions."""
    rendered(target()).write(tmp_path)
    assert os.access(tmp_path / "launch.sh", os.X_OK)


def test_a_file_is_replaced_in_one_step(
    target: MakeTarget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk leaves the old file whole and nothing beside it; a link stays a link."""
    (tmp_path / "real.ini").write_text("[SystemSettings]\nt.MaxFPS=60\n")
    link = tmp_path / "config" / "DefaultEngine.ini"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "real.ini")

    def full(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[:9])
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space"):
            rendered(target()).write(link.parent)
    assert link.read_text() == "[SystemSettings]\nt.MaxFPS=60\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config", "real.ini"]
    rendered(target()).write(link.parent)
    assert link.is_symlink()
    assert "t.MaxFPS=30\n" in (tmp_path / "real.ini").read_text()


def test_merging_keeps_everything_else(target: MakeTarget, tmp_path: Path) -> None:
    """The user's lines, order, comments and encoding stay."""
    text = "; ours\r\n[SystemSettings]\r\nt.MaxFPS=120 \r\nr.Mine=1\r\n+Paths=가\r\n"
    data = b"\xff\xfe" + text.encode("utf-16-le")
    (tmp_path / "DefaultEngine.ini").write_bytes(data)
    rendered(target()).write(tmp_path)
    after = (tmp_path / "DefaultEngine.ini").read_bytes()
    assert after.startswith(b"\xff\xfe")
    merged = str(IniFile.decode(after).document)
    assert merged.startswith(text.replace("120", "30"))
    assert "r.NGX.DLSS.Enable=1\r\n" in merged


def test_the_diff_shows_what_would_change(target: MakeTarget, tmp_path: Path) -> None:
    """And touches nothing."""
    path = tmp_path / "DefaultEngine.ini"
    path.write_text("[SystemSettings]\nt.MaxFPS=60")
    diff = rendered(target()).diff(tmp_path)
    assert "-t.MaxFPS=60\n" in diff
    assert "+t.MaxFPS=30\n" in diff
    assert "--- /dev/null\n+++ b/DefaultGame.ini\n" in diff
    assert path.read_text() == "[SystemSettings]\nt.MaxFPS=60"


def test_a_file_that_cannot_be_read_is_not_overwritten(
    target: MakeTarget, tmp_path: Path
) -> None:
    """Better no configuration than a destroyed one, and none of the other files."""
    path = tmp_path / "DefaultGame.ini"
    path.write_bytes(b"\xff\xff\xff")
    with pytest.raises(IniError, match=r"DefaultGame\.ini"):
        rendered(target()).write(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["DefaultGame.ini"]
    assert path.read_bytes() == b"\xff\xff\xff"


def test_json_has_everything(target: MakeTarget) -> None:
    """What a provisioner in another language needs."""
    found = rendered(target("5.6", dlss=DlssPlugin.ABSENT)).as_json()
    assert found["engine"] == "5.6"
    assert found["dlssPlugin"] == "none"
    first = found["settings"][0]
    assert (first["name"], first["value"]) == ("t.MaxFPS", 30)
    assert found["files"][0]["sections"][0]["section"] == "SystemSettings"
    assert found["launch"]["linux"].startswith("MyProject.sh -RenderOffscreen")
    assert found["launch"]["windows"].startswith("MyProject.exe -RenderOffscreen")
    assert {note["subject"] for note in found["notes"]} >= {
        "upscaler",
        "r.TemporalAA.Upscaling",
    }
