"""What a check finds in a project, rule by rule."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ue5_config.checking import check, failed
from ue5_config.errors import UsageError
from ue5_config.findings import Finding, Severity
from ue5_config.gpus import gpu_class
from ue5_config.profiles import BUILT_IN
from ue5_config.rendering import Instance, render
from ue5_config.sharing_rules import Host
from ue5_config.translation import Target
from ue5_config.versions import DlssPlugin

MakeTarget = Callable[..., Target]
WriteConfig = Callable[..., Path]

CAPPED = "[SystemSettings]\nt.MaxFPS=30\n"
PLUGIN = "[/Script/PixelStreaming2Settings.PixelStreaming2PluginSettings]\n"
RATE = f"{PLUGIN}WebRTCFps=30\n"
INSTANCE = Instance(signalling_url="ws://h:8888", streamer_id="game")
LAUNCH = "-RenderOffscreen -ForceRes -ResX=1280 -ResY=720 -PixelStreamingConnectionURL=ws://h:1"


def rules(findings: list[Finding]) -> dict[str, Finding]:
    """Return the findings by rule."""
    return {finding.rule: finding for finding in findings}


@pytest.mark.parametrize(
    ("engine", "plugin"),
    [
        ("5.3", "PixelStreaming"),
        ("5.4", "PixelStreaming"),
        ("5.5", "PixelStreaming"),
        ("5.5", "PixelStreaming2"),
        ("5.6", "PixelStreaming2"),
        ("5.7", "PixelStreaming2"),
        ("5.8", "PixelStreaming2"),
    ],
)
@pytest.mark.parametrize("profile", list(BUILT_IN))
def test_what_is_rendered_passes_the_check(
    engine: str, plugin: str, profile: str, target: MakeTarget, tmp_path: Path
) -> None:
    """The two halves of the package agree on every version and profile."""
    where = target(engine, plugin)
    for overrides in (False, True):
        found = render(BUILT_IN[profile], where, INSTANCE, launch_overrides=overrides)
        found.write(tmp_path)
        for launch in (found.launch_linux(), found.launch_windows()):
            findings = check(tmp_path, where, launch=launch)
            assert [one for one in findings if one.severity is not Severity.INFO] == []


def test_overrides_alone_pass_the_check(target: MakeTarget, tmp_path: Path) -> None:
    """A packaged build has no Config folder to read."""
    found = render(BUILT_IN["density"], target(), INSTANCE, launch_overrides=True)
    assert check(tmp_path, target(), launch=found.launch_linux()) == []


def test_an_empty_project_has_no_frame_cap(target: MakeTarget, tmp_path: Path) -> None:
    """The reason one instance takes the whole GPU; it is an error."""
    findings = check(tmp_path, target())
    assert list(rules(findings)) == ["no-frame-cap"]
    assert failed(findings)


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_cap_of_nothing_is_no_cap(
    value: str, target: MakeTarget, config: WriteConfig
) -> None:
    """0 or less means uncapped."""
    folder = config(Engine=f"[SystemSettings]\nt.MaxFPS={value}\n")
    assert "no-frame-cap" in rules(check(folder, target()))


def test_webrtcs_rate_is_no_cap(target: MakeTarget, config: WriteConfig) -> None:
    """The message says so, since it is the usual mistake."""
    finding = rules(check(config(Game=RATE), target()))["no-frame-cap"]
    assert "WebRTC is no cap" in finding.why


def test_a_users_limit_is_a_weak_cap(target: MakeTarget, config: WriteConfig) -> None:
    """It caps, but a user's settings file may lack it."""
    text = "[/Script/Engine.GameUserSettings]\nFrameRateLimit=30\n"
    findings = rules(check(config(GameUserSettings=text), target()))
    assert findings["weak-frame-cap"].severity is Severity.WARNING
    assert "no-frame-cap" not in findings


@pytest.mark.parametrize(
    "launch",
    [
        '-ExecCmds="t.MaxFPS 30"',
        "-dpcvars=t.MaxFPS=30",
        "-ini:Engine:[SystemSettings]:t.MaxFPS=30",
    ],
)
def test_a_cap_on_the_launch_line_counts(
    launch: str, target: MakeTarget, tmp_path: Path
) -> None:
    """Packaged builds are capped there."""
    assert "no-frame-cap" not in rules(check(tmp_path, target(), launch=launch))


