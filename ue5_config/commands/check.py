"""`check`: what is wrong with a Config folder and a launch line."""

from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ue5_config.checking import check, failed
from ue5_config.commands.common import (
    EXIT_FINDINGS,
    EXIT_FINE,
    add_host,
    add_target,
    encoder_sessions,
    positive,
    target,
    write,
    write_json,
)
from ue5_config.findings import Finding, Severity
from ue5_config.sharing_rules import Host

HELP = "find what is wrong with a project's Config folder and launch line"


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `check`."""
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="Config folder, or the project's"
    )
    add_target(parser)
    add_host(parser)
    parser.add_argument("--launch", metavar="ARGS", help="the launch line's arguments")
    parser.add_argument("--instances", type=positive, default=1, help="instances on the host")
    parser.add_argument("--viewers", type=positive, default=1, help="viewers of an instance")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(arguments: Namespace) -> int:
    """Check and report; fails when a finding is an error."""
    host = Host(
        encoder_sessions=encoder_sessions(arguments),
        instances=arguments.instances,
        viewers=arguments.viewers,
    )
    findings = check(arguments.folder, target(arguments), launch=arguments.launch, host=host)
    if arguments.json:
        write_json({"findings": [finding.as_json() for finding in findings]})
    else:
        _report(findings)
    return EXIT_FINDINGS if failed(findings) else EXIT_FINE


def _report(findings: Sequence[Finding]) -> None:
    for finding in findings:
        write(str(finding))
    counts = Counter(finding.severity for finding in findings)
    write(", ".join(f"{counts[severity]} {severity}" for severity in Severity))
