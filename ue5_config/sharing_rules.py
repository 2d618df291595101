"""
Rules about sharing a GPU and serving strangers: caps, upscalers, encoder, access.

Each rule is a function from a project and its host to findings.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from ue5_config.findings import Finding, Severity
from ue5_config.gpus import CONSUMER_SESSIONS
from ue5_config.project import Place, Project
from ue5_config.rendering import url_argument
from ue5_config.versions import DlssPlugin

_TEMPORAL_METHODS: Final = (2, 4)
"""Values of r.AntiAliasingMethod in whose place an upscaler plugin runs: TAA and TSR."""

_OTHER_UPSCALERS: Final = (
    "r.FidelityFX.FSR.Enabled",
    "r.FidelityFX.FSR2.Enabled",
    "r.FidelityFX.FSR3.Enabled",
    "r.FidelityFX.FSR4.Enabled",
    "r.XeSS.Enabled",
    "r.NIS.Enable",
    "r.NIS.Upscaling",
)

_SIMULCAST_LAYERS: Final = 3
"""Full, half and quarter size, each an encoder session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """
    What the project runs on.

    `encoder_sessions` is how many the GPU opens at once, None for no limit.
    """

    encoder_sessions: int | None = CONSUMER_SESSIONS
    instances: int = 1
    viewers: int = 1


def frame_cap(project: Project, _host: Host) -> Iterator[Finding]:
    """Report an instance that renders as fast as it can."""
    cap = project.number("t.MaxFPS", default=0) or 0
    if cap > 0:
        return
    limit = project.number("FrameRateLimit", default=0) or 0
    where = project.effective("FrameRateLimit") if limit > 0 else project.effective("t.MaxFPS")
    yield Finding(
        rule="weak-frame-cap" if limit > 0 else "no-frame-cap",
        severity=Severity.WARNING if limit > 0 else Severity.ERROR,
        what="only a user's FrameRateLimit caps rendering"
        if limit > 0
        else "nothing caps the frames an instance renders",
        why="Uncapped, one instance takes the whole GPU. The frame rate of WebRTC is no cap: "
        "frames beyond it are rendered and thrown away.",
        fix="Set t.MaxFPS in [SystemSettings] of DefaultEngine.ini, WebRTC's rate to the same.",
        place=where.place if where else None,
    )


def rates(project: Project, _host: Host) -> Iterator[Finding]:
    """Report a render cap and a stream rate that differ."""
    name = project.target.streaming("WebRTC.Fps")
    cap, stream = (
        project.number("t.MaxFPS", default=0) or 0,
        project.number(name, default=60) or 0,
    )
    if cap <= 0 or cap == stream:
        return
    wasteful = cap > stream
    found = project.effective(name) or project.effective("t.MaxFPS")
    yield Finding(
        rule="rates-differ",
        severity=Severity.WARNING if wasteful else Severity.INFO,
        what=f"{cap:g} frames/s are rendered and at most {stream:g} are streamed",
        why="Frames that are rendered and not streamed take GPU time from other users."
        if wasteful
        else "The stream never reaches its rate, and bitrate is planned for it.",
        fix=f"Set t.MaxFPS and {name} to the same value.",
        place=found.place if found else None,
    )


def fixed_frame_rate(project: Project, _host: Host) -> Iterator[Finding]:
    """Report game time that is bound to frames."""
    found = project.effective("bUseFixedFrameRate")
    if found and project.number("bUseFixedFrameRate"):
        yield Finding(
            rule="fixed-frame-rate",
            severity=Severity.WARNING,
            what="bUseFixedFrameRate binds the game's clock to the frames",
            why="When several users share a GPU and frames come late, the game slows down.",
            fix="Set bUseFixedFrameRate=False; t.MaxFPS is the cap.",
            place=found.place,
        )


def conflicting_upscalers(project: Project, _host: Host) -> Iterator[Finding]:
    """Report more than one upscaler that is switched on."""
    names = ("r.NGX.DLSS.Enable", *_OTHER_UPSCALERS)
    active = [name for name in names if project.number(name, default=0)]
    if len(active) > 1:
        last = project.effective(active[-1])
        yield Finding(
            rule="conflicting-upscalers",
            severity=Severity.ERROR,
            what=f"{' and '.join(active)} are on at once",
            why="The engine has one place for a plugin's upscaler; chance decides who gets it.",
            fix="Leave one on, set the others to 0. TSR needs no switch: DLSS takes its place.",
            place=last.place if last else None,
        )