@pytest.mark.parametrize(("cap", "severity"), [(60, Severity.WARNING), (20, Severity.INFO)])
def test_rates_that_differ(
    cap: int, severity: Severity, target: MakeTarget, config: WriteConfig
) -> None:
    """Rendering more than is streamed wastes the GPU; less only misleads."""
    folder = config(Engine=f"[SystemSettings]\nt.MaxFPS={cap}\n", Game=RATE)
    assert rules(check(folder, target()))["rates-differ"].severity is severity


@pytest.mark.parametrize(
    ("file", "section", "rule"),
    [
        ("Game", "SystemSettings", "wrong-file"),
        ("Engine", "/Script/Engine.Engine", "wrong-section"),
        ("Engine", "Settings", "wrong-section"),
    ],
)
def test_a_variable_where_the_engine_does_not_look(
    file: str, section: str, rule: str, target: MakeTarget, config: WriteConfig
) -> None:
    """It is an error, and the value does not count."""
    folder = config(**{file: f"[{section}]\nt.MaxFPS=30\n"})
    findings = rules(check(folder, target()))
    assert findings[rule].place is not None
    assert (findings[rule].place.file, findings[rule].place.line) == (f"Default{file}.ini", 2)
    assert "[SystemSettings] of DefaultEngine.ini" in findings[rule].fix
    assert "no-frame-cap" in findings


def test_renderer_settings_hold_variables_too(target: MakeTarget, config: WriteConfig) -> None:
    """The editor writes them there; [SystemSettings] goes above."""
    text = "[/Script/Engine.RendererSettings]\nr.AntiAliasingMethod=1\n"
    dlss = f"{CAPPED}r.NGX.DLSS.Enable=1\n"
    assert "dlss-switched-off" in rules(check(config(Engine=text + dlss), target()))
    above = f"{text}{dlss}r.AntiAliasingMethod=4\n"
    assert "dlss-switched-off" not in rules(check(config(Engine=above), target()))


@pytest.mark.parametrize(
    ("engine", "place", "rule"),
    [
        ("5.6", "Engine PixelStreaming2Settings", "wrong-file"),
        ("5.6", "Game PixelStreaming2", "wrong-section"),
        ("5.6", "Game PixelStreaming2Core", "wrong-section"),
        ("5.5", "Game PixelStreaming2Core", "wrong-file"),
    ],
)
def test_plugin_settings_where_the_version_does_not_look(
    engine: str, place: str, rule: str, target: MakeTarget, config: WriteConfig
) -> None:
    """File and module moved between 5.5 and 5.6."""
    file, module = place.split()
    text = f"[/Script/{module}.PixelStreaming2PluginSettings]\nWebRTCFps=30\n"
    assert rule in rules(check(config(**{file: text}), target(engine)))


def test_a_misspelt_variable_is_told_with_the_nearest(
    target: MakeTarget, config: WriteConfig
) -> None:
    """In a namespace the table knows wholly it is an error, elsewhere a warning."""
    text = f"{CAPPED}PixelStreaming2.Encoder.MinQaulity=3\nr.ScrenPercentage=50\nr.Lumen.X=1\n"
    found = [
        one
        for one in check(config(Engine=text, Game=RATE), target())
        if one.rule == "unknown-name"
    ]
    assert [(one.severity, one.fix) for one in found] == [
        (Severity.ERROR, "Did you mean PixelStreaming2.Encoder.MinQuality?"),
        (Severity.WARNING, "Did you mean r.ScreenPercentage?"),
    ]


def test_a_misspelt_key_and_argument(target: MakeTarget, config: WriteConfig) -> None:
    """Ini keys of the plugin and its arguments are known wholly."""
    folder = config(Engine=CAPPED, Game=f"{RATE}MaxSesions=4\nDefaultCursorClassName=/Game/C\n")
    found = check(folder, target(), launch=f"{LAUNCH} -PixelStreamingEncodrCodec=H264")
    fixes = [one.fix for one in found if one.rule == "unknown-name"]
    assert fixes == ["Did you mean MaxSessions?", "Did you mean PixelStreamingEncoderCodec?"]


