"""`settings`: the table of settings as Markdown, for the documentation."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from ue5_config.commands.common import EXIT_FINE, write
from ue5_config.settings_table import TABLE, Kind, Setting
from ue5_config.values import spell
from ue5_config.versions import Plugin

HELP = "print the table of all settings as Markdown"

_TITLES = {
    Plugin.ENGINE: "Engine",
    Plugin.DLSS: "DLSS",
    Plugin.OTHER_UPSCALER: "Other upscalers",
    Plugin.PIXEL_STREAMING: "Pixel Streaming",
    Plugin.PIXEL_STREAMING_2: "Pixel Streaming 2",
}


def add_options(_parser: ArgumentParser) -> None:
    """Add nothing: `settings` has no options."""


def run(_arguments: Namespace) -> int:
    """Write the table."""
    write("\n".join(markdown()))
    return EXIT_FINE


def markdown() -> Iterator[str]:
    """Yield the lines of the page."""
    yield "# Settings by version"
    yield ""
    yield "Generated from `ue5_config/data` by `python -m ue5_config settings`; do not edit."
    yield "What a row's source does not back is said under “unconfirmed”."
    for plugin, title in _TITLES.items():
        yield from ("", f"## {title}", "", *_table(plugin))
    yield from ("", "## Renamed", "", *_renamed())
    yield from ("", "## Names that no source defines", "", *_undefined())
    yield from ("", "## Sources", "", *_sources())


def _table(plugin: Plugin) -> Iterator[str]:
    yield "| name | versions | value | default | meaning | argument, ini key | sources |"
    yield "|---|---|---|---|---|---|---|"
    for row in TABLE.setting:
        if row.plugin is plugin:
            yield _row(row)


def _row(row: Setting) -> str:
    name = f"`-{row.name}`" if row.kind is Kind.ARGUMENT else f"`{row.name}`"
    default = (
        "" if row.default is None else f"`{spell(row.default)}`" if row.default != "" else ""
    )
    doubt = f" *Unconfirmed: {row.unconfirmed}.*" if row.unconfirmed else ""
    plugin = f" Only in DLSS plugins of the kind {row.dlss}." if row.dlss else ""
    cells = (
        name,
        f"{row.since}" if row.since == row.until else f"{row.since}–{row.until}",
        f"{row.rule}{', ' + row.unit if row.unit else ''}",
        default,
        f"{row.meaning}{plugin}{doubt}",
        _aliases(row),
        ", ".join(f"[{name}](#sources)" for name in row.source),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _aliases(row: Setting) -> str:
    names = [f"`-{row.argument}`"] if row.argument else []
    names += [f"`{row.property}`"] if row.property else []
    names += [f"`[{row.section}]` of {row.file}"] if row.section else []
    return ", ".join(names)


def _renamed() -> Iterator[str]:
    yield "| old name | plugin | since | new name | why |"
    yield "|---|---|---|---|---|"
    for row in TABLE.renamed:
        yield f"| `{row.name}` | {row.plugin} | {row.since} | `{row.instead}` | {row.why} |"


def _undefined() -> Iterator[str]:
    yield "| name | perhaps meant | why |"
    yield "|---|---|---|"
    for row in TABLE.undefined:
        yield f"| `{row.name}` | `{row.instead}` | {row.why} |"


def _sources() -> Iterator[str]:
    for name, source in TABLE.sources.items():
        note = f" ({source.note})" if source.note else ""
        yield f"- **{name}**: {source.title}{note}. <{source.url}>"
