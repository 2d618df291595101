"""
The manual of options, made from the settings classes.

`python -m signalling.options.reference > docs/options.md` writes it again.
"""

import inspect
import sys
from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel

from signalling.options.reading import ENVIRONMENT_PREFIX, Options
from signalling.settings import ServeSettings

HEAD: Final = f"""# Options

Every option can be given in three places; the first that has it counts:

1. the command line: `python -m signalling serve --player_port 8080`; hyphens do as well,
   `--player-port=8080`. What is on or off takes no value (`--https`, `--no-https`), or
   `true` and `false`;
2. the environment: `{ENVIRONMENT_PREFIX}PLAYER_PORT=8080`;
3. a configuration file: `{{"player_port": 8080}}` in the `config.json` of the working
   directory, or the file that `--config_file` names. Relative paths in it are relative to
   its folder.

A `config.json` of Wilbur or Cirrus is read as it is: [migrating.md](migrating.md) says what
becomes of each of their options. An unknown key of the file is a warning that names the
nearest known one; a wrong value is one line on standard error, and exit code 2.

An option `X` that has a neighbour `X_file` can be read from that file, so that a secret
need not stand on the command line. Secrets are never logged and never shown.

This page is made from the settings classes by `python -m signalling.options.reference`.
"""

BOUNDS: Final = (
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "more than {}"),
    ("maximum", "at most {}"),
    ("exclusiveMaximum", "less than {}"),
)

TYPES: Final = {
    "boolean": "`true` or `false`",
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "object": "JSON object",
    "array": "list with commas",
}


def page(settings: type[Options]) -> str:
    """Return the manual of *settings* in Markdown, a chapter for each class it is made of."""
    whole = settings.model_json_schema()
    schema = _inlined(whole["properties"], whole.get("$defs", {}))
    chapters = (_chapter(group, schema) for group in groups(settings))
    return "\n".join([HEAD, *chapters])


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """Return *schema* with each named definition, such as an enum's, in its place."""
    if isinstance(schema, list):
        return [_inlined(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    own = {key: _inlined(value, definitions) for key, value in schema.items() if key != "$ref"}
    if "$ref" not in schema:
        return own
    named = definitions[str(schema["$ref"]).rpartition("/")[2]]
    return {**_inlined(named, definitions), **own}


def groups(settings: type[Options]) -> Iterator[type[BaseModel]]:
    """Yield the classes that define options, the command's own last."""
    bases = [base for base in settings.__mro__[1:] if issubclass(base, BaseModel)]
    for group in (*bases, settings):
        if any(name in group.__annotations__ for name in settings.model_fields):
            yield group


def _chapter(group: type[BaseModel], schema: dict[str, Any]) -> str:
    title = group.__name__.removesuffix("Settings") or group.__name__
    names = [name for name in group.__annotations__ if name in schema]
    rows = [_row(name, schema[name]) for name in names]
    return "\n".join(
        [
            f"## {title}",
            "",
            inspect.cleandoc(group.__doc__ or ""),
            "",
            "| option | value | default | what it does |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _row(name: str, option: dict[str, Any]) -> str:
    description = " ".join(str(option.get("description", "")).split())
    return f"| `{name}` | {_value(option)} | {_default(option)} | {_cell(description)} |"


def _value(option: dict[str, Any]) -> str:
    if "enum" in option:
        return ", ".join(f"`{each}`" for each in option["enum"])
    if "anyOf" in option:
        some = [each for each in option["anyOf"] if each.get("type") != "null"]
        return " or ".join(_value(each) for each in some)
    kind = "path" if option.get("format") == "path" else TYPES[option["type"]]
    return ", ".join(
        [kind, *(text.format(option[key]) for key, text in BOUNDS if key in option)]
    )


def _default(option: dict[str, Any]) -> str:
    default = option.get("default")
    if default is None or default in ("", [], {}):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.stdout.write(page(ServeSettings))