def test_a_name_of_guides_only(target: MakeTarget, config: WriteConfig) -> None:
    """The reference's own "TSR off"."""
    folder = config(Engine=f"{CAPPED}r.TemporalAA.Upscaling=0\n", Game=RATE)
    finding = rules(check(folder, target()))["undefined-name"]
    assert "DLSS takes TSR's place" in finding.why
    assert finding.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("engine", "launch", "instead"),
    [
        ("5.5", "-PixelStreamingURL=ws://h:1", "PixelStreamingSignallingURL"),
        ("5.6", "-PixelStreamingURL=ws://h:1", "PixelStreamingConnectionURL"),
        ("5.6", "-PixelStreamingSignallingURL=ws://h:1", "PixelStreamingConnectionURL"),
        ("5.6", "-PixelStreamingEncoderMinQP=20", "PixelStreamingEncoderMaxQuality"),
        ("5.6", "-AllowPixelStreamingCommands", "PixelStreamingAllowPixelStreamingCommands"),
    ],
)
def test_names_renamed_since(
    engine: str, launch: str, instead: str, target: MakeTarget, tmp_path: Path
) -> None:
    """They are still taken, or not; the new name is told."""
    finding = rules(check(tmp_path, target(engine), launch=launch))["renamed"]
    assert instead in finding.fix


def test_a_renamed_variable(target: MakeTarget, config: WriteConfig) -> None:
    """SignallingURL is deprecated in 5.6."""
    text = f"{CAPPED}PixelStreaming2.SignallingURL=ws://h\n"
    assert "renamed" in rules(check(config(Engine=text), target("5.6")))
    assert "renamed" not in rules(check(config(Engine=text), target("5.5")))


def test_a_name_of_another_version(target: MakeTarget, config: WriteConfig) -> None:
    """It is told where it exists."""
    text = f"{CAPPED}PixelStreaming2.ConnectionURL=ws://h\n"
    finding = rules(check(config(Engine=text), target("5.5")))["not-in-version"]
    assert "5.6 to 5.8" in finding.why


def test_settings_of_the_other_plugin(target: MakeTarget, config: WriteConfig) -> None:
    """Left over from before the migration; nothing reads them."""
    text = f"{CAPPED}PixelStreaming.WebRTC.Fps=30\n"
    assert "other-plugin" in rules(check(config(Engine=text), target("5.6")))
    assert "other-plugin" not in rules(
        check(config(Engine=text), target("5.6", "PixelStreaming"))
    )


def test_variables_that_5_5_overwrites(target: MakeTarget, config: WriteConfig) -> None:
    """Its settings class has the command line's priority."""
    text = f"{CAPPED}PixelStreaming2.WebRTC.Fps=30\n"
    finding = rules(check(config(Engine=text), target("5.5")))["overruled"]
    assert "-PixelStreamingWebRTCFps=30" in finding.fix
    assert "overruled" not in rules(check(config(Engine=text), target("5.6")))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("PixelStreaming2.Encoder.MaxQuality=130", "int from 0 to 100"),
        ("PixelStreaming2.Encoder.Codec=H265", "one of H264, VP8, VP9, AV1"),
        ("r.ScreenPercentage=half", "float from 0 to 400"),
    ],
)
def test_values_out_of_range(
    line: str, words: str, target: MakeTarget, config: WriteConfig
) -> None:
    """Range or choices are told."""
    finding = rules(check(config(Engine=f"{CAPPED}{line}\n"), target()))["out-of-range"]
    assert words in finding.what
    assert finding.severity is Severity.ERROR


def test_a_key_that_is_set_twice(target: MakeTarget, config: WriteConfig) -> None:
    """The last line counts, the first misleads."""
    folder = config(Engine=f"{CAPPED}t.MaxFPS=60\n", Game=RATE)
    finding = rules(check(folder, target()))["set-twice"]
    assert "line 3" in finding.what


def test_upscalers_that_contend(target: MakeTarget, config: WriteConfig) -> None:
    """TSR is none of them: DLSS takes its place."""
    both = f"{CAPPED}r.NGX.DLSS.Enable=1\nr.AntiAliasingMethod=4\n"
    assert "conflicting-upscalers" not in rules(check(config(Engine=both), target()))
    text = f"{both}r.FidelityFX.FSR3.Enabled=1\n"
    assert "conflicting-upscalers" in rules(check(config(Engine=text), target()))


@pytest.mark.parametrize("line", ["r.TemporalAA.Upscaler=0", "r.AntiAliasingMethod=1"])
def test_what_switches_dlss_off(line: str, target: MakeTarget, config: WriteConfig) -> None:
    """Both look harmless beside DLSS."""
    text = f"{CAPPED}r.NGX.DLSS.Enable=1\n{line}\n"
    assert "dlss-switched-off" in rules(check(config(Engine=text), target()))
    without = f"{CAPPED}{line}\n"
    assert "dlss-switched-off" not in rules(check(config(Engine=without), target()))


