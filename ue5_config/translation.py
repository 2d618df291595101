"""
From what a profile wants to the settings of one engine version and plugin.

Each aspect of a profile (frame rate, upscaling, encoder, …) is one function
that yields choices: a setting by name, a value, and why. Names are looked up
in the table for the version, so that a setting which a version lacks cannot
be written for it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from ue5_config.errors import UnknownSetting
from ue5_config.lines import QUALITY_BY_CVAR, Note, understand
from ue5_config.profiles import Profile, Upscaler, UpscalerQuality
from ue5_config.settings_table import TABLE, Kind, Setting
from ue5_config.values import Scalar, quality_of_quantiser, quantiser_of_quality, spell
from ue5_config.versions import DlssPlugin, EngineVersion, Plugin

SCREEN_PERCENTAGE: Final = {
    UpscalerQuality.NATIVE: 100.0,
    UpscalerQuality.QUALITY: 66.7,
    UpscalerQuality.BALANCED: 58.0,
    UpscalerQuality.PERFORMANCE: 50.0,
    UpscalerQuality.ULTRA_PERFORMANCE: 33.3,
}
"""The rendered share of width and height that makes newer DLSS plugins take each mode."""

SCALABILITY_GROUPS: Final = (
    "ViewDistance",
    "AntiAliasing",
    "Shadow",
    "GlobalIllumination",
    "Reflection",
    "PostProcess",
    "Texture",
    "Effects",
    "Foliage",
    "Shading",
)

_PRESET_OF_FIRST_PLUGIN: Final = {
    "UltraLowQuality": "ULTRA_LOW_LATENCY",
    "LowQuality": "LOW_QUALITY",
    "Default": "DEFAULT",
    "HighQuality": "HIGH_QUALITY",
    "Lossless": "LOSSLESS",
}

COVERED_NAMESPACES: Final = ("pixelstreaming.", "pixelstreaming2.")
"""Namespaces of which the table knows every name: another one there is a mistake."""

NGX_NAMESPACE: Final = "r.ngx."
"""The DLSS plugin's, which has versions of its own: a later one may know more names."""

NEAR_MISS: Final = 0.86
"""How alike (0 to 1) a name outside them must be to a known one to count as misspelt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a profile is translated for."""

    engine: EngineVersion
    plugin: Plugin
    dlss: DlssPlugin = DlssPlugin.SCREEN_PERCENTAGE

    @property
    def first_plugin(self) -> bool:
        """Whether it is the first Pixel Streaming plugin."""
        return self.plugin is Plugin.PIXEL_STREAMING

    def streaming(self, tail: str) -> str:
        """Return the plugin's name of a variable: WebRTC.Fps → PixelStreaming2.WebRTC.Fps."""
        return f"{self.plugin}.{tail}"


@dataclass(frozen=True, slots=True)
class Choice:
    """A setting, the value it gets and the reason."""

    name: str
    value: Scalar
    why: str
    setting: Setting | None = None
    """The row of the table; None for a variable that the table does not cover."""


@dataclass(frozen=True, slots=True)
class Translation:
    """A profile in the words of one version: its choices in a fixed order, and notes."""

    choices: tuple[Choice, ...]
    notes: tuple[Note, ...]


def translate(profile: Profile, target: Target) -> Translation:
    """
    Return the settings that achieve *profile* on *target*.

    Raises `UnknownSetting` for a raw cvar that the version does not know, and
    `InvalidValue` for one outside its range; both name profile and version.
    """
    understood = understand(profile)
    wanted = understood.profile
    notes = [*understood.notes, *_remarks(wanted, target)]
    found: dict[str, Choice] = {}
    for aspect in _ASPECTS:
        found |= {choice.name.casefold(): choice for choice in aspect(wanted, target)}
    for name, value in wanted.cvars.items():
        choice, note = _raw(name, value, profile=wanted, target=target)
        found[choice.name.casefold()] = choice
        notes += [note] if note else []
    context = f"profile {profile.name}, engine {target.engine}"
    return Translation(
        tuple(_checked(one, target, context) for one in found.values()), tuple(notes)
    )


def _checked(choice: Choice, target: Target, context: str) -> Choice:
    row = choice.setting or TABLE.find(choice.name, kind=Kind.CVAR, engine=target.engine)
    if row is None:
        return choice
    value = row.read(choice.value, context=context)
    return Choice(row.name, value, choice.why, row)


def _frame_rate(profile: Profile, target: Target) -> Iterator[Choice]:
    rate = profile.frame_rate
    yield Choice(
        "t.MaxFPS", rate, "the render cap: without it one instance takes the whole GPU"
    )
    yield Choice(
        target.streaming("WebRTC.Fps"), rate, "the stream's rate, which caps no rendering"
    )


