"""After missed changes, or with a store that forgot: both sides learn how things stand."""

from collections.abc import Callable

from matchmaker.errors import RefusedError
from matchmaker.events import Failed
from matchmaker.instances import Instances
from matchmaker.notify import Holder, Holders, Notifier
from matchmaker.store import MatchStore, StateUnavailableError
from matchmaker.waiting_room import WaitingRoom


class Recovery:
    """Compares what this node has and what the store says, once that is due."""

    def __init__(
        self,
        instances: Instances,
        holders: Holders,
        notifier: Notifier,
        room: WaitingRoom,
        *,
        now: Callable[[], float],
        node_name: str,
    ) -> None:
        self._instances = instances
        self._holders = holders
        self._notifier = notifier
        self._room = room
        self._now = now
        self._node_name = node_name
        self._is_due = False

    def note(self) -> None:
        """Have everything compared at the next occasion."""
        self._is_due = True

    async def catch_up(self, store: MatchStore) -> None:
        """
        Compare if that is due.

        Raises:
            StateUnavailableError: It stays due.

        """
        if not self._is_due:
            return
        self._is_due = False
        try:
            await self._instances.reconcile(store, now=self._now())
            self._room.forget()
            for holder in self._holders.all():
                await self._check(store, holder)
        except StateUnavailableError:
            self._is_due = True
            raise

    async def _check(self, store: MatchStore, holder: Holder) -> None:
        """Tell *holder* how its session stands, and have it again if nobody else has."""
        if holder.session is None:
            return
        session = await store.session(holder.session.id)
        if session is not None and session.live and not session.holder:
            session = await store.attach(
                session.id, holder=holder.name, node=self._node_name, now=self._now()
            )
        if session is None:
            self._holders.drop(holder)
            refusal = RefusedError("state_lost")
            holder.sink.deliver(Failed(refusal.code, refusal.message))
        elif not session.live:
            self._notifier.end(holder, session.reason)
        elif session.holder == holder.name:
            self._notifier.tell_state(holder, session)
        else:
            self._notifier.end(holder, "taken_over")
