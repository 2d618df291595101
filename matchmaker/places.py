"""Hosts and instances in memory, indexed so that a place is found at once."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from matchmaker.model import (
    Canary,
    Demand,
    Host,
    HostPatch,
    Instance,
    InstanceSpec,
    Policy,
    Rules,
    node_of,
    pool_id,
)
from matchmaker.selection import Ranking, handicap, matches, rank

MAX_MATCHING = 1_024
"""Demands whose pools are remembered; more than all applications need."""


@dataclass(slots=True, eq=False)
class InstanceEntry:
    """The mutable side of `Instance`."""

    spec: InstanceSpec
    node: str
    pool: str
    sessions: dict[str, int] = field(default_factory=dict)
    recycling: bool = False

    @property
    def has_room(self) -> bool:
        """Whether another session fits."""
        return len(self.sessions) < self.spec.capacity and not self.recycling

    def view(self) -> Instance:
        """Return a copy to hand out."""
        return Instance(
            id=self.spec.id,
            pool=self.pool,
            application=self.spec.application,
            version=self.spec.version,
            profile=self.spec.profile,
            capacity=self.spec.capacity,
            used=len(self.sessions),
            recycling=self.recycling,
            node=self.node,
            sessions=dict(self.sessions),
        )


@dataclass(slots=True, eq=False)
class HostEntry:
    """The mutable side of `Host`."""

    id: str
    region: str
    address: str
    capacity: int
    used: int = 0
    draining: bool = False
    healthy: bool = True
    gpu: float = 0.0
    instances: dict[str, InstanceEntry] = field(default_factory=dict)

    def is_open(self, rules: Rules) -> bool:
        """Tell whether new sessions may come here."""
        usable = self.healthy and not self.draining and self.gpu <= rules.gpu_ceiling
        return usable and self.used < self.capacity

    def change(self, patch: HostPatch) -> None:
        """Apply what *patch* names."""
        if patch.draining is not None:
            self.draining = patch.draining
        if patch.healthy is not None:
            self.healthy = patch.healthy
        if patch.gpu is not None:
            self.gpu = patch.gpu
        if patch.capacity is not None:
            self.capacity = patch.capacity

    def pools(self) -> set[str]:
        """Return the pools that its instances belong to."""
        return {instance.pool for instance in self.instances.values()}

    def instance_for(self, pool: str, policy: Policy) -> InstanceEntry:
        """Return the instance of *pool* that is taken first; one has room."""
        fitting = [i for i in self.instances.values() if i.pool == pool and i.has_room]
        if len(fitting) == 1:
            return fitting[0]
        sign = -1 if policy is Policy.PACK else 1
        return min(fitting, key=lambda i: sign * len(i.sessions))

    def view(self) -> Host:
        """Return a copy to hand out."""
        return Host(
            id=self.id,
            region=self.region,
            address=self.address,
            capacity=self.capacity,
            used=self.used,
            draining=self.draining,
            healthy=self.healthy,
            gpu=self.gpu,
            instances={i: entry.view() for i, entry in self.instances.items()},
        )


@dataclass(slots=True, eq=False)
class Pool:
    """Instances that are alike, by the rank of their hosts."""

    id: str
    attributes: dict[str, str]
    instances: int = 0
    hosts: Ranking[str] = field(default_factory=Ranking)


class Places:
    """All hosts of all nodes; answers which place a demand gets."""

    def __init__(self, rules: Rules, dice: random.Random) -> None:
        self._rules = rules
        self._dice = dice
        self.hosts: dict[str, HostEntry] = {}
        self.host_of: dict[str, HostEntry] = {}
        """By the id of an instance on it."""
        self.pools: dict[str, Pool] = {}
        self._matching: dict[str, list[Pool]] = {}

    def instance(self, instance_id: str) -> InstanceEntry | None:
        """Return an instance by id."""
        host = self.host_of.get(instance_id)
        return host.instances[instance_id] if host else None

    def node_of(self, instance_id: str) -> str:
        """Return the node that an instance is connected to; empty if that does not matter."""
        return node_of(self.host_of[instance_id].instances[instance_id].pool)

    def put(self, spec: InstanceSpec, node: str) -> HostEntry:
        """Add an instance, or renew one whose host and attributes are the same."""
        host = self._host_for(spec)
        attributes = spec.attributes()
        known = host.instances.get(spec.id)
        entry = InstanceEntry(spec, node, pool_id(attributes))
        if known:
            entry.sessions = known.sessions
            entry.recycling = known.recycling and not spec.fresh
        else:
            entry.recycling = self._rules.recycle and not spec.fresh
            self._join_pool(entry.pool, attributes)
        host.instances[spec.id] = entry
        self.host_of[spec.id] = host
        self.reindex(host)
        return host

    def stays(self, spec: InstanceSpec) -> bool:
        """Tell whether *spec* is a known instance on the same host in the same pool."""
        known = self.instance(spec.id)
        same_host = known is not None and known.spec.host == spec.host
        return known is not None and same_host and known.pool == pool_id(spec.attributes())

    def remove(self, instance_id: str) -> InstanceEntry:
        """Take an instance out, its sessions' places with it."""
        host = self.host_of.pop(instance_id)
        entry = host.instances.pop(instance_id)
        host.used -= len(entry.sessions)
        self.pools[entry.pool].hosts.discard(host.id)
        self._leave_pool(entry.pool)
        if host.instances or host.draining:
            self.reindex(host)
        else:
            del self.hosts[host.id]
        return entry

    def find(
        self, demand: Demand, canary: Canary | None, draw: float
    ) -> tuple[HostEntry, InstanceEntry] | None:
        """Return the place that *demand* gets now, without taking it."""
        best: list[Pool] = []
        best_rank = None
        for pool in self.matching(demand):
            ranked = pool.hosts.best_rank()
            if ranked is None:
                continue
            ranked += handicap(pool.attributes["version"], canary, draw)
            if best_rank is None or ranked < best_rank:
                best, best_rank = [pool], ranked
            elif ranked == best_rank:
                best.append(pool)
        return self.best_of(self._any(best)) if best else None

    def _any(self, pools: list[Pool]) -> Pool:
        return pools[0] if len(pools) == 1 else self._dice.choice(pools)

    def best_of(self, pool: Pool) -> tuple[HostEntry, InstanceEntry] | None:
        """Return the place of *pool* that is taken first, if it has any."""
        if not pool.hosts:
            return None
        host = self.hosts[pool.hosts.pick(self._dice)]
        return host, host.instance_for(pool.id, self._rules.policy)

    def take(self, host: HostEntry, instance: InstanceEntry, session_id: str) -> None:
        """Count a session in."""
        instance.sessions[session_id] = 1
        host.used += 1
        self.reindex(host)

    def give_back(self, instance_id: str, session_id: str) -> HostEntry:
        """Count a session out."""
        host = self.host_of[instance_id]
        del host.instances[instance_id].sessions[session_id]
        host.used -= 1
        return host

    def matching(self, demand: Demand) -> list[Pool]:
        """Return the pools that fit; remembered until the pools change."""
        found = self._matching.get(demand.id)
        if found is None:
            found = [p for p in self.pools.values() if matches(demand.attributes, p.attributes)]
            if len(self._matching) >= MAX_MATCHING:
                self._matching.clear()
            self._matching[demand.id] = found
        return found

    def reindex(self, host: HostEntry) -> None:
        """Bring the pools up to date with *host*."""
        is_open = host.is_open(self._rules)
        rooms: dict[str, bool] = {}
        for instance in host.instances.values():
            if not rooms.get(instance.pool):
                rooms[instance.pool] = is_open and instance.has_room
        position = rank(host.used, host.capacity, self._rules.policy)
        for pool, has_room in rooms.items():
            ranking = self.pools[pool].hosts
            if has_room:
                ranking.put(host.id, position)
            else:
                ranking.discard(host.id)

    def open_pools_of(self, host: HostEntry) -> Iterator[Pool]:
        """Yield the pools of *host* that have room, on this or another host."""
        for name in host.pools():
            if self.pools[name].hosts:
                yield self.pools[name]

    def of_node(self, node: str) -> list[str]:
        """Return the ids of a node's instances; looks at all, for a node's death only."""
        return [i for i, host in self.host_of.items() if host.instances[i].node == node]

    def _host_for(self, spec: InstanceSpec) -> HostEntry:
        host = self.hosts.get(spec.host)
        if host is None:
            host = HostEntry(spec.host, spec.region, spec.address, self._rules.host_capacity)
            self.hosts[spec.host] = host
        host.region, host.address = spec.region, spec.address
        host.capacity = spec.host_capacity or host.capacity
        return host

    def _join_pool(self, name: str, attributes: dict[str, str]) -> None:
        pool = self.pools.get(name)
        if pool is None:
            pool = self.pools[name] = Pool(name, attributes)
            self._matching.clear()
        pool.instances += 1

    def _leave_pool(self, name: str) -> None:
        pool = self.pools[name]
        pool.instances -= 1
        if not pool.instances:
            del self.pools[name]
            self._matching.clear()
