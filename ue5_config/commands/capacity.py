"""`capacity`: how many users a host holds, from measurements."""

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

from ue5_config.capacity import Capacity, Wish, capacities, describe
from ue5_config.commands.common import (
    EXIT_FINE,
    add_config_file,
    add_host,
    amount,
    encoder_sessions,
    positive,
    share,
    write,
    write_json,
)
from ue5_config.errors import UsageError
from ue5_config.gpus import CONSUMER_SESSIONS
from ue5_config.plot import draw
from ue5_config.reference import readings
from ue5_config.samples import Sample, load_samples

HELP = "fit how many users a host holds from samples of its load"

_COUNTED = re.compile(r"(?:(?P<configuration>[\w-]+):)?(?P<instances>\d+)=(?P<path>.+)")


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `capacity`."""
    parser.add_argument(
        "files",
        nargs="*",
        metavar="[[NAME:]N=]FILE",
        help="samples; N instances ran, and NAME tells before from after",
    )
    add_config_file(parser)
    add_host(parser)
    parser.add_argument("--reference", action="store_true", help="the reference's figures")
    parser.add_argument(
        "--instances", type=positive, help="instances, where a file does not say"
    )
    parser.add_argument("--gpu-index", default="", help="which GPU of several")
    parser.add_argument("--frame-rate", type=amount, default=30.0, help="frames/s wished (30)")
    parser.add_argument("--headroom", type=share, default=0.1, help="share kept free (0.1)")
    parser.add_argument("--vram", type=amount, help="the GPU's memory in MiB")
    parser.add_argument("--unit-cost", type=amount, help="what the host costs")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="picture: .svg, .png, .pdf")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: Namespace) -> int:
    """Estimate and report; with --reference do the arithmetic of the published figures."""
    if bool(arguments.files) == arguments.reference:
        raise UsageError("name files of samples, or --reference")
    if arguments.reference:
        return _reference(arguments)
    samples = [one for text in arguments.files for one in _load(text, arguments)]
    found = capacities(samples, _wish(arguments))
    if arguments.plot:
        draw(found, samples, arguments.plot)
    if arguments.json:
        write_json({"capacities": [one.as_json() for one in found], **_change(found)})
    else:
        write("\n".join(_report(found, arguments.unit_cost)))
    return EXIT_FINE


def _wish(arguments: Namespace) -> Wish:
    return Wish(
        frame_rate=arguments.frame_rate,
        headroom=arguments.headroom,
        encoder_sessions=encoder_sessions(arguments, unknown=None),
        vram_mib=arguments.vram,
    )


def _load(text: str, arguments: Namespace) -> list[Sample]:
    match = None if Path(text).exists() else _COUNTED.fullmatch(text)
    return load_samples(
        Path(match["path"] if match else text),
        instances=int(match["instances"]) if match else arguments.instances,
        configuration=(match["configuration"] or "") if match else "",
        gpu_index=arguments.gpu_index,
    )


def _report(found: Sequence[Capacity], unit_cost: float | None) -> Iterator[str]:
    for one in found:
        yield from describe(one, unit_cost=unit_cost)
    change = _change(found)
    if change:
        before, after, factor = change["before"], change["after"], change["factor"]
        yield f"{before} → {after} users; a user costs {100 / float(factor):.0f} % of before"


def _change(found: Sequence[Capacity]) -> dict[str, int | float]:
    """Compare the first configuration with the last, where both hold somebody."""
    first, last = found[0], found[-1]
    if first is last or not first.users or not last.users:
        return {}
    return {
        "before": first.users,
        "after": last.users,
        "factor": last.users / first.users,
    }


def _reference(arguments: Namespace) -> int:
    sessions = encoder_sessions(arguments, unknown=CONSUMER_SESSIONS)
    both = readings(headroom=arguments.headroom, encoder_sessions=sessions)
    if arguments.json:
        write_json({"readings": [one.as_json() for one in both]})
        return EXIT_FINE
    write("before: 100 % of the GPU for 1 user; after: 29 % and 4 users. Two readings of 29 %:")
    for one in both:
        write(f"- {one.name}: {one.meaning}")
        for line in one.implies:
            write(f"    {line}")
        kept = 100 * arguments.headroom
        write(
            f"    with {kept:g} % kept free: {one.users_with_headroom} users by the GPU alone"
        )
    write("Measure the GPU with 1, 2, 3 and 4 users to know which holds for you.")
    return EXIT_FINE
