"""
Options: command line before environment before file before default.

Every command has one settings class; its field names are the options. A wrong
value is one line that names the option, the value and what is allowed.
"""

import difflib
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

from pydantic import BaseModel, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    CliApp,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from signalling.errors import OptionError

ENVIRONMENT_PREFIX: Final = "SIGNALLING_"

UNSHOWN: Final = ("secret", "token", "password", "key", "url", "peer_options")
"""Words in the names of options whose values are not repeated in a complaint."""

UNRECOGNISED: Final = "unrecognized arguments: "
"""How argparse, and pydantic-settings with it, begins its complaint."""

SettingsT = TypeVar("SettingsT", bound="Options")


class OptionGroup(BaseModel):
    """The base of a part of a command's settings; its docstring heads them in the manual."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        use_attribute_docstrings=True
    )


class Options(BaseSettings):
    """The base of every command's settings."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        cli_implicit_flags=True,
        cli_exit_on_error=False,
        cli_avoid_json=True,
        # A token of digits in JSON need not be quoted.
        coerce_numbers_to_str=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings' signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the environment before what a file gave; the command line comes first."""
        return env_settings, init_settings

    @model_validator(mode="before")
    @classmethod
    def _read_secrets(cls, values: Any) -> Any:
        """Drop what is empty; read each `X_file` whose `X` is not given itself."""
        if not isinstance(values, dict):
            return values
        read = {key: value for key, value in values.items() if not cls._is_unused(key, value)}
        for name, path in list(read.items()):
            target = name.removesuffix("_file")
            is_secret = target != name and target in cls.model_fields
            if is_secret and path and not read.get(target):
                read[target] = _read_secret(name, Path(str(path)))
        return read

    @classmethod
    def _is_unused(cls, name: str, value: Any) -> bool:
        """Return whether a value means the default, as in the files of Epic's servers."""
        option = cls.model_fields.get(name)
        return option is not None and (value is None or (value == "" and option.default != ""))


def load(
    kind: type[SettingsT],
    arguments: Sequence[str],
    *,
    file: Mapping[str, Any] | None = None,
    called: Mapping[str, str] | None = None,
) -> SettingsT:
    """
    Return the settings of one command; *file* is what a configuration file held.

    A complaint names options as whoever gave them does, by *called*.

    Raises:
        OptionError: A value cannot be used, or an option is unknown.
        SystemExit: With `--help`, after printing it.

    """
    try:
        return CliApp.run(kind, cli_args=list(normalised(kind, arguments)), **(file or {}))
    except ValidationError as exc:
        raise OptionError(_explain(exc, called or {})) from None
    except SettingsError as exc:
        raise OptionError(_explain_parsing(kind, str(exc))) from None


def normalised(kind: type[BaseModel], arguments: Iterable[str]) -> Iterator[str]:
    """Yield `--some-option` as `--some_option`, `--flag true` as `--flag`, the rest as is."""
    rest = deque(arguments)
    while rest:
        word = rest.popleft()
        if not word.startswith("--"):
            yield word
            continue
        name, equals, value = word.removeprefix("--").partition("=")
        name = name.replace("-", "_")
        following = rest[0] if rest and not rest[0].startswith("--") else ""
        if not equals and is_flag(kind, name) and following.lower() in {"true", "false"}:
            equals, value = "=", rest.popleft()
        if not equals and not following and (preset := _preset(kind, name)):
            equals, value = "=", preset
        yield _word(kind, name, value if equals else None)


def _word(kind: type[BaseModel], name: str, value: str | None) -> str:
    """Return an option as pydantic-settings wants it."""
    if is_flag(kind, name):
        if value is not None and value.lower() not in {"true", "false"}:
            raise OptionError(f"{name}: must be true or false (it is {value!r})")
        return f"--no-{name}" if value is not None and value.lower() == "false" else f"--{name}"
    positive = name.removeprefix("no_")
    if is_flag(kind, positive):
        return f"--no-{positive}"
    return f"--{name}" if value is None else f"--{name}={value}"


def _preset(kind: type[BaseModel], name: str) -> str | None:
    """Return the value of an option that is named without one, if it may be."""
    option = kind.model_fields.get(name)
    extra = option.json_schema_extra if option is not None else None
    preset = extra.get("preset") if isinstance(extra, dict) else None
    return preset if isinstance(preset, str) else None


def is_flag(kind: type[BaseModel], name: str) -> bool:
    """Return whether an option is either on or off."""
    return name in kind.model_fields and kind.model_fields[name].annotation is bool


def unknown_option(known: Iterable[str], name: str) -> str:
    """Return a line about an unknown option that names the nearest known one."""
    near = difflib.get_close_matches(name, list(known), n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    return f"unknown option '{name}'{hint}"


def read_json(path: Path, *, option: str) -> dict[str, Any]:
    """
    Return the JSON object in a file.

    Raises:
        OptionError: There is no such file, or it holds something else.

    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as exc:
        raise OptionError(f"{option}: cannot read {path}: {exc.strerror}") from None
    except ValueError as exc:
        raise OptionError(f"{option}: {path} is not JSON: {exc}") from None
    if not isinstance(content, dict):
        raise OptionError(f"{option}: {path} must hold a JSON object")
    return content


def _explain(error: ValidationError, called: Mapping[str, str]) -> str:
    fault = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in fault["loc"]) or "options"
    complaint = f"{called.get(name, name)}: {fault['msg'].removeprefix('Value error, ')}"
    # A fault of all options together has them all as its input.
    if not fault["loc"] or any(word in name for word in UNSHOWN):
        return complaint
    return f"{complaint} (it is {fault['input']!r})"


def _explain_parsing(kind: type[BaseModel], complaint: str) -> str:
    complaint = complaint.removeprefix("error parsing CLI: ")
    if not complaint.startswith(UNRECOGNISED):
        return complaint
    name = complaint.removeprefix(UNRECOGNISED).split()[0].partition("=")[0]
    known = [f"--{field}" for field in kind.model_fields]
    return unknown_option(known, name) if name.startswith("--") else complaint


def _read_secret(option: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise OptionError(f"{option}: cannot read {path}: {exc.strerror}") from None