def dlss_cannot_run(project: Project, _host: Host) -> Iterator[Finding]:
    """Report settings beside which DLSS never runs."""
    if not project.number("r.NGX.DLSS.Enable", default=0):
        return
    method = project.number("r.AntiAliasingMethod", default=4)
    if project.number("r.TemporalAA.Upscaler", default=1) == 0:
        yield _dlss_off(
            project, "r.TemporalAA.Upscaler", "at 0 only the engine's own may run", "1"
        )
    if method not in _TEMPORAL_METHODS:
        why = "an upscaler plugin runs only in place of TAA (2) or TSR (4)"
        yield _dlss_off(project, "r.AntiAliasingMethod", why, "4")


def _dlss_off(project: Project, name: str, why: str, value: str) -> Finding:
    found = project.effective(name)
    return Finding(
        rule="dlss-switched-off",
        severity=Severity.ERROR,
        what=f"{name}={found.value if found else ''} switches DLSS off",
        why=f"r.NGX.DLSS.Enable is 1, but {why}.",
        fix=f"Set {name}={value}.",
        place=found.place if found else None,
    )


def dlss_mode(project: Project, _host: Host) -> Iterator[Finding]:
    """Report a DLSS mode that the plugin does not read."""
    found = project.effective("r.NGX.DLSS.Quality")
    if found is None or project.target.dlss is DlssPlugin.QUALITY_CVAR:
        return
    size = project.number("r.ScreenPercentage", default=0) or 0
    yield Finding(
        rule="dlss-mode-ignored",
        severity=Severity.WARNING,
        what=f"r.NGX.DLSS.Quality={found.value} is not read by newer DLSS plugins",
        why="They take their mode from r.ScreenPercentage"
        + (f", here {size:g}." if size else ", which is not set: DLSS may run at full size."),
        fix="Set r.ScreenPercentage: 66.7 quality, 58 balanced, 50 performance, 33.3 ultra "
        "performance, 100 native. For an older plugin check with --dlss quality-cvar.",
        place=found.place,
    )


def console_commands(project: Project, _host: Host) -> Iterator[Finding]:
    """Report a console that is open to visitors."""
    name = project.target.streaming("AllowPixelStreamingCommands")
    found = project.effective(name)
    if found and project.number(name):
        yield Finding(
            rule="console-commands-open",
            severity=Severity.ERROR,
            what="every visitor can run console commands in the game",
            why="A page may then quit the game or change it for others.",
            fix=f"Set {name} to false and drop its argument; open it for tuning only.",
            place=found.place,
        )


def encoder_sessions(project: Project, host: Host) -> Iterator[Finding]:
    """Report more hardware encoder sessions than the GPU opens."""
    codec = (project.text(project.target.streaming("Encoder.Codec")) or "H264").upper()
    if host.encoder_sessions is None or codec in {"VP8", "VP9"}:
        return
    name = project.target.streaming("Encoder.MaxSessions")
    layers = _SIMULCAST_LAYERS if _simulcast(project) else 1
    wanted = host.viewers * layers
    bound = project.number(name, default=-1) or 0
    allowed = wanted if bound < 0 else min(wanted, int(bound))
    if bound > host.encoder_sessions or host.instances * allowed > host.encoder_sessions:
        found = project.effective(name)
        total = max(host.instances * allowed, int(bound))
        yield Finding(
            rule="encoder-sessions",
            severity=Severity.ERROR,
            what=f"{total} hardware encoder sessions; the GPU opens {host.encoder_sessions}",
            why="Each viewer takes a session, each simulcast layer one more. Beyond the limit "
            "frames are encoded on the CPU, or not at all.",
            fix=f"Fewer instances or viewers, another GPU (--gpu), VP8, or bound {name}.",
            place=found.place if found else None,
        )


