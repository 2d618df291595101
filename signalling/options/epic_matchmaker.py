"""Options of registering with a matchmaker of Epic's."""

from typing import Self

from pydantic import Field, model_validator

from signalling.options.reading import OptionGroup


class EpicMatchmakerSettings(OptionGroup):
    """Options of registering with a separate matchmaker, as each Cirrus does."""

    use_matchmaker: bool = False
    """Register with Epic's matchmaker at matchmaker_address, in the place of a Cirrus."""

    matchmaker_address: str = ""
    """The host that Epic's matchmaker runs on."""

    epic_matchmaker_port: int = Field(9999, ge=1, le=65535)
    """The TCP port of Epic's matchmaker."""

    matchmaker_retry_interval: float = Field(5, gt=0)
    """Seconds until a lost connection to Epic's matchmaker is made again."""

    public_ip: str = "localhost"
    """The address that Epic's matchmaker sends players to."""

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.use_matchmaker and not self.matchmaker_address:
            raise ValueError("use_matchmaker: matchmaker_address must say where it is")
        return self
