"""
How long a visitor waits for cards, for the first words and for the whole answer.

`python -m bench chat_latency [-- --products 100000 --with embedded]`: one visitor who
asks one question after the other, then 50 at the same time, over real sockets. With
`services`, embedding, Pinecone and the chat model are stand-ins that answer in 80 ms; with
`streaming` the model begins after 80 ms and then writes 100 tokens a second.
One JSON line a run with the aims beside the figures; exit code 1 when one is missed.
"""

import argparse
import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import uvloop

from bench.chat import parts
from bench.crowd import Address, Void
from bench.rag.synthetic import products
from bench.report import machine
from bench.servers import NotStarted
from signalling.files import raise_file_limit

DEMO_PRODUCTS: Final = 150
DELAY: Final = 0.08

TOKENS_PER_SECOND: Final = 100.0
"""As a quick hosted model writes; an answer here is some 75."""

TOGETHER: Final = 50

AIMS: Final = {
    ("embedded", DEMO_PRODUCTS): {"first_card_ms": 50.0},
    ("embedded", 100_000): {"first_card_ms": 100.0},
    ("services", DEMO_PRODUCTS): {"first_token_ms": 350.0, "whole_ms": 1000.0},
}
"""The most that the p95 of one visitor at a time may be."""

KINDS: Final = ("embedded", "services", "streaming")

Figures = dict[str, Any]


def percentiles(answers: Figures) -> Figures:
    """Return p50, p95 and p99 of each time, in milliseconds."""
    times = {name: answers[name] for name in ("first_card", "first_token", "whole")}
    return {
        f"{name}_ms": [round(float(q), 1) for q in np.percentile(values, [50, 95, 99])]
        for name, values in times.items()
        if values
    }


async def _asked(address: Address, visitors: int, seconds: float) -> Figures:
    async with parts.visitors(address, visitors, pause=0) as visiting:
        await asyncio.sleep(1.0)
        visiting.begin_anew()
        await asyncio.sleep(seconds)
        answers = await visiting.end()
    figures = percentiles(answers)
    return {"answers": answers["done"], "degraded": answers["degraded"], **figures}


async def _index(folder: Path, count: int) -> None:
    """Index so many made-up products in *folder*; takes minutes for a hundred thousand."""
    feed = folder / "products.jsonl"
    with feed.open("wb") as file:
        for product in products(count):
            file.write(orjson.dumps(product) + b"\n")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "rag", "index", str(feed), "--data_dir", str(folder),
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    if await process.wait():
        raise Void("the products could not be indexed")


@contextlib.asynccontextmanager
async def _server(kind: str, count: int, folder: Path | None) -> AsyncIterator[Address]:
    async with contextlib.AsyncExitStack() as stack:
        options: Sequence[str] = ()
        if kind != "embedded":
            pace = TOKENS_PER_SECOND if kind == "streaming" else None
            services = parts.services(DELAY, tokens_per_second=pace)
            options = parts.with_services(await stack.enter_async_context(services))
        if count == DEMO_PRODUCTS:
            ours = parts.server(*options)
        else:
            if folder is None:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                await _index(folder, count)
            ours = parts.server("--no-demo_catalogue", "--data_dir", str(folder), *options)
        address = await stack.enter_async_context(ours.running())
        await parts.until_ready(address)
        yield address


def _misses(kind: str, count: int, alone: Figures) -> list[str]:
    aims = AIMS.get((kind, count), {})
    return [name for name, limit in aims.items() if alone[name][1] > limit]


async def _measure(options: argparse.Namespace) -> bool:
    met = True
    for kind in options.kinds or KINDS:
        async with _server(kind, options.products, options.data_dir) as address:
            alone = await _asked(address, 1, options.seconds)
            together = await _asked(address, TOGETHER, options.seconds)
        missed = _misses(kind, options.products, alone)
        met = met and not missed
        found = {
            "bench": "chat_latency",
            "consultant": kind,
            "products": options.products,
            "aims_p95": AIMS.get((kind, options.products), {}),
            "missed": missed,
            "one": alone,
            f"{TOGETHER}_together": together,
            "load": machine()["load"],
        }
        print(orjson.dumps(found).decode(), flush=True)
    return met


def main() -> int:
    """Print a JSON line for each kind of consultant; times are p50, p95, p99."""
    parser = argparse.ArgumentParser(prog="python -m bench chat_latency --")
    add = parser.add_argument
    add("--with", dest="kinds", action="append", choices=KINDS)
    add("--products", type=int, default=DEMO_PRODUCTS)
    add("--data_dir", type=Path, help="where that many products are indexed already")
    add("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    raise_file_limit()
    try:
        return 0 if uvloop.run(_measure(options)) else 1
    except (Void, NotStarted, TimeoutError) as exc:
        print(f"not measured: {exc}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
