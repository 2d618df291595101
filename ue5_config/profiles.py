"""
Profiles: what an operator wants of an instance, without any engine's spelling.

A profile is one table of a TOML file; the built-in ones are in
`data/profiles.toml`. `translation` turns it into settings of a version.
"""

import re
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from ue5_config.errors import InvalidProfile, UnknownProfile
from ue5_config.settings_table import read_data
from ue5_config.values import Scalar

MAX_PROFILE_BYTES: Final = 1024 * 1024
"""A profile file is a page of text; anything larger was named by mistake."""


class Upscaler(StrEnum):
    """Who makes the full picture out of the rendered one."""

    DLSS = "dlss"
    TSR = "tsr"
    NONE = "none"


class UpscalerQuality(StrEnum):
    """How much smaller the rendered picture is, in DLSS's names."""

    NATIVE = "native"
    QUALITY = "quality"
    BALANCED = "balanced"
    PERFORMANCE = "performance"
    ULTRA_PERFORMANCE = "ultra-performance"


class Codec(StrEnum):
    """Video codecs of Pixel Streaming."""

    H264 = "H264"
    AV1 = "AV1"
    VP8 = "VP8"
    VP9 = "VP9"

    @property
    def in_hardware(self) -> bool:
        """Whether it takes a session of the GPU's encoder per viewer."""
        return self in {Codec.H264, Codec.AV1}


class Resolution(BaseModel):
    """Width and height of the streamed picture in pixels."""

    model_config = ConfigDict(frozen=True)

    width: int = Field(ge=64, le=16384)
    height: int = Field(ge=64, le=16384)

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def read_resolution(value: object) -> object:
    """Turn `1280x720` into the fields of `Resolution`; leave anything else to pydantic."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d{1,5})\s*[xX]\s*(\d{1,5})\s*", value)
    return {"width": int(match[1]), "height": int(match[2])} if match else value


Kbps = Annotated[int, Field(ge=50, le=1_000_000)]
Quality = Annotated[int, Field(ge=0, le=100)]


class Profile(BaseModel):
    """
    What an operator wants. Fields left out are left to the engine.

    `frame_rate` caps rendering as well as the stream, since WebRTC's rate is
    no cap on rendering. Qualities are 0 (worst) to 100 (best).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "custom"
    description: str = ""
    frame_rate: Annotated[int, Field(ge=1, le=240)] = 30
    resolution: Annotated[Resolution | None, BeforeValidator(read_resolution)] = None
    upscaler: Upscaler = Upscaler.DLSS
    upscaler_quality: UpscalerQuality = UpscalerQuality.QUALITY
    codec: Codec = Codec.H264
    min_bitrate_kbps: Kbps | None = None
    start_bitrate_kbps: Kbps | None = None
    max_bitrate_kbps: Kbps | None = None
    min_quality: Quality | None = None
    max_quality: Quality | None = None
    quality_preset: (
        Literal["UltraLowQuality", "LowQuality", "Default", "HighQuality", "Lossless"] | None
    ) = None
    latency_mode: Literal["UltraLowLatency", "LowLatency", "Default"] | None = None
    rate_control: Literal["CBR", "VBR", "ConstQP"] | None = None
    multipass: Literal["DISABLED", "QUARTER", "FULL"] | None = None
    max_encoder_sessions: Annotated[int, Field(ge=-1, le=256)] | None = None
    scalability: Annotated[int, Field(ge=0, le=4)] | None = None
    texture_pool_mib: Annotated[int, Field(ge=64, le=65536)] | None = None
    audio: bool = True
    console_commands: bool = False
    cvars: Mapping[str, Scalar] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        _in_order(self, "min_bitrate_kbps", "start_bitrate_kbps", "max_bitrate_kbps")
        _in_order(self, "min_quality", "max_quality")
        return self


def _in_order(profile: Profile, *fields: str) -> None:
    given = [(name, getattr(profile, name)) for name in fields]
    known = [(name, value) for name, value in given if value is not None]
    for (low, small), (high, large) in pairwise(known):
        if small > large:
            raise ValueError(f"{low}={small} is above {high}={large}")


def parse_profiles(tables: Mapping[str, object], *, origin: str) -> dict[str, Profile]:
    """
    Read a mapping of profile tables by name.

    A mapping whose values are no tables is one profile by itself, named after
    its `name` or else after *origin*. Raises `InvalidProfile`, naming profile,
    key and value.
    """
    if tables and not all(isinstance(table, dict) for table in tables.values()):
        tables = {str(tables.get("name", Path(origin).stem)): dict(tables)}
    return {name: _profile(name, table, origin=origin) for name, table in tables.items()}


def _profile(name: str, table: object, *, origin: str) -> Profile:
    if not isinstance(table, dict):
        raise InvalidProfile(f"profile {name!r} in {origin} is no table")
    try:
        return Profile.model_validate({**table, "name": name})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "profile"
        given = "" if key == "profile" else f"={first['input']!r}"
        message = f"profile {name!r} in {origin}: {key}{given}: {first['msg']}"
        raise InvalidProfile(message) from error


def load_profiles(path: Path) -> dict[str, Profile]:
    """Read a user's TOML file; raises `InvalidProfile` when it cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidProfile(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_PROFILE_BYTES:
        raise InvalidProfile(f"{path} is larger than {MAX_PROFILE_BYTES} bytes")
    try:
        return parse_profiles(tomllib.loads(data.decode()), origin=str(path))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidProfile(f"{path} is no TOML file: {error}") from error


BUILT_IN: Final = parse_profiles(read_data("profiles.toml"), origin="data/profiles.toml")
"""The profiles that come with the package."""


def find_profile(name: str, *, file: Path | None = None) -> Profile:
    """
    Return the profile *name* of the user's *file* or of the built-in ones.

    A *name* that ends in `.toml` is a file with one profile. Raises
    `UnknownProfile` naming those there are.
    """
    if file is None and name.endswith(".toml"):
        return _only(load_profiles(Path(name)), name)
    known = {**BUILT_IN, **(load_profiles(file) if file else {})}
    if name not in known:
        raise UnknownProfile(f"profile {name!r} is not one of {', '.join(sorted(known))}")
    return known[name]


def _only(profiles: Mapping[str, Profile], path: str) -> Profile:
    if len(profiles) != 1:
        names = ", ".join(sorted(profiles)) or "none"
        raise InvalidProfile(f"{path} has several profiles or none ({names}): name one of them")
    return next(iter(profiles.values()))
