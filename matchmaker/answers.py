"""What the REST interface answers, as typed values; the names are part of the interface."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from math import ceil

import msgspec

from matchmaker.model import Host, Session, Waiting
from matchmaker.notify import expires_at
from matchmaker.service import Outcome

EtaOf = Callable[[Mapping[str, str], int], float | None]
"""Seconds until a place in the line of a demand is served."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A JSON object with camelCase names; absent values are left out."""


class SessionAnswer(Answer, frozen=True, kw_only=True):
    """A session as its user sees it; times are seconds since the epoch."""

    session_id: str
    state: str
    streamer_id: str | None = None
    url: str | None = None
    token: str | None = None
    position: int | None = None
    queue_length: int | None = None
    eta_seconds: float | None = None
    expires_at: float | None = None
    reason: str | None = None


class SessionRow(Answer, frozen=True, kw_only=True):
    """A session as the operator sees it."""

    session_id: str
    user_id: str
    state: str
    application: str
    host: str
    streamer_id: str
    player_id: str
    created_at: float
    started_at: float
    ends_at: float
    waited_seconds: float


class InstanceAnswer(Answer, frozen=True, kw_only=True, omit_defaults=False):
    """An instance on a host."""

    streamer_id: str
    application: str
    version: str
    profile: str
    capacity: int
    sessions: int
    recycling: bool


class HostAnswer(Answer, frozen=True, kw_only=True, omit_defaults=False):
    """A host as the operator sees it."""

    id: str
    region: str
    address: str
    capacity: int
    sessions: int
    draining: bool
    healthy: bool
    gpu: float
    instances: list[InstanceAnswer]


class LineAnswer(Answer, frozen=True, kw_only=True, omit_defaults=False):
    """Waiters with the same demand."""

    demand: dict[str, str]
    length: int
    eta_seconds: float | None
    """For the last of them."""


class QueueAnswer(Answer, frozen=True, kw_only=True, omit_defaults=False):
    """The queue."""

    length: int
    lines: list[LineAnswer]


class ScaleAnswer(Answer, frozen=True, kw_only=True, omit_defaults=False):
    """What an autoscaler needs to know of one application in one region."""

    application: str
    region: str
    sessions: int
    """Sessions that hold a place."""
    queued: int
    capacity: int
    """Places of all instances on hosts that take sessions."""
    ready: int
    """Places that are free now."""
    demand_ratio: float
    """(sessions + queued) / capacity; sessions + queued without capacity."""
    desired_instances: int
    """Instances needed so that nobody waits, at the places that one has now."""


def session_answer(outcome: Outcome) -> SessionAnswer:
    """Return a session as its user sees it."""
    session, standing = outcome.session, outcome.standing
    if not session.live:
        return SessionAnswer(
            session_id=session.id, state=session.state, reason=str(session.reason)
        )
    return SessionAnswer(
        session_id=session.id,
        state=session.state,
        streamer_id=session.instance or None,
        url=outcome.url or None,
        token=outcome.token,
        position=standing.position if standing else None,
        queue_length=standing.length if standing else None,
        eta_seconds=outcome.eta_seconds,
        expires_at=expires_at(session) or None,
    )


def session_row(session: Session) -> SessionRow:
    """Return a session as the operator sees it."""
    return SessionRow(
        session_id=session.id,
        user_id=session.user,
        state=session.state,
        application=session.attributes.get("application", ""),
        host=session.host,
        streamer_id=session.instance,
        player_id=session.player_id,
        created_at=session.created_at,
        started_at=session.started_at,
        ends_at=session.ends_at,
        waited_seconds=round(session.waited, 3),
    )


def host_answer(host: Host) -> HostAnswer:
    """Return a host as the operator sees it."""
    instances = [
        InstanceAnswer(
            streamer_id=i.id,
            application=i.application,
            version=i.version,
            profile=i.profile,
            capacity=i.capacity,
            sessions=i.used,
            recycling=i.recycling,
        )
        for i in sorted(host.instances.values(), key=lambda i: i.id)
    ]
    return HostAnswer(
        id=host.id,
        region=host.region,
        address=host.address,
        capacity=host.capacity,
        sessions=host.used,
        draining=host.draining,
        healthy=host.healthy,
        gpu=host.gpu,
        instances=instances,
    )


class _Count:
    """Sums for one application and region."""

    def __init__(self) -> None:
        self.sessions = self.queued = self.capacity = self.ready = 0
        self.instances = self.places = 0


def scale_answers(
    hosts: Iterable[Host], waiting: Waiting, *, gpu_ceiling: float
) -> list[ScaleAnswer]:
    """
    Return the figures by application and region.

    Waiters for any region are counted under the region "". A place that
    several instances of a full host could offer is counted once.
    """
    counts: dict[tuple[str, str], _Count] = defaultdict(_Count)
    for host in hosts:
        _count_host(host, counts, gpu_ceiling=gpu_ceiling)
    for waiter in waiting.waiters:
        demand = waiting.demands[waiter.demand]
        counts[demand["application"], demand.get("region", "")].queued += 1
    return [_scale(*key, count) for key, count in sorted(counts.items())]


def _count_host(
    host: Host, counts: dict[tuple[str, str], _Count], *, gpu_ceiling: float
) -> None:
    takes = host.healthy and not host.draining and host.gpu <= gpu_ceiling
    left = host.capacity - host.used
    for instance in host.instances.values():
        count = counts[instance.application, host.region]
        count.sessions += instance.used
        count.instances += 1
        count.places += instance.capacity
        if not takes or instance.recycling:
            continue
        free = min(instance.capacity - instance.used, left)
        left -= free
        count.capacity += instance.used + free
        count.ready += free


def _scale(application: str, region: str, count: _Count) -> ScaleAnswer:
    wanted = count.sessions + count.queued
    return ScaleAnswer(
        application=application,
        region=region,
        sessions=count.sessions,
        queued=count.queued,
        capacity=count.capacity,
        ready=count.ready,
        demand_ratio=round(wanted / max(count.capacity, 1), 4),
        desired_instances=ceil(wanted * max(count.instances, 1) / max(count.places, 1)),
    )


def queue_answer(waiting: Waiting, eta: EtaOf) -> QueueAnswer:
    """Return the queue by demand, the longest line first."""
    lengths: dict[str, int] = defaultdict(int)
    for waiter in waiting.waiters:
        lengths[waiter.demand] += 1
    lines = [
        LineAnswer(
            demand=waiting.demands[demand],
            length=length,
            eta_seconds=eta(waiting.demands[demand], length),
        )
        for demand, length in sorted(lengths.items(), key=lambda item: -item[1])
    ]
    return QueueAnswer(length=len(waiting.waiters), lines=lines)
