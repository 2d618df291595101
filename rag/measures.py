"""
Sizes and model numbers as single terms, however they are written.

`64 GB`, `64gb` and `64-GB` are one term, as are `27"`, `27-inch` and `27인치`, `1.5 kVA`
and `1500VA`, `TN-430` and `TN430`.
"""

import re
from collections.abc import Iterator
from decimal import Decimal

_UNITS = {
    "gb": "gb", "기가": "gb", "tb": "tb", "테라": "tb", "mb": "mb", "mp": "mp",
    "w": "w", "kw": "kw", "watt": "w", "watts": "w", "와트": "w", "v": "v", "volt": "v",
    "va": "va", "kva": "kva", "mah": "mah", "hz": "hz", "mhz": "mhz", "ghz": "ghz",
    "mm": "mm", "밀리": "mm", "cm": "cm", "센티": "cm", "m": "m", "meter": "m", "미터": "m",
    "ft": "ft", "feet": "ft", "foot": "ft", "피트": "ft", "inch": "in", "inches": "in",
    "in": "in", '"': "in", "”": "in", "''": "in", "″": "in", "인치": "in",
    "port": "port", "ports": "port", "포트": "port",
    "outlet": "outlet", "outlets": "outlet", "구": "outlet",
    "piece": "pcs", "pieces": "pcs", "pc(s)": "pcs", "pcs": "pcs", "피스": "pcs", "조각": "pcs",
    "kg": "kg", "킬로": "kg", "l": "l", "liter": "l", "litre": "l", "리터": "l",
    "page": "page", "pages": "page", "sheet": "sheet", "sheets": "sheet", "매": "sheet",
}  # fmt: skip
_THOUSANDS = {"kw": "w", "kva": "va"}
_NAMES = "|".join(re.escape(u) for u in sorted(_UNITS, key=len, reverse=True))
_MEASURE = re.compile(
    rf"(?<![\w.,])(\d{{1,6}}(?:[.,]\d{{1,3}})?)[ -]?(?:AC )?({_NAMES})(?![a-z0-9])",
    re.IGNORECASE,
)
_MODEL = re.compile(
    r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*(?![\w-])",
    re.IGNORECASE,
)
_AREA = re.compile(r"(?<![\w.,])(\d{1,4}) ?[x×*] ?(\d{1,4})(?=\D|$)", re.IGNORECASE)
_SHORTEST, _LONGEST = 4, 24  # characters of a model number


def measure_terms(text: str) -> Iterator[str]:
    """Yield one term for each size in a cleaned text: `m64gb`, `m27in`, `m10x15`."""
    for match in _MEASURE.finditer(text):
        number = Decimal(match[1].replace(",", "."))
        yield _term(number, _UNITS[match[2].lower()])
    for match in _AREA.finditer(text):
        yield f"m{match[1]}x{match[2]}"


def _term(number: Decimal, unit: str) -> str:
    if unit in _THOUSANDS:
        number, unit = number * 1000, _THOUSANDS[unit]
    digits = f"{number.normalize():f}".replace(".", "p")
    return f"m{digits}{unit}"


def model_terms(text: str) -> Iterator[str]:
    """Yield one term for each model number in a cleaned text: `ntn430`."""
    for match in _MODEL.finditer(text):
        joined = match.group().lower().replace("-", "")
        if _SHORTEST <= len(joined) <= _LONGEST and not _MEASURE.fullmatch(match.group()):
            yield f"n{joined}"