def _upscaling(profile: Profile, target: Target) -> Iterator[Choice]:
    if profile.upscaler is Upscaler.DLSS and target.dlss is not DlssPlugin.ABSENT:
        yield from _dlss(profile, target)
    else:
        yield from _without_dlss(profile, target)


def _dlss(profile: Profile, target: Target) -> Iterator[Choice]:
    yield Choice("r.NGX.Enable", 1, "DLSS needs NGX")
    yield Choice("r.NGX.DLSS.Enable", 1, "written out, for plugins differ in the default")
    yield Choice("r.AntiAliasingMethod", 4, "DLSS takes TSR's place, and TSR is the fallback")
    yield Choice("r.TemporalAA.Upsampling", 1, "the temporal pass upscales")
    yield Choice("r.TemporalAA.Upscaler", 1, "0 would switch DLSS off")
    if target.dlss is DlssPlugin.QUALITY_CVAR:
        yield from _dlss_mode_by_cvar(profile.upscaler_quality)
    else:
        percentage = SCREEN_PERCENTAGE[profile.upscaler_quality]
        yield Choice("r.ScreenPercentage", percentage, f"DLSS {profile.upscaler_quality}")


def _dlss_mode_by_cvar(quality: UpscalerQuality) -> Iterator[Choice]:
    native = quality is UpscalerQuality.NATIVE
    yield Choice("r.NGX.DLAA.Enable", native, "DLSS at full resolution, or not")
    if not native:
        mode = next(number for number, name in QUALITY_BY_CVAR.items() if name is quality)
        yield Choice("r.NGX.DLSS.Quality", mode, f"DLSS {quality}")


def _without_dlss(profile: Profile, target: Target) -> Iterator[Choice]:
    if target.dlss is not DlssPlugin.ABSENT:
        yield Choice("r.NGX.DLSS.Enable", 0, "the profile does without DLSS")
    if profile.upscaler is Upscaler.NONE:
        yield Choice("r.ScreenPercentage", 100.0, "rendered at full size")
        return
    yield Choice("r.AntiAliasingMethod", 4, "TSR")
    yield Choice("r.TemporalAA.Upsampling", 1, "the temporal pass upscales")
    percentage = SCREEN_PERCENTAGE[profile.upscaler_quality]
    yield Choice("r.ScreenPercentage", percentage, f"TSR from {percentage:g} %")


def _encoder(profile: Profile, target: Target) -> Iterator[Choice]:
    yield Choice(target.streaming("Encoder.Codec"), profile.codec.value, "the profile's codec")
    for edge in ("min", "start", "max"):
        kbps = getattr(profile, f"{edge}_bitrate_kbps")
        if kbps is not None:
            name = target.streaming(f"WebRTC.{edge.title()}Bitrate")
            yield Choice(name, kbps * 1000, f"the profile's {edge} bitrate, in bit/s")
    yield from _quality_bounds(profile, target)
    sessions = profile.max_encoder_sessions
    if sessions is not None:
        yield Choice(target.streaming("Encoder.MaxSessions"), sessions, "the profile's limit")


def _quality_bounds(profile: Profile, target: Target) -> Iterator[Choice]:
    if target.first_plugin:
        why = "quality as a quantiser: the sense turns round"
        bounds = {"MaxQP": profile.min_quality, "MinQP": profile.max_quality}
    else:
        why = "the profile's quality"
        bounds = {"MinQuality": profile.min_quality, "MaxQuality": profile.max_quality}
    for tail, quality in bounds.items():
        if quality is not None:
            value = quantiser_of_quality(quality) if target.first_plugin else quality
            yield Choice(target.streaming(f"Encoder.{tail}"), value, why)


def _encoder_effort(profile: Profile, target: Target) -> Iterator[Choice]:
    effort: dict[str, str | None]
    preset = profile.quality_preset
    if target.first_plugin:
        effort = {
            "Preset": _PRESET_OF_FIRST_PLUGIN[preset] if preset else None,
            "RateControl": profile.rate_control,
            "Multipass": profile.multipass,
        }
    else:
        effort = {"QualityPreset": preset, "LatencyMode": profile.latency_mode}
    for tail, value in effort.items():
        if value is not None:
            yield Choice(target.streaming(f"Encoder.{tail}"), value, "the encoder's effort")


def _detail(profile: Profile, _target: Target) -> Iterator[Choice]:
    level = profile.scalability
    for group in SCALABILITY_GROUPS if level is not None else ():
        yield Choice(f"sg.{group}Quality", level or 0, "the profile's scalability")
    if profile.texture_pool_mib is not None:
        yield Choice(
            "r.Streaming.PoolSize", profile.texture_pool_mib, "bounds VRAM for textures"
        )


