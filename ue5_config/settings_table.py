"""
The table of settings: what exists in which version, with type, range and source.

The data are TOML files beside this module, read and validated once, when the
module is imported. A wrong row is a programming error and raises then.
"""

import tomllib
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from importlib import resources
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ue5_config.errors import InvalidValue, UnknownSetting
from ue5_config.values import Rule, Scalar, ValueType, spell
from ue5_config.versions import SUPPORTED_VERSIONS, DlssPlugin, EngineVersion, Plugin

SYSTEM_SETTINGS: Final = "SystemSettings"
ENGINE_INI: Final = "DefaultEngine.ini"


class Kind(StrEnum):
    """Where a setting is written."""

    CVAR = "cvar"
    ARGUMENT = "argument"
    INI = "ini"


def _version(value: object) -> object:
    return EngineVersion.parse(value) if isinstance(value, str) else value


Version = Annotated[EngineVersion, BeforeValidator(_version)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Source(_Row):
    """Something that was read."""

    title: str
    url: str
    note: str = ""


class _Fact(_Row):
    name: str
    plugin: Plugin
    source: tuple[str, ...] = Field(min_length=1)


class Setting(_Fact):
    """One row: a console variable, a launch argument or an ini key."""

    kind: Kind
    since: Version = SUPPORTED_VERSIONS[0]
    until: Version = SUPPORTED_VERSIONS[-1]
    dlss: DlssPlugin | None = None
    type: ValueType
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    default: Scalar | None = None
    unit: str = ""
    argument: str | None = None
    property: str | None = None
    property_differs: bool = False
    exact: bool = False
    file: str | None = None
    section: str | None = None
    runtime: bool = False
    launch_only: bool = False
    meaning: str
    unconfirmed: str = ""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.type is ValueType.ENUM) != bool(self.choices):
            raise ValueError(f"{self.name}: choices belong to enums")
        if (self.kind is Kind.INI) != bool(self.section and self.file):
            raise ValueError(f"{self.name}: file and section belong to ini keys")
        if self.property and self.plugin is not Plugin.PIXEL_STREAMING_2:
            raise ValueError(f"{self.name}: only Pixel Streaming 2 has a settings class")
        if self.since > self.until:
            raise ValueError(f"{self.name}: since is after until")
        if self.default is not None:
            self.read(self.default)
        return self

    @cached_property
    def rule(self) -> Rule:
        """What values the setting takes."""
        return Rule(
            type=self.type,
            minimum=self.minimum,
            maximum=self.maximum,
            choices=self.choices,
            pattern=self.pattern,
        )

    def applies(self, *, engine: EngineVersion) -> bool:
        """Tell whether *engine* knows this setting."""
        return self.since <= engine <= self.until

    def read(self, value: Scalar, *, context: str = "") -> Scalar:
        """
        Return *value* as this setting's type.

        Raises `InvalidValue`, which names the setting, the value, what is
        allowed and *context* (profile, version).
        """
        result = self.rule.read(value)
        if result is None:
            where = f" ({context})" if context else ""
            raise InvalidValue(f"{self.name}={spell(value)} must be {self.rule}{where}")
        return result


class Renamed(_Fact):
    """An old name that is still met, and what it is called since a release."""

    kind: Kind
    instead: str
    since: Version
    why: str
    transform: Literal["qp-to-quality"] | None = None


class Undefined(_Fact):
    """A name that guides copy from each other though no source defines it."""

    instead: str
    why: str


class Table(_Row):
    """All rows, looked up by name without regard to case, as the engine does."""

    setting: tuple[Setting, ...]
    renamed: tuple[Renamed, ...]
    undefined: tuple[Undefined, ...]
    sources: dict[str, Source]

    @model_validator(mode="after")
    def _sources_exist(self) -> Self:
        rows: tuple[_Fact, ...] = (*self.setting, *self.renamed, *self.undefined)
        for row in rows:
            missing = [name for name in row.source if name not in self.sources]
            if missing:
                raise ValueError(f"{row.name}: unknown source {missing}")
        return self

    @cached_property
    def _by_name(self) -> dict[tuple[str, Kind], list[Setting]]:
        found: dict[tuple[str, Kind], list[Setting]] = {}
        for row in self.setting:
            for name, kind in _names_of(row):
                found.setdefault((name.casefold(), kind), []).append(row)
        return found

    def versions_of(self, name: str, *, kind: Kind) -> Sequence[Setting]:
        """Return every row of that name, whatever its version."""
        return self._by_name.get((name.casefold(), kind), [])

    def find(self, name: str, *, kind: Kind, engine: EngineVersion) -> Setting | None:
        """Return the row that *engine* knows by that name, or None."""
        rows = self.versions_of(name, kind=kind)
        return next((row for row in rows if row.applies(engine=engine)), None)

    def get(self, name: str, *, kind: Kind, engine: EngineVersion) -> Setting:
        """Return the row, or raise `UnknownSetting` naming the nearest one."""
        row = self.find(name, kind=kind, engine=engine)
        if row is None:
            nearest = self.nearest(name, kind=kind, engine=engine)
            hint = f"; nearest: {nearest}" if nearest else ""
            raise UnknownSetting(f"{kind} {name!r} is not known to engine {engine}{hint}")
        return row

    def nearest(
        self, name: str, *, kind: Kind, engine: EngineVersion, cutoff: float = 0.8
    ) -> str | None:
        """Return the known name most like *name* (*cutoff* 0 to 1), or None."""
        known = {
            key: spelling
            for (key, row_kind), rows in self._by_name.items()
            if row_kind is kind
            for row in rows
            if row.applies(engine=engine)
            for spelling, _ in (pair for pair in _names_of(row) if pair[0].casefold() == key)
        }
        match = get_close_matches(name.casefold(), list(known), n=1, cutoff=cutoff)
        return known[match[0]] if match else None

    def renaming(
        self, name: str, *, kind: Kind, engine: EngineVersion, plugin: Plugin
    ) -> Renamed | None:
        """Return the latest renaming of that name that *engine* has seen, or None."""
        seen = (
            row
            for row in self.renamed
            if (row.name.casefold(), row.kind, row.plugin) == (name.casefold(), kind, plugin)
            and row.since <= engine
        )
        return max(seen, key=lambda row: row.since, default=None)

    def undefined_name(self, name: str) -> Undefined | None:
        """Return the row of a name that exists only in guides, or None."""
        wanted = name.casefold()
        return next((row for row in self.undefined if row.name.casefold() == wanted), None)


def _names_of(row: Setting) -> Iterator[tuple[str, Kind]]:
    yield row.name, row.kind
    if row.argument:
        yield row.argument, Kind.ARGUMENT
    if row.property:
        yield row.property, Kind.INI


def read_data(name: str) -> dict[str, Any]:
    """Return a TOML file of this package's data."""
    text = resources.files("ue5_config").joinpath("data", name).read_text(encoding="utf-8")
    return tomllib.loads(text)


def _load() -> Table:
    return Table.model_validate(
        {**read_data("settings.toml"), "sources": read_data("sources.toml")}
    )


TABLE: Final = _load()
"""The table itself, read and validated at import."""
