"""
The port for live state: who runs where, who waits, who plays.

Every method is one atomic change: it happens whole or not at all, whatever
else happens at the same time on this or another node, and it is told to all
listeners of all nodes as `Change` values in one order. After each change the
following holds:

- a user has at most one live session;
- an instance never has more sessions than its capacity, nor a host;
- nobody waits while a pool that fits has room;
- a place that frees goes to the first waiter it fits: classes in order, within
  a class first come first served, and who lost an instance before everybody;
- a session that was taken up from a node (`attach`, `request` with a holder and
  a demand that names the node) has its place there, or waits for one there.

Every method may be repeated with the same arguments without harm, so an
adapter may retry after a broken connection.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from matchmaker.model import (
    Change,
    EndReason,
    Host,
    HostPatch,
    InstanceSpec,
    Requested,
    Session,
    SessionRequest,
    Ticked,
    Waiting,
)

Listener = Callable[[Sequence[Change]], None]
"""Is told of changes; must not wait."""


class MatchError(Exception):
    """Root of what this package raises on purpose; the message may be shown."""


class StateUnavailableError(MatchError):
    """The store of the live state cannot be reached now."""


class MatchStore(Protocol):
    """See the module; every method raises `StateUnavailableError` when it must."""

    node: str
    """Name of this node, unique in the cluster, part of every holder's name."""

    async def start(self) -> None:
        """Connect and begin to tell the listener."""

    async def close(self) -> None:
        """Let go of everything; other nodes' state stays."""

    def listen(self, listener: Listener, on_gap: Callable[[], None]) -> None:
        """
        Tell *listener* of every change from now on, in order.

        *on_gap* is called when changes may have been missed.
        """

    async def put_instance(self, spec: InstanceSpec, *, now: float) -> None:
        """
        Add an instance of this node, or renew it: its sessions stay.

        One that moved to another host or changed its attributes loses them. One that is
        not fresh stays marked as to be recycled, or is marked if it was not known any more.
        """

    async def remove_instance(self, instance_id: str, *, now: float) -> bool:
        """Remove an instance of this node; its sessions go to the head of the queue."""

    async def patch_host(self, host_id: str, patch: HostPatch, *, now: float) -> bool:
        """Change a host; False when there is none of that name."""

    async def request(self, request: SessionRequest, *, now: float) -> Requested:
        """
        Give the user a place, or one in the queue.

        A user with a live session gets that one: with a holder it moves there,
        or is refused (`already_active`), by the rule. A session that ended
        within the retention is returned to the same client token. Other codes:
        `queue_full`, `too_many_demands`.
        """

    async def attach(
        self, session_id: str, *, holder: str, now: float, node: str = ""
    ) -> Session | None:
        """
        Move a live session to *holder*; a previous one is told `TAKEN_OVER`.

        With *node*, the name of the node that *holder* is connected to, one whose
        place is on another node gets a place there, or goes to the head of the queue.
        """

    async def activate(self, session_id: str, *, player_id: str, now: float) -> Session | None:
        """Note that the user subscribed; None unless the session holds a place."""

    async def detach(
        self, session_id: str, *, holder: str, gone: bool, now: float
    ) -> Session | None:
        """
        Note that the stream broke; only *holder*'s word counts.

        *gone* tells that its connection is gone as well: then a waiter leaves
        the queue. Whoever was active has the grace time to come back.
        """

    async def end(self, session_id: str, *, reason: EndReason, now: float) -> Session | None:
        """End a live session; None when there is none."""

    async def touch(self, session_ids: Sequence[str], *, now: float) -> None:
        """Note input in these sessions, for the idle limit."""

    async def poll(self, session_id: str, *, now: float) -> Session | None:
        """Read a session, and note that its user, without a socket, still waits."""

    async def tick(self, *, now: float, limit: int = 256, pardon: bool = False) -> Ticked:
        """
        Renew this node's lease and do what time demands, at most *limit* things.

        *pardon* says that this node could not be heard for a while: what others did not
        tell in that time is not held against them. Leases that ran out begin anew, and so
        does every deadline that passed but that of the maximum duration.
        """

    async def session(self, session_id: str) -> Session | None:
        """Read a session; ended ones are kept for the retention."""

    async def session_of(self, user: str) -> Session | None:
        """Read the user's newest session."""

    async def instance_exists(self, instance_id: str) -> bool:
        """Tell whether an instance of that name is known."""

    async def waiting(self) -> Waiting:
        """Read the queue; the waiters are in no particular order."""

    async def hosts(self) -> list[Host]:
        """Read all hosts with their instances."""

    async def sessions(self, *, limit: int = 10_000) -> list[Session]:
        """Read sessions, in no particular order."""

    async def unrecorded(self, *, limit: int = 256) -> list[Session]:
        """Read ended sessions that nobody has recorded yet."""

    async def recorded(self, session_ids: Sequence[str]) -> None:
        """Forget that these were to be recorded."""

    async def forget_user(self, user: str) -> None:
        """Drop what is kept of the user's ended sessions."""
