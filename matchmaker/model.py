"""
The words of the matchmaker: hosts, instances, demands and sessions.

Values are immutable; a change makes a new value. They are `msgspec` structs
rather than dataclasses because every one of them also travels as JSON (to
Redis, to operators, into records), see docs/decisions/0101.

All times are seconds since the epoch, all durations are seconds.
"""

from collections.abc import Mapping
from enum import IntFlag, StrEnum
from functools import lru_cache
from urllib.parse import urlencode

import msgspec

Attributes = Mapping[str, str]
"""What a pool of instances is, or what a demand asks for: name → value."""

DEFAULT_APPLICATION = "default"

NODE = "node"
"""
The attribute that says which node an instance is connected to.

Until streams are carried between nodes, a socket's demand names its own node,
so that nobody is given a place they cannot reach; see docs/decisions/0108.
"""


REAL_DEMANDS = 2
"""
Times `max_demands`: how many demands may wait of which each fits some instance.

Who invents requirements fills the first part alone, and keeps nobody out who asks for
what is there.
"""


class SessionState(StrEnum):
    """The life of a session, in this order; `GRACE` may go back to `ACTIVE`."""

    QUEUED = "queued"
    RESERVED = "reserved"
    ACTIVE = "active"
    GRACE = "grace"
    ENDED = "ended"


HOLDS_PLACE = frozenset({SessionState.RESERVED, SessionState.ACTIVE, SessionState.GRACE})
"""The states in which a session counts against its instance and its host."""


class EndReason(StrEnum):
    """Why a session ended; the strings are part of the interface."""

    RELEASED = "released"
    """Its user gave it back."""
    LEFT = "left"
    """Its user left while waiting."""
    ABANDONED = "abandoned"
    """A waiter without a socket stopped asking."""
    RESERVATION_EXPIRED = "reservation_expired"
    """Nobody subscribed in time."""
    MAX_DURATION = "max_duration"
    IDLE = "idle"
    DISCONNECTED = "disconnected"
    """Nobody came back within the grace time."""
    OPERATOR = "operator"


class Warned(IntFlag):
    """Which ends a session's user was warned of."""

    NOTHING = 0
    MAX_DURATION = 1
    IDLE = 2


class Policy(StrEnum):
    """Which host is taken first among those that fit."""

    PACK = "pack"
    """The fullest one, so that others empty and can be switched off."""
    SPREAD = "spread"
    """The least loaded one."""


class SameUser(StrEnum):
    """What happens when a user with a session asks again on another connection."""

    TAKEOVER = "takeover"
    REFUSE = "refuse"


