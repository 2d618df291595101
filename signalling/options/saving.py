"""Writes the options of a start to config.json, for `save`."""

import os
import tempfile
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import BaseModel

from signalling.errors import OptionError
from signalling.messages import Json

NOT_SAVED: Final = frozenset({"config_file", "no_config", "save"})
"""Options about the file itself."""


def save(settings: BaseModel, path: Path) -> None:
    """
    Replace *path* by a file with every option that was set, in one step.

    It is readable by its owner only, since it may hold secrets; those that
    came from a file of their own are left there.

    Raises:
        OptionError: The file cannot be written.

    """
    content = orjson.dumps(saved_options(settings, path), option=orjson.OPT_INDENT_2)
    try:
        _replace(path, content + b"\n")
    except OSError as exc:
        raise OptionError(f"save: cannot write {path}: {exc.strerror}") from None


def saved_options(settings: BaseModel, path: Path) -> Json:
    """Return what is saved: paths below the file's folder relative to it, others absolute."""
    folder = path.resolve().parent
    given = settings.model_fields_set - NOT_SAVED
    kept = [
        name
        for name in type(settings).model_fields
        if name in given and f"{name}_file" not in given
    ]
    return {name: _portable(getattr(settings, name), folder) for name in kept}


def _portable(value: Any, folder: Path) -> Any:
    if isinstance(value, dict):
        return {key: _portable(inner, folder) for key, inner in value.items()}
    if not isinstance(value, Path):
        return value
    absolute = value.absolute()
    inside = absolute.is_relative_to(folder)
    return str(absolute.relative_to(folder) if inside else absolute)


def _replace(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
