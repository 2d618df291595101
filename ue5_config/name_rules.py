"""
Rules about names and values: what is not known, not read or no value here.

Each rule is a function from a project to findings.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

from ue5_config.findings import Finding, Severity
from ue5_config.project import Assignment, Project, homes
from ue5_config.settings_table import (
    ENGINE_INI,
    SYSTEM_SETTINGS,
    TABLE,
    Kind,
    Renamed,
    Setting,
)
from ue5_config.translation import COVERED_NAMESPACES, NEAR_MISS, NGX_NAMESPACE
from ue5_config.values import ValueType
from ue5_config.versions import FIRST_WITH_PIXEL_STREAMING_2, STREAMING_PLUGINS, Plugin

_ENGINE_FILE: Final = "engine.ini"
_CVAR_FILES: Final = (
    "engine.ini",
    "deviceprofiles.ini",
    "scalability.ini",
    "consolevariables.ini",
)


def unreadable_files(project: Project) -> Iterator[Finding]:
    """Report files that are no ini files."""
    for error in project.unreadable:
        yield Finding(
            rule="unreadable-file",
            severity=Severity.ERROR,
            what=str(error),
            why="The engine cannot read it either, so nothing in it counts.",
            fix="Save it as UTF-8, or as UTF-16 with a byte order mark.",
        )


def undefined_names(project: Project) -> Iterator[Finding]:
    """Report names that guides hand on though no source defines them."""
    for one in _of_kind(project, Kind.CVAR):
        row = TABLE.undefined_name(one.name)
        if row:
            yield _finding(
                one,
                "undefined-name",
                f"{one.name} does nothing",
                row.why,
                f"Remove the line; {row.instead} may be what was meant.",
            )


def renamed(project: Project) -> Iterator[Finding]:
    """Report names that have another name in this version."""
    for one in project.assignments:
        row = _renaming(project, one)
        if row:
            yield _finding(
                one,
                "renamed",
                f"{one.name} is called {row.instead} since {row.since}",
                row.why,
                f"Write {row.instead}{_turned(row)}.",
            )


def unknown_names(project: Project) -> Iterator[Finding]:
    """Report names that the version and plugin do not know, with the nearest one."""
    for one in project.assignments:
        if _is_unknown(project, one):
            yield from _unknown(project, one)


def other_plugin(project: Project) -> Iterator[Finding]:
    """Report settings of the Pixel Streaming plugin that is not the one in use."""
    for one in project.assignments:
        row = one.setting
        if row and row.plugin in STREAMING_PLUGINS and row.plugin is not project.target.plugin:
            yield _finding(
                one,
                "other-plugin",
                f"{one.name} belongs to {row.plugin}",
                f"The project uses {project.target.plugin}, which does not read it.",
                "Use the name of the plugin in use, or remove the line.",
            )


def wrong_places(project: Project) -> Iterator[Finding]:
    """Report settings in a file or section where the version does not look."""
    for one in project.assignments:
        if not one.counts and one.kind is Kind.CVAR:
            yield _misplaced_cvar(one)
        elif not one.counts:
            yield _misplaced_key(project, one)


def overruled_cvars(project: Project) -> Iterator[Finding]:
    """Report Pixel Streaming 2 variables that 5.5's settings class overwrites."""
    if project.target.engine != FIRST_WITH_PIXEL_STREAMING_2:
        return
    for one in _of_kind(project, Kind.CVAR):
        if (
            one.setting
            and one.setting.plugin is Plugin.PIXEL_STREAMING_2
            and one.setting.property
        ):
            yield _finding(
                one,
                "overruled",
                f"{one.name} is overwritten at start",
                "In 5.5 the plugin sets its variables from its settings with the priority of "
                "the command line, above [SystemSettings].",
                f"Write -{one.setting.argument}={one.value} on the launch line.",
            )


def values(project: Project) -> Iterator[Finding]:
    """Report values that are no value of their setting."""
    for one in project.assignments:
        row = one.setting
        if row and not _is_understood(one, row):
            yield _finding(
                one,
                "out-of-range",
                f"{one.name}={one.value} is not {row.rule}",
                "The engine clamps it, ignores it or reads it as 0.",
                f"Set it to {row.rule}"
                + ("." if row.default is None else f"; the default is {row.default}."),
                severity=Severity.ERROR,
            )


def spellings(project: Project) -> Iterator[Finding]:
    """Report values that mean something, in a spelling that the engine does not take there."""
    for one in project.assignments:
        row = one.setting
        if row is None or row.plugin not in STREAMING_PLUGINS or not _is_understood(one, row):
            continue
        if one.kind is Kind.ARGUMENT and row.type is ValueType.BOOL:
            yield from _boolean_argument(project, one, row)
        elif row.type is ValueType.ENUM and (one.kind is Kind.INI or row.exact):
            yield from _choice_with_underscores(one, row)


def contradictions(project: Project) -> Iterator[Finding]:
    """Report a key that is set twice in one section to different values."""
    groups: dict[tuple[str, str, str], list[Assignment]] = {}
    for one in _of_kind(project, Kind.CVAR):
        where = (one.place.file, one.place.section.casefold(), one.name.casefold())
        groups.setdefault(where, []).append(one)
    for first, second in (pair for group in groups.values() for pair in pairwise(group)):
        if first.value.casefold() != second.value.casefold():
            yield _finding(
                first,
                "set-twice",
                f"{first.name}={first.value} is overridden by line {second.place.line}",
                f"The last line counts, so the value is {second.value}.",
                "Remove one of the two lines.",
            )


