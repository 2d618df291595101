"""Checks a project's Config folder and launch line against the rules."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ue5_config.findings import Finding, Severity
from ue5_config.name_rules import NAME_RULES
from ue5_config.project import Project, read_project
from ue5_config.sharing_rules import SHARING_RULES, Host
from ue5_config.translation import Target

_ORDER: Final = (Severity.ERROR, Severity.WARNING, Severity.INFO)


def check(
    folder: Path, target: Target, *, launch: str | None = None, host: Host | None = None
) -> list[Finding]:
    """
    Return what is wrong with a Config folder and launch line, worst first.

    Without *launch* nothing is said about the launch line. Raises `UsageError`
    when *folder* is no folder.
    """
    project = read_project(folder, target, launch=launch)
    return check_project(project, host or Host())


def check_project(project: Project, host: Host) -> list[Finding]:
    """Return the findings of every rule, worst first, then by file and line."""
    found = [finding for rule in NAME_RULES for finding in rule(project)]
    found += [finding for rule in SHARING_RULES for finding in rule(project, host)]
    return sorted(found, key=_rank)


def failed(findings: Sequence[Finding]) -> bool:
    """Tell whether any finding is an error."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def _rank(finding: Finding) -> tuple[int, str, int, str]:
    place = finding.place
    where = (place.file, place.line) if place else ("", 0)
    return (_ORDER.index(finding.severity), *where, finding.rule)
