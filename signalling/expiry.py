"""When tokens run out: one calendar for all connections, turned by one timer."""

import math
from typing import Final

from signalling.errors import CloseCode
from signalling.registry import Link

HORIZON_SECONDS: Final = 366 * 86_400
"""A token that lasts longer than any connection needs no entry."""


class Calendar:
    """Closes each connection in the second its token runs out; O(1) but for those due."""

    def __init__(self, now: float) -> None:
        self._due: dict[int, dict[Link, None]] = {}
        self._entries: dict[Link, int] = {}
        self._turned_to = math.floor(now)

    def __len__(self) -> int:
        return len(self._entries)

    def set(self, link: Link, expires_at: float | None) -> None:
        """Close *link* at *expires_at* in Unix seconds, and no longer at an earlier date."""
        self.discard(link)
        if expires_at is None or expires_at > self._turned_to + HORIZON_SECONDS:
            return
        second = max(math.ceil(expires_at), self._turned_to + 1)
        self._due.setdefault(second, {})[link] = None
        self._entries[link] = second

    def discard(self, link: Link) -> None:
        """Forget *link*."""
        second = self._entries.pop(link, None)
        if second is None:
            return
        due = self._due[second]
        del due[link]
        if not due:
            del self._due[second]

    def turn(self, now: float) -> None:
        """Close whatever ran out by *now*, in Unix seconds; call it every second."""
        this_second = math.floor(now)
        missed = range(self._turned_to + 1, this_second + 1)
        due_seconds = missed if len(missed) < len(self._due) else sorted(self._due)
        for second in [one for one in due_seconds if one <= this_second]:
            for link in self._due.pop(second, {}):
                del self._entries[link]
                link.close(CloseCode.TOKEN_EXPIRED, "the token is out of date")
        self._turned_to = max(self._turned_to, this_second)