def test_a_dlss_mode_that_is_not_read(target: MakeTarget, config: WriteConfig) -> None:
    """Unless the project has the older plugin."""
    folder = config(Engine=f"{CAPPED}r.NGX.DLSS.Quality=2\n")
    assert "not set" in rules(check(folder, target()))["dlss-mode-ignored"].why
    older = target("5.6", dlss=DlssPlugin.QUALITY_CVAR)
    assert "dlss-mode-ignored" not in rules(check(folder, older))


@pytest.mark.parametrize(
    ("engine", "plugin", "launch"),
    [
        ("5.4", "PixelStreaming", "-AllowPixelStreamingCommands"),
        ("5.6", "PixelStreaming2", "-PixelStreamingAllowPixelStreamingCommands"),
    ],
)
def test_a_console_that_is_open(
    engine: str, plugin: str, launch: str, target: MakeTarget, tmp_path: Path
) -> None:
    """By argument as well as by file."""
    findings = rules(check(tmp_path, target(engine, plugin), launch=launch))
    assert findings["console-commands-open"].severity is Severity.ERROR


def test_an_argument_that_closes_the_console_wins(
    target: MakeTarget, config: WriteConfig
) -> None:
    """The launch line goes above the file."""
    folder = config(Engine=CAPPED, Game=f"{RATE}InputAllowConsoleCommands=True\n")
    assert "console-commands-open" in rules(check(folder, target(), launch=LAUNCH))
    closed = f"{LAUNCH} -PixelStreamingAllowPixelStreamingCommands=false"
    assert "console-commands-open" not in rules(check(folder, target(), launch=closed))


@pytest.mark.parametrize(
    ("lines", "host"),
    [
        ("", Host(instances=9)),
        ("", Host(instances=2, viewers=5)),
        ("MaxSessions=20\n", Host()),
        ("EnableSimulcast=True\n", Host(instances=3)),
        ("", Host(instances=4, encoder_sessions=3)),
    ],
)
def test_encoder_sessions_over_the_limit(
    lines: str, host: Host, target: MakeTarget, config: WriteConfig
) -> None:
    """A session a viewer, three with simulcast."""
    folder = config(Engine=CAPPED, Game=f"{RATE}{lines}")
    assert "encoder-sessions" in rules(check(folder, target(), host=host))


@pytest.mark.parametrize(
    ("lines", "host"),
    [
        ("", Host(instances=8)),
        ("", Host(instances=9, encoder_sessions=None)),
        ("MaxSessions=1\n", Host(instances=8, viewers=5)),
        ("Codec=VP8\n", Host(instances=30)),
    ],
)
def test_encoder_sessions_within_the_limit(
    lines: str, host: Host, target: MakeTarget, config: WriteConfig
) -> None:
    """Bounded by the plugin, not limited by the driver, or not needed."""
    folder = config(Engine=CAPPED, Game=f"{RATE}{lines}")
    assert "encoder-sessions" not in rules(check(folder, target(), host=host))


def test_bitrates_out_of_order(target: MakeTarget, config: WriteConfig) -> None:
    """The start lies between the least and the most."""
    folder = config(Engine=CAPPED, Game=f"{RATE}WebRTCMinBitrate=500\nWebRTCMaxBitrate=400\n")
    assert "bitrate-order" in rules(check(folder, target()))


@pytest.mark.parametrize(
    ("launch", "found"),
    [
        ("-RenderOffscreen", {"resolution-not-forced", "no-signalling-url"}),
        ("-RenderOffscreen -ResX=1 -ResY=1", {"resolution-not-forced", "no-signalling-url"}),
        ("-Windowed", {"not-off-screen", "no-signalling-url"}),
        (LAUNCH, set()),
    ],
)
def test_launch_lines(
    launch: str, found: set[str], target: MakeTarget, config: WriteConfig
) -> None:
    """Off-screen, at a forced size, with a server to go to."""
    findings = check(config(Engine=CAPPED, Game=RATE), target(), launch=launch)
    asked = {"resolution-not-forced", "no-signalling-url", "not-off-screen"}
    assert set(rules(findings)) & asked == found


def test_a_url_in_the_settings_is_enough(target: MakeTarget, config: WriteConfig) -> None:
    """It need not be on the launch line."""
    folder = config(Engine=CAPPED, Game=f"{RATE}ConnectionURL=ws://h:1\n")
    findings = check(folder, target(), launch="-RenderOffscreen -ForceRes -ResX=99 -ResY=99")
    assert "no-signalling-url" not in rules(findings)


