"""Two hundred want fifty places at the same moment."""

import asyncio
import os
import random
import sys
from pathlib import Path

from matchmaker.memory import MemoryStore
from matchmaker.model import (
    HOLDS_PLACE,
    Demand,
    InstanceSpec,
    Rules,
    SessionRequest,
    SessionState,
)
from matchmaker.redis_store import RedisStore
from matchmaker.store import MatchStore

NOW = 1_000.0
RACER = Path(__file__).with_name("racer.py")


async def fifty_places(store: MatchStore) -> None:
    """Twenty hosts of four sessions at most, three instances each on most."""
    for number in range(50):
        spec = InstanceSpec(id=f"i{number}", host=f"h{number % 17}")
        await store.put_instance(spec, now=NOW)


async def check(store: MatchStore) -> None:
    """Exactly fifty hold a place, nobody twice, nothing above its capacity."""
    sessions = [s for s in await store.sessions() if s.live]
    placed = [s for s in sessions if s.state in HOLDS_PLACE]
    assert len(placed) == 50
    assert len({s.instance for s in placed}) == 50
    assert len({s.user for s in sessions}) == len(sessions)
    for host in await store.hosts():
        assert host.used == sum(i.used for i in host.instances.values()) <= 4


async def test_in_memory_fifty_get_a_place() -> None:
    """The other 150 wait, in their order."""
    store = MemoryStore(Rules(), node="n1", dice=random.Random(2))  # noqa: S311 - repeatable
    await fifty_places(store)
    requests = [
        SessionRequest(id=f"s{n}", user=f"u{n}", demand=Demand.of(), holder=f"n1/{n}")
        for n in range(200)
    ]
    await asyncio.gather(*(store.request(r, now=NOW) for r in requests))
    await check(store)
    assert len((await store.waiting()).waiters) == 150


async def start_racer(
    url: str, prefix: str, node: str, users: list[str], die_after: int = -1
) -> asyncio.subprocess.Process:
    """Start a process that waits for the signal to race."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(RACER),
        *(url, prefix, node, ",".join(users), str(die_after)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


async def test_on_redis_from_several_processes_with_a_crash(redis_url: str) -> None:
    """
    Four processes race and one is killed in the middle.

    The same user asks at two processes. The dead one's waiters leave when
    nobody comes back for them, and their places go to others.
    """
    prefix = f"{{race-{random.getrandbits(48):x}}}"
    store = RedisStore(redis_url, Rules(), node="judge", prefix=prefix)
    await store.start()
    await fifty_places(store)
    users = [f"u{n}" for n in range(200)]
    shares = [users[k::4] + users[(k + 1) % 4 :: 40] for k in range(4)]
    racers = [
        await start_racer(redis_url, prefix, f"p{k}", share, 10 if k == 3 else -1)
        for k, share in enumerate(shares)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write(b"go\n")
    codes = [(await racer.communicate(), racer.returncode)[1] for racer in racers]
    assert codes == [0, 0, 0, -9]
    await check(store)
    await bury_the_dead(store)
    await check(store)
    await store.close()


async def bury_the_dead(store: MatchStore) -> None:
    """Let the killed process's lease and its users' grace time pass."""
    held = [s for s in await store.sessions() if s.holder.startswith("p3/") and s.live]
    assert held
    await store.tick(now=NOW + 16)
    queued = [s.id for s in held if s.state is SessionState.QUEUED]
    orphans = [await store.session(i) for i in queued]
    assert all(s and (s.holder == "" and s.poll_by > 0) for s in orphans)
