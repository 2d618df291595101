"""
Whether signalling waits for the consultant.

`python -m bench chat_beside [-- --with embedded --pairs 5]`: 50 players exchange
candidates with their streamers, 2,000 forwarded messages a second, on time whatever
comes back. In half of the runs 50 visitors chat with the same process meanwhile. The
figure is the ratio of the p99 round trips (two forwarded messages each), the median of
interleaved pairs; exit code 1 when it is over the aim.
"""

import argparse
import contextlib
import statistics
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

import orjson
import uvloop

from bench.chat import parts
from bench.crowd import Address, Crowd, Void
from bench.report import machine
from bench.scenarios import STEADY_MESSAGES, Scale, watch
from bench.servers import NotStarted
from signalling.files import raise_file_limit

AIM: Final = 1.3
"""How much later than without chats the slowest hundredth may arrive."""

PLAYERS: Final = 50
VISITORS: Final = 50
DELAY: Final = 0.08

TOKENS_PER_SECOND: Final = 100.0

Figures = dict[str, float]


@dataclass(slots=True)
class Runs:
    """The figures without and with chats, pair by pair."""

    without: list[Figures] = field(default_factory=list)
    beside: list[Figures] = field(default_factory=list)

    def ratios(self, name: str) -> list[float]:
        """Return with to without, pair by pair."""
        pairs = zip(self.beside, self.without, strict=True)
        return [ours[name] / alone[name] for ours, alone in pairs]

    def summary(self) -> dict[str, object]:
        """Return medians and ratios."""
        found: dict[str, object] = {}
        for side, runs in (("without", self.without), ("with", self.beside)):
            names = runs[0]
            found[side] = {n: round(statistics.median(r[n] for r in runs), 2) for n in names}
        ratios = self.ratios("p99_ms")
        found["p99_ratio"] = round(statistics.median(ratios), 2)
        found["p99_ratios"] = [round(ratio, 2) for ratio in ratios]
        return found


async def _window(crowd: Crowd, scale: Scale) -> Figures:
    before = await parts.LoopDelay.of(crowd.address)
    window, _, _ = await watch(crowd, crowd.at_rate(STEADY_MESSAGES / 2), scale)
    after = await parts.LoopDelay.of(crowd.address)
    cuts = statistics.quantiles(crowd.tally.seconds, n=100)
    return {
        "p50_ms": cuts[49] * 1e3,
        "p99_ms": cuts[98] * 1e3,
        **after.since(before),
        "cpu_share": window.cpu_seconds / window.seconds,
    }


async def _beside(crowd: Crowd, scale: Scale, pause: float) -> Figures:
    async with parts.visitors(crowd.address, VISITORS, pause=pause) as visiting:
        visiting.begin_anew()
        figures = await _window(crowd, scale)
        answers = await visiting.end()
    lasted = scale.warm_up + scale.seconds + scale.settle
    first = sorted(answers["first_token"])
    return {
        **figures,
        "answers_per_second": answers["done"] / lasted,
        "degraded": answers["degraded"],
        "first_token_p50_ms": first[len(first) // 2] if first else 0.0,
    }


async def compare(address: Address, scale: Scale, pause: float) -> Runs:
    """Measure pairs; who goes first alternates. Raises `Void`."""
    runs = Runs()
    await parts.until_ready(address)
    async with Crowd(address) as crowd:
        await crowd.grow(PLAYERS)
        for pair in range(scale.pairs):
            for chats in (False, True) if pair % 2 == 0 else (True, False):
                if chats:
                    runs.beside.append(await _beside(crowd, scale, pause))
                else:
                    runs.without.append(await _window(crowd, scale))
            alone, ours = runs.without[-1], runs.beside[-1]
            line = f"pair {pair + 1}: p99 {alone['p99_ms']:.2f} ms, {ours['p99_ms']:.2f} with"
            print(line, file=sys.stderr)
    return runs


@contextlib.asynccontextmanager
async def _server(kind: str, options: list[str]) -> AsyncIterator[Address]:
    if kind == "embedded":
        async with parts.server(*options).running() as address:
            yield address
        return
    async with parts.services(DELAY, tokens_per_second=TOKENS_PER_SECOND) as port:
        ours = parts.server(*parts.with_services(port), *options)
        async with ours.running() as address:
            yield address


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench chat_beside --")
    add = parser.add_argument
    add("--with", dest="kinds", action="append", choices=("embedded", "services"))
    add("--pairs", type=int, default=5)
    add("--seconds", type=float, default=5.0)
    add("--pause", type=float, default=0.0, help="seconds between answer and next question")
    add("--option", action="append", default=[], help="one more option of the server")
    return parser


async def _measure(options: argparse.Namespace) -> bool:
    scale, met = (
        Scale(pairs=options.pairs, seconds=options.seconds, warm_up=1.0, settle=0.5),
        True,
    )
    for kind in options.kinds or ("embedded", "services"):
        async with _server(kind, options.option) as address:
            runs = await compare(address, scale, options.pause)
        found = runs.summary()
        met = met and statistics.median(runs.ratios("p99_ms")) <= AIM
        head = {"bench": "chat_beside", "consultant": kind, "aim": AIM, "pause": options.pause}
        print(orjson.dumps({**head, **found, "load": machine()["load"]}).decode(), flush=True)
    return met


def main() -> int:
    """Print a JSON line for each kind of consultant."""
    options = _parser().parse_args()
    raise_file_limit()
    try:
        return 0 if uvloop.run(_measure(options)) else 1
    except (Void, NotStarted, TimeoutError) as exc:
        print(f"not measured: {exc}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
