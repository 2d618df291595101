"""Options of resuming."""

from pydantic import Field

from signalling.options.reading import OptionGroup


class ResumeSettings(OptionGroup):
    """Players that come back to a broken connection; docs/resume.md has the reasons."""

    resume_grace: float = Field(30.0, ge=0)
    """Seconds a player with ?resume=1 may be away after its socket broke; 0: no resuming."""

    resume_buffer_bytes: int = Field(64 * 1024, ge=1024)
    """What is kept of the messages sent to such a player, for those it may have missed."""

    resume_buffer_messages: int = Field(256, ge=16)
    """How many messages are kept at most."""

    max_resuming_players: int = Field(1000, ge=1)
    """Players that may be away at once; one more is let go of like a stock page."""
