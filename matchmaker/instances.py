"""The streamers of this node, and what the store must know of them."""

from collections.abc import Sequence

from msgspec.structs import replace

from matchmaker.model import Change, ChangeKind, InstanceSpec
from matchmaker.store import MatchStore


class Instances:
    """This node's instances by id, each as it joined and whether it was used since."""

    def __init__(self) -> None:
        self._specs: dict[str, InstanceSpec] = {}

    def __contains__(self, instance_id: str) -> bool:
        return instance_id in self._specs

    def add(self, spec: InstanceSpec) -> None:
        """Take note of one that joined, maybe anew."""
        self._specs[spec.id] = spec

    def discard(self, instance_id: str) -> None:
        """Forget one that left, if it is here."""
        self._specs.pop(instance_id, None)

    def on_changes(self, changes: Sequence[Change]) -> None:
        """Take note of those that somebody watches: they are fresh no more."""
        for change in changes:
            if change.kind is ChangeKind.ACTIVE and change.session is not None:
                spec = self._specs.get(change.session.instance)
                if spec is not None and spec.fresh:
                    self._specs[spec.id] = replace(spec, fresh=False)

    async def reconcile(self, store: MatchStore, *, now: float) -> None:
        """
        Let a store that may have lost something have what is here, and no more.

        One that another node has under the same name is left to it.

        Raises:
            StateUnavailableError: The rest is as it was.

        """
        there = {i.id: i.node for h in await store.hosts() for i in h.instances.values()}
        for instance_id, node in there.items():
            if node == store.node and instance_id not in self._specs:
                await store.remove_instance(instance_id, now=now)
        for spec in list(self._specs.values()):
            if spec.id not in there:
                await store.put_instance(spec, now=now)
