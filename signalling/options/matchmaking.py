"""Options of joining the matchmaker to the server, beside the matchmaker's own."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from matchmaker.settings import MatchmakerSettings
from signalling.options.reading import OptionGroup
from stores.redis import SCHEMES

Secret = Annotated[str | None, Field(repr=False)]


def _redis_url(url: str | None) -> str | None:
    if url and not url.startswith(SCHEMES):
        raise ValueError(f"must begin with one of {', '.join(SCHEMES)}")
    return url


class MatchmakingSettings(MatchmakerSettings, OptionGroup):
    """How players come to an instance of their own, and where that is remembered."""

    matchmaking_alias: str = Field("Session", min_length=1, max_length=256)
    """What pages that know no sessions are shown in place of the streamers' own names."""

    matchmaker_http_port: int | None = Field(None, ge=0, le=65535)
    """A port for browsers that Epic's matchmaker sends to Cirrus servers; none: off."""

    redis_url: Annotated[Secret, AfterValidator(_redis_url)] = None
    """Where nodes share their state, like redis://127.0.0.1:6379/0; none: in memory.

    redis+cluster:// with any node of a Redis cluster.
    """

    redis_url_file: Path | None = None
    """A file with redis_url."""

    webhook_secret_file: Path | None = None
    """A file with webhook_secret."""

    matchmaker_secret_file: Path | None = None
    """A file with matchmaker_secret."""

    @model_validator(mode="after")
    def _signed_webhooks(self) -> Self:
        """Keep a receiver from trusting what anybody could have signed."""
        if self.webhook_urls and not self.webhook_secret:
            raise ValueError("webhook_urls needs a webhook_secret: events are signed with it")
        return self
