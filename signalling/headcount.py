"""
Tells pages how many players there are, as Cirrus does.

Cirrus tells everybody at every coming and going, which makes a thousand
players cost a million messages. Here a page is told when it comes, and those
already there once a tick, if the number is another by then.
"""

from typing import Final

from signalling import messages
from signalling.registry import Player, Registry


class Headcount:
    """The pages that are told, and what each was told last."""

    seconds_per_tick: Final = 1.0

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._told: dict[Player, int] = {}

    def add(self, page: Player) -> None:
        """Tell *page* now and from now on, once, if its dialect has it."""
        if page.dialect.counts_players and page not in self._told:
            self._tell(page, len(self._registry.players))

    def discard(self, page: Player) -> None:
        """Tell *page* no longer."""
        self._told.pop(page, None)

    def tick(self) -> None:
        """Tell those for whom the number is news; call it every `seconds_per_tick`."""
        count = len(self._registry.players)
        for page in [page for page, told in self._told.items() if told != count]:
            self._tell(page, count)

    def _tell(self, page: Player, count: int) -> None:
        self._told[page] = count
        page.link.send(messages.player_count(count))
