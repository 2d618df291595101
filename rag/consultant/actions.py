"""What the scene can be asked to do: only what the operator listed, with checked arguments."""

from collections.abc import Mapping
from typing import Any, Final

from rag.consultant.events import Action
from rag.consultant.settings import ActionSchema, ArgumentSchema

LONGEST_ARGUMENT: Final = 500
"""Characters of a text that goes into the scene."""

_TYPES: Final = {"string": (str,), "number": (int, float), "boolean": (bool,)}


def action(
    listed: Mapping[str, ActionSchema], turn: str, name: str, arguments: Mapping[str, Any]
) -> Action | None:
    """
    Return the action, or None if it is not listed or an argument does not fit its schema.

    Arguments that the schema does not have are left out.
    """
    schema = listed.get(name)
    if schema is None:
        return None
    known = {
        key: value for key, value in arguments.items() if key in schema and value is not None
    }
    missing = any(argument.required and key not in known for key, argument in schema.items())
    if missing or not all(_fits(schema[key], value) for key, value in known.items()):
        return None
    return Action(turn, name, known)


def _fits(schema: ArgumentSchema, value: object) -> bool:
    if schema.enum is not None and value not in schema.enum:
        return False
    if isinstance(value, bool) is not (schema.type == "boolean"):
        return False
    if isinstance(value, str) and len(value) > LONGEST_ARGUMENT:
        return False
    return isinstance(value, _TYPES[schema.type])
