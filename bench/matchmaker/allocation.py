"""
How fast places are given out: 1,000 hosts, 4,000 instances.

    python bench/matchmaker/allocation.py [--redis [URL]] [--seconds 3] [--json]

Measures, on memory, on a redis-server of its own, or on the Redis at URL (use an
empty one; keys get a prefix of their own): allocations per second with many
requests under way, the p99 of one allocation at 5,000 a second (1,500 on Redis),
the same through the whole service (tokens, events to a sink), and a burst of
5,000 users on 4,000 places until all have been told where they stand. An
allocation is a request that gets a place; the
place is given back outside the measured call, in the same time.
"""

import argparse
import asyncio
import itertools
import json
import secrets
import statistics
import subprocess
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from matchmaker.clock import SystemClock
from matchmaker.events import Assigned, Event, Queued
from matchmaker.memory import MemoryStore
from matchmaker.model import Demand, EndReason, InstanceSpec, Rules, SessionRequest
from matchmaker.redis_store import RedisStore
from matchmaker.service import Matchmaker
from matchmaker.settings import MatchmakerSettings
from matchmaker.store import MatchStore
from matchmaker.tasks import is_stopping, stop
from matchmaker.tokens import SessionTokens
from stores.redis import client

HOSTS, PER_HOST, USERS = 1_000, 4, 5_000
CLOCK = SystemClock()
OWN = "own"
SETTLE_SECONDS = 2.0
"""Between full speed and half of it, so that ended sessions are forgotten and recorded."""


def new_store(url: str, rules: Rules) -> MatchStore:
    """Return an empty store."""
    if url:
        return RedisStore(url, rules, node="bench", prefix=f"{{bench-{uuid.uuid4().hex}}}")
    return MemoryStore(rules, node="bench")


async def fill(store: MatchStore) -> None:
    """Add all instances."""
    specs = [
        InstanceSpec(id=f"h{h}-{i}", host=f"h{h}", region=("eu", "us")[h % 2])
        for h in range(HOSTS)
        for i in range(PER_HOST)
    ]
    for chunk in itertools.batched(specs, 500) if hasattr(itertools, "batched") else [specs]:
        await asyncio.gather(*(store.put_instance(s, now=CLOCK.now()) for s in chunk))


def half(url: str) -> float:
    """Return half of the load that the project asks for: 10,000 a second, 3,000 on Redis."""
    return 1_500 if url else 5_000


class Churn:
    """Users who come and go on a store: each asks for a place and gives it back."""

    def __init__(self, store: MatchStore) -> None:
        self._store = store
        self._numbers = itertools.count()
        self._demands = [Demand.of(), Demand.of(region="eu"), Demand.of(region="us")]
        self.seconds: list[float] = []

    async def once(self) -> None:
        """Take a place and give it back."""
        number = next(self._numbers)
        request = SessionRequest(
            id=f"s{number}",
            user=f"u{number}",
            demand=self._demands[number % 3],
            holder="bench/1",
        )
        began = time.perf_counter()
        answer = await self._store.request(request, now=CLOCK.now())
        self.seconds.append(time.perf_counter() - began)
        assert answer.session is not None
        assert answer.session.instance
        await self._store.end(request.id, reason=EndReason.RELEASED, now=CLOCK.now())


async def closed_loop(
    work: Callable[[], Awaitable[None]], *, workers: int, seconds: float
) -> float:
    """Return how often *work* is done in a second by so many at once."""
    end = time.perf_counter() + seconds
    counts = [0] * workers

    async def worker(number: int) -> None:
        while time.perf_counter() < end:
            await work()
            counts[number] += 1

    began = time.perf_counter()
    await asyncio.gather(*(worker(n) for n in range(workers)))
    return sum(counts) / (time.perf_counter() - began)


async def open_loop(
    work: Callable[[], Awaitable[None]], *, rate: float, seconds: float
) -> None:
    """Start *work* at a constant rate, however long it takes."""
    began, started = time.perf_counter(), 0
    tasks: set[asyncio.Task[None]] = set()
    while (passed := time.perf_counter() - began) < seconds:
        while started < passed * rate:
            task = asyncio.ensure_future(work())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            started += 1
        await asyncio.sleep(0.001)
    await asyncio.gather(*tasks)


async def allocations_only(store: MatchStore) -> float:
    """Return the rate of requests alone: all places at once, from empty to full."""
    requests = [
        SessionRequest(id=f"f{n}", user=f"f{n}", demand=Demand.of(), holder="bench/1")
        for n in range(HOSTS * PER_HOST)
    ]
    began = time.perf_counter()
    await asyncio.gather(*(store.request(r, now=CLOCK.now()) for r in requests))
    rate = len(requests) / (time.perf_counter() - began)
    ends = (store.end(r.id, reason=EndReason.RELEASED, now=CLOCK.now()) for r in requests)
    await asyncio.gather(*ends)
    await store.recorded([r.id for r in requests])
    return rate


async def redis_cpu(url: str) -> float:
    """Return the seconds of CPU that Redis has used."""
    if not url:
        return 0.0
    async with client(url) as redis:
        found = await redis.info("cpu")
    return float(found["used_cpu_user"]) + float(found["used_cpu_sys"])