def _access(profile: Profile, target: Target) -> Iterator[Choice]:
    name = target.streaming("AllowPixelStreamingCommands")
    yield Choice(name, profile.console_commands, "whether visitors may run console commands")
    for direction in () if profile.audio else ("Receive", "Transmit"):
        yield Choice(target.streaming(f"WebRTC.Disable{direction}Audio"), "true", "no audio")


_ASPECTS: Final[tuple[Callable[[Profile, Target], Iterator[Choice]], ...]] = (
    _frame_rate,
    _upscaling,
    _encoder,
    _encoder_effort,
    _detail,
    _access,
)


def _remarks(profile: Profile, target: Target) -> Iterator[Note]:
    if profile.upscaler is Upscaler.DLSS:
        yield _dlss_remark(target.dlss)
    if profile.console_commands:
        yield Note("console_commands", "every visitor can run console commands in the game")
    ignored = ("latency_mode",) if target.first_plugin else ("rate_control", "multipass")
    for name in ignored:
        if getattr(profile, name) is not None:
            yield Note(name, f"{target.plugin} has no such setting; left out")


def _dlss_remark(dlss: DlssPlugin) -> Note:
    return Note("upscaler", _DLSS_REMARKS[dlss])


_DLSS_REMARKS: Final = {
    DlssPlugin.ABSENT: "without a DLSS plugin the engine's TSR upscales from the same size; "
    "it takes more of the GPU",
    DlssPlugin.SCREEN_PERCENTAGE: "this DLSS plugin has no r.NGX.DLSS.Quality and takes its "
    "mode from r.ScreenPercentage; active, it replaces TSR by itself, nothing switches TSR off",
    DlssPlugin.QUALITY_CVAR: "this DLSS plugin takes its mode from r.NGX.DLSS.Quality, where 1 "
    "is Quality; active, it replaces TSR by itself, nothing switches TSR off",
}


def _raw(
    name: str, value: Scalar, *, profile: Profile, target: Target
) -> tuple[Choice, Note | None]:
    """Resolve a variable the profile gives by its own name."""
    for candidate, converted, why in _spellings(name, value, target):
        row = TABLE.find(candidate, kind=Kind.CVAR, engine=target.engine)
        if row and _fits(row, target):
            note = (
                Note(name, f"written as {row.name}={spell(converted)}: {why}") if why else None
            )
            return Choice(row.name, converted, "given by name", row), note
    _refuse_mistakes(name, profile=profile, target=target)
    return Choice(name, value, "given by name"), Note(
        name, "not in the table: written unchecked"
    )


def _spellings(
    name: str, value: Scalar, target: Target
) -> Iterator[tuple[str, Scalar, str | None]]:
    """Yield the names under which this version may know *name*, with the value for each."""
    yield name, value, None
    ours = _in_namespace_of(name, target)
    for candidate in dict.fromkeys((name, ours)):
        renaming = TABLE.renaming(
            candidate, kind=Kind.CVAR, engine=target.engine, plugin=target.plugin
        )
        if renaming:
            turned = renaming.transform == "qp-to-quality"
            converted = quality_of_quantiser(float(value)) if turned else value
            yield renaming.instead, converted, renaming.why
    if ours != name:
        yield ours, value, f"the name in {target.plugin}"


def _in_namespace_of(name: str, target: Target) -> str:
    head, dot, tail = name.partition(".")
    streaming = head.casefold() in {"pixelstreaming", "pixelstreaming2"} and dot
    return target.streaming(tail) if streaming else name


def _fits(row: Setting, target: Target) -> bool:
    if row.plugin in {Plugin.PIXEL_STREAMING, Plugin.PIXEL_STREAMING_2}:
        return row.plugin is target.plugin
    return row.dlss is None or row.dlss is target.dlss


def _refuse_mistakes(name: str, *, profile: Profile, target: Target) -> None:
    covered = name.casefold().startswith(COVERED_NAMESPACES)
    cutoff = 0.6 if covered else NEAR_MISS
    nearest = TABLE.nearest(name, kind=Kind.CVAR, engine=target.engine, cutoff=cutoff)
    known = TABLE.find(name, kind=Kind.CVAR, engine=target.engine)
    if known is None and nearest is None and not covered:
        return
    hint = f"; nearest: {nearest}" if nearest and nearest.casefold() != name.casefold() else ""
    raise UnknownSetting(
        f"profile {profile.name}: {name} is not known to engine {target.engine} with "
        f"{target.plugin} (DLSS plugin: {target.dlss}){hint}"
    )
