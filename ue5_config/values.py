"""Values of settings: how they are spelt, read and checked."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

Scalar = bool | int | float | str
"""A value as TOML and JSON know it; ini files and command lines spell it out."""

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})

_MAX_QUANTISER: Final = 51
"""The largest quantiser of H.264."""


class ValueType(StrEnum):
    """What a setting's value is."""

    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    STRING = "string"
    ENUM = "enum"
    URL = "url"
    FLAG = "flag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What values a setting takes; its text says so in words."""

    type: ValueType
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str | None = None

    def __str__(self) -> str:
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.minimum is not None or self.maximum is not None:
            return f"{self.type} from {_bound(self.minimum)} to {_bound(self.maximum)}"
        if self.pattern is not None:
            return f"text that matches {self.pattern}"
        return _IN_WORDS.get(self.type, str(self.type))

    def read(self, value: Scalar) -> Scalar | None:
        """Return *value* as the type of this rule, or None when it does not fit."""
        return _READERS[self.type](self, value)

    def holds(self, number: float) -> bool:
        """Tell whether *number* lies within the bounds, ends included."""
        above = self.minimum is None or number >= self.minimum
        return above and (self.maximum is None or number <= self.maximum)


def spell(value: Scalar) -> str:
    """Return *value* as an ini file or a console takes it: True, 30, 66.7, H264."""
    if isinstance(value, bool):
        return "True" if value else "False"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def quality_of_quantiser(quantiser: float) -> int:
    """
    Return Pixel Streaming 2's quality (0 to 100) for a quantiser (0 to 51).

    The engine's own conversion of the first plugin's arguments, rounded down:
    100 * (1 - clamp(QP, 0, 51) / 51).
    """
    return int(100 * (1 - min(max(quantiser, 0), _MAX_QUANTISER) / _MAX_QUANTISER))


def quantiser_of_quality(quality: float) -> int:
    """Return the quantiser (0 to 51) for a quality (0 to 100), to the nearest."""
    return round(_MAX_QUANTISER * (1 - quality / 100))


def _bound(value: float | None) -> str:
    return "any" if value is None else f"{value:.10g}"


def _number(value: Scalar) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _as_bool(value: Scalar) -> bool | None:
    text = str(value).strip().casefold()
    return True if text in _TRUE else False if text in _FALSE else None


def _read_bool(_rule: Rule, value: Scalar) -> Scalar | None:
    return _as_bool(value)


def _read_float(rule: Rule, value: Scalar) -> float | None:
    number = _number(value)
    return number if number is not None and rule.holds(number) else None


def _read_int(rule: Rule, value: Scalar) -> int | None:
    # The engine takes True and False for its integer switches too.
    as_bool = None if _number(value) is not None else _as_bool(value)
    number = _read_float(rule, value if as_bool is None else as_bool)
    return int(number) if number is not None and number.is_integer() else None


def _read_enum(rule: Rule, value: Scalar) -> str | None:
    # Pixel Streaming 2 takes LOW_LATENCY for LowLatency, so underscores do not count.
    wanted = str(value).strip().casefold().replace("_", "")
    fitting = (one for one in rule.choices if one.casefold().replace("_", "") == wanted)
    return next(fitting, None)


def _read_string(rule: Rule, value: Scalar) -> str | None:
    text = spell(value)
    if any(not char.isprintable() or char == '"' for char in text):
        return None
    return text if rule.pattern is None or re.fullmatch(rule.pattern, text) else None


def _read_url(rule: Rule, value: Scalar) -> str | None:
    text = _read_string(rule, value)
    if not text:
        return text
    return text if re.fullmatch(r"wss?://[^\s/?#]+([/?#]\S*)?", text, re.IGNORECASE) else None


_IN_WORDS: Final = {
    ValueType.FLAG: "a flag without value",
    ValueType.BOOL: "true or false",
    ValueType.URL: "a ws:// or wss:// URL",
    ValueType.STRING: "one line of text without quotes",
}

_READERS: Final[dict[ValueType, Callable[[Rule, Scalar], Scalar | None]]] = {
    ValueType.INT: _read_int,
    ValueType.FLOAT: _read_float,
    ValueType.BOOL: _read_bool,
    ValueType.FLAG: _read_bool,
    ValueType.ENUM: _read_enum,
    ValueType.STRING: _read_string,
    ValueType.URL: _read_url,
}