async def cpu_of_pairs(url: str, churn: Churn, count: int) -> dict[str, float]:
    """Return the CPU of one allocation with its return, here and in Redis, in µs."""
    gate = asyncio.Semaphore(128)

    async def one() -> None:
        async with gate:
            await churn.once()

    here, there = time.process_time(), await redis_cpu(url)
    await asyncio.gather(*(one() for _ in range(count)))
    here, there = time.process_time() - here, await redis_cpu(url) - there
    return {"cpu_us_per_pair": here / count * 1e6, "redis_us_per_pair": there / count * 1e6}


async def measure_store(url: str, seconds: float) -> dict[str, float]:
    """Measure the store alone."""
    store = new_store(url, Rules(retention=0.5))
    await store.start()
    await fill(store)
    alone = statistics.median([await allocations_only(store) for _ in range(3)])
    churn = Churn(store)
    cpu = await cpu_of_pairs(url, churn, 8_000)
    ticker = asyncio.create_task(tick(store))
    pairs = await closed_loop(churn.once, workers=256 if url else 1, seconds=seconds)
    await asyncio.sleep(SETTLE_SECONDS)
    churn.seconds.clear()
    await open_loop(churn.once, rate=half(url), seconds=seconds)
    await stop(ticker)
    p99 = statistics.quantiles(churn.seconds, n=100)[98] * 1000
    await store.close()
    return {"allocations_per_s": alone, "pairs_per_s": pairs, "p99_ms_at_half": p99} | cpu


async def tick(store: MatchStore) -> None:
    """Let time pass, so that ended sessions are forgotten."""
    while not is_stopping():
        while (await store.tick(now=CLOCK.now(), limit=128)).due == 128:
            pass
        while ended := await store.unrecorded():
            await store.recorded([session.id for session in ended])
        await asyncio.sleep(0.25)


@dataclass(eq=False)
class Page:
    """Counts what it is told."""

    told: list[Event] = field(default_factory=list)
    first: float = 0.0

    def deliver(self, event: Event) -> None:
        """Note the time of the first news."""
        self.first = self.first or time.perf_counter()
        self.told.append(event)


def new_service(url: str) -> Matchmaker:
    """Return a service as it runs in production, without webhooks and records."""
    settings = MatchmakerSettings(session_retention=0.5)
    return Matchmaker(
        settings,
        store=new_store(url, settings.rules()),
        clock=CLOCK,
        tokens=SessionTokens(secrets.token_bytes(32), clock=CLOCK),
    )


async def measure_service(url: str, seconds: float) -> dict[str, float]:
    """Measure requests with tokens and events."""
    service = new_service(url)
    await service.start()
    await fill(service.store)
    numbers = itertools.count()
    waits: list[float] = []

    async def once() -> None:
        began = time.perf_counter()
        outcome = await service.request(f"u{next(numbers)}", sink=Page())
        waits.append(time.perf_counter() - began)
        await service.release(outcome.session.id)

    rate = await closed_loop(once, workers=256 if url else 1, seconds=seconds)
    await asyncio.sleep(SETTLE_SECONDS)
    waits.clear()
    await open_loop(once, rate=half(url), seconds=seconds)
    await service.close()
    p99 = statistics.quantiles(waits, n=100)[98] * 1000
    return {"service_pairs_per_s": rate, "service_p99_ms_at_half": p99}


async def measure_burst(url: str) -> dict[str, float]:
    """Measure 5,000 users who come at once for 4,000 places."""
    service = new_service(url)
    await service.start()
    await fill(service.store)
    pages = [Page() for _ in range(USERS)]
    began = time.perf_counter()
    await asyncio.gather(*(service.request(f"b{n}", sink=page) for n, page in enumerate(pages)))
    while not all(page.told for page in pages):  # noqa: ASYNC110 - nothing tells when
        await asyncio.sleep(0.005)
    took = time.perf_counter() - began
    first = [page.first - began for page in pages]
    await asyncio.sleep(5)
    assigned = sum(isinstance(p.told[0], Assigned) for p in pages)
    waiters = [p for p in pages if isinstance(p.told[0], Queued)]
    places = [p.told[-1].position for p in waiters if isinstance(p.told[-1], Queued)]
    assert assigned == HOSTS * PER_HOST
    assert sorted(places) == list(range(1, len(waiters) + 1))
    await service.close()
    return {
        "burst_all_told_s": took,
        "burst_median_s": statistics.median(first),
        "burst_messages_per_waiter": sum(len(p.told) for p in waiters) / len(waiters),
    }


@contextmanager
def own_redis() -> Iterator[str]:
    """Yield the URL of a redis-server that keeps nothing on disk."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "socket"
        options = ["--port", "0", "--unixsocket", str(path), "--save", "", "--dir", folder]
        server = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)  # noqa: S607
        try:
            while not path.exists() and server.poll() is None:
                time.sleep(0.01)
            yield f"unix://{path}"
        finally:
            server.terminate()
            server.wait()


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--redis", nargs="?", const=OWN, default="", metavar="URL")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with own_redis() if options.redis == OWN else nullcontext(options.redis) as url:
        figures = await measure_store(url, options.seconds)
        figures |= await measure_service(url, options.seconds)
        figures |= await measure_burst(url)
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:28} {value:12.2f}")


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        asyncio.run(main())
    else:
        uvloop.run(main())