def test_game_time_bound_to_frames(target: MakeTarget, config: WriteConfig) -> None:
    """Under load the game would run in slow motion."""
    text = f"{CAPPED}[/Script/Engine.Engine]\nbUseFixedFrameRate=True\n"
    assert "fixed-frame-rate" in rules(check(config(Engine=text), target()))


def test_a_codec_on_the_cpu_is_told(target: MakeTarget, config: WriteConfig) -> None:
    """It is a choice, not a mistake."""
    findings = check(config(Engine=CAPPED, Game=f"{RATE}Codec=VP9\n"), target())
    assert [(one.rule, one.severity) for one in findings] == [("software-codec", Severity.INFO)]
    assert not failed(findings)


def test_device_profiles_of_our_platforms_count(
    target: MakeTarget, config: WriteConfig
) -> None:
    """Those of phones do not."""
    ours = "[Windows DeviceProfile]\n+CVars=t.MaxFPS=30\n"
    assert "no-frame-cap" not in rules(check(config(DeviceProfiles=ours), target()))
    phones = "[IOS DeviceProfile]\n+CVars=t.MaxFPS=30\n"
    assert "no-frame-cap" in rules(check(config(DeviceProfiles=phones), target()))


def test_scalability_levels_do_not_count(target: MakeTarget, config: WriteConfig) -> None:
    """They are choices of which one is taken."""
    text = "[PostProcessQuality@3]\nt.MaxFPS=30\n"
    assert list(rules(check(config(Scalability=text), target()))) == ["no-frame-cap"]


def test_reads_a_projects_folder_and_its_platforms(target: MakeTarget, tmp_path: Path) -> None:
    """The Config folder in it, and the folders of platforms in that."""
    folder = tmp_path / "Config" / "Linux"
    folder.mkdir(parents=True)
    (folder / "LinuxEngine.ini").write_text(f"{CAPPED}r.TemporalAA.Upscaling=0\n")
    finding = rules(check(tmp_path, target()))["undefined-name"]
    assert str(finding.place) == "Linux/LinuxEngine.ini:3"


def test_a_file_that_is_no_ini_is_a_finding(target: MakeTarget, tmp_path: Path) -> None:
    """The rest is checked all the same."""
    (tmp_path / "DefaultEngine.ini").write_bytes(b"\xff\xff\xff")
    assert {"unreadable-file", "no-frame-cap"} <= set(rules(check(tmp_path, target())))


def test_a_folder_that_is_not_there_is_wrong_usage(target: MakeTarget, tmp_path: Path) -> None:
    """It is no finding of the project."""
    with pytest.raises(UsageError, match="no folder"):
        check(tmp_path / "none", target())


def test_a_finding_tells_all_that_is_needed(target: MakeTarget, config: WriteConfig) -> None:
    """Rule, severity, file and line, what, why, fix; as text and as JSON."""
    folder = config(Engine=f"{CAPPED}r.TemporalAA.Upscaling=0\n", Game=RATE)
    (finding,) = check(folder, target())
    assert str(finding).startswith("DefaultEngine.ini:3: warning [undefined-name] r.TemporalAA")
    assert set(finding.as_json()) == {
        "rule",
        "severity",
        "file",
        "section",
        "line",
        "what",
        "why",
        "fix",
    }
    assert finding.as_json()["line"] == 3


@pytest.mark.parametrize(
    ("name", "sessions"),
    [
        ("NVIDIA GeForce RTX 4090", 8),
        ("GTX 1060", 8),
        ("consumer", 8),
        ("RTX 6000 Ada", None),
        ("NVIDIA RTX A5000", None),
        ("Tesla T4", None),
        ("NVIDIA L4", None),
        ("A10G", None),
        ("NVIDIA L40S", None),
        ("Tesla V100-SXM2-16GB", None),
        ("RTX 4500 Ada", None),
        ("NVIDIA A100-SXM4-40GB", 0),
        ("NVIDIA H100 PCIe", 0),
        ("compute", 0),
        ("professional", None),
    ],
)
def test_encoder_sessions_by_gpu(name: str, sessions: int | None) -> None:
    """GeForce cards are limited by their driver, others not, and some have no encoder."""
    assert gpu_class(name).sessions == sessions


def test_an_unknown_gpu_is_asked_about() -> None:
    """Its class can be named instead."""
    for name in ("Voodoo 2", "Intel Arc A770"):
        with pytest.raises(UsageError, match="consumer, compute, professional"):
            gpu_class(name)