def _simulcast(project: Project) -> bool:
    return bool(project.number(project.target.streaming("Encoder.EnableSimulcast"), default=0))


def bitrate_order(project: Project, _host: Host) -> Iterator[Finding]:
    """Report bitrate limits that contradict each other."""
    names = [
        project.target.streaming(f"WebRTC.{edge}Bitrate") for edge in ("Min", "Start", "Max")
    ]
    given = [(name, project.number(name)) for name in names]
    known = [(name, value) for name, value in given if value is not None]
    if [value for _, value in known] != sorted(value for _, value in known):
        found = project.effective(known[0][0])
        yield Finding(
            rule="bitrate-order",
            severity=Severity.ERROR,
            what="bitrates are not in order: " + ", ".join(f"{n}={v:.0f}" for n, v in known),
            why="WebRTC wants the start between the least and the most.",
            fix="Set them so that min is at most start, and start at most max.",
            place=found.place if found else None,
        )


def forced_resolution(project: Project, _host: Host) -> Iterator[Finding]:
    """Report an off-screen instance whose resolution is left to a display that is not there."""
    given = _switches(project)
    missing = [name for name in ("ForceRes", "ResX", "ResY") if name.casefold() not in given]
    if "renderoffscreen" in given and missing:
        yield Finding(
            rule="resolution-not-forced",
            severity=Severity.WARNING,
            what="off-screen without " + ", ".join(f"-{name}" for name in missing),
            why="Without a display the engine picks a size by itself, and a larger one than "
            "planned costs every user on the GPU.",
            fix="Add -ForceRes -ResX=1920 -ResY=1080 (or the size you want).",
            place=given["renderoffscreen"],
        )


def off_screen(project: Project, _host: Host) -> Iterator[Finding]:
    """Report a launch line that opens a window."""
    if project.launch is not None and "renderoffscreen" not in _switches(project):
        yield Finding(
            rule="not-off-screen",
            severity=Severity.INFO,
            what="the launch line has no -RenderOffscreen",
            why="A window that is minimised or locked stops picture and input.",
            fix="Add -RenderOffscreen unless somebody watches at the machine.",
        )


def signalling_url(project: Project, _host: Host) -> Iterator[Finding]:
    """Report a launch line that tells no signalling server."""
    if project.launch is None:
        return
    names = ("PixelStreamingURL", "PixelStreamingIP", "PixelStreamingSignallingURL")
    wanted = url_argument(project.target)
    in_ini = any(
        project.effective(f"PixelStreaming2.{key}URL") for key in ("Signalling", "Connection")
    )
    given = _switches(project)
    if not in_ini and not any(name.casefold() in given for name in (wanted, *names)):
        yield Finding(
            rule="no-signalling-url",
            severity=Severity.WARNING,
            what="nothing says where the signalling server is",
            why="The instance streams to nobody, or to a server on its own machine.",
            fix=f"Add -{wanted}=ws://HOST:8888 to the launch line.",
        )


def software_codec(project: Project, _host: Host) -> Iterator[Finding]:
    """Tell that a codec is encoded on the CPU."""
    found = project.effective(project.target.streaming("Encoder.Codec"))
    if found and found.value.upper() in {"VP8", "VP9"}:
        yield Finding(
            rule="software-codec",
            severity=Severity.INFO,
            what=f"{found.value} is encoded on the CPU",
            why="It takes no encoder session, but CPU time in proportion to the viewers.",
            fix="Use H264, or AV1 on GPUs that have it, where sessions are left.",
            place=found.place,
        )


SHARING_RULES: Final[tuple[Callable[[Project, Host], Iterator[Finding]], ...]] = (
    frame_cap,
    rates,
    fixed_frame_rate,
    conflicting_upscalers,
    dlss_cannot_run,
    dlss_mode,
    console_commands,
    encoder_sessions,
    bitrate_order,
    forced_resolution,
    off_screen,
    signalling_url,
    software_codec,
)


def _switches(project: Project) -> dict[str, Place]:
    if project.launch is None:
        return {}
    return {
        argument.name.casefold(): Place("launch line", "", argument.position)
        for argument in project.launch.arguments()
        if argument.is_switch
    }
