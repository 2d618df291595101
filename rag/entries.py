"""What indexes know of an item, and the conditions a search may set."""

from collections.abc import Mapping
from dataclasses import dataclass, field


def tag(name: str, value: str) -> str:
    """Return one filterable property as a string, the same for every spelling of case."""
    return f"{name}:{value.strip().casefold()}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What filters compare: price in ten-thousandths of the currency, and tags."""

    currency: str
    units: int
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """One searchable item: texts by how much they say about it, and its facts."""

    id: str
    names: tuple[str, ...]
    kind: str
    facets: tuple[str, ...]
    body: str
    summary: str
    facts: Facts

    def embedding_text(self) -> str:
        """Return the text whose vector stands for the item."""
        parts = [*self.names, self.kind, " ".join(self.facets), self.summary]
        return ". ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Where:
    """
    Conditions every hit meets.

    *limits* are the highest price in units by currency: a product in another
    currency never matches a budget. Of several values of one tag any will do.
    """

    limits: Mapping[str, int] | None = None
    any_of: tuple[frozenset[str], ...] = field(default=())

    def allows(self, facts: Facts) -> bool:
        """Tell whether an item may be shown."""
        if self.limits is not None and facts.units > self.limits.get(facts.currency, -1):
            return False
        return all(choices & facts.tags for choices in self.any_of)

    @property
    def everything(self) -> bool:
        """Whether nothing is asked for."""
        return self.limits is None and not self.any_of


@dataclass(frozen=True, slots=True)
class Scored:
    """An item's id and how well an index thinks it fits; higher is better."""

    id: str
    score: float
