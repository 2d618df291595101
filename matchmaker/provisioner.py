"""The port through which instances are brought up and renewed."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many instances of an application are wanted in a region."""

    application: str
    region: str
    instances: int


class Provisioner(Protocol):
    """
    Starts and recycles instances: an agent, containers, an operator's command.

    A new instance makes itself known by joining as a streamer.
    """

    async def scale(self, wanted: Wanted) -> None:
        """Bring the number of instances towards *wanted*; may take its time."""

    async def recycle(self, instance_id: str) -> None:
        """Renew an instance that was used: it takes nobody until it joins anew."""


class NoProvisioner:
    """Leaves instances to the operator."""

    async def scale(self, wanted: Wanted) -> None:
        """See `Provisioner`; does nothing."""

    async def recycle(self, instance_id: str) -> None:
        """See `Provisioner`; does nothing: UE is restarted by who runs it."""