class Canary(msgspec.Struct, frozen=True, kw_only=True):
    """A new version of an application and the share of new sessions it gets."""

    version: str
    share: float


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the store needs to know of the options; equal on all nodes of a cluster."""

    policy: Policy = Policy.PACK
    same_user: SameUser = SameUser.TAKEOVER
    max_duration: float = 1800.0
    warning: float = 60.0
    idle: float = 0.0
    reservation: float = 20.0
    grace: float = 30.0
    poll: float = 15.0
    retention: float = 60.0
    lease: float = 15.0
    host_capacity: int = 4
    gpu_ceiling: float = 1.0
    recycle: bool = False
    max_queue: int = 10_000
    max_demands: int = 256
    max_unrecorded: int = 10_000
    canary: dict[str, Canary] = {}
    state_ttl: int = 86_400


class Demand(msgspec.Struct, frozen=True):
    """
    What a request asks for: attributes a pool must have, and their name.

    Requests with equal demands wait in one line.
    """

    id: str
    attributes: dict[str, str]

    @classmethod
    def of(
        cls,
        application: str = "",
        region: str = "",
        requirements: Attributes | None = None,
        *,
        node: str = "",
    ) -> "Demand":
        """Name a demand; an empty *region* means any region, an empty *node* any node."""
        extra = tuple(sorted((requirements or {}).items()))
        return _demand(application or DEFAULT_APPLICATION, region, extra, node)

    def at(self, node: str) -> "Demand":
        """Return the same demand for another node."""
        attributes = {k: v for k, v in self.attributes.items() if k != NODE}
        attributes |= {NODE: node} if node else {}
        return Demand(pool_id(attributes), attributes)


@lru_cache(maxsize=1024)
def _demand(
    application: str, region: str, extra: tuple[tuple[str, str], ...], node: str
) -> Demand:
    attributes = dict(extra) | {"application": application}
    if region:
        attributes["region"] = region
    if node:
        attributes[NODE] = node
    return Demand(pool_id(attributes), attributes)


def pool_id(attributes: Attributes) -> str:
    """Name a set of attributes, the same on every node; the node is the last of them."""
    return urlencode(sorted(attributes.items(), key=lambda item: (item[0] == NODE, item)))


def node_of(pool_or_demand: str) -> str:
    """Return the node that the name of a pool or a demand ends with, or nothing."""
    return pool_or_demand.rpartition(f"&{NODE}=")[2] if f"&{NODE}=" in pool_or_demand else ""


class InstanceSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A streamer as it joins: where it runs and what it shows."""

    id: str
    host: str
    region: str = ""
    application: str = DEFAULT_APPLICATION
    version: str = ""
    profile: str = ""
    capacity: int = 1
    host_capacity: int = 0
    """0 leaves the host's capacity as it is, or at the default."""
    address: str = ""
    labels: dict[str, str] = {}
    node_name: str = ""
    """The node it is connected to, by a name that outlives the process; empty if alone."""
    fresh: bool = True
    """Whether nobody has used it since it started."""

    def attributes(self) -> dict[str, str]:
        """Return what demands are compared with; labels never hide the named ones."""
        named = {
            "application": self.application,
            "region": self.region,
            "version": self.version,
            "profile": self.profile,
        }
        at = {NODE: self.node_name} if self.node_name else {}
        return {**self.labels, **named, **at}


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """A UE streamer on a host."""

    id: str
    pool: str
    application: str
    version: str
    profile: str
    capacity: int
    used: int
    recycling: bool
    node: str
    sessions: dict[str, int]
    """Ids of the sessions that hold a place; the values mean nothing."""


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A GPU machine with its instances."""

    id: str
    region: str
    address: str
    capacity: int
    used: int
    draining: bool
    healthy: bool
    gpu: float
    """Highest of the GPU figures it last reported, 0 to 1; 0 when it reports none."""
    instances: dict[str, Instance]


class HostPatch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Changes of a host; what is None stays."""

    draining: bool | None = None
    healthy: bool | None = None
    gpu: float | None = None
    capacity: int | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One user's claim of one place, from the first request to its end."""

    id: str
    user: str
    demand: str
    attributes: dict[str, str]
    state: SessionState = SessionState.QUEUED
    priority: int = 0
    """Class of the queue; 0 is served first."""
    client_token: str = ""
    holder: str = ""
    """The connection that is told of events (`node/number`); empty when there is none."""
    poll_by: float = 0.0
    """A waiter without a holder leaves the queue then; 0 means never."""
    created_at: float = 0.0
    queued_at: float = 0.0
    score: float = 0.0
    """Place in the queue: smaller is earlier."""
    canary: float = 1.0
    """The user's draw; see `SessionRequest`."""
    waits: int = 1
    """How often it was queued; more than once if its instance went away."""
    waited: float = 0.0
    """Seconds in the queue so far, over all its waits."""
    host: str = ""
    instance: str = ""
    pool: str = ""
    player_id: str = ""
    max_duration: float = 1800.0
    reserved_until: float = 0.0
    started_at: float = 0.0
    ends_at: float = 0.0
    grace_until: float = 0.0
    last_input: float = 0.0
    warned: int = 0
    ended_at: float = 0.0
    reason: str = ""

    @property
    def live(self) -> bool:
        """Whether it has not ended."""
        return self.state is not SessionState.ENDED


class SessionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A user asks for a place; *id* is used only if a session is made."""

    id: str
    user: str
    demand: Demand
    priority: int = 0
    client_token: str = ""
    holder: str = ""
    max_duration: float = 0.0
    """0 means the rule's."""
    canary: float = 1.0
    """The user's draw in [0, 1): below the canary's share it prefers the new version."""


class Requested(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to a request: a session, or the code of the refusal."""

    session: Session | None = None
    code: str = ""
    ahead: int = 0
    """Waiters that may be served before; only for a queued session."""


class ChangeKind(StrEnum):
    """What happened, as the store tells it."""

    QUEUED = "queued"
    ASSIGNED = "assigned"
    ACTIVE = "active"
    GRACE = "grace"
    EXPIRING = "expiring"
    TAKEN_OVER = "taken_over"
    ENDED = "ended"
    INSTANCE_JOINED = "instance_joined"
    INSTANCE_LEFT = "instance_left"
    RECYCLE = "recycle"
    HOST_CHANGED = "host_changed"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the store, told to every node in the same order."""

    kind: ChangeKind
    node: str
    """The node that caused it; that one tells the outside world."""
    session: Session | None = None
    subject: str = ""
    """The instance or host, or the holder that was taken over."""
    reason: str = ""


class Ticked(msgspec.Struct, frozen=True):
    """What a tick found."""

    known: bool
    """False when this node had no lease: all that it told the store before is gone."""
    due: int
    """Deadlines that were handled; as many as allowed means that there may be more."""


class Waiter(msgspec.Struct, frozen=True):
    """A session in the queue."""

    session: str
    demand: str
    score: float


class Waiting(msgspec.Struct, frozen=True):
    """All who wait, and the attributes of their demands by name."""

    waiters: list[Waiter]
    demands: dict[str, dict[str, str]]
