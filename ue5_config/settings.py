"""The options of this package that a server's configuration may carry."""

from pathlib import Path

from pydantic import BaseModel, Field


class Ue5ConfigSettings(BaseModel):
    """How UE instances are configured when a provisioner starts them."""

    ue5_profile: str = Field(
        default="reference",
        description="Profile of the instances: reference, quality, balanced, density, "
        "software, or one of ue5_profile_file.",
    )
    ue5_profile_file: Path | None = Field(
        default=None, description="TOML file with profiles of one's own."
    )
    ue5_engine: str = Field(default="5.6", description="Engine version, 5.3 to 5.8.")
    ue5_plugin: str = Field(
        default="PixelStreaming2",
        description="Pixel Streaming plugin: PixelStreaming, or PixelStreaming2 from 5.5.",
    )
    ue5_dlss: str = Field(
        default="screen-percentage",
        description="How the project's DLSS plugin chooses its mode: screen-percentage, "
        "quality-cvar (old plugins) or none.",
    )
    ue5_encoder_sessions: int | None = Field(
        default=None,
        ge=1,
        description="Hardware encoder sessions the GPU opens; by default as its class does.",
    )