NAME_RULES: Final[tuple[Callable[[Project], Iterator[Finding]], ...]] = (
    unreadable_files,
    undefined_names,
    renamed,
    unknown_names,
    other_plugin,
    wrong_places,
    overruled_cvars,
    values,
    spellings,
    contradictions,
)


def _finding(
    one: Assignment, rule: str, *text: str, severity: Severity = Severity.WARNING
) -> Finding:
    what, why, fix = text
    return Finding(rule=rule, severity=severity, what=what, why=why, fix=fix, place=one.place)


def _is_understood(one: Assignment, row: Setting) -> bool:
    if one.kind is Kind.INI and row.property_differs:
        return True
    return row.rule.read(one.value) is not None


def _boolean_argument(project: Project, one: Assignment, row: Setting) -> Iterator[Finding]:
    if one.value.casefold() in {"true", "false"}:
        return
    second = row.plugin is Plugin.PIXEL_STREAMING_2
    later = second and project.target.engine > FIRST_WITH_PIXEL_STREAMING_2
    effect = "reads any other value as false" if later else "ignores any other value"
    yield _finding(
        one,
        "spelling",
        f"-{one.name}={one.value} is neither true nor false",
        f"On the launch line the plugin {effect}, 1 and yes too.",
        f"Write -{one.name}={str(row.rule.read(one.value)).lower()}.",
    )


def _choice_with_underscores(one: Assignment, row: Setting) -> Iterator[Finding]:
    if one.kind is Kind.ARGUMENT or one.value.casefold() in {
        choice.casefold() for choice in row.choices
    }:
        return
    yield _finding(
        one,
        "spelling",
        f"{one.name}={one.value} is not spelt as the engine reads it there",
        "The spelling with underscores counts on the launch line only.",
        f"Write {one.name}={row.rule.read(one.value)}.",
    )


def _of_kind(project: Project, kind: Kind) -> Iterator[Assignment]:
    return (one for one in project.assignments if one.kind is kind)


def _renaming(project: Project, one: Assignment) -> Renamed | None:
    target = project.target
    return TABLE.renaming(one.name, kind=one.kind, engine=target.engine, plugin=target.plugin)


def _turned(row: Renamed) -> str:
    return " with 100 * (1 - QP / 51) as its value" if row.transform else ""


def _is_unknown(project: Project, one: Assignment) -> bool:
    known = one.setting is not None or _renaming(project, one) is not None
    return not (known or TABLE.undefined_name(one.name))


def _unknown(project: Project, one: Assignment) -> Iterator[Finding]:
    elsewhere = TABLE.versions_of(one.name, kind=one.kind)
    if elsewhere and one.kind is not Kind.INI:
        known = ", ".join(f"{row.plugin} {row.since} to {row.until}" for row in elsewhere)
        what = f"{one.name} is not known to {project.target.engine}"
        why = f"It exists in {known}."
        fix = "Use the name of this version, or remove it."
        yield _finding(one, "not-in-version", what, why, fix, severity=Severity.ERROR)
    elif not elsewhere:
        yield from _misspelt(project, one)


def _misspelt(project: Project, one: Assignment) -> Iterator[Finding]:
    covered = _is_covered(one)
    of_dlss = one.kind is Kind.CVAR and one.name.casefold().startswith(NGX_NAMESPACE)
    nearest = TABLE.nearest(
        one.name,
        kind=one.kind,
        engine=project.target.engine,
        cutoff=0.6 if covered else NEAR_MISS,
    )
    if covered or of_dlss or (nearest and one.kind is not Kind.INI):
        newer = " A DLSS plugin newer than those read may know it." if of_dlss else ""
        otherwise = "Look it up in your plugin's documentation." if of_dlss else "Remove it."
        yield _finding(
            one,
            "unknown-name",
            f"{one.name} is not known to {project.target.engine}",
            f"The engine ignores names it does not know, without a word.{newer}",
            f"Did you mean {nearest}?" if nearest else otherwise,
            severity=Severity.ERROR if covered else Severity.WARNING,
        )


def _is_covered(one: Assignment) -> bool:
    name = one.name.casefold()
    if one.kind is Kind.ARGUMENT:
        return name.startswith("pixelstreaming")
    if one.kind is Kind.INI:
        return "pixelstreaming2pluginsettings" in one.place.section.casefold() and (
            not name.endswith("cursorclassname") and not name.startswith("enablepixelstreaming")
        )
    return name.startswith(COVERED_NAMESPACES)


def _misplaced_cvar(one: Assignment) -> Finding:
    in_engine_file = one.place.file.casefold().endswith("engine.ini")
    where = f"[{one.place.section}]" if in_engine_file else one.place.file
    what = f"{one.name} is a console variable and not read in {where}"
    why = "The engine takes console variables from certain sections only."
    fix = f"Move it to [{SYSTEM_SETTINGS}] of {ENGINE_INI}."
    rule = "wrong-section" if in_engine_file else "wrong-file"
    return _finding(one, rule, what, why, fix, severity=Severity.ERROR)


def _misplaced_key(project: Project, one: Assignment) -> Finding:
    right = list(homes(one.setting, project.target)) if one.setting else []
    sections = {section.casefold() for _, section in right}
    rule = "wrong-file" if one.place.section.casefold() in sections else "wrong-section"
    target = " or ".join(f"[{section}] of {file}" for file, section in right)
    what = f"{one.name} is not read in [{one.place.section}] of {one.place.file}"
    why = f"In {project.target.engine} it belongs in {target}."
    return _finding(one, rule, what, why, f"Move it to {target}.", severity=Severity.ERROR)
