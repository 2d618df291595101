"""Options of guests that visitors invite."""

from pydantic import Field

from signalling.options.reading import OptionGroup


class GuestSettings(OptionGroup):
    """Who may look along with a visitor, and what that may cost; docs/guests.md."""

    guests_per_visitor: int = Field(1, ge=0, le=16)
    """Guests a visitor may have at once, beside max_players; 0: nobody can be invited."""

    invite_ttl: float = Field(900, gt=0, le=604_800)
    """Seconds in which an invitation's link must be opened."""

    room_grace: float = Field(60, ge=0, le=3600)
    """Seconds the room waits for a visitor, or a guest's seat for a guest, that left."""

    room_messages_per_minute: float = Field(30, ge=0)
    """Messages one person may write in a room on average; 0 means no limit."""

    room_history: int = Field(50, ge=0, le=100)
    """Messages a room remembers for a guest that comes later; gone with the room."""

    max_rooms: int = Field(1000, ge=1)
    """Rooms of one node; with the defaults and the longest messages some 230 kB each."""
