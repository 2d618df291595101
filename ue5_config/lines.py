"""
Console lines as people hand them on: `t.MaxFPS 30`, `r.VSync=0`.

Lines that state an intent a profile has a field for (the frame cap, DLSS and
its mode) become that field, so that they come out right for every version;
what they said and what became of it is told in notes.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ue5_config.errors import UsageError
from ue5_config.profiles import Profile, Upscaler, UpscalerQuality
from ue5_config.settings_table import TABLE, Kind, Setting
from ue5_config.values import Scalar, spell

MAX_LINES: Final = 1000
"""More lines than that are no list of settings."""

_LINE: Final = re.compile(r"(?P<name>[^\s=]+)(?:\s*=\s*|\s+)(?P<value>[^\s=].*?)\s*;?")
_COMMENT: Final = re.compile(r"\s*(?:[;#]|//)")
_TRAILING_COMMENT: Final = re.compile(r"\s+(?:#|//|;).*$")

QUALITY_BY_CVAR: Final[Mapping[int, UpscalerQuality]] = {
    -2: UpscalerQuality.ULTRA_PERFORMANCE,
    -1: UpscalerQuality.PERFORMANCE,
    0: UpscalerQuality.BALANCED,
    1: UpscalerQuality.QUALITY,
    2: UpscalerQuality.QUALITY,
}
"""
What `r.NGX.DLSS.Quality` was meant as.

2 is Ultra Quality, which current GPUs do not offer; those who write it mean
the mode called Quality.
"""


@dataclass(frozen=True, slots=True)
class Note:
    """Something the operator should know about what was rendered."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Understood:
    """A profile that says what the lines meant, and what had to be explained."""

    profile: Profile
    notes: tuple[Note, ...] = field(default=())


def parse_lines(text: str) -> dict[str, str]:
    """
    Read console lines; comments (`;`, `#`, `//`) and blank lines are left out.

    Raises `UsageError` for a line that is no `name value`, or for too many.
    """
    lines = [line for line in text.splitlines() if line.strip() and not _COMMENT.match(line)]
    if len(lines) > MAX_LINES:
        raise UsageError(f"{len(lines)} lines of settings are more than {MAX_LINES}")
    return dict(_parse(line) for line in lines)


def _parse(line: str) -> tuple[str, str]:
    match = _LINE.fullmatch(_TRAILING_COMMENT.sub("", line).strip())
    if match is None:
        raise UsageError(f"{line.strip()!r} is no setting: write NAME VALUE or NAME=VALUE")
    return match["name"], match["value"]


def understand(profile: Profile) -> Understood:
    """
    Turn the profile's raw `cvars` that state an intent into the field for it.

    The other cvars stay. Raises `InvalidValue` for values outside the range.
    """
    fields: dict[str, object] = {}
    rest: dict[str, Scalar] = {}
    notes: list[Note] = []
    for name, value in profile.cvars.items():
        intent = _intent(name, value, context=f"profile {profile.name}")
        if intent is None:
            rest[name] = value
        else:
            fields |= intent.fields
            notes += [Note(name, text) for text in intent.notes]
    changed = profile.model_copy(update={**fields, "cvars": rest})
    return Understood(changed, tuple(notes))


@dataclass(frozen=True, slots=True)
class _Intent:
    fields: Mapping[str, object] = field(default_factory=dict)
    notes: Iterable[str] = ()


def _intent(name: str, value: Scalar, *, context: str) -> _Intent | None:
    undefined = TABLE.undefined_name(name)
    if undefined:
        text = f"left out: {undefined.why} ({undefined.instead} may be what was meant.)"
        return _Intent(notes=[text])
    read = _INTENTS.get(name.casefold())
    if read is None:
        return None
    rows = TABLE.versions_of(name, kind=Kind.CVAR)
    return read(rows[0], rows[0].read(value, context=context))


def _frame_cap(_row: Setting, value: Scalar) -> _Intent | None:
    rate = float(value)
    if rate < 1 or not rate.is_integer():
        return None
    return _Intent({"frame_rate": int(rate)}, ["also sets the rate of the stream"])


def _dlss_enabled(_row: Setting, value: Scalar) -> _Intent:
    return _Intent({"upscaler": Upscaler.DLSS if value else Upscaler.TSR})


def _dlss_quality(_row: Setting, value: Scalar) -> _Intent:
    quality = QUALITY_BY_CVAR[int(value)]
    text = f"{spell(value)} is read as DLSS {quality}"
    if int(value) == max(QUALITY_BY_CVAR):
        text += "; the plugins that have the variable call 2 Ultra Quality and Quality 1"
    return _Intent({"upscaler_quality": quality}, [text])


_INTENTS: Final = {
    "t.maxfps": _frame_cap,
    "r.ngx.dlss.enable": _dlss_enabled,
    "r.ngx.dlss.quality": _dlss_quality,
}
